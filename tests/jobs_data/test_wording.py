"""Numbers, sizes and durations as sentences say them."""

import pytest

from jobs_data.wording import counted, duration, one_of, size


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (1_234, "1.2 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (21_000_000, "21.0 MB"),
        (5 * 10**9, "5.0 GB"),
        (7 * 10**12, "7.0 TB"),
        (3 * 10**16, "30,000.0 TB"),
    ],
)
def test_sizes(number: int, text: str) -> None:
    """Three or four digits, and no thousand of a unit that has a larger one."""
    assert size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text", "roughly"),
    [
        (0, "0 seconds", "0 seconds"),
        (1, "1 second", "1 second"),
        (60, "1 minute", "1 minute"),
        (3_661, "1 hour, 1 minute and 1 second", "1 hour"),
        (90_000, "1 day and 1 hour", "1 day"),
        (400 * 86_400 + 5, "400 days and 5 seconds", "400 days"),
        (-65, "minus 1 minute and 5 seconds", "minus 1 minute"),
        (10**15, "11,574,074,074 days, 1 hour, 46 minutes and 40 seconds", "11,574,074,074 days"),
    ],
)
def test_durations(seconds: int, text: str, roughly: str) -> None:
    """To the second, or in the largest unit alone; whatever a database holds."""
    assert duration(seconds) == text
    assert duration(seconds, units=1) == roughly


def test_counts_and_names() -> None:
    """One of a thing is one of it."""
    assert [counted(n) for n in (0, 1, 1_204)] == ["0 jobs", "1 job", "1,204 jobs"]
    assert [one_of(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == [
        "a",
        "a or b",
        "a, b or c",
    ]
