"""Talks with a trained model, at a prompt, for one question, or line by line.

python experiments/chat.py --model_dir=models/demo
python experiments/chat.py --model_dir=models/demo --ask=今天晚上吃什么
python experiments/chat.py --model_dir=models/demo < questions.txt > answers.txt

At the prompt /help lists the commands: /why shows which words an answer came from.
"""

import sys

from absl import flags

import console
from attention_seq2seq.config.decoding import DecodingConfig

MODEL_DIRS = console.define_paths("model_dir", None, console.MODEL_DIRS_HELP, required=True)
ASK = flags.DEFINE_string(
    "ask", None, "answer this, show which words the answer came from, and leave"
)
ATTENTION_PNG = console.define_path(
    "attention_png", None, "with --ask: write the tables as a picture, too [path]"
)
CONTEXT_TURNS = flags.DEFINE_integer(
    "context_turns",
    None,
    "at the prompt, earlier turns that each prompt carries; as many as in training if not given "
    "[turns]",
)
console.define_flags_of(DecodingConfig)


def main(_) -> None:
    """Loads the model once, then answers."""
    decoding = console.options_from_flags(DecodingConfig)
    if ATTENTION_PNG.value and ASK.value is None:
        raise ValueError("--attention_png draws the answer to --ask; give --ask=QUESTION as well.")

    from talk import Talk

    from attention_seq2seq.chat import Chat

    chat = Chat.load(*MODEL_DIRS.value)
    if ASK.value is not None:
        reply = chat.reply([ASK.value], decoding)[0]
        print(f"{reply.text}\n\n{console.explanation(reply, ATTENTION_PNG.value)}")
    elif sys.stdin.isatty():
        turns = CONTEXT_TURNS.value
        turns = chat.config.text.context_turns if turns is None else turns
        # Asked twice, a person would hear the same again.
        draws_anew = not console.FLAGS["sampling_seed"].present
        talk_to(Talk(chat, decoding, turns, draws_anew))
    else:
        with console.prompts_of(None) as prompts:
            for prompt in prompts:
                print(chat.reply([prompt], decoding)[0].text, flush=True)


def talk_to(talk) -> None:
    """A prompt with editing, history and completion."""
    import readline

    readline.set_completer_delims("")
    readline.set_completer(lambda text, number: [*talk.complete(text), None][number])
    readline.parse_and_bind("tab: complete")
    talk.warm_up()
    print("/help lists the commands, Ctrl-D leaves.")
    while True:
        try:
            line = input("> ").strip()
            if any("\udc80" <= letter <= "\udcff" for letter in line):
                raise ValueError("this line is not UTF-8. Set the terminal to UTF-8.")
            if line:
                print(talk.answer(line))
        except KeyboardInterrupt:
            print()
        except EOFError:
            print()
            return
        except (ValueError, OSError) as error:
            print(f"Error: {error}")


if __name__ == "__main__":
    console.run(main, is_for_output=True)
