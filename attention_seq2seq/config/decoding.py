"""The one place where an option of answering is named, typed, bounded and explained."""

import dataclasses

from attention_seq2seq.config.options import Options, option


@dataclasses.dataclass(frozen=True)
class DecodingConfig(Options):
    """How replies are searched for; it may change from one reply to the next.

    Example:
        >>> DecodingConfig(method="beam", beam_width=3).length_penalty
        1.0

    Raises:
        ValueError: for a combination that cannot work, with the reason.
    """

    method: str = option(
        "greedy",
        "greedy (the most probable word at each step), beam (the best of many replies written "
        "side by side) or sample (each word drawn at random)",
        choices=("greedy", "beam", "sample"),
    )
    num_return_sequences: int = option(
        1, "replies to each prompt: of a beam the best, or samples", low=1, high=1000
    )
    min_length: int = option(0, "fewest words of a reply", unit="words", low=0, high=10_000)
    max_length: int = option(
        0,
        "longer replies are cut to this many; 0: as long as in training",
        unit="words",
        low=0,
        high=10_000,
    )
    beam_width: int = option(5, "hypotheses kept at each step", unit="hypotheses", low=1, high=1000)
    num_beam_groups: int = option(
        1, "the beam is cut into groups that avoid each other's words; divides beam_width", low=1
    )
    diversity_penalty: float = option(
        0.5,
        "what a word loses, in log-probability, for each earlier group's hypothesis that has just "
        "chosen it",
        unit="nats",
        low=0.0,
        high=1000.0,
    )
    length_penalty: float = option(
        1.0,
        "w in log-probability / ((5 + length) / 6)^w, which ranks hypotheses; 0: none, larger: "
        "longer replies",
        low=-10.0,
        high=10.0,
    )
    coverage_penalty: float = option(
        0.0,
        "weight of the cost of prompt words that received little attention",
        low=0.0,
        high=1000.0,
    )
    temperature: float = option(
        1.0, "sampling: below 1 the probable becomes more so", low=0.01, high=100.0
    )
    top_k: int = option(
        0,
        "sampling: from this many most probable words; 0: from all",
        unit="words",
        low=0,
        high=2**31 - 1,
    )
    top_p: float = option(
        1.0,
        "sampling: from the fewest words that together are this probable; 1: from all",
        low=0.0,
        high=1.0,
    )
    sampling_seed: int = option(
        1, "sampling: the same seed draws the same reply", low=0, high=2**31 - 1
    )
    no_repeat_ngram_size: int = option(
        0,
        "no sequence of this many words is said twice; 0: any may be",
        unit="words",
        low=0,
        high=1000,
    )
    repetition_penalty: float = option(
        1.0, "the probability of a word said before is divided by this", low=1.0, high=1e6
    )
    prompt_bigram_penalty: float = option(
        1.0,
        "the probability of a word that goes on as the prompt does is divided by this",
        low=1.0,
        high=1e6,
    )
    suppress_tokens: tuple = option((), "words never said", unit="words")
    target_prefix: str = option("", "what every reply begins with")
    unk_policy: str = option(
        "forbid",
        "the unknown word in replies: forbid, allow (it is shown as <unk>), or replace (by the "
        "word of the prompt that has most attention)",
        choices=("forbid", "allow", "replace"),
    )
    mmi_weight: float = option(
        0.0,
        "against dull replies: this times the log-probability that a word has without the prompt "
        "is taken from its own; needs a model trained with prompt_dropout",
        low=0.0,
        high=1000.0,
    )
    mmi_max_tokens: int = option(
        5,
        "mmi_weight acts on the first words of a reply only",
        unit="words",
        low=0,
        high=10_000,
    )
    rerank_mmi_weight: float = option(
        0.0,
        "the hypotheses found are ranked anew: by log-probability less this times the "
        "log-probability without the prompt, plus rerank_length_bonus for each word",
        low=0.0,
        high=1000.0,
    )
    rerank_length_bonus: float = option(
        0.0, "see rerank_mmi_weight", unit="nats", low=-100.0, high=100.0
    )

    def __post_init__(self):
        super().__post_init__()
        if self.beam_width % self.num_beam_groups:
            raise ValueError(
                f"num_beam_groups is {self.num_beam_groups} and beam_width {self.beam_width}; "
                f"expected a beam_width that is a multiple of {self.num_beam_groups}."
            )
        if self.method == "beam" and self.num_return_sequences > self.beam_width:
            raise ValueError(
                f"num_return_sequences is {self.num_return_sequences} and beam_width is "
                f"{self.beam_width}: a beam finds no more replies than it is wide. Raise "
                "beam_width, or lower num_return_sequences."
            )
        if self.method == "greedy" and self.num_return_sequences > 1:
            raise ValueError(
                f"num_return_sequences is {self.num_return_sequences} and method is 'greedy', "
                "which finds one reply. Use method 'beam' or 'sample'."
            )
        if 0 < self.max_length < self.min_length:
            raise ValueError(
                f"min_length is {self.min_length}, more than max_length, which is "
                f"{self.max_length}. Lower min_length, or raise max_length."
            )
