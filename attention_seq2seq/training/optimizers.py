"""Optimizers, including a lazy Adam for embeddings."""

import tensorflow as tf
from tensorflow import keras

from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.training.schedules import TrainingSchedule


def make_optimizer(options: TrainingConfig, total_steps: int) -> keras.optimizers.Optimizer:
    """Returns the optimizer with its learning rate schedule.

    Args:
        options: optimizer, learning rate and schedule.
        total_steps: total number of updates, which the schedule spans.
    """
    optimizers = {
        "adam": keras.optimizers.Adam,
        "lazy_adam": LazyAdam,
        "sgd": keras.optimizers.SGD,
    }
    return optimizers[options.optimizer](TrainingSchedule(options, total_steps))


@keras.saving.register_keras_serializable("attention_seq2seq")
class LazyAdam(keras.optimizers.Optimizer):
    """Adam that updates only the embedding rows of the tokens in the batch.

    Adam updates every row in every step, so the momentum also moves tokens that are not in the
    batch. Here, rows and momentum are unchanged until the token occurs again. The cost of an update
    depends on the number of tokens in the batch, not on the size of the vocabulary. Variables with
    a dense gradient are updated as by Adam, in one pass over memory.

    Args:
        learning_rate: a number or a schedule.
        beta_1: decay of the mean of gradients.
        beta_2: decay of the mean of squared gradients.
        epsilon: added to the square root.
        weight_decay: weight decay; None disables it without a pass over the weights.
        name: name of the optimizer.
        **kwargs: arguments of the Keras base class.

    Source:
        Kingma and Ba: Adam, ICLR 2015, algorithm 1 in the form of its section 2. Rows are
        updated as in `tfa.optimizers.LazyAdam`.

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
        """Creates two means for each variable; Keras calls this in each update."""
        super().build(var_list)
        if self._means:
            return
        self._means, self._squares = (
            [self.add_variable_from_reference(variable, name) for variable in var_list]
            for name in ("mean", "square")
        )

    def update_step(self, gradient, variable):
        """Updates a variable; the rows of an `IndexedSlices` must be distinct."""
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
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "learning_rate": self._serialize_hyperparameter(self._learning_rate),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
