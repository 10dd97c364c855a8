import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention_seq2seq.text.vocabulary import BOS, EOS, PAD, SPECIALS, TURN, UNK, Vocabulary

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


def test_special_ids():
    assert (PAD, BOS, EOS, UNK, TURN) == (0, 1, 2, 3, 4)
    assert Vocabulary([]).words(range(5)) == list(SPECIALS)


@given(st.lists(ANY_TEXT, unique=True))
def test_any_token_survives_the_round_trip(tmp_path_factory, words):
    path = tmp_path_factory.mktemp("vocabulary") / "words.txt"
    vocabulary = Vocabulary(words)
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert loaded == vocabulary
    assert hash(loaded) == hash(vocabulary)
    assert loaded.words(loaded.ids(words)) == words


def test_the_file_is_readable_text(tmp_path):
    path = tmp_path / "words.txt"
    Vocabulary(["晚上", "a\nb", '"', "\\"]).save(path)
    assert path.read_text(encoding="utf-8").splitlines()[5:] == ["晚上", r"a\nb", r"\"", r"\\"]


def test_a_word_spelled_like_a_special_one_is_a_word():
    vocabulary = Vocabulary(["<eos>", "吃"])
    assert vocabulary.ids(["<eos>", "<pad>"]) == [5, UNK]
    assert vocabulary.words([5, EOS]) == ["<eos>", "<eos>"]


def test_build_takes_the_most_frequent_words_whatever_the_order():
    texts = [["b", "a"], ["b", "c", "a"], ["b", "d"]]
    assert Vocabulary.build(texts, 8).words(range(5, 8)) == ["b", "a", "c"]
    assert Vocabulary.build(texts[::-1], 8) == Vocabulary.build(texts, 8)
    assert len(Vocabulary.build(texts, 100)) == 9
    assert len(Vocabulary.build(texts, 100, min_count=2)) == 7
    assert len(Vocabulary.build([], 100)) == 5


def test_a_word_stands_once():
    with pytest.raises(ValueError, match="'b' stands twice"):
        Vocabulary(["a", "b", "b"])


def test_it_cannot_be_changed_from_outside():
    words = ["a"]
    vocabulary = Vocabulary(words)
    words.append("b")
    vocabulary.words([5]).append("c")
    assert len(vocabulary) == 6


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb\n", "expected the lines <pad>"),
        (b"", "expected the lines <pad>"),
        ("\n".join([*SPECIALS, '"', ""]).encode(), "line 6: not a word"),
        ("\n".join([*SPECIALS, ""]).encode() + b"\xff\n", "line 6: not a word"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, message):
    path = tmp_path / "words.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        Vocabulary.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="the vocabulary is missing"):
        Vocabulary.load(tmp_path / "words.txt")


def test_known_words_are_kept_and_take_no_place_from_those_of_the_texts():
    known = Vocabulary(["吃", "喝", "看"])
    texts = [["书", "书", "喝", "茶"], ["书", "茶", "水"]]
    built = Vocabulary.build(texts, len(SPECIALS) + 2, known=known)
    assert built.words(range(len(SPECIALS), len(built))) == ["吃", "喝", "看", "书", "茶"]
    assert Vocabulary.build(texts, len(SPECIALS) + 2).words(range(5, 7)) == ["书", "茶"]
