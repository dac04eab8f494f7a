"""Text of other programs on a screen: lines, progress bars, control codes, and what nobody can see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_data import plain_text

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\r\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_every_line_end_ends_a_line(end: str) -> None:
    """Old and new ones, of Windows, of printers and of Unicode."""
    text = end.join(["line 1", "line 2", "ERROR: line 3", "", "the end"])
    assert plain_text.as_printed(text).split("\n") == [
        "line 1",
        "line 2",
        "ERROR: line 3",
        "",
        "the end",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10%\r20%\r100%", "100%"),
        ("a\r\n 10%\r 20%\r\nb\n", "a\n 20%\nb\n"),
        ("\rReading... 0%\rReading... 50%\rReading... Done\n", "Reading... Done\n"),
        ("[#  ]\r[## ]\r[###]", "[###]"),
        ("Row 1/3\rRow 2/3\rRow 3/3", "Row 3/3"),
        ("1 of 3\r2 of 3\r3 of 3", "3 of 3"),
        ("Zeile 1 von 3\rZeile 3 von 3", "Zeile 3 von 3"),
        ("| Loading\r/ Loading\r- Loading", "- Loading"),
        ("\u280b Loading\r\u2819 Loading\r\u2839 Loading", "\u2839 Loading"),
        ("Working..\rWorking...", "Working..."),
        (
            "  5%|\u2588  | 5/100 [00:01<00:19, 9.0it/s]\r"
            "100%|\u2588\u2588| 100/100 [00:09<00:00, 1.2kit/s]",
            "100%|\u2588\u2588| 100/100 [00:09<00:00, 1.2kit/s]",
        ),
        (
            "a.zip  9% [=>   ] 900 kB/s eta 9s\ra.zip 90% [===> ] 1.2 MB/s eta 1s\r",
            "*1.2 MB/s eta 1s\n",
        ),
        ("\x1b[1G\x1b[2Kone\x1b[1G\x1b[2Ktwo", "two"),
        ("Row 1\x1b[K\rRow 2\x1b[K\rRow 3\x1b[K\n", "Row 3\n"),
        ("\x1b[32mOne\x1b[0K\r\x1b[32mTwo\x1b[0K", "Two"),
        ("ERROR: lost\x1b[K\rRow 2\x1b[K\rRow 3\x1b[K", "ERROR: lost\nRow 3"),
        ("50%\r              \rImported.", "Imported."),
        ("10%\b\b\b20%\b\b\b100%", "100%"),
        ("|\b/\b-\b\\\bdone", "done"),
        ("N\bNA\bAM\bME\bE", "NAME"),
        ("\b\bx", "x"),
    ],
)
def test_of_a_progress_bar_the_last_state_is_shown(text: str, shown: str) -> None:
    """By CR, by backspaces, and by the escape sequences that erase a line."""
    if shown.startswith("*"):
        assert plain_text.as_printed(text).endswith(shown[1:])
        assert plain_text.as_printed(text).count("\n") == shown.count("\n")
    else:
        assert plain_text.as_printed(text) == shown


@pytest.mark.parametrize(
    "lines",
    [
        ["ERROR: Row 3/9: no title", "ERROR: Row 4/9: no title"],
        ["[err] 50% lost", "[err] 60% lost"],
        ["Row 1 of 3: no title", "Row 2 of 3: no date"],
        ["10% of the rows have no title", "ERROR: the disk is full"],
        ["Imported 1", "Imported 2", "Imported 3"],
        ["a", "", "b"],
        ["100", "200"],
    ],
)
def test_what_is_no_progress_bar_stays_whole(lines: list[str]) -> None:
    """An error between two CRs is a line, however much it looks like the one before."""
    assert plain_text.as_printed("\r".join(lines)).split("\n") == lines


@pytest.mark.parametrize(
    "code",
    [
        "\x1b[31;1m",
        "\x1b[38:2:1:2:3m",
        "\x9b31m",
        "\x1b[?25l",
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x1b]8;;https://example.org\x1b\\",
        "\x9d0;title\x9c",
        "\x1bP1$r\x1b\\",
        "\x1b(B",
        "\x1b%G",
        "\x1b7",
        "\x1bM",
        "\x1b=",
    ],
)
def test_control_codes_are_not_shown(code: str) -> None:
    """Colours, titles, links, character sets and the rest, in seven bits and in eight."""
    assert plain_text.panel(f"a{code}b{code}") == "ab"


def test_an_unfinished_title_hides_nothing() -> None:
    """What no terminator ends is text."""
    assert plain_text.panel("\x1b]0;x\nERROR: lost\x1b[") == "0;x\nERROR: lost"


@pytest.mark.parametrize(
    "character", [*BIDI, "\0", "\a", "\x1b", "\x7f", "\x90", "\u200b", "\ufeff", "\U000e0041"]
)
def test_what_cannot_be_seen_is_named(character: str) -> None:
    """Nothing reverses what follows, hides in a name, or is an empty box."""
    for shown in (plain_text.visible(f"a{character}b"), plain_text.on_one_line(f"a{character}b")):
        assert character not in shown
        assert shown.isprintable()
        assert len(shown) > 2


def test_a_name_has_one_line() -> None:
    """Its line ends are signs; those of a longer text stay."""
    assert plain_text.on_one_line("a\nb\tc") == "a\u2039U+000A\u203ab\u2039U+0009\u203ac"
    assert plain_text.visible("a\nb\tc") == "a\nb\tc"


@pytest.mark.parametrize(
    "text",
    [
        "\u05e9\u05dc\u05d5\u05dd",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\U0001f469\u200d\U0001f4bb",
        "\u8fbb\U000e0100",
        "\xa0x\u3000",
        "\u2764\ufe0f",
    ],
)
def test_what_belongs_to_a_text_stays(text: str) -> None:
    """Other directions of writing, joiners, emoji, variants and wide spaces."""
    assert plain_text.on_one_line(text) == text


def test_a_long_line_is_cut_in_its_middle() -> None:
    """The lines around it stay in sight, and the sentence counts what is left out."""
    shown = plain_text.panel(f"before\n{'x' * 200_000}END\nERROR: full")
    first, long, last = shown.split("\n")
    assert (first, last) == ("before", "ERROR: full")
    assert long.startswith("xxx")
    assert long.endswith("xEND")
    assert len(long) < 1_400
    assert f"{200_003 - 1_300:,} characters left out" in long


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    """Its size on the screen is bounded."""
    text = "first\n" + "line\n" * 1_000_000 + "last"
    shown = plain_text.panel(text)
    assert shown.startswith("first\n")
    assert shown.endswith("\nlast")
    assert len(shown) <= plain_text.PANEL_CHARACTERS + 100
    assert f"{len(text) - plain_text.PANEL_CHARACTERS:,} characters left out" in shown


@given(st.text(st.characters() | st.sampled_from("\r\n\b\x1b[]K%1/\x07\x9b"), max_size=60))
def test_any_text_can_be_shown(text: str) -> None:
    """What is shown has no control character, and showing it again changes nothing."""
    shown = plain_text.panel(text)
    assert not set(shown) & {*BIDI, *map(chr, range(9)), *map(chr, range(0xB, 0x20)), "\x7f", "\x9b"}
    assert plain_text.visible(shown) == shown


@pytest.mark.parametrize(
    "part", ["\r", "\x1b", "\x1b]", "\x9d", "\x1b[0", "\b", "10%\r", "\r \r", "\v", "1/", "\u202e"]
)
def test_a_hostile_text_is_shown(part: str) -> None:
    """The work grows with the length, not with its square: else this would not end."""
    assert len(plain_text.panel(part * 100_000 + "\nend")) < 900_000
