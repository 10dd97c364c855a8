r"""Trains the model to reverse strings, and measures accuracy and alignment.

    python -m experiments.studies.reversal --model_dir=models/reversal \
        --config=reversal

The strings have 8 to 16 symbols of 20. Test strings do not occur in training. With
--attention=none there are no attention weights to measure.
"""

import time
from dataclasses import fields
from pathlib import Path

from absl import flags

import console
from attention_seq2seq.cli import attention_tables, paths
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.config.config import Config
from experiments.result_files import command_line_flags, define_results_flag, update_results

MODEL_DIR = cli_flags.define_path(
    "model_dir", None, "directory of the trained model [path]", required=True
)
TRAINING_PAIRS = flags.DEFINE_integer(
    "training_pairs", 20000, "number of training strings", lower_bound=1
)
UNSEEN_PAIRS = flags.DEFINE_integer("unseen_pairs", 1000, "number of test strings", lower_bound=1)
OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "whether to replace an existing model in --model_dir"
)
PLOT = cli_flags.define_path(
    "plot", None, "image file for the attention weights of a string [path]"
)
RESULTS_JSON = define_results_flag()
cli_flags.define_config_flags()

# Number of validation strings.
VALIDATION_PAIRS = 200


def main(_) -> None:
    """Generates strings, trains a model, and prints its accuracy."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.evaluation.metrics import exact_match
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.sample_replies import first_prompts
    from attention_seq2seq.training.model_dir import is_finished
    from experiments.studies.random_strings import reversal_pairs

    paths.require_image_path(PLOT.value)
    num_training, num_unseen = TRAINING_PAIRS.value, UNSEEN_PAIRS.value
    pairs = reversal_pairs(num_unseen + num_training + VALIDATION_PAIRS, seed=1)
    unseen, training = pairs[:num_unseen], pairs[num_unseen:-VALIDATION_PAIRS]
    validation = pairs[-VALIDATION_PAIRS:]
    console.enable_determinism()
    start_time = time.monotonic()
    was_finished = is_finished(Path(MODEL_DIR.value)) and not OVERWRITE.value
    options = {"sample_prompts": first_prompts(unseen), "overwrite": OVERWRITE.value}
    train(training, MODEL_DIR.value, cli_flags.config_from_flags(), validation, **options)
    seconds = time.monotonic() - start_time
    replies = Chat.load(MODEL_DIR.value).reply([pair.prompt for pair in unseen])
    exact_match_rate = exact_match(
        [reply.text for reply in replies], [pair.reply for pair in unseen]
    )
    if not was_finished:
        print(f"training time [s]                          {seconds:.0f}")
    print(f"unseen strings reversed exactly            {exact_match_rate:.1%} of {len(unseen)}")
    accuracy = None
    if replies[0].attention_weights.size:
        accuracy = mirrored_alignment_accuracy(replies)
        print(f"largest weight on the mirrored position    {accuracy:.1%} of the outputs")
    row = {
        "options": command_line_flags(option_names()),
        "strings": len(unseen),
        "exact_match": exact_match_rate,
        "mirrored_alignment": accuracy,
    }
    if not was_finished:
        row["seconds"] = seconds
    update_results(RESULTS_JSON.value, [row], key=["options"])
    if PLOT.value:
        print(attention_tables.save_attention_plot(replies[0], PLOT.value))


def option_names() -> set[str]:
    """Returns the names of all options of `Config`."""
    return {field.name for group in fields(Config) for field in fields(group.type)}


def mirrored_alignment_accuracy(replies) -> float:
    """Returns the fraction of steps with the largest weight on the mirrored position."""
    from experiments.studies.study_metrics import alignment_accuracy

    weights, positions = [], []
    for reply in replies:
        last_position = len(reply.prompt_tokens) - 1
        for step, row in zip(range(len(reply.tokens)), reply.attention_weights):
            weights.append(row)
            positions.append(max(last_position - step, 0))
    return alignment_accuracy(weights, positions)


if __name__ == "__main__":
    console.run_main(main)
