"""Trains variants of a model on the same pairs, and evaluates them on the same test pairs."""

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from attention_seq2seq.cli import corpora
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.decoding import DecodingConfig

ATTRIBUTION = "attention_attribution_correlation"


class VariantComparison:
    """Trainings on the same pairs, evaluated on the same test pairs.

    Args:
        variants: variant to its config.
        decoding: decoding config of the evaluation.
        work_dir: directory of the models.
        test_data: corpus files with the test pairs.
        test_fraction: fraction of conversations for the test, if there is no `test_data`.
        has_attribution: whether to compute the slow `ATTRIBUTION` metric.

    Attributes:
        prompts: the distinct test prompts of the latest evaluation.
        conversations: int[prompts], the conversation of each prompt.
        signatures: sacrebleu's signatures.
        minutes: training times of each variant in this run [minutes].
        sizes: number of pairs of each split, and fraction of test replies that occur in training.

    Raises:
        ValueError: the corpus has too few pairs, or is a prepared one.
    """

    def __init__(
        self,
        variants: dict[str, Config],
        decoding: DecodingConfig,
        work_dir: Path,
        test_data: Sequence[str],
        test_fraction: float,
        has_attribution: bool,
    ):
        from attention_seq2seq.data.preprocessing.manifest import is_prepared_dir

        self._variants, self._decoding, self._work_dir = variants, decoding, work_dir
        self._has_attribution = has_attribution
        config = next(iter(variants.values()))
        if is_prepared_dir(config.data.data):
            raise ValueError("--data names a prepared dataset; expected corpus files.")
        corpus, test = load_splits(config, test_data, test_fraction)
        # Training drops the pairs that are too long for its own config only.
        is_short_enough = make_length_filter(variants.values(), corpus.training)
        self._training = list(filter(is_short_enough, corpus.training))
        self._validation = list(filter(is_short_enough, corpus.validation))
        seen_prompts = {
            normalize_text(pair.prompt) for pair in [*corpus.training, *corpus.validation]
        }
        self._test = [
            pair
            for pair in test
            if normalize_text(pair.prompt) not in seen_prompts and is_short_enough(pair)
        ]
        print(
            f"{len(self._training):,} training, {len(self._validation):,} validation and "
            f"{len(self._test):,} test pairs; {len(test) - len(self._test):,} test pairs dropped "
            "(too long, or their prompt is in training or validation)",
            flush=True,
        )
        if not self._training or not self._validation or not self._test:
            raise ValueError(
                "A split is empty; expected pairs in each. Give more pairs or larger fractions."
            )
        training_replies = {normalize_text(pair.reply) for pair in self._training}
        num_seen = sum(normalize_text(pair.reply) in training_replies for pair in self._test)
        print(f"{num_seen / len(self._test):.1%} of the test replies also occur in training")
        self.sizes = {
            "training_pairs": len(self._training),
            "validation_pairs": len(self._validation),
            "test_pairs": len(self._test),
            "test_replies_in_training": num_seen / len(self._test),
        }
        self.prompts, self.conversations = [], np.array([], int)
        self.signatures = []
        self.minutes = {variant: [] for variant in variants}

    def train_and_evaluate(self, variant: str, seed: int) -> dict:
        """Trains a variant with a seed, and evaluates it.

        Returns:
            Metric to `MetricStats`, or to its value if it is not a function of sums over prompts.
        """
        from attention_seq2seq.chat import Chat
        from attention_seq2seq.evaluation.evaluate import evaluate
        from attention_seq2seq.training.api import train
        from attention_seq2seq.training.model_dir import is_finished
        from experiments.studies.study_metrics import attention_attribution_correlation

        config = self._variants[variant]
        training = dataclasses.replace(config.training, seed=seed)
        config = dataclasses.replace(config, training=training)
        name = variant.replace("--", "").replace("/", "_").replace(" ", ",") or "as given"
        directory = self._work_dir / f"{name},seed={seed}"
        was_finished, start_time = is_finished(directory), time.monotonic()
        train(self._training, directory, config, self._validation)
        minutes = (time.monotonic() - start_time) / 60
        print(f"{directory.name}: {minutes:.1f} minutes", flush=True)
        if not was_finished:
            self.minutes[variant].append(minutes)
        chat = Chat.load(directory)
        evaluation = evaluate(chat, self._test, self._decoding)
        self.prompts, self.conversations = evaluation.prompts, evaluation.conversations
        self.signatures = evaluation.signatures
        metrics = {name: estimate.value for name, estimate in evaluation.metrics().items()}
        metrics |= evaluation.stats
        if self._has_attribution and chat.model.has_attention:
            metrics[ATTRIBUTION] = attention_attribution_correlation(
                chat, evaluation.prompts, self._decoding
            )
        return metrics


def load_splits(config: Config, test_data: Sequence[str], test_fraction: float) -> tuple:
    """Returns the corpus without the test pairs, and the test pairs."""
    from attention_seq2seq.data.readers import read_pairs
    from attention_seq2seq.data.splitting import split_by_conversation

    corpus = corpora.load_training_corpus(config)
    if test_data:
        test, skipped = read_pairs(test_data, config.data.skip_bad_lines)
        corpora.print_skipped_lines(skipped)
        return corpus, test
    split = split_by_conversation(corpus.training, test_fraction, config.training.seed)
    return corpus._replace(training=split.training), split.validation


def make_length_filter(configs: Iterable[Config], training: Sequence[Sequence]) -> Callable:
    """Returns a function of a pair: whether no config drops the pair as too long.

    The lengths of spelled words depend on the vocabulary, which is built from the training pairs.
    """
    from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer

    tokenizers = {}
    for config in configs:
        limits = config.data.max_source_length, config.data.max_target_length
        if (config.text, limits) not in tokenizers:
            tokenizers[config.text, limits] = Seq2SeqTokenizer.build(training, config.text)

    def is_short_enough(pair) -> bool:
        for (_, (max_source_length, max_target_length)), tokenizer in tokenizers.items():
            if not 1 <= len(tokenizer.target.tokenize(pair[1])) <= max_target_length:
                return False
            if len(tokenizer.source.tokenize(pair[0])) > max_source_length:
                return False
        return True

    return is_short_enough


def normalize_text(text: str) -> str:
    """Returns the metric tokens of a text, separated by blanks."""
    from attention_seq2seq.evaluation.corpus_metrics import metric_tokens

    return " ".join(metric_tokens(text))
