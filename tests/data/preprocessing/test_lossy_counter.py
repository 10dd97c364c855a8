"""Few items are counted exactly, and many with a known error."""

import random
from collections import Counter

import numpy as np
import pytest

from attention_seq2seq.data.preprocessing.lossy_counter import LossyCounter


def count_texts(texts, max_items) -> LossyCounter:
    counter = LossyCounter(2, max_items)
    for source, target in texts:
        words = sorted({*source, *target})
        sides = [Counter(source), Counter(target)]
        counter.add(words, np.array([[side[word] for side in sides] for word in words]))
    return counter


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(3)
    words = [str(i) for i in range(4000)]
    weights = [1 / (rank + 1) for rank in range(4000)]
    return [(rng.choices(words, weights, k=40), rng.choices(words, weights, k=9))] * 2 + [
        (rng.choices(words, weights, k=40), rng.choices(words, weights, k=9)) for _ in range(700)
    ]


def test_few_items_are_counted_exactly(texts):
    counter = count_texts(texts, max_items=5000)
    expected = [Counter(w for text in texts for w in text[side]) for side in (0, 1)]
    words, counts = counter.most_common(np.array([1, 0]), num_items=5000)
    assert words == sorted(expected[0], key=lambda word: (-expected[0][word], word))
    assert counts.tolist() == [[expected[0][word], expected[1][word]] for word in words]
    assert counter.max_error == 0
    assert counter.totals.tolist() == [sum(side.values()) for side in expected]
    assert counter.most_common(np.array([1, 0]), num_items=17)[0] == words[:17]


def test_many_items_are_counted_with_a_known_error(texts):
    counter = count_texts(texts, max_items=900)
    assert 0 < counter.max_error < 30
    assert len(counter) <= 900 + 49
    expected = Counter(word for text in texts for side in text for word in side)
    words, counts = counter.most_common(np.array([1, 1]), num_items=5000)
    count_of = dict(zip(words, counts.sum(axis=1).tolist()))
    for word, count in expected.items():
        assert count - counter.max_error <= count_of.get(word, 0) <= count
    frequent = [word for word, count in expected.most_common(40) if count > 4 * counter.max_error]
    assert len(frequent) > 20
    assert set(frequent) <= set(words[:60])
    assert counter.totals.sum() == expected.total(), "the totals stay exact"
