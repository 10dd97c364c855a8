"""Checks of the paths of output files, before the work whose result they receive."""

import os
from collections.abc import Iterable
from pathlib import Path


def require_parent_dir(path: str | None) -> None:
    """Checks that a file can be written: its directory exists, and it is not a directory.

    Raises:
        ValueError: there is no such directory, or the path is a directory.
    """
    if path and Path(path).is_dir():
        raise ValueError(f"{path} is a directory; expected the path of a file.")
    if path and not Path(path).absolute().parent.is_dir():
        raise ValueError(f"{path}: no such directory. Create it, or give another path.")


def require_dir_path(path: str) -> None:
    """Checks that a directory exists or can be created.

    Raises:
        ValueError: the path is a file, or the directory cannot be created.
    """
    if Path(path).is_dir():
        return
    if os.path.lexists(path):
        raise ValueError(f"{path} is a file; expected a directory.")
    parent = next(parent for parent in Path(path).absolute().parents if os.path.lexists(parent))
    if not parent.is_dir():
        raise ValueError(f"Cannot create {path}: {parent} is a file. Give another path.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise ValueError(f"Cannot create {path}: {parent} is not writable. Give another path.")


def require_model_dirs(paths: Iterable[str]) -> None:
    """Checks that the directories of models exist.

    Raises:
        ValueError: there is no such directory.
    """
    for path in paths:
        if not Path(path).exists():
            raise ValueError(
                f"{path}: no such directory. Expected the directory of a trained model; "
                "attention-seq2seq train trains one."
            )


def require_image_path(path: str | None) -> None:
    """Checks that a plot can be written to a path.

    Raises:
        ValueError: there is no such directory, or the suffix is not that of an image format.
    """
    if not path:
        return
    from matplotlib.backend_bases import FigureCanvasBase

    require_parent_dir(path)
    formats = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.lower()[1:] not in formats:
        raise ValueError(
            f"{path}: unknown image format. Expected a name such as {Path(path).stem}.png, with "
            f"one of the suffixes {', '.join(formats)}."
        )
