"""Chats with a trained model.

    attention-seq2seq chat --model_dir=models/demo
    attention-seq2seq chat --model_dir=models/demo --prompt=今天晚上吃什么
    attention-seq2seq chat --model_dir=models/demo < questions.txt > answers.txt

In the interactive chat, /help lists the commands; /attention shows which words of the prompt a
reply came from.
"""

import logging
import sys

from absl import flags

from attention_seq2seq.cli import corpora
from attention_seq2seq.cli.attention_tables import format_attention
from attention_seq2seq.cli.flags import define_path, options_from_flags
from attention_seq2seq.cli.paths import require_image_path, require_model_dirs
from attention_seq2seq.cli.reply_flags import decoding_from_flags, define_reply_flags, load_chat
from attention_seq2seq.config.decoding import DecodingConfig

REQUIRED_FLAGS = ("model_dir",)
COMMON_FLAGS = (
    "prompt",
    "plot",
    "method",
    "beam_width",
    "temperature",
    "top_p",
    "repetition_penalty",
    "context_turns",
)
IS_FILTER = True

log = logging.getLogger(__name__)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of this command."""
    define_reply_flags(flag_values)
    flags.DEFINE_string(
        "prompt",
        None,
        "prompt whose reply and attention tables are printed, instead of an interactive chat",
        flag_values=flag_values,
    )
    define_path(
        "plot",
        None,
        "image file for the attention tables, in a format of Matplotlib such as .png, .pdf or "
        ".svg; requires --prompt",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "context_turns",
        None,
        "number of previous turns prepended to each prompt in the interactive chat; default: the "
        "value used in training [turns]",
        flag_values=flag_values,
    )


def run(args: flags.FlagValues) -> None:
    """Loads a model, and replies to one prompt, to standard input, or interactively."""
    if args.plot and args.prompt is None:
        raise ValueError("--plot requires --prompt. Add --prompt, or omit --plot.")
    require_image_path(args.plot)
    require_model_dirs(args.model_dir)
    is_interactive = args.prompt is None and sys.stdin.isatty()
    if args.context_turns is not None and not is_interactive:
        log.warning("--context_turns has an effect in the interactive chat only.")
    # In the interactive chat, the user can choose another method.
    decoding = (
        options_from_flags(DecodingConfig, args) if is_interactive else decoding_from_flags(args)
    )
    chat = load_chat(args.model_dir, decoding)
    if args.prompt is not None:
        reply = chat.reply([args.prompt], decoding)[0]
        print(f"{reply.text}\n\n{format_attention(reply, args.plot)}")
    elif is_interactive:
        from attention_seq2seq.cli.repl import ChatRepl, run_repl

        turns = args.context_turns
        turns = chat.config.text.context_turns if turns is None else turns
        # With a fixed seed, repeating a prompt would repeat its reply.
        has_random_seed = not args["sampling_seed"].present
        run_repl(ChatRepl(chat, decoding, turns, has_random_seed))
    else:
        with corpora.open_prompts(None) as prompts:
            for prompt in prompts:
                print(chat.reply([prompt], decoding)[0].text, flush=True)
