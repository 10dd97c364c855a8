"""Writes a trained model as a SavedModel: raw text in, reply out, by TensorFlow alone.

python experiments/export.py --model_dir=models/demo --export_dir=served/demo/1
python experiments/export.py --model_dir=models/demo --export_dir=served/demo/2 --method=beam
python experiments/export.py --model_dir=models/demo --export_dir=lite/demo --format=tflite

Whoever runs the folder needs TensorFlow or TensorFlow Serving, and nothing of this project. How it
answers is fixed by the flags of answering; its signature "generate" takes each of them again,
from call to call. What it refuses is fixed by the flags that begin with max.
"""

import sys

from absl import flags, logging

import config_flags
import console
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.utils.files import shell_quote

MODEL_DIR = config_flags.define_path(
    "model_dir", None, "the folder of a trained model", required=True
)
EXPORT_DIR = config_flags.define_path("export_dir", None, "the folder to be written", required=True)
FORMAT = flags.DEFINE_enum(
    "format",
    "saved_model",
    ["saved_model", "tflite"],
    "saved_model: for TensorFlow and TensorFlow Serving; tflite: two TensorFlow Lite models, one "
    "with weights as floats, one with weights as bytes",
)
config_flags.define_flags(DecodingConfig)
config_flags.define_flags(ServingLimits)


def main(_) -> None:
    """Exports, and says how to ask."""
    decoding = config_flags.options_from_flags(DecodingConfig)
    limits = config_flags.options_from_flags(ServingLimits)
    from attention_seq2seq.serving.saved_model.export import export_saved_model
    from attention_seq2seq.serving.tflite import export_tflite

    # TensorFlow reports every file that it writes.
    logging.set_verbosity(logging.WARNING)
    if FORMAT.value == "tflite":
        with console.suppress_stderr():
            export_tflite(MODEL_DIR.value, EXPORT_DIR.value, decoding)
        return
    export_saved_model(
        MODEL_DIR.value, EXPORT_DIR.value, decoding, limits, progress=sys.stdout.isatty()
    )
    print(
        f"\nAsk it:\n  saved_model_cli run --dir {shell_quote(EXPORT_DIR.value)} --tag_set serve "
        "--signature_def serving_default --input_exprs 'prompt=[\"今天晚上吃什么\"]'"
    )


if __name__ == "__main__":
    console.run_main(main)
