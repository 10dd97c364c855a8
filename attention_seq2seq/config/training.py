"""The options of training; see `config.py`."""

import dataclasses

from attention_seq2seq.config.artifacts import BEST_WEIGHTS_FILE, LAST_WEIGHTS_FILE
from attention_seq2seq.config.options import Options, option

SCHEDULES = ("constant", "cosine", "halving", "inverse_sqrt")
METRICS = (
    *("loss", "perplexity", "character_perplexity", "accuracy"),
    *("distinct_1", "distinct_2", "most_common_ratio"),
)


@dataclasses.dataclass(frozen=True)
class TrainingConfig(Options):
    """How the weights are found.

    Raises:
        ValueError: for a combination that cannot work, with the reason.
    """

    epochs: int = option(20, "passes over the training pairs", unit="epochs", low=1)
    batch_size: int = option(64, "pairs in a batch", unit="pairs", low=1)
    gradient_accumulation_steps: int = option(
        1,
        "batches whose gradients make one update together: as if a batch were so many times as "
        "large, without its activations in memory at once",
        unit="batches",
        low=1,
    )
    optimizer: str = option(
        "lazy_adam",
        "adam; lazy_adam: the same, but leaves words alone that are not in the batch; or sgd, "
        "which wants a learning_rate near 1",
        choices=("lazy_adam", "adam", "sgd"),
    )
    compute_dtype: str = option(
        "auto",
        "what the large matrix products of training are computed in: float32, bfloat16, or auto: "
        "bfloat16 where the processor has it and is faster by it; weights, states, softmax and "
        "loss are float32",
        choices=("auto", "float32", "bfloat16"),
    )
    num_sampled: int = option(
        0,
        "words drawn for the softmax of training instead of the whole vocabulary, which is worth "
        "it from some tens of thousands on; 0: the whole; validation is always with the whole",
        unit="words",
        low=0,
    )
    learning_rate: float = option(0.001, "step size of the optimizer", low=1e-8, high=10.0)
    learning_rate_schedule: str = option(
        "constant",
        "constant; cosine: down to zero over all epochs, which settles what a large step size "
        "leaves noisy; halving: halved at each tenth of the training's second half (Luong et al. "
        "2015); or inverse_sqrt of the updates, which wants a warm-up (Vaswani et al. 2017)",
        choices=SCHEDULES,
    )
    warmup_steps: int = option(
        0,
        "updates over which the learning rate rises in a line from zero, whatever the schedule",
        unit="updates",
        low=0,
    )
    clip_norm: float = option(
        5.0, "gradients are scaled down to at most this global norm", low=1e-6
    )
    label_smoothing: float = option(
        0.0,
        "share of the probability asked for that is spread over all words, so that no word is "
        "learnt to be impossible; validation is always without",
        low=0.0,
        high=0.9,
    )
    guided_alignment_weight: float = option(
        0.0,
        "weight of a further loss: where a word of the reply stands in the prompt too, the "
        "negative logarithm of the attention weight on it, so that attention shows where words "
        "come from; 0 switches it off",
        low=0.0,
        high=100.0,
    )
    scheduled_sampling_probability: float = option(
        0.0,
        "share of the words before each word that are the model's own instead of the true ones, "
        "reached in a line at the last epoch's end (Bengio et al. 2015)",
        low=0.0,
        high=1.0,
    )
    source_word_dropout: float = option(
        0.02,
        "share of the source words that become unknown in training, so that the unknown word "
        "means 'some word'; 0 switches it off",
        low=0.0,
        high=0.9,
    )
    prompt_dropout: float = option(
        0.0,
        "share of the prompts that the model does not see in training, so that it learns what is "
        "said whatever the prompt; mmi_weight needs some, for example 0.05",
        low=0.0,
        high=0.9,
    )
    averaging: str = option(
        "none",
        "which weights are measured and saved: none (as they are), ema (their exponential moving "
        "average, see ema_decay) or last (the mean of those at the end of the last "
        "average_last_epochs epochs)",
        choices=("none", "ema", "last"),
    )
    ema_decay: float = option(
        0.999, "how much of the moving average an update leaves", low=0.0, high=1.0
    )
    average_last_epochs: int = option(5, "whose mean is taken, see averaging", unit="epochs", low=1)
    monitor: str = option(
        "perplexity",
        "what tells which epoch was the best: on the validation pairs loss, perplexity or "
        "character_perplexity, which agree, or accuracy (the share of words with the largest "
        "probability); or of the replies to the sample prompts distinct_1, distinct_2 (different "
        "words, pairs of words) or most_common_ratio (the share of the most common reply, the "
        "lower the better)",
        choices=METRICS,
    )
    patience: int = option(
        3,
        "stop after this many epochs without a better one, see monitor; 0: never",
        unit="epochs",
        low=0,
    )
    restore_best_weights: bool = option(
        True,
        "generate replies with the weights of the best epoch, see monitor; else with those of the "
        "last",
    )
    init_from: str = option(
        "",
        "the folder of a trained model to start from: its weights and all its words; the words of "
        "this corpus that it lacks are added (a prepared corpus has its own words, all others are "
        "left out)",
        unit="path",
    )
    pretrained_embeddings: str = option(
        "",
        "a file of word vectors in word2vec's text format, as wide as the model, that the "
        "embeddings of its words start from",
        unit="path",
    )
    seed: int = option(1, "makes a run repeatable", low=0, high=2**31 - 1)

    @property
    def weights_file(self) -> str:
        """Name of the file with the weights that generate replies."""
        return BEST_WEIGHTS_FILE if self.restore_best_weights else LAST_WEIGHTS_FILE

    def __post_init__(self):
        super().__post_init__()
        if self.num_sampled and self.label_smoothing:
            raise ValueError(
                "num_sampled and label_smoothing: what is smoothed is spread over all words, "
                "which sampling leaves out. Use one of the two."
            )
