"""Early stopping, and the choice of the best epoch."""

from collections.abc import Mapping, Sequence

from attention_seq2seq.config.training import LOWER_IS_BETTER


def best_epoch(monitor: str, history: Sequence[Mapping[str, float]]) -> int | None:
    """Returns the index of the best epoch; in case of a tie, the first.

    Args:
        monitor: the metric that selects the best epoch.
        history: metrics of each epoch.

    Returns:
        The index; None without epochs, or if the metric is missing.

    Example:
        >>> best_epoch("val_loss", [{"val_loss": 2.0}, {"val_loss": 1.0}, {"val_loss": 1.5}])
        1
    """
    values = [metrics.get(monitor) for metrics in history]
    if None in values or not values:
        return None
    return values.index(min(values) if LOWER_IS_BETTER[monitor] else max(values))


def should_stop_early(monitor: str, history: Sequence[Mapping[str, float]], patience: int) -> bool:
    """Returns whether the last `patience` epochs brought no improvement.

    Args:
        monitor: the metric that selects the best epoch.
        history: metrics of each epoch.
        patience: number of epochs; 0: never stop early.
    """
    best = best_epoch(monitor, history)
    return patience > 0 and best is not None and len(history) - 1 - best >= patience
