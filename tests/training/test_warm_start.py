"""Trainings that start from weights that others have learnt."""

import gzip

import numpy as np
import pytest

from attention_seq2seq.config.config import Config
from attention_seq2seq.config.model import ModelConfig
from attention_seq2seq.config.text import TextConfig
from attention_seq2seq.config.training import TrainingConfig
from attention_seq2seq.models.seq2seq import make_model
from attention_seq2seq.text.seq2seq_tokenizer import Seq2SeqTokenizer
from attention_seq2seq.training.api import train
from attention_seq2seq.training.warm_start import init_embeddings_from_file, init_from_model

OLD = [("吃 什么", "吃 面"), ("喝 什么", "喝 茶")] * 4
NEW = [("吃 什么", "吃 饭"), ("看 什么", "看 书")] * 4
TEXT = TextConfig("whitespace", "whitespace")


def config(folder="", units=8, text=TEXT, **training):
    options = {"epochs": 2, "compute_dtype": "float32", "init_from": str(folder), **training}
    return Config(text=text, model=ModelConfig(units=units), training=TrainingConfig(**options))


def weights(folder):
    with np.load(folder / "last.npz") as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def old_dir(tmp_path_factory):
    """A model to start from; to be read, not written."""
    folder = tmp_path_factory.mktemp("old")
    train(OLD, folder, config(), [], progress=False)
    return folder


def test_words_that_were_known_keep_their_ids_and_weights(tmp_path, old_dir):
    options = config(old_dir)
    known = Seq2SeqTokenizer.load(old_dir, TEXT)
    train(NEW, tmp_path / "new", options, [], progress=False)
    tokenizer = Seq2SeqTokenizer.load(tmp_path / "new", TEXT)
    size = len(known.target.vocabulary)
    assert tokenizer.target.vocabulary.tokens(range(size)) == known.target.vocabulary.tokens(
        range(size)
    )
    assert set(tokenizer.target.vocabulary.tokens(range(size, size + 3))) == {"饭", "看", "书"}
    model = make_model(options.model, size + 3, size + 3)
    before = model.named_weights()["encoder/embedding"].numpy()[size:]
    init_from_model(model, tokenizer, options)
    old = weights(old_dir)
    for name, variable in model.named_weights().items():
        value = variable.numpy()
        if name.endswith("projection/kernel"):
            np.testing.assert_array_equal(value[:, :size], old[name])
        elif value.shape == old[name].shape:
            np.testing.assert_array_equal(value, old[name])
        else:
            np.testing.assert_array_equal(value[:size], old[name])
    np.testing.assert_array_equal(model.named_weights()["encoder/embedding"][size:], before)


def test_it_begins_better_than_from_nothing(tmp_path):
    learnt = config(epochs=30, learning_rate=0.01, batch_size=2)
    train(OLD, tmp_path / "old", learnt, [], progress=False)
    anew = train(OLD, tmp_path / "anew", config(), [], progress=False)
    on = train(OLD, tmp_path / "on", config(tmp_path / "old"), [], progress=False)
    assert on["loss"][0] < 0.2 * anew["loss"][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 16}, "has units 8, this training has 16; they must be the same"),
        ({"text": TextConfig("whitespace", "characters")}, "has target_tokenizer 'whitespace'"),
    ],
)
def test_another_model_is_refused(tmp_path, old_dir, options, message):
    with pytest.raises(ValueError, match=message):
        train(NEW, tmp_path / "new", config(old_dir, **options), [], progress=False)


def test_a_folder_without_a_model_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no trained model"):
        train(NEW, tmp_path / "new", config(tmp_path / "none"), [], progress=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"], ids=["", "byte order mark"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_vectors_are_taken_for_the_words_that_have_some(tmp_path, compress, encoding):
    tokenizer = Seq2SeqTokenizer.build(OLD, TEXT)
    size = len(tokenizer.target.vocabulary)
    model = make_model(ModelConfig(units=4), size, size)
    before = {n: v.numpy() for n, v in model.named_weights().items()}
    path = tmp_path / "vectors.txt"
    path.write_bytes(compress("3 4\n面 1 2 3 4\n<eos> 9 9 9 9\n海 5 6 7 8\n".encode(encoding)))
    init_embeddings_from_file(model, tokenizer, str(path))
    (i,) = tokenizer.target.vocabulary.ids(["面"])
    for side in ("encoder", "decoder"):
        after = model.named_weights()[f"{side}/embedding"].numpy()
        np.testing.assert_array_equal(after[i], [1, 2, 3, 4])
        others = np.arange(size) != i
        np.testing.assert_array_equal(after[others], before[f"{side}/embedding"][others])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("2 5\n面 1 2 3 4 5\n", "vectors of width 5, but the model is 4 units wide"),
        ("面 1 2 3 4\n茶 1 2 3\n", "line 2: expected a word and 4 numbers"),
        ("面 1 2 three 4\n", "line 1: expected a word and 4 numbers"),
        ("1 4\n海 1 2 3 4\n", "none of its words"),
        ("面 1 2 nan 4\n", "line 1: expected a word and 4 numbers"),
        ("", "none of its words"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_vectors_that_cannot_be_taken_are_refused(tmp_path, content, message):
    tokenizer = Seq2SeqTokenizer.build(OLD, TEXT)
    size = len(tokenizer.target.vocabulary)
    path = tmp_path / "vectors.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        init_embeddings_from_file(
            make_model(ModelConfig(units=4), size, size), tokenizer, str(path)
        )


def test_a_file_of_vectors_that_is_not_there_is_said(tmp_path):
    tokenizer = Seq2SeqTokenizer.build(OLD, TEXT)
    model = make_model(ModelConfig(units=4), *[len(tokenizer.target.vocabulary)] * 2)
    with pytest.raises(ValueError, match="No such file"):
        init_embeddings_from_file(model, tokenizer, str(tmp_path / "none"))


def test_a_shared_embedding_takes_vectors_too(tmp_path):
    tokenizer = Seq2SeqTokenizer.build(OLD, TEXT)
    size = len(tokenizer.target.vocabulary)
    model = make_model(ModelConfig(units=4, share_embeddings=True), size, size)
    path = tmp_path / "vectors.txt"
    path.write_text("面 1 2 3 4\n", encoding="utf-8")
    init_embeddings_from_file(model, tokenizer, str(path))
    (i,) = tokenizer.target.vocabulary.ids(["面"])
    np.testing.assert_array_equal(model.named_weights()["encoder/embedding"][i], [1, 2, 3, 4])
