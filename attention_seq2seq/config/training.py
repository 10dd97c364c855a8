"""Options of training."""

import dataclasses

from attention_seq2seq.config.artifacts import BEST_WEIGHTS_FILE, LAST_WEIGHTS_FILE
from attention_seq2seq.config.options import ConfigBase, option

SCHEDULES = ("constant", "cosine", "halving", "inverse_sqrt")
# Metrics that can select the best epoch; the value is true if lower is better.
LOWER_IS_BETTER = {
    "val_loss": True,
    "val_perplexity": True,
    "val_character_perplexity": True,
    "val_accuracy": False,
    "sample_distinct_1": False,
    "sample_distinct_2": False,
    "sample_most_common_ratio": True,
}


@dataclasses.dataclass(frozen=True)
class TrainingConfig(ConfigBase):
    """Optimization, regularization and model selection.

    Raises:
        ValueError: two options contradict each other.
    """

    epochs: int = option(20, "number of passes over the training pairs", low=1)
    batch_size: int = option(64, "number of pairs per batch", low=1)
    gradient_accumulation_steps: int = option(
        1,
        "number of batches whose gradients are accumulated before an update",
        low=1,
    )
    optimizer: str = option(
        "lazy_adam",
        "optimizer: adam, lazy_adam (Adam that updates only the embeddings of tokens in the "
        "batch), or sgd, which needs a learning_rate near 1",
        choices=("lazy_adam", "adam", "sgd"),
    )
    compute_dtype: str = option(
        "auto",
        "dtype of matrix products in training: float32, bfloat16, or auto (bfloat16 if it is "
        "faster on this processor); weights, softmax and loss are float32",
        choices=("auto", "float32", "bfloat16"),
    )
    num_sampled: int = option(
        0,
        "number of tokens sampled for the softmax in training; 0: full softmax; sampling is "
        "faster for vocabularies of tens of thousands of tokens",
        low=0,
    )
    learning_rate: float = option(0.001, "learning rate of the optimizer", low=1e-8, high=10.0)
    learning_rate_schedule: str = option(
        "constant",
        "learning rate schedule: constant, cosine (decay to zero), halving (at each tenth of the "
        "second half of training, Luong et al. 2015) or inverse_sqrt (requires warmup_steps, "
        "Vaswani et al. 2017)",
        choices=SCHEDULES,
    )
    warmup_steps: int = option(
        0,
        "number of updates of linear learning rate warmup",
        low=0,
    )
    clip_norm: float = option(5.0, "maximum global norm of the gradients", low=1e-6)
    label_smoothing: float = option(
        0.0,
        "probability mass distributed over all tokens in the training loss",
        low=0.0,
        high=0.9,
    )
    guided_alignment_weight: float = option(
        0.0,
        "weight of a loss on the attention weights of tokens that occur in prompt and "
        "reply; 0 disables it",
        low=0.0,
        high=100.0,
    )
    scheduled_sampling_probability: float = option(
        0.0,
        "probability of feeding the model's own token instead of the true one, increased "
        "linearly from 0 (Bengio et al. 2015)",
        low=0.0,
        high=1.0,
    )
    source_word_dropout: float = option(
        0.02,
        "probability of replacing a source token by the unknown token in training; 0 disables it",
        low=0.0,
        high=0.9,
    )
    prompt_dropout: float = option(
        0.0,
        "probability of hiding a prompt in training; mmi_weight needs it, for example 0.05",
        low=0.0,
        high=0.9,
    )
    averaging: str = option(
        "none",
        "weight averaging: none, ema (exponential moving average, see ema_decay) or last "
        "(mean over the last average_last_epochs epochs)",
        choices=("none", "ema", "last"),
    )
    ema_decay: float = option(0.999, "decay of the exponential moving average", low=0.0, high=1.0)
    average_last_epochs: int = option(5, "number of epochs averaged if averaging is last", low=1)
    monitor: str = option(
        "val_perplexity",
        "metric that selects the best epoch, computed on the validation pairs or on the replies to "
        "the sample prompts",
        choices=LOWER_IS_BETTER,
    )
    patience: int = option(
        3,
        "number of epochs without improvement after which training stops early; 0: never",
        low=0,
    )
    restore_best_weights: bool = option(
        True,
        "whether to generate replies with the weights of the best epoch instead of the last",
    )
    init_from: str = option(
        "",
        "directory of the model that initializes weights and vocabulary",
        unit="path",
    )
    pretrained_embeddings: str = option(
        "",
        "file of word vectors that initialize the embeddings, in word2vec text format, with as "
        "many dimensions as units",
        unit="path",
    )
    seed: int = option(
        1, "random seed of initialization, shuffling and dropout", low=0, high=2**31 - 1
    )

    @property
    def weights_file(self) -> str:
        """Name of the file with the weights that generate replies."""
        return BEST_WEIGHTS_FILE if self.restore_best_weights else LAST_WEIGHTS_FILE

    def __post_init__(self):
        super().__post_init__()
        if self.num_sampled and self.label_smoothing:
            raise ValueError(
                f"num_sampled is {self.num_sampled} and label_smoothing {self.label_smoothing}: "
                "label smoothing needs the full softmax. Set one of them to 0."
            )
