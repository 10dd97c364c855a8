"""Distributed training: each device or machine computes a shard of every batch."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from attention_seq2seq.models.seq2seq import Seq2Seq

# Errors that TensorFlow raises if another worker cannot be reached. All other errors come from this
# worker.
_CONNECTION_ERRORS = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


class Distributor:
    """Distributes the work of each update by `tf.distribute`.

    Every worker creates the same batches, and each replica computes a shard of every batch. Results
    are summed over all replicas. Sums differ from those of one device only in the order of
    additions. Only the chief uses the model directory.

    Args:
        strategy: the strategy; None: one device.

    Attributes:
        num_processes: number of processes, one for each worker.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None):
        if strategy is None or strategy.num_replicas_in_sync == 1:
            strategy = tf.distribute.get_strategy()
        self._strategy = strategy
        resolver = self._strategy.cluster_resolver
        self.num_processes = 1
        if resolver is not None:
            jobs = resolver.cluster_spec().as_dict()
            self.num_processes = max(1, sum(map(len, jobs.values())))

    @property
    def is_chief(self) -> bool:
        """Whether this worker is the chief, which writes the model."""
        return bool(self._strategy.extended.should_checkpoint)

    def scope(self):
        """Returns the context in which mirrored variables are created."""
        return self._strategy.scope()

    def replicate(self, model: Seq2Seq, make: Callable[[], Seq2Seq]) -> Seq2Seq:
        """Returns a model with the chief's weights on every replica.

        Args:
            model: the model of this worker; returned unchanged on one device.
            make: creates another model of the same shape.
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
        """Wraps a function of a batch: each replica computes a shard, and the results are summed.

        Args:
            function: returns tensors or `IndexedSlices` that are sums over the rows of the batch.

        Returns:
            A function with the same arguments; on one device `function` itself.
        """
        strategy = self._strategy
        if strategy.num_replicas_in_sync == 1:
            return function

        def replica_fn(batch, *args):
            context = tf.distribute.get_replica_context()
            shard = shard_batch(
                batch, context.replica_id_in_sync_group, context.num_replicas_in_sync
            )
            return context.all_reduce(tf.distribute.ReduceOp.SUM, function(shard, *args))

        def global_fn(batch, *args):
            results = strategy.run(replica_fn, args=(batch, *args))
            return strategy.experimental_local_results(results)[0]

        return global_fn

    def run_on_replicas(self, function: Callable, *args) -> None:
        """Calls a function on each replica with the same arguments."""
        self._strategy.run(function, args=args)

    def broadcast_object(self, message: Any) -> Any:
        """Broadcasts the chief's JSON-serializable object; other workers' arguments are ignored."""
        if self.num_processes == 1:
            return message
        content = np.frombuffer(json.dumps(message).encode(), np.uint8).astype(np.int32)
        (length,) = self._broadcast(np.array([content.size], np.int32))
        return json.loads(self._broadcast(np.resize(content, length)).astype(np.uint8).tobytes())

    def broadcast_arrays(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Broadcasts the chief's arrays; ignores the arrays of other workers."""
        if self.num_processes == 1:
            return dict(arrays)
        specs = {name: [array.shape, array.dtype.str] for name, array in arrays.items()}
        result = {}
        for name, (shape, dtype) in self.broadcast_object(specs).items():
            array = arrays[name] if self.is_chief else np.zeros(shape, dtype)
            result[name] = self._broadcast(array)
        return result

    def _broadcast(self, array: np.ndarray) -> np.ndarray:
        """Sums the chief's array and zeros of the other workers."""

        def chief_value(context) -> tf.Tensor:
            return tf.constant(array if context.replica_id_in_sync_group == 0 else 0 * array)

        values = self._strategy.experimental_distribute_values_from_function(chief_value)
        return self._strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None).numpy()

    @contextlib.contextmanager
    def report_lost_workers(self) -> Iterator[None]:
        """Replaces TensorFlow's connection errors within the context by a `ConnectionError`.

        Raises:
            ConnectionError: another worker cannot be reached.
        """
        try:
            yield
        except _CONNECTION_ERRORS as error:
            if self.num_processes == 1:
                raise
            raise ConnectionError(
                f"Lost the connection to another worker ({str(error).splitlines()[0]}). Its output "
                "shows the cause. Start all workers again: training resumes from the latest "
                "checkpoint."
            ) from error


def shard_batch(batch: Mapping[str, tf.Tensor], replica, num_replicas: int) -> dict[str, tf.Tensor]:
    """Returns the rows of a batch for one replica: every `num_replicas`-th row.

    All replicas get the same number of rows. Padding rows have a prompt of one token, since
    attention needs one, and an empty reply, which adds nothing to the loss.

    Args:
        batch: a batch of `train_batches` or `eval_batches`.
        replica: index of the replica.
        num_replicas: number of replicas.

    Returns:
        The tensors of these rows, padded as in the whole batch, and two more tensors: row_index
        int32[rows], the index of each row in the whole batch, and num_rows int32[], the number of
        rows of the whole batch.

    Example:
        >>> lengths = tf.constant([3, 4, 5])
        >>> batch = {"source_length": lengths, "target_length": lengths}
        >>> shard = shard_batch(batch, 1, 2)
        >>> names = "source_length", "target_length", "row_index"
        >>> [shard[name].numpy().tolist() for name in names]
        [[4, 1], [4, 0], [1, 0]]
    """
    num_rows = tf.shape(batch["source_length"])[0]
    num_padding_rows = -num_rows % num_replicas
    shard = {}
    for name, tensor in {**batch, "row_index": tf.range(num_rows)}.items():
        if tensor.shape.rank:
            paddings = [[0, num_padding_rows], *[[0, 0]] * (tensor.shape.rank - 1)]
            value = tf.cast(name == "source_length", tensor.dtype)
            tensor = tf.pad(tensor, paddings, constant_values=value)[replica::num_replicas]
        shard[name] = tensor
    return {**shard, "num_rows": num_rows}
