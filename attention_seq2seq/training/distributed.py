"""One training on several devices or machines: each computes with its own rows of every batch."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from attention_seq2seq.models.seq2seq import Seq2Seq

# What TensorFlow raises where another process cannot be reached. Whatever else it raises is wrong
# in this one.
_LOST = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


class Distributor:
    """What shares the work of each update, through `tf.distribute`.

    Every process makes the same batches and takes its rows of them; sums go to all. What is summed
    is as it would have been on one device, but for the order of the additions. One process, the
    chief, is the only one that knows the model's folder.

    Args:
        strategy: in whose scope variables are made; None: there is one device.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        if strategy is None or strategy.num_replicas_in_sync == 1:
            # Alone there is nothing to be shared.
            strategy = tf.distribute.get_strategy()
        self._strategy = strategy
        resolver = self._strategy.cluster_resolver
        self._num_processes = 1
        if resolver is not None:
            jobs = resolver.cluster_spec().as_dict()
            self._num_processes = max(1, sum(map(len, jobs.values())))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes what the training comes to."""
        return bool(self._strategy.extended.should_checkpoint)

    @property
    def num_processes(self) -> int:
        """How many there are."""
        return self._num_processes

    def scope(self):
        """Variables that are made within it are the same everywhere."""
        return self._strategy.scope()

    def replicate(self, model: Seq2Seq, make: Callable[[], Seq2Seq]) -> Seq2Seq:
        """A model with the weights of the chief's on every replica.

        Args:
            model: of each process; it is taken itself where there is one device.
            make: makes another one.
        """
        if self._strategy.num_replicas_in_sync == 1:
            return model
        weights = self.broadcast_arrays(
            {name: w.numpy() for name, w in model.named_weights().items()}
        )
        with self.scope():
            copy = make()
        for name, variable in copy.named_weights().items():
            variable.assign(weights[name])
        return copy

    def all_reduce_sum(self, function: Callable) -> Callable:
        """A function of a batch and others as the sum of what it gives for each replica's rows.

        Args:
            function: gives tensors, or rows of an embedding, that are sums over the batch's rows.
        """
        strategy = self._strategy
        if strategy.num_replicas_in_sync == 1:
            return function

        def of_my_rows(batch, *others):
            context = tf.distribute.get_replica_context()
            rows = shard_batch(
                batch, context.replica_id_in_sync_group, context.num_replicas_in_sync
            )
            return context.all_reduce(tf.distribute.ReduceOp.SUM, function(rows, *others))

        def of_all_rows(batch, *others):
            of_each = strategy.run(of_my_rows, args=(batch, *others))
            return strategy.experimental_local_results(of_each)[0]

        return of_all_rows

    def run_on_replicas(self, function: Callable, *arguments) -> None:
        """Calls a function for the variables of each replica, with the same arguments."""
        self._strategy.run(function, args=arguments)

    def broadcast_object(self, message: Any) -> Any:
        """What the chief says, as JSON; what others say is not listened to."""
        if self._num_processes == 1:
            return message
        content = np.frombuffer(json.dumps(message).encode(), np.uint8).astype(np.int32)
        (length,) = self._of_chief(np.array([content.size], np.int32))
        return json.loads(self._of_chief(np.resize(content, length)).astype(np.uint8).tobytes())

    def broadcast_arrays(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays of the chief; what others have is not looked at."""
        if self._num_processes == 1:
            return dict(arrays)
        known = {name: [array.shape, array.dtype.str] for name, array in arrays.items()}
        found = {}
        for name, (shape, dtype) in self.broadcast_object(known).items():
            array = arrays[name] if self.is_chief else np.zeros(shape, dtype)
            found[name] = self._of_chief(array)
        return found

    def _of_chief(self, array: np.ndarray) -> np.ndarray:
        """The sum of its array and of zeros of the same shape."""

        def mine(context) -> tf.Tensor:
            return tf.constant(array if context.replica_id_in_sync_group == 0 else 0 * array)

        values = self._strategy.experimental_distribute_values_from_function(mine)
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None).numpy()

    @contextlib.contextmanager
    def report_lost_workers(self) -> Iterator[None]:
        """Within it, that another process is lost is said in a sentence.

        Raises:
            ConnectionError: one can no longer be reached.
        """
        try:
            yield
        except _LOST as error:
            if self._num_processes == 1:
                raise
            raise ConnectionError(
                "another process of this training has ended, or cannot be reached; what it says "
                "tells why. Start all of them again: the training goes on from its last "
                f"checkpoint. ({str(error).splitlines()[0]})"
            ) from error


def shard_batch(batch: Mapping[str, tf.Tensor], replica, num_replicas: int) -> dict[str, tf.Tensor]:
    """The rows of a batch that a replica computes with: every so many, from its number on.

    All replicas have equally many; rows that are missing for it have a prompt of one word, which
    attention must have, and a reply of none, so they weigh nothing.

    Args:
        batch: see `batching.eval_batches`.
        replica: its number.
        num_replicas: how many there are.

    Returns:
        The same of its rows, at the padded lengths of the whole batch; with row_index int32[rows],
        their numbers in it, and num_rows int32[], how many it has.

    Example:
        >>> lengths = tf.constant([3, 4, 5])
        >>> batch = {"source_length": lengths, "target_length": lengths}
        >>> rows = shard_batch(batch, 1, 2)
        >>> names = "source_length", "target_length", "row_index"
        >>> [rows[name].numpy().tolist() for name in names]
        [[4, 1], [4, 0], [1, 0]]
    """
    num_rows = tf.shape(batch["source_length"])[0]
    whole = {**batch, "row_index": tf.range(num_rows)}
    rows = {}
    for name, tensor in whole.items():
        if tensor.shape.rank:
            missing = [[0, -num_rows % num_replicas], *[[0, 0]] * (tensor.shape.rank - 1)]
            value = tf.cast(name == "source_length", tensor.dtype)
            tensor = tf.pad(tensor, missing, constant_values=value)[replica::num_replicas]
        rows[name] = tensor
    return {**rows, "num_rows": num_rows}


def bytes_exchanged(dense: float, sparse: float, num_machines: int) -> float:
    """What each machine sends in a step, so that all have the sums.

    Dense gradients go round a ring, a part at a time, once to be added and once to be known;
    each machine's rows of embeddings go to all others.

    Args:
        dense: bytes of all dense gradients.
        sparse: bytes of the rows, with their numbers, that a machine has.
        num_machines: how many there are.

    Source:
        Patarasuk and Yuan: Bandwidth Optimal All-reduce Algorithms for Clusters of Workstations,
        2009.

    Example:
        >>> bytes_exchanged(dense=8e6, sparse=1e6, num_machines=2)
        9000000.0
    """
    return 2 * (num_machines - 1) / num_machines * dense + (num_machines - 1) * sparse
