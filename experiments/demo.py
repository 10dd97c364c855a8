"""Asks a model trained on the default corpus ten questions, and shows where its words come from.

python experiments/demo.py --model_dir=models/demo
"""

import console
from absl import flags

MODEL_DIR = flags.DEFINE_string("model_dir", None, "the folder of a trained model", required=True)
ATTENTION_PNG = flags.DEFINE_string("attention_png", "attention.png", "the picture to write [path]")

QUESTIONS = (
    "今天晚上吃什么",
    "周末早上喝什么好",
    "明天中午我们煮什么",
    "后天傍晚打算买什么",
    "星期天中午吃什么呢",
    "什么是ai",
    "你喜欢下雨吗",
    "我想去北京旅游",
)


def main(_) -> None:
    """Prints replies, each with what the model had seen of its question, then the tables."""
    from chat import explain

    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.corpora import default_corpus

    chat = Chat.load(MODEL_DIR.value)
    corpus = default_corpus()
    seen = {pair.prompt: "held out" for pair in corpus.validation}
    seen.update({pair.prompt: "trained on" for pair in corpus.training})
    for question, reply in zip(QUESTIONS, chat.reply(QUESTIONS)):
        print(f"[{seen.get(question, 'outside the corpus')}] {question}\n    {reply.text}")
    print(f"\nWhich words of {QUESTIONS[0]} did each word of the reply come from?\n")
    explain(chat.reply(QUESTIONS[:1])[0], ATTENTION_PNG.value)
    print(f"\nTalk to it: .venv/bin/python experiments/chat.py --model_dir={MODEL_DIR.value}")


if __name__ == "__main__":
    console.run(main)
