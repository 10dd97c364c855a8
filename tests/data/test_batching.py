import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.data import batching
from attention_seq2seq.data.batching import eval_batches, num_batches, train_batches
from attention_seq2seq.data.datasets import InMemoryPairs

rng = np.random.default_rng(1)
SOURCE = [rng.integers(5, 50, rng.integers(1, 12)).tolist() for _ in range(207)]
TARGET = [rng.integers(5, 50, rng.integers(1, 30)).tolist() for _ in range(207)]
PAIRS = InMemoryPairs(SOURCE, TARGET)
NAMES = ("source_ids", "source_length", "target_ids", "target_length")


def unpadded_rows(dataset):
    rows = []
    for batch in dataset:
        columns = (batch[name].numpy() for name in NAMES)
        for source, source_length, target, target_length in zip(*columns):
            assert np.all(source[source_length:] == 0)
            assert np.all(target[target_length:] == 0)
            rows.append((source[:source_length].tolist(), target[:target_length].tolist()))
    return rows


def two_epochs(seed=1, pairs=PAIRS, epochs=2, **options):
    return train_batches(pairs, 8, epochs, seed, unk_id=3, **options)


@pytest.mark.parametrize("batch_size", [1, 8, 207, 500])
@pytest.mark.parametrize(
    "make_batches", [eval_batches, lambda p, size: train_batches(p, size, 1, 3)]
)
def test_every_pair_occurs_once_per_epoch(batch_size, make_batches):
    dataset = make_batches(PAIRS, batch_size)
    assert sorted(unpadded_rows(dataset)) == sorted(zip(SOURCE, TARGET))
    sizes = [len(batch["source_length"]) for batch in dataset]
    assert len(sizes) == num_batches(PAIRS, batch_size)
    assert sorted(sizes)[1:] == [batch_size] * (len(sizes) - 1), "all batches but one are full"


@pytest.mark.parametrize(
    ("side", "rows", "ratio"), [("source", SOURCE, 0.65), ("target", TARGET, 0.25)]
)
def test_rows_of_similar_length_share_a_batch(side, rows, ratio):
    num_tokens = num_positions = 0
    for batch in two_epochs(epochs=1):
        num_tokens += int(tf.reduce_sum(batch[f"{side}_length"]))
        num_positions += int(tf.size(batch[f"{side}_ids"]))
    lengths = [len(row) for row in rows]
    unsorted_positions = sum(8 * max(lengths[i : i + 8]) for i in range(0, len(rows), 8))
    assert 1 - num_tokens / num_positions < ratio * (1 - num_tokens / unsorted_positions)


def test_epochs_are_shuffled_reproducibly():
    all_rows = unpadded_rows(two_epochs(source_word_dropout=0.1))
    first_epoch, second_epoch = all_rows[: len(SOURCE)], all_rows[len(SOURCE) :]
    assert sorted(target for _, target in first_epoch) == sorted(
        target for _, target in second_epoch
    )
    assert first_epoch != second_epoch
    tf.random.set_seed(5)
    assert unpadded_rows(two_epochs(source_word_dropout=0.1)) == all_rows
    assert unpadded_rows(two_epochs(source_word_dropout=0.1, seed=2)) != all_rows


@pytest.mark.parametrize("start_batch", [1, 26])
@pytest.mark.parametrize("batches_per_pool", [2, 64])
def test_a_start_batch_skips_the_batches_before_it(start_batch, batches_per_pool, monkeypatch):
    monkeypatch.setattr(batching, "_BATCHES_PER_POOL", batches_per_pool)
    options = {"source_word_dropout": 0.1, "prompt_dropout": 0.3}
    all_batches = list(two_epochs(**options))
    remaining = list(two_epochs(start_batch=start_batch, **options))
    assert len(remaining) == len(all_batches) - start_batch
    for expected, batch in zip(all_batches[start_batch:], remaining):
        assert expected.keys() == batch.keys()
        for name in expected:
            np.testing.assert_array_equal(expected[name], batch[name])


def test_word_dropout_replaces_one_source_token_in_fifty_differently_each_epoch():
    source = [[5] * 50] * 400
    dataset = two_epochs(pairs=InMemoryPairs(source, source), source_word_dropout=0.02)
    all_rows = unpadded_rows(dataset)
    epochs = all_rows[:400], all_rows[400:]
    for rows in epochs:
        fraction = np.mean([source for source, _ in rows] == np.array(3))
        assert 0.017 < fraction < 0.023
        assert all(target == [5] * 50 for _, target in rows), "the reply is unchanged"
    assert epochs[0] != epochs[1]


def test_word_dropout_keeps_padding():
    unpadded_rows(two_epochs(source_word_dropout=0.9))


def test_element_specs_have_unknown_dimensions():
    for dataset in (eval_batches(PAIRS, 8), two_epochs(source_word_dropout=0.1)):
        spec = dataset.element_spec
        assert spec["source_ids"].shape == [None, None]
        assert spec["target_length"].shape == [None]
        assert {spec[name].dtype for name in NAMES} == {tf.int32}


def test_prompt_dropout_drops_one_prompt_in_twenty_differently_each_epoch():
    source = [[5] * 3] * 4000
    dataset = two_epochs(pairs=InMemoryPairs(source, source), prompt_dropout=0.05)
    dropped = np.concatenate([batch["prompt_dropped"] for batch in dataset.as_numpy_iterator()])
    first_epoch, second_epoch = dropped[:4000], dropped[4000:]
    for epoch in (first_epoch, second_epoch):
        assert 0.04 < epoch.mean() < 0.06
    assert np.any(first_epoch != second_epoch)
    assert "prompt_dropped" not in next(iter(two_epochs()))
