"""`tf.function` traces of `Chat`: their offset, threads and interrupts."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.text.vocabulary import EOS

QUESTION = "今天晚上吃什么"


def random_decoding(rng: random.Random) -> DecodingConfig:
    method, groups = rng.choice(["greedy", "beam", "sample"]), rng.choice([1, 1, 2, 3])
    width = groups * rng.randint(1, 3)
    return DecodingConfig(
        method=method,
        num_return_sequences=1 if method == "greedy" else rng.randint(1, width),
        min_length=rng.randint(0, 5),
        max_length=rng.randint(5, 9),
        beam_width=width,
        num_beam_groups=groups,
        diversity_penalty=rng.uniform(0, 2),
        length_penalty=rng.uniform(-1, 2),
        coverage_penalty=rng.choice([0.0, 0.3]),
        temperature=rng.uniform(0.5, 2),
        top_k=rng.choice([0, 1, 5]),
        top_p=rng.choice([1.0, 0.0, 0.7]),
        sampling_seed=rng.randrange(99),
        no_repeat_ngram_size=rng.randrange(4),
        repetition_penalty=rng.choice([1.0, 3.0]),
        prompt_bigram_penalty=rng.choice([1.0, 3.0]),
        suppress_tokens=rng.choice([(), ("吃", "龘")]),
        target_prefix=rng.choice(["", "晚上吃"]),
        unk_policy=rng.choice(["forbid", "allow", "replace"]),
        mmi_weight=rng.choice([0.0, 0.4]),
        mmi_max_tokens=rng.randrange(5),
        rerank_mmi_weight=rng.choice([0.0, 0.4]),
        rerank_length_bonus=rng.choice([0.0, 0.4]),
    )


def test_no_retracing_across_prompts_and_options(meals_dir):
    chat = Chat.load(meals_dir)
    rng = random.Random(1)
    for _ in range(40):
        prompts = rng.choice([["吃"], [QUESTION] * 3, ["", "a b c d"]])
        chat.reply(prompts, random_decoding(rng))
    chat.reply([QUESTION])[0].contributions  # noqa: B018
    generator = chat.generator
    for function in (
        generator.greedy_search,
        generator.beam_search,
        generator.sample,
        generator.force_decode,
    ):
        assert function.num_traces == 1


def first_calls(chat):
    """Everything that traces a function of a model, greedy and beam generator side by side."""
    beam, sample = DecodingConfig(method="beam"), DecodingConfig(method="sample")
    return [
        lambda: chat.reply([QUESTION])[0].text,
        lambda: chat.reply([QUESTION], beam)[0].text,
        lambda: chat.reply([QUESTION], sample)[0].text,
        lambda: round(chat.score([QUESTION], ["晚上吃烤鸭吧"])[0], 4),
        lambda: chat.attribute([5, 6, 7], [5, 6, EOS]).round(3).tolist(),
    ]


def test_first_calls_may_run_in_concurrent_threads(meals_dir, chat):
    expected = [call() for call in first_calls(chat)]
    calls = first_calls(Chat.load(meals_dir))
    barrier = threading.Barrier(8)

    def run_calls(offset):
        barrier.wait()
        order = [(offset + index) % len(calls) for index in range(len(calls))]
        return {index: calls[index]() for index in order}

    with ThreadPoolExecutor(8) as executor:
        for results in executor.map(run_calls, range(8)):
            assert [results[index] for index in sorted(results)] == expected


def test_replies_after_an_interrupted_first_call(meals_dir, monkeypatch):
    chat = Chat.load(meals_dir)
    step = type(chat.model.decoder).step

    def interrupted(*arguments):
        step(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(chat.model.decoder), "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            chat.reply([QUESTION])
    for method in ("beam", "greedy"):
        assert chat.reply([QUESTION], DecodingConfig(method=method))[0].text == "晚上吃烤鸭吧"
