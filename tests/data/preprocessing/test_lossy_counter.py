"""`LossyCounter` counts few items exactly, and many items with a bounded error."""

import random
from collections import Counter

import numpy as np
import pytest

from attention_seq2seq.data.preprocessing.lossy_counter import LossyCounter


def count_texts(texts, max_items) -> LossyCounter:
    counter = LossyCounter(2, max_items)
    for source, target in texts:
        items = sorted({*source, *target})
        sides = [Counter(source), Counter(target)]
        counter.add(items, np.array([[side[item] for side in sides] for item in items]))
    return counter


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(3)
    items = [str(i) for i in range(4000)]
    weights = [1 / (rank + 1) for rank in range(4000)]
    return [(rng.choices(items, weights, k=40), rng.choices(items, weights, k=9))] * 2 + [
        (rng.choices(items, weights, k=40), rng.choices(items, weights, k=9)) for _ in range(700)
    ]


def test_few_items_are_counted_exactly(texts):
    counter = count_texts(texts, max_items=5000)
    expected = [Counter(w for text in texts for w in text[side]) for side in (0, 1)]
    items, counts = counter.most_common(np.array([1, 0]), num_items=5000)
    assert items == sorted(expected[0], key=lambda item: (-expected[0][item], item))
    assert counts.tolist() == [[expected[0][item], expected[1][item]] for item in items]
    assert counter.max_error == 0
    assert counter.totals.tolist() == [sum(side.values()) for side in expected]
    assert counter.most_common(np.array([1, 0]), num_items=17)[0] == items[:17]


def test_many_items_are_counted_with_a_bounded_error(texts):
    counter = count_texts(texts, max_items=900)
    assert 0 < counter.max_error < 30
    assert len(counter) <= 900 + 49
    expected = Counter(item for text in texts for side in text for item in side)
    items, counts = counter.most_common(np.array([1, 1]), num_items=5000)
    counts_by_item = dict(zip(items, counts.sum(axis=1).tolist()))
    for item, count in expected.items():
        assert count - counter.max_error <= counts_by_item.get(item, 0) <= count
    frequent = [item for item, count in expected.most_common(40) if count > 4 * counter.max_error]
    assert len(frequent) > 20
    assert set(frequent) <= set(items[:60])
    assert counter.totals.sum() == expected.total(), "the totals stay exact"
