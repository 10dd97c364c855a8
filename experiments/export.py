"""Exports a trained model as a SavedModel from text to text, or for TensorFlow Lite.

python experiments/export.py --model_dir=models/demo --export_dir=served/demo/1
python experiments/export.py --model_dir=models/demo --export_dir=served/demo/2 --method=beam
python experiments/export.py --model_dir=models/demo --export_dir=lite/demo --format=tflite

The exported model requires TensorFlow or TensorFlow Serving, but not this project. The decoding
flags are its defaults. The signature "generate" has an input for each of them. The flags that begin
with max limit the requests.
"""

import sys

from absl import flags, logging

import config_flags
import console
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.utils.files import shell_quote

MODEL_DIR = config_flags.define_path(
    "model_dir", None, "folder of a trained model [path]", required=True
)
EXPORT_DIR = config_flags.define_path("export_dir", None, "output folder [path]", required=True)
FORMAT = flags.DEFINE_enum(
    "format",
    "saved_model",
    ["saved_model", "tflite"],
    "saved_model: for TensorFlow and TensorFlow Serving; tflite: two TensorFlow Lite models, with "
    "float32 and with int8 weights",
)
config_flags.define_flags(DecodingConfig)
config_flags.define_flags(ServingLimits)


def main(_) -> None:
    """Exports the model, and prints a command that calls it."""
    decoding = config_flags.options_from_flags(DecodingConfig)
    limits = config_flags.options_from_flags(ServingLimits)
    from attention_seq2seq.serving.saved_model.export import export_saved_model
    from attention_seq2seq.serving.tflite import export_tflite

    # TensorFlow logs every file that it writes.
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
