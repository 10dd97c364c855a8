"""Creates distribution strategies by name."""

import json
import os
import re
import signal

_EXAMPLE = (
    """{"cluster": {"worker": ["first:2222", "second:2222"]}, "task": {"type": "worker", """
    """"index": 0}}"""
)


def make_strategy(name: str):
    """Returns a distribution strategy; None for a single device.

    Args:
        name: none, mirrored or multi_worker.

    Raises:
        ValueError: there is only one device, or TF_CONFIG is invalid.
        ConnectionError: another worker cannot be reached.
    """
    import tensorflow as tf

    if name == "none":
        return None
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) < 2:
            raise ValueError(
                f"--strategy=mirrored: the only device is {devices[0].name}; expected several. "
                "Omit the flag."
            )
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    workers, index = parse_tf_config(os.environ.get("TF_CONFIG", ""))
    remote_workers = workers[:index] + workers[index + 1 :]
    if remote_workers:
        print(
            f"Worker {index} of {len(workers)}, waiting for {', '.join(remote_workers)}", flush=True
        )
    # TensorFlow waits in C++, where Python does not receive Ctrl-C.
    previous_handler = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, RuntimeError) as error:
        raise ConnectionError(
            f"--strategy=multi_worker: no connection ({str(error).splitlines()[0]}). Check that "
            f"the port of {workers[index]} is free, and that all addresses in TF_CONFIG are right."
        ) from error
    finally:
        signal.signal(signal.SIGINT, previous_handler)


def parse_tf_config(text: str) -> tuple[list[str], int]:
    """Parses TF_CONFIG.

    Returns:
        The addresses of the workers, and the index of this worker.

    Raises:
        ValueError: TF_CONFIG is invalid.
    """
    try:
        config = json.loads(text)
        workers, task = list(config["cluster"]["worker"]), config["task"]
        index = int(task["index"])
        has_valid_task = task["type"] == "worker" and 0 <= index < len(workers)
        has_valid_addresses = all(re.fullmatch(r"[^/\s]+:\d+", address) for address in workers)
    except (ValueError, KeyError, TypeError, AttributeError):
        has_valid_task = has_valid_addresses = False
    if not has_valid_task or not has_valid_addresses or len(set(workers)) < len(workers):
        raise ValueError(
            f"--strategy=multi_worker: TF_CONFIG is {text or 'not set'}; expected distinct "
            "addresses of all workers, the same on each machine, and the index of this worker, for "
            f"example {_EXAMPLE}."
        )
    return workers, index
