r"""Generates replies to a file of prompts, one per line, in the same order.

python experiments/generate.py --model_dir=models/demo --input=in.txt --output=out.txt
python experiments/generate.py --model_dir=models/demo --input=in.txt --output=out.jsonl \
    --format=jsonl --method=beam --num_return_sequences=5
cat in.txt | python experiments/generate.py --model_dir=models/demo > out.txt

An interrupted run is resumed by the same command. Until it is finished, the replies are in a file
with the suffix .part. Tabs in a prompt separate turns if the model was trained with
--context_turns.
"""

import dataclasses
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from absl import flags

import common
import config_flags
import console
from attention_seq2seq.config.artifacts import CONFIG_FILE
from attention_seq2seq.config.decoding import DecodingConfig

MODEL_DIRS = config_flags.define_paths("model_dir", None, common.MODEL_DIRS_HELP, required=True)
INPUT = config_flags.define_path(
    "input", None, "file with a prompt per line; default: standard input [path]"
)
OUTPUT = config_flags.define_path(
    "output", None, "file for the replies; default: standard output [path]"
)
FORMAT = flags.DEFINE_enum(
    "format",
    "text",
    ["text", "jsonl"],
    "text: a line per prompt, with tabs between replies; jsonl: an object per prompt, with tokens, "
    "scores and attention weights",
)
config_flags.define_flags(DecodingConfig)

# Prompts that are sorted by length and decoded in batches; a run resumes after the last chunk.
CHUNK_SIZE = 1024


def main(_) -> None:
    """Generates replies to a file or to standard output."""
    decoding = config_flags.options_from_flags(DecodingConfig)
    if OUTPUT.value:
        common.require_parent_dir(OUTPUT.value)
    with common.open_prompts(INPUT.value) as prompts:
        if OUTPUT.value:
            generate_to_file(prompts, decoding)
            return
        for lines in generate_lines(prompts, decoding):
            sys.stdout.writelines(lines)
            sys.stdout.flush()


def generate_to_file(prompts: Iterator[str], decoding: DecodingConfig) -> None:
    """Generates replies to --output, and resumes an interrupted run."""
    from attention_seq2seq.utils.resumable import resumable_file

    with resumable_file(OUTPUT.value, fingerprint(decoding)) as writer:
        writer.skip(prompts)
        update_bar = progress_bar()
        update_bar(writer.num_lines)
        for lines in generate_lines(writer.track(prompts), decoding):
            writer.write(lines)
            update_bar(writer.num_lines)


def generate_lines(prompts: Iterator[str], decoding: DecodingConfig) -> Iterator[list[str]]:
    """Yields the output lines in chunks."""
    from attention_seq2seq.chat import Chat

    chat = Chat.load(*MODEL_DIRS.value)
    format_line = format_json if FORMAT.value == "jsonl" else format_text
    while chunk := list(islice(prompts, CHUNK_SIZE)):
        turns = [prompt.replace("\t", "\n") for prompt in chunk]
        replies = chat.generate(turns, decoding)
        yield [f"{format_line(prompt, hypotheses)}\n" for prompt, hypotheses in zip(chunk, replies)]


def format_text(_: str, replies) -> str:
    """Formats the texts of replies."""
    return "\t".join(reply.text for reply in replies)


def format_json(prompt: str, replies) -> str:
    """Formats a prompt and its replies as a JSON object."""
    hypotheses = [
        {
            "text": reply.text,
            "score": reply.score,
            "log_prob": reply.log_prob,
            "tokens": reply.tokens,
            "finished": reply.finished,
            "attention": [
                [round(float(weight), 5) for weight in row] for row in reply.attention_weights
            ],
        }
        for reply in replies
    ]
    line = {"prompt": prompt, "prompt_tokens": replies[0].prompt_tokens, "replies": hypotheses}
    return json.dumps(line, ensure_ascii=False)


def fingerprint(decoding: DecodingConfig) -> dict:
    """Returns everything that must be equal to resume a run."""
    from attention_seq2seq.config.config import Config
    from attention_seq2seq.text.seq2seq_tokenizer import tokenizer_files
    from attention_seq2seq.utils.files import sha256_file

    models = []
    for folder in map(Path, MODEL_DIRS.value):
        config = Config.load(folder)
        weights = config.training.weights_file
        names = [CONFIG_FILE, weights, *tokenizer_files(config.text)]
        # A missing file is reported where the model is loaded.
        models.append([sha256_file(folder / name) for name in names if (folder / name).is_file()])
    return {
        "models": models,
        "format": FORMAT.value,
        **dataclasses.asdict(decoding),
    }


def progress_bar():
    """Returns a function of the number of finished prompts, which updates a progress bar."""
    if not sys.stdout.isatty():
        return lambda num_prompts: None
    from tensorflow import keras

    total = None
    # A pipe can be read only once.
    if INPUT.value and Path(INPUT.value).is_file():
        with common.open_prompts(INPUT.value) as prompts:
            total = sum(1 for _ in prompts)
    return keras.utils.Progbar(total, unit_name="prompt").update


if __name__ == "__main__":
    console.run_main(main, is_filter=True)
