"""What several devices or machines share a training by, as the command line names it."""

import json
import os

_EXAMPLE = (
    """{"cluster": {"worker": ["first:2222", "second:2222"]}, "task": {"type": "worker", """
    """"index": 0}}"""
)


def strategy_of(name: str):
    """The strategy of a name; None for one device.

    Raises:
        ValueError: there is nothing to share the work with.
    """
    import tensorflow as tf

    if name == "none":
        return None
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) < 2:
            raise ValueError(
                f"--strategy=mirrored: found one device, {devices[0].name}; expected several of a "
                "kind to share the work. Leave the flag out."
            )
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    check_cluster(os.environ.get("TF_CONFIG", ""))
    return tf.distribute.MultiWorkerMirroredStrategy()


def check_cluster(text: str) -> None:
    """Whether TF_CONFIG names the workers, and which of them this is.

    Raises:
        ValueError: it does not.
    """
    try:
        config = json.loads(text)
        workers, task = config["cluster"]["worker"], config["task"]
        names_one = task["type"] == "worker" and 0 <= int(task["index"]) < len(workers)
        names_places = all(":" in place for place in workers)
    except (ValueError, KeyError, TypeError, AttributeError):
        names_one = names_places = False
    if not names_one or not names_places:
        raise ValueError(
            f"--strategy=multi_worker: TF_CONFIG is {text or 'not set'}; expected the addresses of "
            f"all workers, the same everywhere, and which of them this is, for example {_EXAMPLE}."
        )
