"""Caps log lines that repeat: an error that comes a thousand times a second must not fill the disk."""

from __future__ import annotations

import logging
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from jobs_data.wording import counted

log = logging.getLogger(__name__)

WINDOW_SECONDS: Final = 60.0
SAME_LINES: Final = 1
"""How many of the same line, or of the same error at the same place, are written in a minute."""

ALIKE_LINES: Final = 60
"""How many lines that one place in the code writes, whatever they say, are written in a minute."""

_ADDRESSES: Final = re.compile(r"\b(0x)?[0-9a-f]{8,}\b", re.IGNORECASE)
"""Of objects in memory, with which the same line differs each time."""
_FIRST_LINE: Final = 200
_IS_SUMMARY: Final = "is_summary_of_repeats"
_ACCESS_LOG: Final = "uvicorn.access"
"""A line for each request, where it is switched on: there, none repeats another."""

_Key = tuple[str, int, str, str]
"""A logger, a level, an exception with its place, and a text."""


class RepeatFilter(logging.Filter):
    """Lets the first lines of a kind through in each minute; then says how often the kind came."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Count nothing yet; `clock` counts seconds."""
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._ends = 0.0
        self._seen: Counter[_Key] = Counter()
        self._left_out: dict[_Key, tuple[int, str]] = {}
        self._timer: threading.Timer | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is to be written."""
        if getattr(record, _IS_SUMMARY, False) or record.name == _ACCESS_LOG:
            return True
        try:
            first_line = record.getMessage().strip().split("\n", 1)[0][:_FIRST_LINE]
        except (TypeError, ValueError):  # logging itself will say what is wrong with its arguments
            first_line = str(record.msg)[:_FIRST_LINE]
        same = (record.name, record.levelno, _raised(record), _ADDRESSES.sub("#", first_line))
        alike = (record.name, record.levelno, "", f"{record.pathname}:{record.lineno}")
        if self._clock() >= self._ends:
            self.summarise()
        with self._lock:
            key = same
            if self._seen[same] < SAME_LINES:
                if self._seen[alike] < ALIKE_LINES:
                    self._seen.update((same, alike))
                    return True
                key = alike
            number, _ = self._left_out.get(key, (0, ""))
            self._left_out[key] = (number + 1, first_line)
            self._start_timer()
            return False

    def summarise(self) -> None:
        """Write how often each line was left out, and begin a new minute."""
        with self._lock:
            left_out, self._left_out = self._left_out, {}
            self._seen.clear()
            self._ends = self._clock() + WINDOW_SECONDS
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        for (name, level, *_), (number, line) in left_out.items():
            logging.getLogger(name).log(
                level,
                "repeated %s within a minute, left out: %s",
                counted(number, "time"),
                line,
                extra={_IS_SUMMARY: True},
            )

    def _start_timer(self) -> None:
        """See to it that the minute ends with its summary, though nothing more may be logged."""
        if self._timer is not None:
            return
        self._timer = threading.Timer(WINDOW_SECONDS, self.summarise)
        self._timer.daemon = True
        try:
            self._timer.start()
        except RuntimeError:  # no thread can be had: the next line brings the summary
            self._timer = None


def _raised(record: logging.LogRecord) -> str:
    """Return the class of a record's exception and the place that raised it; empty without one."""
    if not (record.exc_info and record.exc_info[0]):
        return ""
    raised, _, trace = record.exc_info
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{raised.__qualname__} {place}"


def cap_repeats(repeats: RepeatFilter) -> None:
    """Let every logger of this process pass a filter, those that are made later too.

    Not the handlers: Streamlit makes one for each of its loggers, at any time. What Python would write
    to the standard error by itself is logged, too.
    """

    class Capped(logging.getLoggerClass()):  # type: ignore[misc]  # a class that is found at run time
        def __init__(self, name: str, level: int = logging.NOTSET) -> None:
            super().__init__(name, level)
            self.addFilter(repeats)

    logging.setLoggerClass(Capped)
    for name in [None, *logging.root.manager.loggerDict]:
        logging.getLogger(name).addFilter(repeats)
    sys.unraisablehook = _log_unraisable
    threading.excepthook = _log_in_thread


def _log_unraisable(what: sys.UnraisableHookArgs) -> None:
    error = what.exc_value
    log.error("%s", what.err_msg or "an exception was ignored", exc_info=error)


def _log_in_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_type is not SystemExit:
        name = what.thread.name if what.thread else "?"
        log.error("an exception ended the thread %s", name, exc_info=what.exc_value)
