import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.data import batching
from attention_seq2seq.data.batching import batches, num_batches, train_batches
from attention_seq2seq.data.datasets import InMemoryDataset

draw = np.random.default_rng(1)
SOURCE = [draw.integers(5, 50, draw.integers(1, 12)).tolist() for _ in range(207)]
TARGET = [draw.integers(5, 50, draw.integers(1, 30)).tolist() for _ in range(207)]
PAIRS = InMemoryDataset(SOURCE, TARGET)
NAMES = ("source_ids", "source_length", "target_ids", "target_length")


def shard_batch(dataset):
    rows = []
    for batch in dataset:
        for source, n, target, m in zip(*(batch[name].numpy() for name in NAMES)):
            assert np.all(source[n:] == 0)
            assert np.all(target[m:] == 0)
            rows.append((source[:n].tolist(), target[:m].tolist()))
    return rows


def noisy(epochs=2, first=0, seed=1, pairs=PAIRS, **options):
    return train_batches(pairs, 8, epochs, seed, first, unknown_id=3, **options)


@pytest.mark.parametrize("batch_size", [1, 8, 207, 500])
@pytest.mark.parametrize("make", [batches, lambda p, size: train_batches(p, size, 1, 3)])
def test_every_pair_comes_once_an_epoch(batch_size, make):
    dataset = make(PAIRS, batch_size)
    assert sorted(shard_batch(dataset)) == sorted(zip(SOURCE, TARGET))
    sizes = [len(batch["source_length"]) for batch in dataset]
    assert len(sizes) == num_batches(PAIRS, batch_size)
    assert sorted(sizes)[1:] == [batch_size] * (len(sizes) - 1), "all but one batch are full"


@pytest.mark.parametrize(
    ("side", "rows", "share"), [("source", SOURCE, 0.65), ("target", TARGET, 0.25)]
)
def test_rows_of_similar_length_are_together(side, rows, share):
    real = positions = 0
    for batch in noisy(epochs=1):
        real += int(tf.reduce_sum(batch[f"{side}_length"]))
        positions += int(tf.size(batch[f"{side}_ids"]))
    lengths = [len(row) for row in rows]
    as_they_come = sum(8 * max(lengths[i : i + 8]) for i in range(0, len(rows), 8))
    assert 1 - real / positions < share * (1 - real / as_they_come)


def test_each_epoch_has_another_order_and_a_seed_repeats_it():
    all_rows = shard_batch(noisy(unknown_probability=0.1))
    first, second = all_rows[: len(SOURCE)], all_rows[len(SOURCE) :]
    assert sorted(target for _, target in first) == sorted(target for _, target in second)
    assert first != second
    tf.random.set_seed(5)
    assert shard_batch(noisy(unknown_probability=0.1)) == all_rows
    assert shard_batch(noisy(unknown_probability=0.1, seed=2)) != all_rows


@pytest.mark.parametrize("first", [1, 5, 8, 25, 26, 40, 51])
@pytest.mark.parametrize("pool", [2, 64])
def test_begun_in_the_middle_the_batches_are_those_they_would_have_been(first, pool, monkeypatch):
    monkeypatch.setattr(batching, "_POOL", pool)
    options = {"unknown_probability": 0.1, "empty_probability": 0.3}
    whole = list(noisy(**options))
    begun = list(noisy(first=first, **options))
    assert len(begun) == len(whole) - first
    for one, other in zip(whole[first:], begun):
        assert one.keys() == other.keys()
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_one_source_word_in_fifty_becomes_unknown_anew_each_epoch():
    source = [[5] * 50] * 400
    dataset = noisy(pairs=InMemoryDataset(source, source), unknown_probability=0.02)
    all_rows = shard_batch(dataset)
    epochs = all_rows[:400], all_rows[400:]
    for rows in epochs:
        share = np.mean([source for source, _ in rows] == np.array(3))
        assert 0.017 < share < 0.023
        assert all(target == [5] * 50 for _, target in rows), "the reply stays as it is"
    assert epochs[0] != epochs[1]


def test_padding_never_becomes_unknown():
    shard_batch(noisy(unknown_probability=0.9))


def test_the_element_has_open_shapes():
    for dataset in (batches(PAIRS, 8), noisy(unknown_probability=0.1)):
        spec = dataset.element_spec
        assert spec["source_ids"].shape == [None, None]
        assert spec["target_length"].shape == [None]
        assert {spec[name].dtype for name in NAMES} == {tf.int32}


def test_one_prompt_in_twenty_is_emptied_anew_each_epoch():
    source = [[5] * 3] * 4000
    dataset = noisy(pairs=InMemoryDataset(source, source), empty_probability=0.05)
    emptied = np.concatenate([batch["emptied"] for batch in dataset.as_numpy_iterator()])
    first, second = emptied[:4000], emptied[4000:]
    for of_epoch in (first, second):
        assert 0.04 < of_epoch.mean() < 0.06
    assert np.any(first != second)
    assert "emptied" not in next(iter(noisy()))
