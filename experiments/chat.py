"""Talks with a trained model, at a prompt, for one question, or line by line.

python experiments/chat.py --model_dir=models/demo
python experiments/chat.py --model_dir=models/demo --prompt=今天晚上吃什么
python experiments/chat.py --model_dir=models/demo < questions.txt > answers.txt

At the prompt /help lists the commands: /attention shows which words an answer came from.
"""

import sys

from absl import flags

import common
import config_flags
import console
from attention_seq2seq.config.decoding import DecodingConfig

MODEL_DIRS = config_flags.define_paths("model_dir", None, common.MODEL_DIRS_HELP, required=True)
PROMPT = flags.DEFINE_string(
    "prompt", None, "answer this, show which words the answer came from, and leave"
)
PLOT = config_flags.define_path(
    "plot", None, "with --prompt: write the tables as a picture, too [path]"
)
CONTEXT_TURNS = flags.DEFINE_integer(
    "context_turns",
    None,
    "at the prompt, earlier turns that each prompt carries; as many as in training if not given "
    "[turns]",
)
config_flags.define_flags(DecodingConfig)


def main(_) -> None:
    """Loads the model once, then answers."""
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
        # Asked twice, a person would hear the same again.
        has_random_seed = not config_flags.FLAGS["sampling_seed"].present
        run_repl(ChatRepl(chat, decoding, turns, has_random_seed))
    else:
        with common.open_prompts(None) as prompts:
            for prompt in prompts:
                print(chat.reply([prompt], decoding)[0].text, flush=True)


def run_repl(repl) -> None:
    """A prompt with editing, history and completion."""
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
