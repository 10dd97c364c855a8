"""Warm starts: from the weights of another model, and from pretrained embeddings."""

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
from helpers.short_trainings import read_weights

OLD = [("吃 什么", "吃 面"), ("喝 什么", "喝 茶")] * 4
NEW = [("吃 什么", "吃 饭"), ("看 什么", "看 书")] * 4
TEXT = TextConfig("whitespace", "whitespace")


def make_config(init_from="", units=8, text=TEXT, **training):
    options = {"epochs": 2, "compute_dtype": "float32", "init_from": str(init_from), **training}
    return Config(text=text, model=ModelConfig(units=units), training=TrainingConfig(**options))


@pytest.fixture(scope="module")
def old_dir(tmp_path_factory):
    """Folder of the model to start from. Read-only."""
    folder = tmp_path_factory.mktemp("old")
    train(OLD, folder, make_config(), [], progress=False)
    return folder


def test_old_tokens_keep_their_ids_and_weights(tmp_path, old_dir):
    config = make_config(old_dir)
    old_vocabulary = Seq2SeqTokenizer.load(old_dir, TEXT).target.vocabulary
    train(NEW, tmp_path / "new", config, [], progress=False)
    tokenizer = Seq2SeqTokenizer.load(tmp_path / "new", TEXT)
    vocabulary = tokenizer.target.vocabulary
    old_size, new_size = len(old_vocabulary), len(old_vocabulary) + 3
    assert vocabulary.tokens(range(old_size)) == old_vocabulary.tokens(range(old_size))
    assert set(vocabulary.tokens(range(old_size, new_size))) == {"饭", "看", "书"}
    model = make_model(config.model, new_size, new_size)
    weights = model.named_weights()
    new_rows = weights["encoder/embedding"].numpy()[old_size:]
    init_from_model(model, tokenizer, config)
    old_weights = read_weights(old_dir / "last.npz")
    for name, variable in weights.items():
        value = variable.numpy()
        if name.endswith("projection/kernel"):
            np.testing.assert_array_equal(value[:, :old_size], old_weights[name])
        elif value.shape == old_weights[name].shape:
            np.testing.assert_array_equal(value, old_weights[name])
        else:
            np.testing.assert_array_equal(value[:old_size], old_weights[name])
    np.testing.assert_array_equal(weights["encoder/embedding"][old_size:], new_rows)


@pytest.mark.slow
def test_a_warm_start_has_a_lower_loss(tmp_path):
    long_config = make_config(epochs=15, learning_rate=0.02, batch_size=2)
    train(OLD, tmp_path / "old", long_config, [], progress=False)
    cold = train(OLD, tmp_path / "cold", make_config(), [], progress=False)
    warm = train(OLD, tmp_path / "warm", make_config(tmp_path / "old"), [], progress=False)
    assert warm["loss"][0] < 0.2 * cold["loss"][0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 16}, "has units 8, and the new model 16. Use the same value"),
        ({"text": TextConfig("whitespace", "characters")}, "has target_tokenizer 'whitespace'"),
    ],
)
def test_incompatible_models_are_refused(tmp_path, old_dir, options, message):
    with pytest.raises(ValueError, match=message):
        train(NEW, tmp_path / "new", make_config(old_dir, **options), [], progress=False)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="none: no such directory"):
        train(NEW, tmp_path / "new", make_config(tmp_path / "none"), [], progress=False)


def make_tokenizer_and_model(**options):
    tokenizer = Seq2SeqTokenizer.build(OLD, TEXT)
    size = len(tokenizer.target.vocabulary)
    return tokenizer, make_model(ModelConfig(units=4, **options), size, size)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"], ids=["", "byte order mark"])
@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_only_tokens_with_pretrained_vectors_are_changed(tmp_path, compress, encoding):
    tokenizer, model = make_tokenizer_and_model()
    initial = {name: variable.numpy() for name, variable in model.named_weights().items()}
    path = tmp_path / "vectors.txt"
    path.write_bytes(compress("3 4\n面 1 2 3 4\n<eos> 9 9 9 9\n海 5 6 7 8\n".encode(encoding)))
    init_embeddings_from_file(model, tokenizer, str(path))
    (index,) = tokenizer.target.vocabulary.ids(["面"])
    for name in ("encoder/embedding", "decoder/embedding"):
        embedding = model.named_weights()[name].numpy()
        np.testing.assert_array_equal(embedding[index], [1, 2, 3, 4])
        remaining_rows = np.arange(len(embedding)) != index
        np.testing.assert_array_equal(embedding[remaining_rows], initial[name][remaining_rows])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("2 5\n面 1 2 3 4 5\n", "vectors have 5 dimensions, but units is 4"),
        ("面 1 2 3 4\n茶 1 2 3\n", "line 2: expected a word and 4 numbers"),
        ("面 1 2 three 4\n", "line 1: expected a word and 4 numbers"),
        ("1 4\n海 1 2 3 4\n", ": no word is in the vocabulary"),
        ("面 1 2 nan 4\n", "line 1: expected a word and 4 numbers"),
        ("", ": no word is in the vocabulary"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_invalid_vector_files_are_refused(tmp_path, content, message):
    tokenizer, model = make_tokenizer_and_model()
    path = tmp_path / "vectors.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        init_embeddings_from_file(model, tokenizer, str(path))


def test_a_missing_vector_file_is_refused(tmp_path):
    tokenizer, model = make_tokenizer_and_model()
    with pytest.raises(ValueError, match="No such file"):
        init_embeddings_from_file(model, tokenizer, str(tmp_path / "none"))


def test_a_shared_embedding_is_initialized(tmp_path):
    tokenizer, model = make_tokenizer_and_model(share_embeddings=True)
    path = tmp_path / "vectors.txt"
    path.write_text("面 1 2 3 4\n", encoding="utf-8")
    init_embeddings_from_file(model, tokenizer, str(path))
    (index,) = tokenizer.target.vocabulary.ids(["面"])
    np.testing.assert_array_equal(model.named_weights()["encoder/embedding"][index], [1, 2, 3, 4])
