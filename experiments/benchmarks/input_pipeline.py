"""How many pairs a second the input of a training delivers to a model that does nothing."""

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from attention_seq2seq.config.config import DataConfig, TextConfig
from attention_seq2seq.data.batching import eval_batches, num_batches, train_batches
from attention_seq2seq.data.datasets import InMemoryDataset, TFRecordPairs
from attention_seq2seq.data.preprocessing.manifest import PreparedDataset
from attention_seq2seq.data.preprocessing.prepare import prepare
from attention_seq2seq.data.readers import read_pairs
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.tokenizer import PairTokenizer
from attention_seq2seq.text.vocabulary import UNK

BATCH_SIZE, SEED, UNKNOWN_PROBABILITY = 64, 1, 0.02
EPOCHS = 3


def print_times(paths: Sequence[str], num_words: int, longest: int, folder: Path, training) -> None:
    """Prints pairs a second from TFRecords and from text, and their ratio to a training's.

    Args:
        paths: corpus files.
        num_words: of the vocabulary.
        longest: words of a side.
        folder: for the shards.
        training: pairs a second that are trained on, by what trains.
    """
    text = TextConfig(vocabulary_size=num_words)
    data = DataConfig(tuple(paths), max_source_length=longest, max_target_length=longest)
    prepare(folder, data, text, progress=False)
    prepared = PreparedDataset.load(folder)
    shards = TFRecordPairs(prepared.shard_paths("training"), prepared.num_pairs("training"))
    begin = time.perf_counter()
    pairs = read_pairs(paths)[0]
    pair_tokenizer = PairTokenizer(text)
    cut = [pair_tokenizer.tokenize_pair(pair) for pair in pairs]
    tokenizer = Seq2SeqTokenizer.from_tokenized(cut, pair_tokenizer)
    ids = [tokenizer.encode_pair(pair, longest) for pair in cut]
    sides = dict(
        zip(("source", "target"), zip(*(pair for pair in ids if max(map(len, pair)) <= longest)))
    )
    in_memory = InMemoryDataset(*sides.values())
    seconds = time.perf_counter() - begin
    rates = {
        "from TFRecords": rate(shards),
        "from text, once it is cut": rate(in_memory),
        "from text, an epoch of it and cutting it": len(in_memory)
        / (seconds + len(in_memory) / rate(in_memory)),
    }
    print(f"{'pairs a second':51}" + "".join(f"{f'/ {name}':>12}" for name in training))
    for name, found in rates.items():
        ratios = "".join(f"{found / trained:>12.1f}" for trained in training.values())
        print(f"{name:42}{found:>9,.0f}{ratios}", flush=True)
    for name, trained in training.items():
        print(f"{f'trained on, {name}':42}{trained:>9,.0f}")
    lengths = {side: np.array([len(ids) for ids in of_side]) for side, of_side in sides.items()}
    print(f"\n{'padding':42}{'batches':>9}{'as they come':>18}")
    for side, of_side in lengths.items():
        share = padding(in_memory, side)
        print(f"{side:42}{share:>9.1%}{padding_in_order(of_side):>18.1%}", flush=True)


def rate(pairs: InMemoryDataset | TFRecordPairs) -> float:
    """Pairs a second; the first epoch is not counted: with it comes what is done once."""
    first = num_batches(pairs, BATCH_SIZE)
    for batch in train_batches(
        pairs, BATCH_SIZE, 1 + EPOCHS, SEED, source_word_dropout=UNKNOWN_PROBABILITY, unk_id=UNK
    ):
        if int(batch["batch_index"]) == first:
            begin = time.perf_counter()
    return EPOCHS * len(pairs) / (time.perf_counter() - begin)


def padding(pairs: InMemoryDataset, side: str) -> float:
    """The share of positions in the batches of an epoch that are padding."""
    real = positions = 0
    for batch in eval_batches(pairs, BATCH_SIZE).as_numpy_iterator():
        real += batch[f"{side}_length"].sum()
        positions += batch[f"{side}_ids"].size
    return 1 - real / positions


def padding_in_order(lengths: np.ndarray) -> float:
    """The same of batches of rows as they come, each as long as its longest row."""
    starts = range(0, len(lengths), BATCH_SIZE)
    rows = [lengths[start : start + BATCH_SIZE] for start in starts]
    return 1 - lengths.sum() / sum(len(batch) * batch.max() for batch in rows)
