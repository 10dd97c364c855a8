"""Meal dialogues: generated pairs with known origins of the reply words.

The reply to 今天晚上吃什么 is 晚上吃烤鸭吧. 晚上 comes from 晚上, 吃 from 吃, and the dish from
both. Replies do not depend on the day, so a model can reply to questions about days that it was not
trained on. The held-out triples measure this. All words are segmented by jieba as written here
(今天下午, 吃点 and 吃火锅 would be single words).
"""

from itertools import product

from attention_seq2seq.data.pairs import Pair, Split

DAYS = ("今天", "明天", "后天", "周末", "周六", "星期天")
TIMES = ("清晨", "早上", "中午", "傍晚", "晚上", "深夜")
DISHES = {
    "吃": ("油条", "包子", "米饭", "炒饭", "烤鸭", "烧烤"),
    "喝": ("开水", "豆浆", "绿茶", "果汁", "鸡汤", "红茶"),
    "煮": ("白粥", "玉米", "土豆", "馄饨", "牛肉", "面条"),
    "买": ("面包", "鲜花", "苹果", "西瓜", "蔬菜", "饼干"),
}
VERBS = tuple(DISHES)
# Words before and after the verb. If 什么 always followed the verb, a model could attend to 什么
# instead, because its encoder output depends on the verb.
QUESTION_TEMPLATES = (
    ((), ("什么",)),
    ((), ("啥",)),
    ((), ("哪些",)),
    (("我们",), ("什么", "好")),
    (("打算",), ("啥",)),
    (("准备",), ("一点", "什么")),
)


def prompt_words(day: str, time: str, verb: str, template: tuple) -> list[str]:
    """Returns the words of a question, such as 今天 晚上 吃 什么."""
    prefix, suffix = template
    return [day, time, *prefix, verb, *suffix]


def reply_words(time: str, verb: str) -> list[str]:
    """Returns the words of the reply, such as 晚上 吃 烤鸭 吧."""
    return [time, verb, DISHES[verb][TIMES.index(time)], "吧"]


def is_held_out(day: str, time: str, verb: str) -> bool:
    """Returns whether the triple is held out from training, like 今天晚上吃.

    For each time and verb, exactly one of the six days is held out. Each day is held out equally
    often. So every word, and every time with every verb, occurs in training.
    """
    return (DAYS.index(day) + TIMES.index(time) + VERBS.index(verb)) % 6 == 4


def meal_dialogues() -> Split:
    """Returns the training pairs, and the held-out triples in all templates."""
    training, validation = [], []
    questions = product(DAYS, TIMES, VERBS, QUESTION_TEMPLATES)
    for index, (day, time, verb, template) in enumerate(questions):
        prompt = "".join(prompt_words(day, time, verb, template))
        pair = Pair(prompt, "".join(reply_words(time, verb)), index)
        (validation if is_held_out(day, time, verb) else training).append(pair)
    return Split(training, validation)
