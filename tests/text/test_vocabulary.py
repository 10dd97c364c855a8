import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention_seq2seq.text.vocabulary import BOS, EOS, PAD, SPECIALS, TURN, UNK, Vocabulary

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def test_special_ids():
    assert (PAD, BOS, EOS, UNK, TURN) == (0, 1, 2, 3, 4)
    assert Vocabulary([]).tokens(range(5)) == list(SPECIALS)


@given(st.lists(ANY_TEXT, unique=True))
def test_any_tokens_round_trip(tmp_path_factory, tokens):
    path = tmp_path_factory.mktemp("vocabulary") / "words.txt"
    vocabulary = Vocabulary(tokens)
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert loaded == vocabulary
    assert hash(loaded) == hash(vocabulary)
    assert loaded.tokens(loaded.ids(tokens)) == tokens


def test_the_file_is_readable_text(tmp_path):
    path = tmp_path / "words.txt"
    Vocabulary(["晚上", "a\nb", '"', "\\"]).save(path)
    assert path.read_text(encoding="utf-8").splitlines()[5:] == ["晚上", r"a\nb", r"\"", r"\\"]


def test_a_token_spelled_like_a_special_one_is_an_ordinary_token():
    vocabulary = Vocabulary(["<eos>", "吃"])
    assert vocabulary.ids(["<eos>", "<pad>"]) == [5, UNK]
    assert vocabulary.tokens([5, EOS]) == ["<eos>", "<eos>"]


def test_build_keeps_the_most_frequent_tokens_in_any_order():
    texts = [["b", "a"], ["b", "c", "a"], ["b", "d"]]
    assert Vocabulary.build(texts, 8).tokens(range(5, 8)) == ["b", "a", "c"]
    assert Vocabulary.build(texts[::-1], 8) == Vocabulary.build(texts, 8)
    assert len(Vocabulary.build(texts, 100)) == 9
    assert len(Vocabulary.build(texts, 100, min_count=2)) == 7
    assert len(Vocabulary.build([], 100)) == 5


def test_duplicate_tokens_raise():
    with pytest.raises(ValueError, match="Token 'b' occurs twice"):
        Vocabulary(["a", "b", "b"])


def test_vocabularies_are_immutable():
    tokens = ["a"]
    vocabulary = Vocabulary(tokens)
    tokens.append("b")
    vocabulary.tokens([5]).append("c")
    assert len(vocabulary) == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\n", "expected the lines <pad>"),
        (b"", "expected the lines <pad>"),
        ("\n".join([*SPECIALS, '"', ""]).encode(), "line 6: expected one token per line"),
        ("\n".join([*SPECIALS, ""]).encode() + b"\xff\n", "line 6: expected one token per line"),
    ],
)
def test_damaged_files_raise(tmp_path, content, message):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Vocabulary.load(path)


def test_missing_files_raise(tmp_path):
    with pytest.raises(FileNotFoundError, match="is missing: training did not finish"):
        Vocabulary.load(tmp_path / "words.txt")


def test_base_tokens_do_not_count_towards_the_size():
    base = Vocabulary(["吃", "喝", "看"])
    texts = [["书", "书", "喝", "茶"], ["书", "茶", "水"]]
    vocabulary = Vocabulary.build(texts, len(SPECIALS) + 2, base=base)
    assert vocabulary.tokens(range(len(SPECIALS), len(vocabulary))) == [
        "吃",
        "喝",
        "看",
        "书",
        "茶",
    ]
    assert Vocabulary.build(texts, len(SPECIALS) + 2).tokens(range(5, 7)) == ["书", "茶"]
