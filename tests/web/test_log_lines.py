"""Log lines that repeat are capped and counted, whichever logger writes them."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import Clock
from web.log_lines import ALIKE_LINES, WINDOW_SECONDS, RepeatFilter

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands at zero."""
    return Clock()


@pytest.fixture
def logger(clock: Clock, request: pytest.FixtureRequest) -> logging.Logger:
    """Give a logger with the filter alone."""
    logger = logging.getLogger(request.node.name)
    logger.addFilter(RepeatFilter(clock))
    return logger


def fail(logger: logging.Logger, error: Exception) -> None:
    """Log an error with its trace."""
    try:
        raise error
    except Exception:
        logger.exception("it failed")


def test_the_same_line_is_written_once_a_minute_and_counted(
    logger: logging.Logger, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """With an object's address in it, it is the same; the next minute begins with the number."""
    for number in range(1000):
        logger.error("socket.accept() out of system resource\n%r", object())
        fail(logger, OSError(f"try {number}"))
    logger.error("something else")
    assert [line.split("\n")[0] for line in caplog.messages] == [
        "socket.accept() out of system resource",
        "it failed",
        "something else",
    ]
    caplog.clear()
    clock.now = WINDOW_SECONDS
    logger.error("something else")
    assert [line for line in caplog.messages if "repeated 999 times" in line] == caplog.messages[:2]
    assert caplog.messages[2] == "something else"


def test_lines_that_differ_are_written_until_there_are_too_many(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of one place in the code; another place still has its own."""
    for number in range(10 * ALIKE_LINES):
        logger.warning("client %d has gone", number)
    assert caplog.messages == [f"client {number} has gone" for number in range(ALIKE_LINES)]
    logger.warning("the database refused: %s", "no")
    logger.warning("the database refused: %s", "really not")
    assert caplog.messages[-2:] == ["the database refused: no", "the database refused: really not"]


def test_the_access_log_is_whole(clock: Clock) -> None:
    """Two requests that are the same are two lines."""
    record = logging.makeLogRecord({"name": "uvicorn.access", "msg": "GET /admin/jobs 200"})
    repeats = RepeatFilter(clock)
    assert [repeats.filter(record) for _ in range(ALIKE_LINES + 2)] == [True] * (ALIKE_LINES + 2)


def test_different_errors_keep_their_traces(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Of the same words, but of another class."""
    for _ in range(3):
        fail(logger, KeyError("a"))
        fail(logger, ValueError("a"))
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
        KeyError,
        ValueError,
    ]


EVERY_LOGGER = """
import logging, threading
logging.basicConfig(format="%(name)s: %(message)s")
early = logging.getLogger("early")
early.propagate = False
early.addHandler(logging.StreamHandler())
from web.log_lines import RepeatFilter, cap_repeats
cap_repeats(RepeatFilter())
late = logging.getLogger("late")
late.propagate = False
late.addHandler(logging.StreamHandler())

class Broken:
    def __del__(self):
        raise OSError("cannot be tidied away")

def fail():
    raise OSError("in a thread")

for _ in range(100):
    for name in ("early", "late", "asyncio", "uvicorn.error", "streamlit.web", None):
        logging.getLogger(name).error("again")
    Broken()
    thread = threading.Thread(target=fail, name="one")
    thread.start()
    thread.join()
"""


def test_every_logger_of_the_process_is_capped() -> None:
    """Those made before and after, with handlers of their own; what Python itself would write, too."""
    run = subprocess.run(
        [sys.executable, "-c", EVERY_LOGGER], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stderr.count("again") == 6
    assert run.stderr.count("OSError: cannot be tidied away") == 1
    assert run.stderr.count("OSError: in a thread") == 1
    assert run.stderr.count("Traceback") == 2
