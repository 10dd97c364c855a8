"""What turns gradients into updates."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.schedules import TrainingSchedule


def make_optimizer(options: TrainingConfig, num_updates: int) -> keras.optimizers.Optimizer:
    """The optimizer with its learning rate's schedule.

    Args:
        options: which optimizer, learning rate and schedule.
        num_updates: updates of the whole training, over which a schedule extends.
    """
    optimizers = {
        "adam": keras.optimizers.Adam,
        "lazy_adam": LazyAdam,
        "sgd": keras.optimizers.SGD,
    }
    return optimizers[options.optimizer](TrainingSchedule(options, num_updates))


@keras.saving.register_keras_serializable("attention_seq2seq")
class LazyAdam(keras.optimizers.Optimizer):
    """Adam that leaves the rows of an embedding alone whose words are not in the batch.

    Adam moves every row at every update: by its momentum, words that have not been seen for a
    while drift on. Here their momentum waits until they are seen again, and an update costs what
    the batch's words cost, not what the vocabulary does. Whatever has a dense gradient is updated
    as by Adam, in one pass over memory instead of one for each operation.

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much of the mean of gradients is kept.
        beta_2: how much of the mean of their squares is kept.
        epsilon: added to the square root.
        weight_decay: as every Keras optimizer has it; Keras' own default of zero would go over all
            weights to change nothing.
        name: of its variables.
        **kwargs: what every Keras optimizer takes.

    Source:
        Kingma and Ba: Adam, ICLR 2015, algorithm 1 in the form of its section 2; the lazy rows
        are those of `tfa.optimizers.LazyAdam`.

    Example:
        >>> table, optimizer = tf.Variable([[1.0], [1.0]]), LazyAdam(0.1)
        >>> optimizer.build([table])
        >>> _ = optimizer.apply_gradients([(tf.IndexedSlices([[3.0]], [1], [2, 1]), table)])
        >>> [round(float(row[0]), 4) for row in table]
        [1.0, 0.9]
    """

    def __init__(
        self,
        learning_rate=0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        name: str = "lazy_adam",
        **kwargs,
    ):
        super().__init__(name=name, weight_decay=weight_decay, **kwargs)
        self._learning_rate = self._build_learning_rate(learning_rate)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self._means, self._squares = [], []

    def build(self, var_list):
        """Makes the two means for each variable, once; Keras calls it at each update."""
        super().build(var_list)
        if self._means:
            return
        self._means, self._squares = (
            [self.add_variable_from_reference(variable, name) for variable in var_list]
            for name in ("mean", "square")
        )

    def update_step(self, gradient, variable):
        """One update of one variable; rows of an `IndexedSlices` are each of another word."""
        index = self._index_dict[self._var_key(variable)]
        mean, square = self._means[index], self._squares[index]
        rate, step = tf.cast(self.learning_rate, variable.dtype), self.iterations + 1
        powers = [
            tf.cast(beta, variable.dtype) ** tf.cast(step, variable.dtype)
            for beta in (self.beta_1, self.beta_2)
        ]
        if not isinstance(gradient, tf.IndexedSlices):
            tf.raw_ops.ResourceApplyAdam(
                var=variable.handle,
                m=mean.handle,
                v=square.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rate,
                beta1=self.beta_1,
                beta2=self.beta_2,
                epsilon=self.epsilon,
                grad=gradient,
            )
            return
        rows, values = gradient.indices, gradient.values
        means = tf.gather(mean, rows) * self.beta_1 + values * (1 - self.beta_1)
        squares = tf.gather(square, rows) * self.beta_2 + values**2 * (1 - self.beta_2)
        rate = rate * tf.sqrt(1 - powers[1]) / (1 - powers[0])
        change = rate * means / (tf.sqrt(squares) + self.epsilon)
        mean.scatter_update(tf.IndexedSlices(means, rows))
        square.scatter_update(tf.IndexedSlices(squares, rows))
        variable.scatter_sub(tf.IndexedSlices(change, rows))

    def get_config(self):
        """Everything it was made with."""
        return {
            **super().get_config(),
            "learning_rate": self._serialize_hyperparameter(self._learning_rate),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
