"""What turns gradients into updates."""

from tensorflow import keras

from attention_seq2seq.config import TrainingConfig


def adam(options: TrainingConfig, num_updates: int) -> keras.optimizers.Optimizer:
    """Adam with clipping by the global norm and the learning rate's schedule.

    Args:
        options: learning rate, its schedule, and the norm to clip at.
        num_updates: updates of the whole training, over which a schedule extends.
    """
    learning_rate = options.learning_rate
    if options.learning_rate_schedule == "cosine":
        learning_rate = keras.optimizers.schedules.CosineDecay(learning_rate, num_updates)
    return keras.optimizers.Adam(learning_rate, global_clipnorm=options.clip_norm)
