"""Prints replies to ten questions, and the attention weights and contributions of a reply.

python experiments/demo.py --model_dir=models/demo
"""

import console
from attention_seq2seq.cli import attention_tables, next_command
from attention_seq2seq.cli import flags as cli_flags
from attention_seq2seq.utils.native_output import import_tensorflow

MODEL_DIR = cli_flags.define_path(
    "model_dir", None, "directory of a model trained on the default corpus [path]", required=True
)
PLOT = cli_flags.define_path("plot", "attention.png", "image file for the tables [path]")

QUESTIONS = (
    "今天晚上吃什么",
    "周末清晨喝啥",
    "明天早上我们煮什么好",
    "星期天深夜吃哪些",
    "今天中午吃什么",
    "你几岁",
    "什么是机器人",
    "谁发明了电灯泡",
    "你喜欢下雨吗",
    "我想去北京旅游",
)


def main(_) -> None:
    """Prints the replies, where each question comes from, and the tables."""
    import_tensorflow()
    from attention_seq2seq.chat import Chat
    from attention_seq2seq.data.default_corpus import default_corpus

    chat = Chat.load(MODEL_DIR.value)
    corpus = default_corpus()
    origins = {pair.prompt: "held out of training" for pair in corpus.validation}
    origins.update({pair.prompt: "trained on" for pair in corpus.training})
    print("\nTen questions\n")
    replies = chat.reply(QUESTIONS)
    for question, reply in zip(QUESTIONS, replies):
        print(f"  {question}  [{origins.get(question, 'outside the corpus')}]\n    {reply.text}")
    print(f"\nWhich words of {QUESTIONS[0]} did each word of the reply come from?\n")
    print(f"{replies[0].text}\n\n{attention_tables.format_attention(replies[0], PLOT.value)}")
    next_command.print_next_command("Chat with the model", "chat", model_dir=MODEL_DIR.value)


if __name__ == "__main__":
    console.run_main(main)
