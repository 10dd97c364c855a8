"""Checks of the paths of output files, before the work whose result they receive."""

from pathlib import Path


def require_parent_dir(path: str | None) -> None:
    """Checks that the directory of a file exists.

    Raises:
        ValueError: there is no such directory.
    """
    if path and not Path(path).absolute().parent.is_dir():
        raise ValueError(f"{path}: no such directory. Create it, or give another path.")


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
