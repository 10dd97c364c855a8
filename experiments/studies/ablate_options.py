"""Trains a model for each option of model and training, and prints its metrics.

    python -m experiments.studies.ablate_options --data=chat.tsv --epochs=6 --units=128
    python -m experiments.studies.ablate_options --data=chat.tsv --pretraining_data=other.tsv
    python -m experiments.studies.ablate_options --data=chat.tsv --epochs=6 --only="--cell=gru"

Prints a line for each option: validation perplexity of tokens and of characters, token accuracy,
distinct-2 and the fraction of the most common one of sixteen sample replies, all at the best epoch
according to --monitor, then this epoch and the training time in seconds. Other flags
apply to all lines.
"""

import dataclasses
import logging
import shlex
import tempfile
import time
from pathlib import Path

from absl import flags

import console
from attention_seq2seq.cli import corpora
from attention_seq2seq.cli import flags as cli_flags
from experiments.result_files import define_results_flag, update_results

ONLY = flags.DEFINE_multi_string(
    "only", [], "options of a line to compute; repeatable; default: all lines"
)
PRETRAINING_DATA = cli_flags.define_paths(
    "pretraining_data",
    [],
    "corpus of a pretrained model, for warm starts from the model or from its embeddings [paths]",
)
RESULTS_JSON = define_results_flag()
cli_flags.define_config_flags()

ABLATIONS = (
    "",
    "--cell=gru",
    "--num_layers=2",
    "--bidirectional",
    "--share_embeddings",
    "--tie_output_projection",
    "--share_embeddings --tie_output_projection",
    "--attention=scaled_luong",
    "--attention=bahdanau",
    "--attention=normed_bahdanau",
    "--attention=luong_monotonic",
    "--attention=bahdanau_monotonic",
    "--attention=none",
    "--attention_layer_activation=tanh",
    "--initial_state=encoder",
    "--dropout=0.2",
    "--compute_dtype=float32",
    "--optimizer=adam",
    "--optimizer=sgd --learning_rate=1",
    "--optimizer=sgd --learning_rate=1 --learning_rate_schedule=halving",
    "--learning_rate_schedule=cosine",
    "--learning_rate_schedule=inverse_sqrt --warmup_steps=100",
    "--clip_norm=1",
    "--gradient_accumulation_steps=2",
    "--label_smoothing=0.1",
    "--guided_alignment_weight=0.1",
    "--scheduled_sampling_probability=0.25",
    "--num_sampled=1000",
    "--source_word_dropout=0",
    "--prompt_dropout=0.05",
    "--averaging=ema",
    "--averaging=ema --ema_decay=0.99",
    "--averaging=last --average_last_epochs=3",
    "--monitor=val_accuracy",
    "--monitor=sample_distinct_1",
    "--monitor=sample_distinct_2",
    "--monitor=sample_most_common_ratio",
)
COLUMNS = {
    "val_perplexity": ("tokens", "{:.1f}"),
    "val_character_perplexity": ("characters", "{:.1f}"),
    "val_accuracy": ("accuracy", "{:.1%}"),
    "sample_distinct_2": ("distinct-2", "{:.2f}"),
    "sample_most_common_ratio": ("most common", "{:.0%}"),
}


def main(_) -> None:
    """Trains all models, and prints a line for each."""
    console.suppress_retracing_warnings()
    logging.getLogger("attention_seq2seq").setLevel(logging.ERROR)
    base = cli_flags.config_from_flags()
    trainer = AblationTrainer(corpora.load_training_corpus(base))
    print(f"{'':36}" + "".join(f"{name:>13}" for name, _ in COLUMNS.values()), end="")
    print(f"{'epoch':>7}{'seconds':>9}", flush=True)
    for options in ONLY.value or ABLATIONS:
        trainer.print_row(options, cli_flags.override_options(base, shlex.split(options)))
    if PRETRAINING_DATA.value:
        with tempfile.TemporaryDirectory() as directory:
            for options in warm_start_options(base, Path(directory)):
                # The temporary paths are omitted.
                name = options.partition("=")[0]
                trainer.print_row(name, cli_flags.override_options(base, shlex.split(options)))


class AblationTrainer:
    """Trains models on a corpus. Runs with equal configs are cached.

    Args:
        corpus: training and validation pairs.
    """

    def __init__(self, corpus):
        self._corpus, self._cache = corpus, {}

    def print_row(self, name: str, config) -> None:
        """Trains a model, and prints and writes the metrics of the best epoch."""
        from attention_seq2seq.training.early_stopping import best_epoch

        history, seconds = self._train(config)
        best = best_epoch(config.training.monitor, history)
        print(f"{name:36}", end="")
        for key, (_, format_spec) in COLUMNS.items():
            print(f"{format_spec.format(history[best][key]):>13}", end="")
        print(f"{best + 1:>7}{seconds:>9.0f}", flush=True)
        row = {"options": name, **{key: history[best][key] for key in COLUMNS}}
        row |= {"epoch": best + 1, "seconds": seconds}
        update_results(RESULTS_JSON.value, [row], key=["options"])

    def _train(self, config) -> tuple[list[dict[str, float]], float]:
        """Returns the metrics of each epoch, and the training time [s]."""
        from attention_seq2seq.training.api import train
        from attention_seq2seq.training.callbacks.sample_replies import first_prompts

        if not config.training.patience:
            # Without early stopping, the monitored metric does not affect training.
            training = dataclasses.replace(config.training, monitor="val_perplexity")
            config = dataclasses.replace(config, training=training)
        if config not in self._cache:
            corpus, start_time = self._corpus, time.perf_counter()
            with tempfile.TemporaryDirectory() as directory:
                history = train(
                    *(corpus.training, directory, config, corpus.validation),
                    progress=False,
                    sample_prompts=first_prompts(corpus.validation),
                )
            history = [dict(zip(history, values)) for values in zip(*history.values())]
            self._cache[config] = history, time.perf_counter() - start_time
        return self._cache[config]


def warm_start_options(config, directory: Path) -> list[str]:
    """Trains a model on the pretraining corpus; returns options of warm starts from it."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.text.vocabulary import SPECIALS
    from attention_seq2seq.training.api import train

    pretraining_config = dataclasses.replace(
        config, data=dataclasses.replace(config.data, data=PRETRAINING_DATA.value)
    )
    corpus = corpora.load_training_corpus(pretraining_config)
    train(
        corpus.training,
        directory / "pretrained",
        pretraining_config,
        corpus.validation,
        progress=False,
    )
    chat = Chat.load(directory / "pretrained")
    vocabulary = chat.tokenizer.source.vocabulary
    vectors = chat.model.named_weights()["encoder/embedding"].numpy()[len(SPECIALS) :]
    tokens = vocabulary.tokens(range(len(SPECIALS), len(vocabulary)))
    path = directory / "vectors.txt"
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{len(tokens)} {vectors.shape[1]}\n")
        for token, vector in zip(tokens, vectors):
            file.write(f"{token} {' '.join(map(str, vector))}\n")
    return [f"--init_from={directory / 'other'}", f"--pretrained_embeddings={path}"]


if __name__ == "__main__":
    console.run_main(main)
