"""Options of decoding."""

import dataclasses

from attention_seq2seq.config.options import ConfigBase, option

# Options of the search that have no effect with other methods. All other options change the scores
# or the constraints of every method.
METHOD_OF_OPTION = {
    "beam_width": "beam",
    "num_beam_groups": "beam",
    "diversity_penalty": "beam",
    "temperature": "sample",
    "top_k": "sample",
    "top_p": "sample",
    "sampling_seed": "sample",
}


@dataclasses.dataclass(frozen=True)
class DecodingConfig(ConfigBase):
    """Decoding method, penalties and constraints.

    Example:
        >>> DecodingConfig(method="beam", beam_width=3).length_penalty
        1.0

    Raises:
        ValueError: two options contradict each other.
    """

    method: str = option(
        "greedy",
        "decoding method: greedy, beam, or sample",
        choices=("greedy", "beam", "sample"),
    )
    num_return_sequences: int = option(
        1, "number of replies to each prompt, by beam search or sampling", low=1, high=1000
    )
    min_length: int = option(0, "minimum length of a reply", unit="tokens", low=0, high=10_000)
    max_length: int = option(
        0,
        "maximum length of a reply; 0: the same as in training",
        unit="tokens",
        low=0,
        high=10_000,
    )
    beam_width: int = option(
        5,
        "beam search: number of hypotheses kept at each step",
        low=1,
        high=1000,
    )
    num_beam_groups: int = option(
        1, "diverse beam search: number of groups, a divisor of beam_width; 1 disables it", low=1
    )
    diversity_penalty: float = option(
        0.5,
        "diverse beam search: penalty on a token's log-probability for each earlier group "
        "that chose it at this step",
        unit="nats",
        low=0.0,
        high=1000.0,
    )
    length_penalty: float = option(
        1.0,
        "beam search: exponent w in log_prob / ((5 + length) / 6)^w; 0 disables it, larger "
        "values favor longer replies",
        low=-10.0,
        high=10.0,
    )
    coverage_penalty: float = option(
        0.0,
        "beam search: weight of the penalty for prompt tokens with little attention; 0 disables it",
        low=0.0,
        high=1000.0,
    )
    temperature: float = option(
        1.0,
        "sampling: temperature of the softmax; below 1 favors probable tokens",
        low=0.01,
        high=100.0,
    )
    top_k: int = option(
        0,
        "sampling: number of most probable tokens to sample from; 0: all",
        low=0,
        high=2**31 - 1,
    )
    top_p: float = option(
        1.0,
        "sampling: smallest total probability of the most probable tokens to sample from; 1: all",
        low=0.0,
        high=1.0,
    )
    sampling_seed: int = option(1, "sampling: random seed", low=0, high=2**31 - 1)
    no_repeat_ngram_size: int = option(
        0,
        "size of n-grams that may occur only once in a reply; 0 disables it",
        unit="tokens",
        low=0,
        high=1000,
    )
    repetition_penalty: float = option(
        1.0,
        "divisor of the probability of tokens generated before; 1 disables it",
        low=1.0,
        high=1e6,
    )
    prompt_bigram_penalty: float = option(
        1.0,
        "divisor of the probability of tokens that complete a bigram of the prompt; 1 disables it",
        low=1.0,
        high=1e6,
    )
    suppress_tokens: tuple = option((), "texts that are never generated")
    target_prefix: str = option("", "text that every reply starts with")
    unk_policy: str = option(
        "forbid",
        "handling of the unknown token in replies: forbid, allow (shown as <unk>), or "
        "replace (by the prompt token with the largest attention weight); no effect with oov spell",
        choices=("forbid", "allow", "replace"),
    )
    mmi_weight: float = option(
        0.0,
        "weight of the log-probability without the prompt, subtracted at each step against "
        "generic replies (MMI-antiLM, Li et al. 2016); needs a model trained with "
        "prompt_dropout; 0 disables it",
        low=0.0,
        high=1000.0,
    )
    mmi_max_tokens: int = option(
        5,
        "number of first tokens that mmi_weight applies to",
        low=0,
        high=10_000,
    )
    rerank_mmi_weight: float = option(
        0.0,
        "weight of the log-probability without the prompt in reranking the hypotheses; 0 "
        "disables it",
        low=0.0,
        high=1000.0,
    )
    rerank_length_bonus: float = option(
        0.0, "bonus for each token in reranking the hypotheses", unit="nats", low=-100.0, high=100.0
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
                f"{self.beam_width}: beam search returns at most beam_width replies. Raise "
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

    @property
    def ignored_options(self) -> tuple[str, ...]:
        """Names of the options that have no effect with this method.

        Example:
            >>> DecodingConfig(method="sample").ignored_options
            ('beam_width', 'num_beam_groups', 'diversity_penalty')
        """
        return tuple(name for name, method in METHOD_OF_OPTION.items() if method != self.method)
