"""Exports a trained model for serving.

    attention-seq2seq export --model_dir=models/a --export_dir=out/1
    attention-seq2seq export --model_dir=models/a --export_dir=b --method=beam
    attention-seq2seq export --model_dir=models/a --export_dir=c --format=tflite

A SavedModel maps Chinese text to replies. It runs in TensorFlow or TensorFlow Serving, without
this package. The decoding flags become the defaults of the exported model. The signature
"generate" lets each request override them.

TensorFlow Lite models map token ids to ids, by greedy search only. They support the decoding flags
--max_length, --suppress_tokens and --unk_policy (forbid or allow).
"""

import sys
from pathlib import Path

from absl import flags

from attention_seq2seq.cli.flags import (
    PathListParser,
    define_option_flags,
    define_path,
    options_from_flags,
)
from attention_seq2seq.cli.paths import require_dir_path, require_model_dirs
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.serving_limits import ServingLimits
from attention_seq2seq.utils.files import shell_quote
from attention_seq2seq.utils.native_output import import_tensorflow, suppress_stderr

REQUIRED_FLAGS = ("model_dir", "export_dir")
COMMON_FLAGS = (
    "format",
    "method",
    "beam_width",
    "max_length",
    "max_batch_size",
    "max_beam_width",
)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of this command."""
    define_path("model_dir", None, "directory of the model", flag_values=flag_values)
    define_path(
        "export_dir",
        None,
        "directory that the exported model is written to; must not exist",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "format",
        "saved_model",
        ["saved_model", "tflite"],
        "export format: saved_model, or tflite (two TensorFlow Lite models, with float and int8 "
        "weights)",
        flag_values=flag_values,
    )
    define_option_flags(DecodingConfig, flag_values)
    define_option_flags(ServingLimits, flag_values)


def run(args: flags.FlagValues) -> None:
    """Exports a model."""
    decoding = options_from_flags(DecodingConfig, args)
    limits = options_from_flags(ServingLimits, args)
    if len(PathListParser().parse(args.model_dir)) > 1:
        raise ValueError(f"--model_dir={args.model_dir}: export takes one model, not an ensemble.")
    require_dir_path(args.export_dir)
    require_model_dirs([args.model_dir])

    import_tensorflow()
    from absl import logging

    from attention_seq2seq.serving.saved_model.export import export_saved_model
    from attention_seq2seq.serving.tflite import FLOAT_FILE, export_tflite

    # TensorFlow logs every file that it writes.
    logging.set_verbosity(logging.WARNING)
    if args.format == "tflite":
        with suppress_stderr():
            export_tflite(args.model_dir, args.export_dir, decoding)
        print(
            f"\nTry it in Python:\n  interpreter = tf.lite.Interpreter("
            f"{str(Path(args.export_dir) / FLOAT_FILE)!r})\n"
            "  search = interpreter.get_signature_runner()\n"
            "  search(source_ids=..., source_length=...)"
        )
        return
    export_saved_model(
        args.model_dir, args.export_dir, decoding, limits, progress=sys.stdout.isatty()
    )
    print(
        f"\nTry it:\n  saved_model_cli run --dir {shell_quote(args.export_dir)} --tag_set serve "
        "--signature_def serving_default --input_exprs 'prompt=[\"今天晚上吃什么\"]'"
    )
