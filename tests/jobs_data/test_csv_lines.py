"""Lines of a CSV: harmless in every spreadsheet, and the text can be had back."""

import csv
import io
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_data import csv_lines

FORMULA_STARTS = "=+-@\uff1d\uff0b\uff0d\uff20"
TEXTS = st.text(st.sampled_from("a1 ='\"+;,|\t\r\n\0\u200b\ufeff\u202e\uff1d\U0001f363"), max_size=12)


def read(line: str, delimiter: str = ",") -> list[list[str]]:
    """Return the lines and cells that a program sees which separates cells with `delimiter`."""
    return list(csv.reader(io.StringIO(line, newline=""), delimiter=delimiter))


def guards_taken_away(text: str) -> str:
    """Return the text that was defused, by the rule in docs/routes.md."""
    text = re.sub(f"^'(?='*[{re.escape(FORMULA_STARTS)}\t\r\n])", "", text)
    skipped = '\\s"\0\u200b\ufeff\u202e,;|'
    guard = re.compile(f"(?:^|(?<![{skipped}]))([{skipped}]+)'(?='*[{re.escape(FORMULA_STARTS)}])")

    def without(found: re.Match[str]) -> str:
        starts_cell = found.start() == 0 or re.search(r"[\s,;|]", found[1].replace(" ", ""))
        return found[1] if starts_cell else found[0]

    return guard.sub(without, text)


@pytest.mark.parametrize("start", FORMULA_STARTS)
@pytest.mark.parametrize(
    "before",
    [
        "",
        " ",
        "\ufeff",
        "\u200b ",
        "\0",
        "a;",
        "a; ",
        "a,",
        "a\t",
        "a\n",
        "a\r\n",
        "a\r",
        "a|",
        'a;"',
        "a\v",
    ],
)
def test_a_formula_is_defused_wherever_a_cell_could_start(before: str, start: str) -> None:
    """At the beginning, and after separators, line breaks and quotes, behind what is skipped there."""
    assert csv_lines.defuse(f"{before}{start}1+1") == f"{before}'{start}1+1"


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx"])
def test_a_cell_does_not_start_with_a_tab_or_a_line_end(text: str) -> None:
    """Spreadsheets skip these, and look at what follows."""
    assert csv_lines.defuse(text) == f"'{text}"


@pytest.mark.parametrize(
    "text",
    ["a=1", "2-1", "x@y.z", "na\u00efve \U0001f600", "a; b", "https://x/?a=1&b=+2", "#0 a\n\tat b"],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    """A sign inside a text makes no formula."""
    assert csv_lines.defuse(text) == text


@given(TEXTS, TEXTS)
def test_no_separator_finds_a_formula(one: str, two: str) -> None:
    """Read with any of the usual separators, no cell of a line starts one."""
    line = csv_lines.line([one, 7, two])
    for separator in ",;\t|":
        for row in read(line.replace("\0", ""), separator):
            for cell in row:
                assert not cell.strip(' "\u200b\ufeff\u202e\r\n').startswith(tuple(FORMULA_STARTS))


@given(TEXTS)
def test_what_is_defused_can_be_had_back(text: str) -> None:
    """Two texts never become one."""
    assert guards_taken_away(csv_lines.defuse(text)) == text


def test_texts_are_quoted_and_numbers_are_not() -> None:
    """Also a text in a column of numbers, as SQLite allows it."""
    cells: list[Any] = ['a "b"', "", 7, -1.5, np.int64(8), None, "9", b"=1"]
    assert csv_lines.line(cells) == '"a ""b""","",7,-1.5,8,,"9","b\'=1\'"\r\n'


@given(st.lists(st.text(), min_size=1))
def test_every_text_survives(cells: list[str]) -> None:
    """Control characters and characters of four bytes too."""
    assert read(csv_lines.line(cells)) == [[csv_lines.defuse(cell) for cell in cells]]


@pytest.mark.parametrize("text", ["\t" * 200_000, "'" * 200_000, ";'" * 100_000])
def test_a_long_text_of_separators_is_written(text: str) -> None:
    """Without a guard against it, the work would grow with the square of the length."""
    assert csv_lines.defuse(f"a{text}") == f"a{text}"
