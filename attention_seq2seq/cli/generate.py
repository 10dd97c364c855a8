r"""Replies to a file of prompts, one per line, in the same order.

    attention-seq2seq generate --model_dir=models/demo --input=in --output=out
    attention-seq2seq generate --model_dir=models/demo --input=in --output=out \
        --format=jsonl --method=beam --num_return_sequences=5
    cat in | attention-seq2seq generate --model_dir=models/demo > out

Generation to a file is resumable: after an interruption, run the same command again. Until all
replies are written, the file has the suffix .part. A complete file is never replaced.

Every line gets a reply, even an empty line. For a model with --context_turns, the turns of a prompt
are separated by tabs.
"""

import dataclasses
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from absl import flags

from attention_seq2seq.cli import corpora
from attention_seq2seq.cli.flags import define_path
from attention_seq2seq.cli.paths import require_model_dirs, require_parent_dir
from attention_seq2seq.cli.reply_flags import decoding_from_flags, define_reply_flags, load_chat
from attention_seq2seq.config.artifacts import CONFIG_FILE
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.utils.native_output import import_tensorflow

REQUIRED_FLAGS = ("model_dir",)
COMMON_FLAGS = (
    "input",
    "output",
    "format",
    "method",
    "num_return_sequences",
    "beam_width",
    "temperature",
    "top_p",
    "max_length",
)
IS_FILTER = True

# The number of prompts that are batched by length and written together.
_CHUNK_SIZE = 1024


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of this command."""
    define_reply_flags(flag_values)
    define_path(
        "input",
        None,
        "file with one prompt per line; default: standard input",
        flag_values=flag_values,
    )
    define_path(
        "output",
        None,
        "file for the replies; must not exist; default: standard output",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "format",
        "text",
        ["text", "jsonl"],
        "format of the output: text (one line per prompt, replies separated by tabs) or jsonl "
        "(one object per prompt, with tokens, scores and attention weights)",
        flag_values=flag_values,
    )


def run(args: flags.FlagValues) -> None:
    """Replies to all prompts."""
    decoding = decoding_from_flags(args)
    if args.output:
        require_parent_dir(args.output)
    with corpora.open_prompts(args.input) as prompts:
        require_model_dirs(args.model_dir)
        if args.output:
            _generate_to_file(prompts, decoding, args)
            return
        for lines in _generate_lines(prompts, decoding, args):
            sys.stdout.writelines(lines)
            sys.stdout.flush()


def _generate_to_file(
    prompts: Iterator[str], decoding: DecodingConfig, args: flags.FlagValues
) -> None:
    from attention_seq2seq.utils.resumable import resumable_file

    with resumable_file(args.output, _fingerprint(decoding, args)) as writer:
        writer.skip(prompts)
        update_bar = _progress_bar(args.input)
        update_bar(writer.num_lines)
        for lines in _generate_lines(writer.track(prompts), decoding, args):
            writer.write(lines)
            update_bar(writer.num_lines)
    print(f"Wrote the replies to {writer.num_lines} prompts to {args.output}.")


def _generate_lines(
    prompts: Iterator[str], decoding: DecodingConfig, args: flags.FlagValues
) -> Iterator[list[str]]:
    """Yields the lines of the output in chunks."""
    chat = load_chat(args.model_dir, decoding)
    format_line = format_json if args.format == "jsonl" else format_text
    while chunk := list(islice(prompts, _CHUNK_SIZE)):
        turns = [prompt.replace("\t", "\n") for prompt in chunk]
        replies = chat.generate(turns, decoding)
        yield [f"{format_line(prompt, n_best)}\n" for prompt, n_best in zip(chunk, replies)]


def format_text(_: str, replies) -> str:
    """Joins the texts of the replies to a prompt by tabs."""
    return "\t".join(reply.text for reply in replies)


def format_json(prompt: str, replies) -> str:
    """Formats a prompt and its replies as a JSON object."""
    first = replies[0]
    line = {
        "prompt": prompt,
        "prompt_tokens": first.prompt_tokens,
        "prompt_words": first.prompt_words,
        "replies": list(map(_reply_fields, replies)),
    }
    return json.dumps(line, ensure_ascii=False)


def _reply_fields(reply) -> dict:
    fields = {
        "text": reply.text,
        "score": reply.score,
        "log_prob": reply.log_prob,
        "tokens": reply.tokens,
        "words": reply.words,
        "finished": reply.finished,
        "attention": _rounded(reply.attention_weights),
    }
    # Without spelled words, the tables of tokens and words are equal.
    if len(reply.words) < len(reply.tokens) or len(reply.prompt_words) < len(reply.prompt_tokens):
        fields["word_attention"] = _rounded(reply.word_attention_weights)
    return fields


def _rounded(table) -> list[list[float]]:
    return [[round(float(weight), 5) for weight in row] for row in table]


def _fingerprint(decoding: DecodingConfig, args: flags.FlagValues) -> dict:
    """Returns the models and options that must be unchanged to resume the output."""
    from attention_seq2seq.config.config import Config
    from attention_seq2seq.text.seq2seq_tokenizer import tokenizer_files
    from attention_seq2seq.utils.files import sha256_file

    models = []
    for model_dir in map(Path, args.model_dir):
        config = Config.load(model_dir)
        names = [CONFIG_FILE, config.training.weights_file, *tokenizer_files(config.text)]
        # A missing file is reported when the model is loaded.
        paths = [model_dir / name for name in names if (model_dir / name).is_file()]
        models.append([sha256_file(path) for path in paths])
    return {"models": models, "format": args.format, **dataclasses.asdict(decoding)}


def _progress_bar(input_path: str | None):
    """Returns a function that shows the number of processed prompts on a terminal."""
    if not sys.stdout.isatty():
        return lambda num_prompts: None
    import_tensorflow()
    from tensorflow import keras

    total = None
    # A pipe can be read only once.
    if input_path and Path(input_path).is_file():
        with corpora.open_prompts(input_path) as prompts:
            total = sum(1 for _ in prompts)
    return keras.utils.Progbar(total, unit_name="prompt").update
