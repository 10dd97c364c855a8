"""Names and number formats of the metrics that `evaluation.evaluate` computes."""

_DECIMAL, _PERCENT = "{:.3f}", "{:.1%}"

METRIC_FORMATS = {
    "perplexity": _DECIMAL,
    "character_perplexity": _DECIMAL,
    "open_vocabulary_perplexity": _DECIMAL,
    "oov_rate": _PERCENT,
    "oov_prompts": _PERCENT,
    "exact_match": _PERCENT,
    "token_error_rate": _PERCENT,
    "bleu": _PERCENT,
    "chrf": _PERCENT,
    "rouge_l": _PERCENT,
    "prompt_bigram_overlap": _PERCENT,
    "length_ratio": _DECIMAL,
    "distinct_1": _DECIMAL,
    "distinct_2": _DECIMAL,
    "most_common_ratio": _PERCENT,
}


def format_metric(name: str, value: float) -> str:
    """Formats the value of a metric, as a percentage where that is usual."""
    return METRIC_FORMATS.get(name, _DECIMAL).format(value)
