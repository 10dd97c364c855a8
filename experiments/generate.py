r"""Answers a file of prompts, one a line, in their order.

python experiments/generate.py --model_dir=models/demo --input=in.txt --output=out.txt
python experiments/generate.py --model_dir=models/demo --input=in.txt --output=out.jsonl \
    --format=jsonl --method=beam --num_return_sequences=5
cat in.txt | python experiments/generate.py --model_dir=models/demo > out.txt

Stopped half-way and run again, it goes on where it stopped: until it is done, the replies stand in
a file of the same name with .part at its end. A tab in a prompt stands between two turns, if the
model was trained with --context_turns.
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
    "input", None, "a prompt a line; standard input if not given [path]"
)
OUTPUT = config_flags.define_path("output", None, "where to; standard output if not given [path]")
FORMAT = flags.DEFINE_enum(
    "format",
    "text",
    ["text", "jsonl"],
    "text: a line for each prompt, several replies parted by tabs; jsonl: an object for each "
    "prompt, with tokens, scores and attention weights",
)
config_flags.define_flags(DecodingConfig)

# Answered at once, sorted by length; what has been written survives being stopped.
CHUNK_SIZE = 1024


def main(_) -> None:
    """Answers all prompts, to a file or to standard output."""
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
    """Answers into --output, from where it was stopped on."""
    from attention_seq2seq.utils.resumable import resumable_file

    with resumable_file(OUTPUT.value, fingerprint(decoding)) as writer:
        writer.skip(prompts)
        update_bar = progress_bar()
        update_bar(writer.num_lines)
        for lines in generate_lines(writer.track(prompts), decoding):
            writer.write(lines)
            update_bar(writer.num_lines)


def generate_lines(prompts: Iterator[str], decoding: DecodingConfig) -> Iterator[list[str]]:
    """The lines to be written, in chunks."""
    from attention_seq2seq.chat import Chat

    chat = Chat.load(*MODEL_DIRS.value)
    format_line = format_json if FORMAT.value == "jsonl" else format_text
    while chunk := list(islice(prompts, CHUNK_SIZE)):
        turns = [prompt.replace("\t", "\n") for prompt in chunk]
        replies = chat.generate(turns, decoding)
        yield [f"{format_line(prompt, hypotheses)}\n" for prompt, hypotheses in zip(chunk, replies)]


def format_text(_: str, replies) -> str:
    """The replies alone."""
    return "\t".join(reply.text for reply in replies)


def format_json(prompt: str, replies) -> str:
    """All there is to say."""
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
    """What must be the same for replies to go on where they stopped."""
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
    """A function of the number of prompts done; on a terminal it shows it."""
    if not sys.stdout.isatty():
        return lambda done: None
    from tensorflow import keras

    total = None
    # A pipe can be read only once.
    if INPUT.value and Path(INPUT.value).is_file():
        with common.open_prompts(INPUT.value) as prompts:
            total = sum(1 for _ in prompts)
    return keras.utils.Progbar(total, unit_name="prompt").update


if __name__ == "__main__":
    console.run_main(main, is_filter=True)
