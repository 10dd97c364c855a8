"""Meal talk: generated conversation in which each word of the reply has a known origin.

今天晚上吃什么 is answered 晚上吃烤鸭吧: 晚上 comes from 晚上, 吃 from 吃, and the dish from both.
The day changes nothing, so a question about a day never asked about can still be answered: this
is what the held-out triples measure. Only words that jieba cuts as they stand here are used (今天
下午, 吃点 and 吃火锅 would be single words).
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
# (before the verb, after the verb). If 什么 always followed the verb, a model could just as well
# read the verb from the encoder output there.
ASKINGS = (
    ((), ("什么",)),
    ((), ("啥",)),
    ((), ("哪些",)),
    (("我们",), ("什么", "好")),
    (("打算",), ("啥",)),
    (("准备",), ("一点", "什么")),
)


def prompt_words(day: str, time: str, verb: str, asking: tuple) -> list[str]:
    """The words of a question, such as 今天 晚上 吃 什么."""
    before, after = asking
    return [day, time, *before, verb, *after]


def reply_words(time: str, verb: str) -> list[str]:
    """The words of its answer, such as 晚上 吃 烤鸭 吧: they depend on time and verb only."""
    return [time, verb, DISHES[verb][TIMES.index(time)], "吧"]


def held_out(day: str, time: str, verb: str) -> bool:
    """Whether the triple is kept from training: one in six, 今天晚上吃 among them.

    The rule takes, for each time and verb, exactly one of the six days, and each day equally
    often; so every word, and every time with every verb, occurs in training.
    """
    return (DAYS.index(day) + TIMES.index(time) + VERBS.index(verb)) % 6 == 4


def meal_talk() -> Split:
    """Every meal pair: those trained on, and the held-out ones, with all ways of asking."""
    training, validation = [], []
    for number, (day, time, verb, asking) in enumerate(product(DAYS, TIMES, VERBS, ASKINGS)):
        prompt = "".join(prompt_words(day, time, verb, asking))
        pair = Pair(prompt, "".join(reply_words(time, verb)), number)
        (validation if held_out(day, time, verb) else training).append(pair)
    return Split(training, validation)
