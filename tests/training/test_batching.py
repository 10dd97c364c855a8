import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.training.batching import batches
from attention_seq2seq.training.encoded_pairs import InMemory

draw = np.random.default_rng(1)
SOURCE = [draw.integers(5, 50, draw.integers(1, 12)).tolist() for _ in range(207)]
TARGET = [draw.integers(5, 50, draw.integers(1, 30)).tolist() for _ in range(207)]


def rows_of(dataset):
    rows = []
    for batch in dataset.as_numpy_iterator():
        for source, n, target, m in zip(*batch.values()):
            assert np.all(source[n:] == 0)
            assert np.all(target[m:] == 0)
            rows.append((source[:n].tolist(), target[:m].tolist()))
    return rows


@pytest.mark.parametrize("batch_size", [1, 8, 207, 500])
@pytest.mark.parametrize("seed", [None, 3])
def test_every_pair_comes_once_an_epoch(batch_size, seed):
    dataset = batches(InMemory(SOURCE, TARGET), batch_size, seed)
    assert sorted(rows_of(dataset)) == sorted(zip(SOURCE, TARGET))
    sizes = [len(batch["source_length"]) for batch in dataset]
    assert len(sizes) == dataset.cardinality()
    assert sorted(sizes)[1:] == [batch_size] * (len(sizes) - 1), "all but one batch are full"


@pytest.mark.parametrize(
    ("side", "rows", "share"), [("source", SOURCE, 0.65), ("target", TARGET, 0.25)]
)
def test_rows_of_similar_length_are_together(side, rows, share):
    real = positions = 0
    for batch in batches(InMemory(SOURCE, TARGET), 8, seed=1):
        real += int(tf.reduce_sum(batch[f"{side}_length"]))
        positions += int(tf.size(batch[f"{side}_ids"]))
    lengths = [len(row) for row in rows]
    as_they_come = sum(8 * max(lengths[i : i + 8]) for i in range(0, len(rows), 8))
    assert 1 - real / positions < share * (1 - real / as_they_come)


def test_each_epoch_has_another_order_and_a_seed_repeats_it():
    def two_epochs():
        tf.random.set_seed(1)
        dataset = batches(
            InMemory(SOURCE, TARGET), 8, seed=1, unknown_probability=0.1, unknown_id=3
        )
        return [rows_of(dataset), rows_of(dataset)]

    first, second = two_epochs()
    assert first != second
    assert two_epochs() == [first, second]


def test_one_source_word_in_fifty_becomes_unknown_anew_each_epoch():
    source = [[5] * 50] * 400
    dataset = batches(InMemory(source, source), 16, seed=1, unknown_probability=0.02, unknown_id=3)
    epochs = [rows_of(dataset) for _ in range(2)]
    for rows in epochs:
        share = np.mean([source for source, _ in rows] == np.array(3))
        assert 0.017 < share < 0.023
        assert all(target == [5] * 50 for _, target in rows), "the reply stays as it is"
    assert epochs[0] != epochs[1]


def test_padding_never_becomes_unknown():
    dataset = batches(InMemory(SOURCE, TARGET), 8, seed=1, unknown_probability=0.9, unknown_id=3)
    rows_of(dataset)


def test_the_element_has_open_shapes():
    spec = batches(InMemory(SOURCE, TARGET), 8, seed=1, unknown_probability=0.1).element_spec
    assert spec["source_ids"].shape == [None, None]
    assert spec["target_length"].shape == [None]
    assert {s.dtype for s in spec.values()} == {tf.int32}


def test_one_prompt_in_twenty_is_emptied_anew_each_epoch():
    source = [[5] * 3] * 4000
    dataset = batches(InMemory(source, source), 16, seed=1, empty_probability=0.05)
    first, second = (
        np.concatenate([batch["emptied"] for batch in dataset.as_numpy_iterator()])
        for _ in range(2)
    )
    for emptied in (first, second):
        assert 0.04 < emptied.mean() < 0.06
    assert np.any(first != second)
    assert "emptied" not in next(iter(batches(InMemory(source, source), 16, seed=1)))
