"""The signatures of an exported model give the results of the model in memory."""

import dataclasses
import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tensorflow as tf

from attention_seq2seq.config.decoding import DecodingConfig
from helpers.reply_comparison import (
    TOLERANCE,
    assert_equal_reply,
    count_different_replies,
    split_batches,
)
from helpers.result_rows import record_result
from helpers.served_model import call_signature

pytestmark = pytest.mark.xdist_group("export")

METHODS = {
    "greedy": DecodingConfig(),
    "beam": DecodingConfig(method="beam"),
    "sample": DecodingConfig(method="sample", sampling_seed=3),
}


@pytest.mark.slow
def test_replies_equal_those_in_memory_where_only_tensorflow_is_installed(
    export_dir, run_in_subprocess, talk_chat, prompts
):
    """Sends 1,000 prompts by each method; at most one reply in a thousand may differ."""
    batches = split_batches(prompts)
    calls = [("serving_default", {"prompt": batch}) for batch in batches]
    for method, decoding in METHODS.items():
        params = {"method": method, "sampling_seed": decoding.sampling_seed}
        calls += [("generate", {"prompt": batch, **params}) for batch in batches]
    results = run_in_subprocess(export_dir, calls)
    assert results["unknown_ops"] == []
    assert not {"jieba", "tensorflow_addons", "attention_seq2seq"} & set(results["modules"])

    all_outputs = iter(results["outputs"])
    in_memory = {method: talk_chat.reply(prompts, METHODS[method]) for method in METHODS}
    num_different_by_signature = []
    for method in ("greedy", *METHODS):
        expected = in_memory[method]
        assert len({reply.text for reply in expected}) >= 150
        num_different = 0
        for batch in split_batches(expected):
            outputs = next(all_outputs)
            if "num_replies" in outputs:
                assert set(outputs.pop("num_replies")) == {1}
                outputs = {name: first_reply(name, values) for name, values in outputs.items()}
            num_different += count_different_replies(outputs, batch)
        print(f"{method}: {num_different} of {len(prompts)} replies differ")
        assert num_different <= 1
        num_different_by_signature.append(num_different)
    # The first one is `serving_default`, with the method of the next one.
    num_different = sum(num_different_by_signature[1:])
    print(f"all methods: {num_different} of {len(METHODS) * len(prompts)} replies differ")
    counts = {"cases": len(METHODS) * len(prompts), "different": num_different}
    record_result("serving", table="equality", prompts=len(prompts), **counts)


def first_reply(name, values):
    """Returns the values of the first reply to each prompt, or of the prompts as they are."""
    return values if name.startswith("prompt") else [n_best[0] for n_best in values]


def test_tokens_get_the_reply_to_their_text(saved_model, prompts):
    num_truncated_tokens = 0
    for batch in split_batches(prompts, 100):
        from_text = call_signature(saved_model, "serving_default", {"prompt": batch})
        inputs = {"prompt_tokens": from_text["prompt_tokens"]}
        from_tokens = call_signature(saved_model, "generate_from_tokens", inputs)
        num_truncated_tokens += sum(from_text.pop("prompt_truncated_tokens"))
        assert set(from_tokens.pop("prompt_truncated_tokens")) == {0}
        assert from_tokens == from_text
    assert num_truncated_tokens > 0


def test_every_option_has_the_effect_that_it_has_in_memory(saved_model, talk_chat, prompts):
    rng = random.Random(1)
    methods, num_n_best = set(), 0
    for _ in range(20):
        decoding = random_decoding(rng)
        batch = rng.sample(prompts, 4)
        inputs = {"prompt": batch, **dataclasses.asdict(decoding)}
        outputs = call_signature(saved_model, "generate", inputs)
        methods.add(decoding.method)
        for row, expected in enumerate(talk_chat.generate(batch, decoding)):
            assert outputs["num_replies"][row] == len(expected), decoding
            num_n_best += len(expected) > 1
            for rank, reply in enumerate(expected):
                reply_outputs = {
                    name: values[row] if name.startswith("prompt") else values[row][rank]
                    for name, values in outputs.items()
                    if name != "num_replies"
                }
                assert reply_outputs["reply"].decode() == reply.text, decoding
                assert_equal_reply(reply_outputs, reply)
            # Missing replies are empty.
            assert not any(outputs["reply"][row][len(expected) :])
            assert not any(outputs["score"][row][len(expected) :])
    assert methods == {"greedy", "beam", "sample"} and num_n_best > 10


def random_decoding(rng) -> DecodingConfig:
    method = rng.choice(("greedy", "beam", "sample"))
    num_groups = rng.choice((1, 1, 2, 3))
    width = num_groups * rng.choice((1, 2, 4))

    def choose(default, alternative):
        """Returns the default with a probability of 0.7."""
        return default if rng.random() < 0.7 else alternative

    num_return_sequences = {
        "greedy": 1,
        "beam": rng.randint(1, width),
        "sample": rng.randint(1, 4),
    }[method]
    return DecodingConfig(
        method=method,
        num_return_sequences=num_return_sequences,
        beam_width=width,
        num_beam_groups=num_groups,
        min_length=choose(0, 3),
        max_length=choose(0, 6),
        diversity_penalty=rng.choice((0.0, 0.5, 2.0)),
        length_penalty=rng.choice((0.0, 1.0, -0.5)),
        coverage_penalty=choose(0.0, 0.3),
        temperature=rng.choice((1.0, 0.7)),
        top_k=choose(0, 10),
        top_p=choose(1.0, 0.9),
        sampling_seed=rng.randint(0, 1000),
        no_repeat_ngram_size=choose(0, 2),
        repetition_penalty=choose(1.0, 1.5),
        prompt_bigram_penalty=choose(1.0, 4.0),
        suppress_tokens=choose((), ("的", "是", "不")),
        target_prefix=choose("", "我是"),
        unk_policy=rng.choice(("forbid", "allow", "replace")),
        mmi_weight=choose(0.0, 0.5),
        mmi_max_tokens=rng.choice((2, 5)),
        rerank_mmi_weight=choose(0.0, 0.5),
        rerank_length_bonus=choose(0.0, 0.25),
    )


def test_given_replies_are_scored_and_attributed(saved_model, talk_chat, prompts):
    replies = [reply.text for reply in talk_chat.reply(prompts[:24])]
    batch, replies = [*prompts[:24], prompts[0], ""], [*replies, "龘不知道", ""]
    scores = call_signature(saved_model, "score", {"prompt": batch, "reply": replies})
    attributions = call_signature(saved_model, "attribute", {"prompt": batch, "reply": replies})
    expected = talk_chat.score(batch, replies, DecodingConfig(length_penalty=0.0))
    np.testing.assert_allclose(scores["log_prob"], expected, rtol=1e-5, atol=1e-5)
    for name, values in scores.items():
        assert attributions[name] == values
    for row, (prompt, reply) in enumerate(zip(batch, replies)):
        ids = talk_chat.tokenizer.target.encode(reply)
        source_ids = talk_chat.tokenizer.source.encode(prompt, 20)[:20]
        token_log_probs = np.array(scores["token_log_probs"][row])
        np.testing.assert_allclose(token_log_probs.sum(), expected[row], **TOLERANCE)
        np.testing.assert_allclose(
            scores["perplexity"][row], np.exp(-expected[row] / len(ids)), rtol=1e-4
        )
        tokens = [*talk_chat.tokenizer.target.tokenize(reply), "<eos>"]
        reply_tokens = [token.decode() for token in scores["reply_tokens"][row]]
        assert reply_tokens == tokens + [""] * (len(reply_tokens) - len(tokens))
        table = np.array(attributions["contributions"][row])
        np.testing.assert_allclose(
            table[: len(ids), : len(source_ids)],
            talk_chat.attribute(source_ids, ids),
            atol=1e-3,
        )
        assert not table[len(ids) :].any() and not table[:, len(source_ids) :].any()


def test_eight_threads_get_the_replies_of_one_thread(saved_model, prompts):
    signature = saved_model.signatures["serving_default"]

    def reply(index):
        prompt = prompts[index % len(prompts)]
        return {n: x.numpy().tolist() for n, x in signature(prompt=tf.constant([prompt])).items()}

    expected = [reply(index) for index in range(200)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(reply, range(200))) == expected
