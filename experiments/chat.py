"""Chats with a trained model: interactively, with a single prompt, or line by line.

python experiments/chat.py --model_dir=models/demo
python experiments/chat.py --model_dir=models/demo --prompt=今天晚上吃什么
python experiments/chat.py --model_dir=models/demo < questions.txt > answers.txt

In the interactive chat, /help lists the commands, and /attention shows attention weights.
"""

import sys

from absl import flags

import common
import config_flags
import console
from attention_seq2seq.config.decoding import DecodingConfig

MODEL_DIRS = config_flags.define_paths("model_dir", None, common.MODEL_DIRS_HELP, required=True)
PROMPT = flags.DEFINE_string(
    "prompt", None, "single prompt to reply to, with its attention weights and contributions"
)
PLOT = config_flags.define_path("plot", None, "with --prompt: image file for the tables [path]")
CONTEXT_TURNS = flags.DEFINE_integer(
    "context_turns",
    None,
    "interactive chat: earlier turns in each prompt; default: the --context_turns of the training "
    "[turns]",
)
config_flags.define_flags(DecodingConfig)


def main(_) -> None:
    """Loads the model and replies."""
    decoding = config_flags.options_from_flags(DecodingConfig)
    if PLOT.value and PROMPT.value is None:
        raise ValueError("--plot draws the answer to --prompt; give --prompt=QUESTION as well.")

    from repl import ChatRepl

    from attention_seq2seq.chat import Chat

    chat = Chat.load(*MODEL_DIRS.value)
    if PROMPT.value is not None:
        reply = chat.reply([PROMPT.value], decoding)[0]
        print(f"{reply.text}\n\n{common.format_attention(reply, PLOT.value)}")
    elif sys.stdin.isatty():
        turns = CONTEXT_TURNS.value
        turns = chat.config.text.context_turns if turns is None else turns
        # A fixed seed would give the same reply to a repeated prompt.
        has_random_seed = not config_flags.FLAGS["sampling_seed"].present
        run_repl(ChatRepl(chat, decoding, turns, has_random_seed))
    else:
        with common.open_prompts(None) as prompts:
            for prompt in prompts:
                print(chat.reply([prompt], decoding)[0].text, flush=True)


def run_repl(repl) -> None:
    """Runs the interactive chat with line editing, history and completion."""
    import readline

    readline.set_completer_delims("")
    readline.set_completer(lambda text, index: [*repl.complete(text), None][index])
    readline.parse_and_bind("tab: complete")
    repl.warm_up()
    print("/help lists the commands, Ctrl-D leaves.")
    while True:
        try:
            line = input("> ").strip()
            if any("\udc80" <= character <= "\udcff" for character in line):
                raise ValueError("this line is not UTF-8. Set the terminal to UTF-8.")
            if line:
                print(repl.answer(line))
        except KeyboardInterrupt:
            print()
        except EOFError:
            print()
            return
        except (ValueError, OSError) as error:
            print(f"Error: {error}")


if __name__ == "__main__":
    console.run_main(main, is_filter=True)
