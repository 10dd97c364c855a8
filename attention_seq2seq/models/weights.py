"""Saves and loads weights as a NumPy archive of named arrays."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from attention_seq2seq.models.seq2seq import Seq2Seq
from attention_seq2seq.utils.files import atomic_write, npz_bytes


def save_weights(model: Seq2Seq, path: str | Path) -> None:
    """Saves all weights of a model."""
    save_arrays({name: w.numpy() for name, w in model.named_weights().items()}, path)


def save_arrays(weights: Mapping[str, np.ndarray], path: str | Path) -> None:
    """Saves named arrays atomically. A failed write leaves an existing file unchanged."""
    with atomic_write(Path(path)) as file:
        file.write(npz_bytes(weights))


def load_weights(model: Seq2Seq, path: str | Path) -> None:
    """Loads all weights of a model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or its weights have other names or shapes.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no weights, because training was stopped before the end of the first epoch. "
            "Train the model again."
        )
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: damaged ({error}). Train the model again.") from None
    variables = model.named_weights()
    expected = {name: tuple(variable.shape) for name, variable in variables.items()}
    got = {name: array.shape for name, array in arrays.items()}
    if got != expected:
        name = next(n for n in sorted(got | expected) if got.get(n) != expected.get(n))
        raise ValueError(
            f"{path}: weights of another model: {name} has shape {got.get(name)}, expected "
            f"{expected.get(name)}. config.json and the weights must come from one training run."
        )
    for name, variable in variables.items():
        variable.assign(arrays[name])
