"""Prompts to replies, and which words they came from."""

import copy
import dataclasses
import logging
import pickle
import random
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from attention_seq2seq.chat import Chat
from attention_seq2seq.config.config import Config
from attention_seq2seq.config.data import DataConfig
from attention_seq2seq.config.decoding import DecodingConfig
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.text.vocabulary import EOS, UNK

QUESTION = "今天晚上吃什么"


def token_log_probs(chat, prompt_ids, reply_ids):
    """A second route: one prompt alone, the model stepped through by hand."""
    step, state = chat.model.prepare_decoding(np.array([prompt_ids]), np.array([len(prompt_ids)]))
    before, results = [1], []
    for word in reply_ids:
        logits, _, state = step(np.array(before), state)
        logits = logits.numpy()[0].astype(np.float64)
        results.append(logits[word] - logits.max() - np.log(np.exp(logits - logits.max()).sum()))
        before = [word]
    return np.array(results)


def test_a_reply_and_where_it_came_from(chat):
    (reply,) = chat.reply([QUESTION])
    assert reply.text == "晚上吃烤鸭吧"
    assert reply.tokens == ["晚上", "吃", "烤鸭", "吧"]
    assert reply.prompt_tokens == ["今天", "晚上", "吃", "什么"]
    assert reply.finished
    assert reply.row_labels == [*reply.tokens, "<eos>"]
    assert reply.attention_weights.shape == reply.contributions.shape == (5, 4)
    np.testing.assert_allclose(reply.attention_weights.sum(axis=1), 1, atol=1e-5)


def test_log_probability_and_contributions_equal_scoring_each_variant_alone(chat):
    (reply,) = chat.reply([QUESTION])
    prompt_ids = chat.tokenizer.source.encode(QUESTION)
    reply_ids = chat.tokenizer.target.encode(reply.text)
    whole = token_log_probs(chat, prompt_ids, reply_ids)
    np.testing.assert_allclose(reply.log_prob, whole.sum(), atol=1e-4)
    falls = []
    for place in range(len(prompt_ids)):
        without = [*prompt_ids[:place], UNK, *prompt_ids[place + 1 :]]
        falls.append(np.maximum(whole - token_log_probs(chat, without, reply_ids), 0))
    falls = np.transpose(falls)
    # Where the falls are as small as rounding, their shares mean nothing.
    clear = falls.sum(axis=1) > 1e-2
    assert clear.sum() >= 3
    shares = falls[clear] / falls[clear].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(reply.contributions[clear], shares, atol=1e-3)


def test_a_word_that_matters_to_nothing_leaves_a_row_of_zeros(chat):
    unknown = chat.tokenizer.source.encode("囧囧")
    assert set(unknown) == {UNK}
    contributions = chat.attribute(unknown, [7, EOS])
    assert contributions.shape == (2, len(unknown))
    assert np.all(contributions == 0)


STREAMED = {
    "default": DecodingConfig(),
    "constrained": DecodingConfig(
        min_length=3,
        max_length=6,
        no_repeat_ngram_size=2,
        repetition_penalty=1.5,
        prompt_bigram_penalty=2.0,
        suppress_tokens=("吃",),
        target_prefix="我",
    ),
    "copying": DecodingConfig(unk_policy="replace"),
    "unknown": DecodingConfig(unk_policy="allow"),
}


@pytest.mark.parametrize("decoding", STREAMED.values(), ids=STREAMED.keys())
@pytest.mark.parametrize("name", ["chat", "talk_chat"])
def test_a_stream_joined_is_the_reply(name, decoding, prompts, request):
    model = request.getfixturevalue(name)
    decoding = decoding if name == "talk_chat" else dataclasses.replace(decoding, target_prefix="")
    batch = prompts[:50] + prompts[-59:]
    pieces = [list(model.stream(prompt, decoding)) for prompt in batch]
    expected = model.reply(batch, decoding)
    assert ["".join(texts) for texts in pieces] == [reply.text for reply in expected]
    assert [len(texts) for texts in pieces] == [len(reply.tokens) for reply in expected]


def test_an_ensemble_streams(meals_dir):
    ensemble = Chat.load(meals_dir, meals_dir)
    assert "".join(ensemble.stream(QUESTION)) == ensemble.reply([QUESTION])[0].text


@pytest.mark.parametrize(
    ("prompt", "decoding", "error", "message"),
    [
        ([QUESTION], None, TypeError, r"prompts\[0\] is \['今天晚上吃什么'\]; expected a string"),
        (QUESTION, DecodingConfig(method="beam"), ValueError, "method is 'beam'"),
        (QUESTION, DecodingConfig(mmi_weight=0.5), ValueError, "mmi_weight 0.5"),
    ],
)
def test_a_stream_rejects_invalid_arguments_at_once(chat, prompt, decoding, error, message):
    with pytest.raises(error, match=message):
        chat.stream(prompt, decoding)


def test_replies_of_a_batch_are_those_of_each_prompt_alone(chat):
    prompts = [QUESTION, "", "周末清晨我们煮什么", "喂", "明天早上喝什么好"]
    together = chat.reply(prompts)
    for prompt, reply in zip(prompts, together):
        (alone,) = chat.reply([prompt])
        assert alone.text == reply.text
        assert alone.prompt_tokens == reply.prompt_tokens
        np.testing.assert_allclose(alone.log_prob, reply.log_prob, atol=1e-4)
        np.testing.assert_allclose(alone.attention_weights, reply.attention_weights, atol=1e-5)


def test_one_trace_serves_all_prompts_and_all_settings(meals_dir):
    chat = Chat.load(meals_dir)
    draw = random.Random(1)
    for _ in range(100):
        prompts = draw.choice([["吃"], [QUESTION] * 3, ["", "a b c d"]])
        chat.reply(prompts, random_decoding(draw))
    chat.reply([QUESTION])[0].contributions  # noqa: B018
    search = chat.generator
    for function in (search.greedy_search, search.beam_search, search.sample, search.force_decode):
        assert function.num_traces == 1


def random_decoding(draw: random.Random) -> DecodingConfig:
    method, groups = draw.choice(["greedy", "beam", "sample"]), draw.choice([1, 1, 2, 3])
    width = groups * draw.randint(1, 3)
    return DecodingConfig(
        method=method,
        num_return_sequences=1 if method == "greedy" else draw.randint(1, width),
        min_length=draw.randint(0, 5),
        max_length=draw.randint(5, 9),
        beam_width=width,
        num_beam_groups=groups,
        diversity_penalty=draw.uniform(0, 2),
        length_penalty=draw.uniform(-1, 2),
        coverage_penalty=draw.choice([0.0, 0.3]),
        temperature=draw.uniform(0.5, 2),
        top_k=draw.choice([0, 1, 5]),
        top_p=draw.choice([1.0, 0.0, 0.7]),
        sampling_seed=draw.randrange(99),
        no_repeat_ngram_size=draw.randrange(4),
        repetition_penalty=draw.choice([1.0, 3.0]),
        prompt_bigram_penalty=draw.choice([1.0, 3.0]),
        suppress_tokens=draw.choice([(), ("吃", "龘")]),
        target_prefix=draw.choice(["", "晚上吃"]),
        unk_policy=draw.choice(["forbid", "allow", "replace"]),
        mmi_weight=draw.choice([0.0, 0.4]),
        mmi_max_tokens=draw.randrange(5),
        rerank_mmi_weight=draw.choice([0.0, 0.4]),
        rerank_length_bonus=draw.choice([0.0, 0.4]),
    )


@pytest.mark.parametrize("prompt", ["", "   ", "\x00\u200b", "龘靐齉", "\ud800", "🙂" * 9, "<eos>"])
def test_odd_prompts_get_a_reply(chat, prompt):
    (reply,) = chat.reply([prompt])
    assert reply.text
    assert len(reply.prompt_tokens) >= 1
    assert reply.contributions.shape == reply.attention_weights.shape


def test_a_prompt_of_ten_thousand_characters_is_cut_with_a_warning(chat, caplog):
    with caplog.at_level(logging.WARNING):
        (reply,) = chat.reply(["今天晚上吃什么好呢" * 1111])
    assert "tokens; only the first 60 are used" in caplog.text
    assert len(reply.prompt_tokens) == 60
    assert reply.attention_weights.shape[1] == 60


def test_a_reply_that_does_not_end_is_cut():
    pairs = [("你好", "吃饭 喝水")]
    config = Config(data=DataConfig(max_target_length=4), model=ModelConfig(units=4))
    tokenizer = Seq2SeqTokenizer.build(pairs, config.text)
    size = len(tokenizer.source.vocabulary)
    model = make_model(config.model, size, size)
    model.decoder.output_projection.bias.assign(10.0 * np.eye(size, dtype=np.float32)[5])
    (reply,) = Chat(tokenizer, model, config).reply(["你好"])
    assert not reply.finished
    assert len(reply.tokens) == len(reply.row_labels) == 5
    assert reply.contributions.shape == (5, 1)


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (QUESTION, r"prompts is one str, .*expected a list of strings"),
        (b"abc", "prompts is one bytes"),
        ((text for text in [QUESTION]), r"prompts is a generator; .*give list\(prompts\)"),
        ({QUESTION}, "prompts is a set"),
        ({QUESTION: 1}, "prompts is a dict"),
        (None, "prompts is a NoneType"),
        ([QUESTION, 3], r"prompts\[1\] is 3; expected a string"),
        ([[QUESTION]], r"prompts\[0\] is \["),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_list_of_strings_is_refused(chat, prompts, message):
    for method in (chat.reply, chat.generate, lambda texts: chat.score(texts, [QUESTION])):
        with pytest.raises(TypeError, match=message):
            method(prompts)


def test_lists_and_their_like_are_taken(chat):
    assert chat.reply([]) == chat.score([], []) == []
    expected = chat.reply([QUESTION])[0].text
    for prompts in ((QUESTION,), np.array([QUESTION]), [QUESTION.encode()]):
        assert chat.reply(prompts)[0].text == expected


def test_scores_need_a_reply_for_each_prompt(chat):
    with pytest.raises(ValueError, match="2 prompts and 1 replies; expected one reply for each"):
        chat.score([QUESTION] * 2, ["吃"])
    with pytest.raises(TypeError, match="replies is one str"):
        chat.score(["吃"], "吃")
    with pytest.raises(TypeError, match="decoding is 'beam'; expected a DecodingConfig"):
        chat.reply([QUESTION], "beam")


def test_a_pickled_reply_keeps_computed_contributions(chat):
    measured, other = chat.reply([QUESTION, "吃"])
    contributions = measured.contributions
    for loaded in (pickle.loads(pickle.dumps(measured)), copy.deepcopy(measured)):
        assert (loaded.text, loaded.tokens, loaded.row_labels) == (
            measured.text,
            measured.tokens,
            measured.row_labels,
        )
        np.testing.assert_array_equal(loaded.contributions, contributions)
        np.testing.assert_array_equal(loaded.attention_weights, measured.attention_weights)
    loaded = pickle.loads(pickle.dumps(other))
    with pytest.raises(ValueError, match="A pickled reply has no model"):
        loaded.contributions  # noqa: B018
    assert copy.copy(other).contributions.shape == copy.deepcopy(other).contributions.shape


def first_calls(chat):
    """Everything that traces a function of a model, greedy and beam search side by side."""
    beam, sample = DecodingConfig(method="beam"), DecodingConfig(method="sample")
    return [
        lambda: chat.reply([QUESTION])[0].text,
        lambda: chat.reply([QUESTION], beam)[0].text,
        lambda: chat.reply([QUESTION], sample)[0].text,
        lambda: round(chat.score([QUESTION], ["晚上吃烤鸭吧"])[0], 4),
        lambda: chat.attribute([5, 6, 7], [5, 6, EOS]).round(3).tolist(),
    ]


def test_threads_may_make_the_first_calls_of_one_model_and_of_two(meals_dir, chat):
    expected = [call() for call in first_calls(chat)]
    for _ in range(2):
        calls = [call for _ in range(2) for call in first_calls(Chat.load(meals_dir))]
        barrier = threading.Barrier(8)

        def at_once(number, calls=calls, barrier=barrier):
            barrier.wait()
            order = [(number + place) % len(calls) for place in range(len(calls))]
            return {place: calls[place]() for place in order}

        with ThreadPoolExecutor(8) as executor:
            for found in executor.map(at_once, range(8)):
                assert [found[place] for place in sorted(found)] == expected * 2


def test_a_model_answers_after_a_first_call_was_interrupted(meals_dir, monkeypatch):
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


def copy_of(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.mark.parametrize(
    ("file", "error", "message"),
    [
        ("config.json", FileNotFoundError, "no trained model here"),
        ("vocabulary.txt", FileNotFoundError, "the vocabulary is missing"),
        ("best.npz", FileNotFoundError, "no weights; the training was stopped before"),
    ],
)
def test_a_half_written_folder_is_explained(meals_dir, tmp_path, file, error, message):
    folder = copy_of(meals_dir, tmp_path)
    (folder / file).unlink()
    with pytest.raises(error, match=message):
        Chat.load(folder)


def test_a_vocabulary_of_another_model_is_explained(meals_dir, tmp_path):
    folder = copy_of(meals_dir, tmp_path)
    with (folder / "vocabulary.txt").open("a", encoding="utf-8") as file:
        file.write("龘\n")
    with pytest.raises(ValueError, match="weights of another model; decoder/embedding has shape"):
        Chat.load(folder)


def test_a_model_with_itself_answers_as_it_does_alone(chat, meals_dir):
    together = Chat.load(meals_dir, meals_dir)
    for decoding in (DecodingConfig(), DecodingConfig(method="beam")):
        replies = [one.reply([QUESTION, "龘"], decoding) for one in (chat, together)]
        for alone, reply in zip(*replies):
            assert reply.text == alone.text
            np.testing.assert_allclose(reply.score, alone.score, atol=1e-4)
            np.testing.assert_allclose(reply.contributions, alone.contributions, atol=1e-3)


def test_models_of_other_words_do_not_answer_together(meals_dir, tmp_path):
    folder = copy_of(meals_dir, tmp_path)
    words = (folder / "vocabulary.txt").read_text(encoding="utf-8").splitlines()
    text = "".join(f"{word}\n" for word in [*words[:-2], words[-1], words[-2]])
    (folder / "vocabulary.txt").write_text(text, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"Cannot ensemble .* and .*copy: their vocabularies differ"
    ):
        Chat.load(meals_dir, folder)
