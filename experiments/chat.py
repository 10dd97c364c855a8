"""Talks with a trained model, at a prompt, for one question, or line by line.

python experiments/chat.py --model_dir=models/demo
python experiments/chat.py --model_dir=models/demo --ask=今天晚上吃什么
python experiments/chat.py --model_dir=models/demo < questions.txt > answers.txt
"""

import sys

from absl import flags

import console

MODEL_DIR = flags.DEFINE_string("model_dir", None, "the folder of a trained model", required=True)
ASK = flags.DEFINE_string(
    "ask", None, "answer this, show which words the answer came from, and leave"
)
ATTENTION_PNG = flags.DEFINE_string(
    "attention_png", None, "with --ask: write the tables as a picture, too [path]"
)


def main(_) -> None:
    """Loads the model once, then answers."""
    from attention_seq2seq.chat import Chat

    if ATTENTION_PNG.value and ASK.value is None:
        raise ValueError("--attention_png draws the answer to --ask; give --ask=QUESTION as well.")
    chat = Chat.load(MODEL_DIR.value)
    if ASK.value is not None:
        console.explain(chat.reply([ASK.value])[0], ATTENTION_PNG.value)
    elif sys.stdin.isatty():
        talk(chat)
    else:
        for line in sys.stdin:
            print(chat.reply([line])[0].text, flush=True)


def talk(chat) -> None:
    """A prompt with editing and history; an end of file or Ctrl-C leaves."""
    import readline  # noqa: F401, gives input() its editing

    print("Ctrl-D leaves.")
    while True:
        try:
            line = input("> ")
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if line.strip():
            print(chat.reply([line])[0].text)


if __name__ == "__main__":
    console.run(main)
