"""Words are counted exactly while they are few, and with a known error when they are many."""

import random
from collections import Counter

import numpy as np
import pytest

from attention_seq2seq.data.preprocessing.lossy_counter import WordCounts


def counted(texts, most_words) -> WordCounts:
    counts = WordCounts(2, most_words)
    for source, target in texts:
        words = sorted({*source, *target})
        sides = [Counter(source), Counter(target)]
        counts.add(words, np.array([[side[word] for side in sides] for word in words]))
    return counts


@pytest.fixture(scope="module")
def texts():
    draw = random.Random(3)
    words = [str(number) for number in range(4000)]
    weights = [1 / (rank + 1) for rank in range(4000)]
    return [(draw.choices(words, weights, k=40), draw.choices(words, weights, k=9))] * 2 + [
        (draw.choices(words, weights, k=40), draw.choices(words, weights, k=9)) for _ in range(700)
    ]


def test_few_words_are_counted_exactly(texts):
    counts = counted(texts, most_words=5000)
    expected = [Counter(w for text in texts for w in text[side]) for side in (0, 1)]
    words, numbers = counts.ordered(np.array([1, 0]), most=5000)
    assert words == sorted(expected[0], key=lambda word: (-expected[0][word], word))
    assert numbers.tolist() == [[expected[0][word], expected[1][word]] for word in words]
    assert counts.error == 0
    assert counts.totals.tolist() == [sum(side.values()) for side in expected]
    assert counts.ordered(np.array([1, 0]), most=17)[0] == words[:17]


def test_many_words_are_counted_with_a_known_error(texts):
    counts = counted(texts, most_words=900)
    assert 0 < counts.error < 30
    assert len(counts) <= 900 + 49
    expected = Counter(word for text in texts for side in text for word in side)
    words, numbers = counts.ordered(np.array([1, 1]), most=5000)
    found = dict(zip(words, numbers.sum(axis=1).tolist()))
    for word, count in expected.items():
        assert count - counts.error <= found.get(word, 0) <= count
    frequent = [word for word, count in expected.most_common(40) if count > 4 * counts.error]
    assert len(frequent) > 20
    assert set(frequent) <= set(words[:60])
    assert counts.totals.sum() == expected.total(), "the totals stay exact"
