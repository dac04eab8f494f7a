"""The lines of an output as a log viewer shows them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from jobs_data.jobs.log_lines import LineLevel, LogLine, log_lines
from jobs_data.jobs.output_parts import MOST_LINES, OutputPart
from jobs_data.reasons.outputs import count_errors
from tests.support.outputs import read_outputs

BERLIN = ZoneInfo("Europe/Berlin")
OUTPUTS = read_outputs()


def whole(text: str, first: int = 1) -> OutputPart:
    """Return an output as one part."""
    size = len(text.encode())
    return OutputPart(text, 0 if first == 1 else 9, size, size, first)


def lines_of(text: str, *, is_failed: bool = False) -> list[LogLine]:
    """Return the lines of a whole output."""
    return log_lines(whole(text), BERLIN, is_failed=is_failed)


def test_a_line_of_each_platform_has_level_time_and_message() -> None:
    """AtoM's time is on the platform's clock; a colour is left out."""
    atom = '[err] [2026-11-25 09:14:02] Job 4711 "a 😀": '
    lines = lines_of(
        f"{atom}kaputt\n\x1b[31mERROR: Row 3: x\x1b[0m\nplain ERROR: text\n"
        "[2026-13-45 09:14:02] production.INFO: hello\n"
    )
    nine = datetime(2026, 11, 25, 8, 14, 2, tzinfo=UTC)
    assert lines[0] == LogLine(1, LineLevel.ERROR, nine, atom, "kaputt")
    assert lines[2] == LogLine(3, LineLevel.NONE, None, "", "plain ERROR: text")
    assert lines[3][1:3] == (LineLevel.INFO, None)
    assert lines_of("ERROR: Row 3: x")[0] == LogLine(1, LineLevel.ERROR, None, "ERROR: ", "Row 3: x")


@pytest.mark.parametrize("name", [name for name in OUTPUTS if "json" not in name])
def test_the_errors_marked_are_the_errors_counted(name: str) -> None:
    """Where the output only says how many, the line with the number is marked."""
    levels = [line.level for line in lines_of(OUTPUTS[name])]
    counts = count_errors(OUTPUTS[name])
    assert bool(counts.errors) is (LineLevel.ERROR in levels)
    assert levels.count(LineLevel.ERROR) in {counts.errors, 1}
    assert levels.count(LineLevel.WARNING) == counts.warnings


def test_the_number_counts_line_feeds() -> None:
    """What a terminal shows in more lines has one number; a progress bar is one line."""
    lines = lines_of("a\r\n10 %\r50 %\r100 %\nb\u2028c\vd\r\rlast")
    assert [(line.number, line.message) for line in lines] == [
        (1, "a"),
        (2, "100 %"),
        (3, "b"),
        (None, "c"),
        (None, "d"),
        (None, ""),
        (None, "last"),
    ]
    assert [line.number for line in log_lines(whole("a\nb\n", 70), BERLIN)] == [70, 71]


def test_a_whole_output_in_json_is_laid_out() -> None:
    """A part of one is not: its brackets are incomplete."""
    assert [line.message for line in lines_of('{"a":1e400}')] == ["{", '  "a": 1e400', "}"]
    assert [line.message for line in log_lines(whole("{}", 5), BERLIN)] == ["{}"]


def test_a_failed_job_without_marks_has_the_line_that_says_why() -> None:
    """An exception that ended it."""
    text = "Start\nRuntimeException: Disk full in /a/b.php:3\nStack trace:\n#0 {main}\n"
    assert LineLevel.ERROR not in [line.level for line in lines_of(text)]
    assert [line.level for line in lines_of(text, is_failed=True)].index(LineLevel.ERROR) == 1


def test_a_browser_never_gets_more_lines_than_it_draws() -> None:
    """The end is kept, each line feed counts, and what is left out is said."""
    numbers = f"[{','.join(map(str, range(90_000)))}]"
    assert [line.message for line in lines_of(numbers)] == [numbers]
    lines = lines_of("first\n" + "a\rb\r" * 40_000 + "\nc\u2028d\nlast\n")
    assert len(lines) == MOST_LINES
    assert [line.number for line in lines if line.number] == [1, 2, 3, 4]
    assert lines[1].message == "… 60,005 lines left out"
    assert [line.message for line in lines[-5:]] == ["a", "b", "c", "d", "last"]
    full = lines_of("x\ry\n" * MOST_LINES)
    assert (len(full), full[-1].message) == (MOST_LINES, "… 2 lines left out")
