r"""Answers a file of prompts, one a line, in their order.

python experiments/reply.py --model_dir=models/demo --prompts=in.txt --replies=out.txt
python experiments/reply.py --model_dir=models/demo --prompts=in.txt --replies=out.jsonl \
    --format=jsonl --method=beam --num_best=5
cat in.txt | python experiments/reply.py --model_dir=models/demo > out.txt

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

import console
from attention_seq2seq.decoding_config import DecodingConfig

MODEL_DIRS = flags.DEFINE_list("model_dir", None, console.MODEL_DIRS_HELP, required=True)
PROMPTS = flags.DEFINE_string(
    "prompts", None, "a prompt a line; standard input if not given [path]"
)
REPLIES = flags.DEFINE_string("replies", None, "where to; standard output if not given [path]")
FORMAT = flags.DEFINE_enum(
    "format",
    "text",
    ["text", "jsonl"],
    "text: a line for each prompt, several replies parted by tabs; jsonl: an object for each "
    "prompt, with tokens, scores and attention weights",
)
console.define_flags_of(DecodingConfig)

# Answered at once, sorted by length; what has been written survives being stopped.
CHUNK = 1024


def main(_) -> None:
    """Answers all prompts, to a file or to standard output."""
    decoding = console.options_from_flags(DecodingConfig)
    if PROMPTS.value and not Path(PROMPTS.value).is_file():
        raise ValueError(
            f"{PROMPTS.value}: no such file; --prompts is a file with a prompt a line."
        )
    if not REPLIES.value:
        for lines in answers(lines_of_prompts(), decoding):
            sys.stdout.writelines(lines)
            sys.stdout.flush()
        return
    if Path(REPLIES.value).exists():
        raise ValueError(f"{REPLIES.value} exists; remove it, or give another --replies.")
    console.expect_folder_of(REPLIES.value)

    from unfinished import Unfinished

    work = Unfinished(REPLIES.value, identity(decoding))
    prompts = lines_of_prompts()
    work.skip(prompts)
    bar = progress_bar()
    bar(work.num_done)
    for lines in answers(work.noted(prompts), decoding):
        work.write(lines)
        bar(work.num_done)
    work.finish()


def answers(prompts: Iterator[str], decoding: DecodingConfig) -> Iterator[list[str]]:
    """The lines to be written, in chunks."""
    from attention_seq2seq.chat import Chat

    chat = Chat.load(*MODEL_DIRS.value)
    line_of = as_json if FORMAT.value == "jsonl" else as_text
    while chunk := list(islice(prompts, CHUNK)):
        turns = [prompt.replace("\t", "\n") for prompt in chunk]
        replies = chat.replies(turns, decoding)
        yield [f"{line_of(prompt, found)}\n" for prompt, found in zip(chunk, replies)]


def lines_of_prompts() -> Iterator[str]:
    """The prompts, without the ends of their lines."""
    if not PROMPTS.value:
        # Only a line feed ends a line, as in a file.
        sys.stdin.reconfigure(newline="\n")
        yield from (line.rstrip("\r\n") for line in sys.stdin)
        return
    with Path(PROMPTS.value).open(encoding="utf-8-sig", errors="replace", newline="\n") as file:
        yield from (line.rstrip("\r\n") for line in file)


def as_text(_: str, replies) -> str:
    """The replies alone."""
    return "\t".join(reply.text for reply in replies)


def as_json(prompt: str, replies) -> str:
    """All there is to say."""
    found = [
        {
            "text": reply.text,
            "score": reply.score,
            "log_probability": reply.log_probability,
            "tokens": reply.tokens,
            "ended": reply.ended,
            "attention": [
                [round(float(weight), 5) for weight in row] for row in reply.attention_weights
            ],
        }
        for reply in replies
    ]
    line = {"prompt": prompt, "prompt_tokens": replies[0].prompt_tokens, "replies": found}
    return json.dumps(line, ensure_ascii=False)


def identity(decoding: DecodingConfig) -> dict:
    """What must be the same for replies to go on where they stopped."""
    models = [Path(folder).resolve() for folder in MODEL_DIRS.value]
    weights = [path for model in models for path in sorted(model.glob("*.npz"))]
    return {
        "models": [str(model) for model in models],
        "weights": {str(path): path.stat().st_mtime_ns for path in weights},
        "format": FORMAT.value,
        **dataclasses.asdict(decoding),
    }


def progress_bar():
    """A function of the number of prompts done; on a terminal it shows it."""
    if not sys.stdout.isatty():
        return lambda done: None
    from tensorflow import keras

    total = sum(1 for _ in lines_of_prompts()) if PROMPTS.value else None
    return keras.utils.Progbar(total, unit_name="prompt").update


if __name__ == "__main__":
    console.run(main)
