"""Throughput of the input pipeline without a model."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.data.batching import eval_batches, num_batches, train_batches
from attention_seq2seq.data.datasets import InMemoryPairs, TFRecordPairs
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset
from attention_seq2seq.data.preprocessing.prepare import prepare
from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.tokenizer import PairTokenizer
from attention_seq2seq.text.vocabulary import UNK

BATCH_SIZE, SEED, WORD_DROPOUT = 64, 1, 0.02
EPOCHS = 3


def print_rates(
    paths: Sequence[str], vocabulary_size: int, max_length: int, directory: Path, training_rates
) -> list[dict]:
    """Prints pairs per second from TFRecords and from text, and ratios to training rates.

    Args:
        paths: corpus files.
        vocabulary_size: number of tokens.
        max_length: maximum length of prompts and replies [tokens].
        directory: directory of the shards.
        training_rates: implementation to its training rate [pairs/s].

    Returns:
        A row for each input, each training rate and each side of the padding.
    """
    rows = []
    text = TextConfig(vocabulary_size=vocabulary_size)
    data = DataConfig(tuple(paths), max_source_length=max_length, max_target_length=max_length)
    prepare(directory, data, text, progress=False)
    prepared = PreparedDataset.load(directory)
    shards = TFRecordPairs(prepared.shard_paths("training"), prepared.num_pairs("training"))
    start_time = time.perf_counter()
    pairs = read_pairs(paths)[0]
    pair_tokenizer = PairTokenizer(text)
    tokenized = [pair_tokenizer.tokenize_pair(pair) for pair in pairs]
    tokenizer = Seq2SeqTokenizer.from_tokenized(tokenized, pair_tokenizer)
    ids = [tokenizer.encode_pair(pair, max_length) for pair in tokenized]
    sides = dict(
        zip(("source", "target"), zip(*(pair for pair in ids if max(map(len, pair)) <= max_length)))
    )
    in_memory = InMemoryPairs(*sides.values())
    seconds = time.perf_counter() - start_time
    rates = {
        "from TFRecords": measure_rate(shards),
        "from tokenized text in memory": measure_rate(in_memory),
        "from text, with tokenization": len(in_memory)
        / (seconds + len(in_memory) / measure_rate(in_memory)),
    }
    print(f"{'pairs/s':51}" + "".join(f"{f'/ {name}':>12}" for name in training_rates))
    for name, rate in rates.items():
        ratios = {name: rate / training_rate for name, training_rate in training_rates.items()}
        ratios_text = "".join(f"{ratio:>12.1f}" for ratio in ratios.values())
        print(f"{name:42}{rate:>9,.0f}{ratios_text}", flush=True)
        rows.append({"table": "input", "input": name, "pairs_per_second": rate, "ratios": ratios})
    for name, training_rate in training_rates.items():
        print(f"{f'training, {name}':42}{training_rate:>9,.0f}")
        rows.append({"table": "training", "input": name, "pairs_per_second": training_rate})
    lengths = {
        side: np.array([len(ids) for ids in side_values]) for side, side_values in sides.items()
    }
    print(f"\n{'padding':42}{'batches':>9}{'as they come':>18}")
    for side, side_values in lengths.items():
        fraction, unsorted = (
            padding_fraction(in_memory, side),
            unsorted_padding_fraction(side_values),
        )
        print(f"{side:42}{fraction:>9.1%}{unsorted:>18.1%}", flush=True)
        rows.append(
            {
                "table": "padding",
                "input": side,
                "batches_by_length": fraction,
                "random_batches": unsorted,
            }
        )
    return rows


def measure_rate(pairs: InMemoryPairs | TFRecordPairs) -> float:
    """Returns pairs per second, without the first epoch, which includes the setup."""
    num_epoch_batches = num_batches(pairs, BATCH_SIZE)
    for batch in train_batches(
        pairs, BATCH_SIZE, 1 + EPOCHS, SEED, source_word_dropout=WORD_DROPOUT, unk_id=UNK
    ):
        if int(batch["batch_index"]) == num_epoch_batches:
            start_time = time.perf_counter()
    return EPOCHS * len(pairs) / (time.perf_counter() - start_time)


def padding_fraction(pairs: InMemoryPairs, side: str) -> float:
    """Returns the fraction of padding in the batches of an epoch."""
    num_tokens = num_positions = 0
    for batch in eval_batches(pairs, BATCH_SIZE).as_numpy_iterator():
        num_tokens += batch[f"{side}_length"].sum()
        num_positions += batch[f"{side}_ids"].size
    return 1 - num_tokens / num_positions


def unsorted_padding_fraction(lengths: np.ndarray) -> float:
    """Returns the fraction of padding in batches of unsorted rows."""
    starts = range(0, len(lengths), BATCH_SIZE)
    rows = [lengths[start : start + BATCH_SIZE] for start in starts]
    return 1 - lengths.sum() / sum(len(batch) * batch.max() for batch in rows)
