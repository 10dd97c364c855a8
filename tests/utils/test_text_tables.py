import pytest

from attention_seq2seq.utils.text_tables import display_width, render_tables

ROWS, COLUMNS = ["晚上", "吃", "<eos>"], ["今天", "晚上", "Python"]
FRACTIONS = [[0.0, 1.0, 0.0], [0.125, 0.25, 0.625], [0.0, 0.0, 0.0]]


def word_ends(line: str) -> list[int]:
    """Returns the terminal cells at which the words of a line end."""
    end_cells, cells = [], 0
    for character, next_character in zip(line, line[1:] + " "):
        cells += display_width(character)
        if character != " " and next_character == " ":
            end_cells.append(cells)
    return end_cells


def test_columns_are_aligned_in_terminal_cells():
    lines = render_tables(ROWS, COLUMNS, {"weights": FRACTIONS}).split("\n")
    header_ends = word_ends(lines[1])
    assert len(header_ends) == 3
    for line in lines[2:]:
        assert word_ends(line)[1:] == header_ends


def test_a_row_without_information_shows_dashes():
    *_, last_line = render_tables(ROWS, COLUMNS, {"weights": FRACTIONS}).split("\n")
    assert last_line.split() == ["<eos>", "–", "–", "–"]


def test_two_tables_are_side_by_side_if_they_fit():
    tables = {"attention weights": FRACTIONS, "contribution": FRACTIONS}
    side_by_side = render_tables(ROWS, COLUMNS, tables, width=80)
    assert len(side_by_side.split("\n")) == 5
    assert side_by_side.startswith("attention weights")
    assert "contribution" in side_by_side.split("\n")[0]
    stacked = render_tables(ROWS, COLUMNS, tables, width=40)
    assert len(stacked.split("\n")) == 11
    assert stacked.split("\n\n")[1].startswith("contribution")


@pytest.mark.parametrize("width", [20, 40, 80])
def test_no_line_is_wider_than_the_terminal(width):
    columns = [f"词{i}" for i in range(40)]
    fractions = [[i / 40 for i in range(40)]] * 2
    text = render_tables(["一", "二"], columns, {"a": fractions, "b": fractions}, width)
    assert max(map(display_width, text.split("\n"))) <= width
    for column in columns:
        assert text.count(f" {column}") >= 2


def test_accents_and_full_width_are_measured():
    assert display_width("é") == display_width("e\u0301") == 1
    assert display_width("，") == 2
