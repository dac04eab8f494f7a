"""What is sent to a database during a part of a test: collected, explained, or met on its way."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, event


@contextmanager
def listening(
    to: Engine | Connection, moment: str, listener: Callable[..., object], **options: bool
) -> Iterator[None]:
    """Call a listener at each event of a kind inside the block."""
    event.listen(to, moment, listener, **options)
    try:
        yield
    finally:
        event.remove(to, moment, listener)


@contextmanager
def statements(to: Engine | Connection, start: str = "") -> Iterator[list[str]]:
    """Collect the statements that start in a given way, without those that SQLite begins with."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(start) and not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    with listening(to, "before_cursor_execute", note):
        yield sent


def plans(
    engine: Engine, read: Callable[[], object], which: Callable[[str], bool]
) -> list[tuple[str, list[Any]]]:
    """Return some of the statements that a read sends, each with the lines of MariaDB's plan."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_: object) -> None:
        if which(statement):
            sent.append((statement, values))

    with listening(engine, "before_cursor_execute", note):
        read()
    with engine.connect() as connection:
        return [
            (sql, list(connection.exec_driver_sql(f"EXPLAIN {sql}", values).mappings()))
            for sql, values in sent
        ]


@contextmanager
def before_statement(
    engine: Engine,
    start: str,
    action: Callable[[], object],
    *,
    passing: int = 0,
    moment: str = "before_cursor_execute",
) -> Iterator[None]:
    """Run an action once, right before a statement that starts in a given way.

    It is the first such statement, or one after some that pass; another moment is that after it.
    """
    done = threading.Event()
    passed: list[str] = []

    def intrude(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith(start) and not done.is_set():
            if len(passed) == passing:
                done.set()
                action()
            passed.append(statement)

    with listening(engine, moment, intrude):
        yield
    assert done.is_set()
