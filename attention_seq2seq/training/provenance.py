"""Hashes the inputs of a training run, and compares them between workers."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from attention_seq2seq.config.config import Config
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.distributed import Distributor
from attention_seq2seq.training.model_dir import FILE_OPTIONS, UNREADABLE
from attention_seq2seq.utils.files import sha256_file


def hash_rows(rows: Iterable) -> str:
    """Returns the SHA-256 of rows, serialized as one JSON line per row."""
    lines = (json.dumps(row) + "\n" for row in rows)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def hash_initial_weights(config: Config) -> dict[str, str]:
    """Returns the SHA-256 of the files that initial weights are read from.

    A file that cannot be read has the hash `UNREADABLE`, because a resumed run does not need it.

    Returns:
        sha256_of_pretrained_embeddings and sha256_of_init_from, if these options are set.
    """
    hashes = {}
    for name in ("pretrained_embeddings", "init_from"):
        if path := getattr(config.training, name):
            hashes[f"sha256_of_{name}"] = UNREADABLE
            with contextlib.suppress(OSError, ValueError):
                if name == "init_from":
                    path = Path(path) / Config.load(path).training.weights_file
                # A pipe can be read only once, and training reads it later.
                if Path(path).is_file():
                    hashes[f"sha256_of_{name}"] = sha256_file(Path(path))
    return hashes


def check_workers_agree(
    distributor: Distributor, config: Config, provenance: dict, tokenizer: Seq2SeqTokenizer
) -> Config:
    """Checks that this worker has the options and the data of the chief.

    Args:
        distributor: the workers.
        config: the config of this worker.
        provenance: number and hashes of the inputs of this worker.
        tokenizer: the tokenizer of this worker.

    Returns:
        The config with the chief's `compute_dtype`.

    Raises:
        ValueError: this worker has other options or other data than the chief.
    """
    options = dict(item for group in vars(config).values() for item in vars(group).items())
    # Paths may differ between machines, so files are compared by their hashes.
    for name in FILE_OPTIONS:
        del options[name]
    compute_dtype = distributor.broadcast_object(options.pop("compute_dtype"))
    vocabularies = tokenizer.source.vocabulary, tokenizer.target.vocabulary
    tokens = [vocabulary.tokens(range(len(vocabulary))) for vocabulary in vocabularies]
    local = {**provenance, **options, "vocabulary": hash_rows(tokens)}
    # Broadcasting turns tuples into lists.
    local = json.loads(json.dumps(local))
    for name, chief_value in distributor.broadcast_object(local).items():
        # Only the chief reads the files of initial weights.
        if local.get(name) in (chief_value, UNREADABLE):
            continue
        difference = f"other {name.removeprefix('sha256_of_').replace('_', ' ')} than the chief"
        if name in options:
            difference = f"{name} {local[name]!r}, the chief has {chief_value!r}"
        raise ValueError(
            f"Workers disagree: this worker has {difference}. Start all workers with the same "
            "options and the same data."
        )
    training = dataclasses.replace(config.training, compute_dtype=compute_dtype)
    return dataclasses.replace(config, training=training)
