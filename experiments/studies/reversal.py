r"""Trains the model to reverse strings, and prints whether its attention looks where it must.

    python -m experiments.studies.reversal --model_dir=models/reversal \
        --flagfile=experiments/configs/reversal.flags

The strings have 8 to 16 symbols of 20; the ones it is measured on are not among those it is
trained on. With --attention=none there are no attention weights to measure.
"""

import time
from pathlib import Path

from absl import flags

import common
import config_flags
import console

MODEL_DIR = config_flags.define_path(
    "model_dir", None, "the folder that the trained model is written into", required=True
)
TRAINING_PAIRS = flags.DEFINE_integer(
    "training_pairs", 20000, "strings to train on [strings]", lower_bound=1
)
UNSEEN_PAIRS = flags.DEFINE_integer(
    "unseen_pairs", 1000, "strings to measure on [strings]", lower_bound=1
)
OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "replace another model that is in the folder, or train it anew"
)
PLOT = config_flags.define_path(
    "plot", None, "write the attention on one string as a picture [path]"
)
config_flags.define_config_flags()

# Strings that validation measures on.
VALIDATION_PAIRS = 200


def main(_) -> None:
    """Generates, trains, measures."""
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.synthetic.reversal import reversal_pairs
    from attention_seq2seq.evaluation.metrics import exact_match
    from attention_seq2seq.training.api import train
    from attention_seq2seq.training.callbacks.sample_replies import SampleReplies, first_prompts
    from attention_seq2seq.training.model_dir import is_finished

    common.require_image_path(PLOT.value)
    num_training, num_unseen = TRAINING_PAIRS.value, UNSEEN_PAIRS.value
    pairs = reversal_pairs(num_unseen + num_training + VALIDATION_PAIRS, seed=1)
    unseen, training = pairs[:num_unseen], pairs[num_unseen:-VALIDATION_PAIRS]
    validation = pairs[-VALIDATION_PAIRS:]
    common.enable_determinism()
    start_time = time.monotonic()
    sample_replies = SampleReplies(first_prompts(unseen))
    was_finished = is_finished(Path(MODEL_DIR.value)) and not OVERWRITE.value
    options = {"sample_replies": sample_replies, "overwrite": OVERWRITE.value}
    train(training, MODEL_DIR.value, config_flags.config_from_flags(), validation, **options)
    seconds = time.monotonic() - start_time
    replies = Chat.load(MODEL_DIR.value).reply([pair.prompt for pair in unseen])
    exact_match_rate = exact_match(
        [reply.text for reply in replies], [pair.reply for pair in unseen]
    )
    if not was_finished:
        print(f"training, seconds                          {seconds:.0f}")
    print(f"unseen strings reversed exactly            {exact_match_rate:.1%} of {len(unseen)}")
    if replies[0].attention_weights.size:
        accuracy = mirrored_alignment_accuracy(replies)
        print(f"largest weight on the mirrored position    {accuracy:.1%} of the outputs")
    if PLOT.value:
        print(common.save_attention_plot(replies[0], PLOT.value))


def mirrored_alignment_accuracy(replies) -> float:
    """The share of symbols said while attention lay mostly on the mirrored position."""
    from attention_seq2seq.evaluation.metrics import alignment_accuracy

    weights, positions = [], []
    for reply in replies:
        last = len(reply.prompt_tokens) - 1
        for step, row in zip(range(len(reply.tokens)), reply.attention_weights):
            weights.append(row)
            positions.append(max(last - step, 0))
    return alignment_accuracy(weights, positions)


if __name__ == "__main__":
    console.run_main(main)
