import pytest

from attention_seq2seq.utils.text_tables import display_width, share_tables

ROWS, COLUMNS = ["晚上", "吃", "<eos>"], ["今天", "晚上", "Python"]
SHARES = [[0.0, 1.0, 0.0], [0.125, 0.25, 0.625], [0.0, 0.0, 0.0]]


def columns_of(line: str) -> list[int]:
    """The terminal cells at which the words of a line end."""
    ends, cells = [], 0
    for here, after in zip(line, line[1:] + " "):
        cells += display_width(here)
        if here != " " and after == " ":
            ends.append(cells)
    return ends


def test_columns_are_aligned_in_terminal_cells():
    lines = share_tables(ROWS, COLUMNS, {"shares": SHARES}).split("\n")
    heads = columns_of(lines[1])
    assert len(heads) == 3
    for line in lines[2:]:
        assert columns_of(line)[1:] == heads


def test_a_row_without_information_shows_dashes():
    *_, last = share_tables(ROWS, COLUMNS, {"shares": SHARES}).split("\n")
    assert last.split() == ["<eos>", "–", "–", "–"]


def test_two_tables_stand_side_by_side_where_they_fit():
    tables = {"attention weights": SHARES, "contribution": SHARES}
    beside = share_tables(ROWS, COLUMNS, tables, width=80)
    assert len(beside.split("\n")) == 5
    assert beside.startswith("attention weights")
    assert "contribution" in beside.split("\n")[0]
    below = share_tables(ROWS, COLUMNS, tables, width=40)
    assert len(below.split("\n")) == 11
    assert below.split("\n\n")[1].startswith("contribution")


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_is_wider_than_the_terminal(width):
    columns = [f"词{i}" for i in range(40)]
    shares = [[i / 40 for i in range(40)]] * 2
    text = share_tables(["一", "二"], columns, {"a": shares, "b": shares}, width)
    assert max(map(display_width, text.split("\n"))) <= width
    for column in columns:
        assert text.count(f" {column}") >= 2


def test_accents_and_full_width_are_measured():
    assert display_width("é") == display_width("e\u0301") == 1
    assert display_width("，") == 2
