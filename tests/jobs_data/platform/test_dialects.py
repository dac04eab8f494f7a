"""Each construct means the same on every database; here on SQLite, MariaDB and MySQL's compiler."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import ColumnElement, select, text, update
from sqlalchemy.dialects import mysql, sqlite

from jobs_data.platform import dialects, values
from jobs_data.platform.tables import job, object_
from jobs_data.platform.times import BEFORE_ALL_TIMES
from tests.support.databases import on_mariadb
from tests.support.store import NOON, Store

CREATED, ENDED = object_.c.created_at, job.c.completed_at

SPELLINGS: list[tuple[ColumnElement[Any], str, str]] = [
    (
        dialects.seconds_between(CREATED, ENDED),
        "timestampdiff(SECOND, object.created_at + INTERVAL 0 SECOND,"
        " job.completed_at + INTERVAL 0 SECOND)",
        "CAST(strftime('%s', job.completed_at) AS INTEGER)"
        " - CAST(strftime('%s', object.created_at) AS INTEGER)",
    ),
    (
        dialects.seconds_since_1970(CREATED),
        "to_seconds(object.created_at) - 62167219200",
        "CAST(strftime('%s', object.created_at) AS INTEGER)",
    ),
    (dialects.whole_quotient(job.c.id, 7), "job.id DIV 7", "job.id / 7"),
    (dialects.byte_length(job.c.output), "length(job.output)", "length(CAST(job.output AS BLOB))"),
    (
        dialects.last_characters(job.c.output, 5),
        "right(job.output, 5)",
        "substr(CAST(job.output AS BLOB), -20)",
    ),
    (dialects.without_case(job.c.name), "job.name", 'job.name COLLATE "NOCASE"'),
    (dialects.in_utf8mb4(job.c.name), "convert(job.name USING utf8mb4)", "job.name"),
    (
        dialects.line_breaks(job.c.output),
        "length(quote(replace(job.output, CHAR(10), CHAR(39))))"
        " - length(quote(replace(job.output, CHAR(10), CHAR(32))))",
        "length(job.output) - length(CAST(replace(job.output, CHAR(10), '') AS BLOB))",
    ),
    (dialects.before_all_times(), "TIMESTAMP'1000-01-01 00:00:00'", "'1000-01-01 00:00:00'"),
]


@pytest.mark.parametrize(("expression", "server", "on_sqlite"), SPELLINGS)
def test_a_construct_is_spelled_for_its_database(
    expression: ColumnElement[Any], server: str, on_sqlite: str
) -> None:
    """In parentheses, so that whatever is written around it cannot tear it apart."""
    for dialect, spelling in ((mysql.dialect(), server), (sqlite.dialect(), on_sqlite)):
        sql = str(expression.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        assert sql.replace("%%", "%") == f"({spelling})"


def one(store: Store, *columns: ColumnElement[Any]) -> tuple[Any, ...]:
    """Return what some columns are for the one job of a store."""
    statement = select(*columns).select_from(job.join(object_, object_.c.id == job.c.id))
    with store.engine.connect() as connection:
        return tuple(connection.execute(statement).one())


@pytest.mark.parametrize("seconds", [0, 1, 86_399, 86_400, 400 * 86_400, -1, -3600])
def test_seconds_between_two_times(store: Store, seconds: int) -> None:
    """They have a sign, and no time zone comes into it."""
    store.job(created=NOON, completed_at=NOON + timedelta(seconds=seconds))
    assert one(store, dialects.seconds_between(CREATED, ENDED)) == (seconds,)


@on_mariadb
def test_seconds_from_a_day_that_is_none_are_null(store: Store) -> None:
    """Some modes of the server let it in, and its own functions reckon with it."""
    store.job()
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE object SET created_at = '2026-02-31 10:00:00'"))
    assert one(store, dialects.seconds_between(CREATED, ENDED)) == (None,)


def test_seconds_to_a_time_that_is_missing_are_null(store: Store) -> None:
    """As a duration is where a job has not ended."""
    store.job(status_id=183)
    assert one(store, dialects.seconds_between(CREATED, ENDED)) == (None,)
    assert one(store, dialects.seconds_since_1970(ENDED)) == (None,)


@pytest.mark.parametrize(
    "time", [datetime(1970, 1, 1), datetime(1969, 12, 31, 23, 59, 59), datetime(2038, 6, 1, 1, 2, 3)]
)
def test_seconds_since_1970(store: Store, time: datetime) -> None:
    """Before and after the 32 bits of a TIMESTAMP too."""
    store.job(created=time)
    expected = int((time - datetime(1970, 1, 1)).total_seconds())
    assert one(store, dialects.seconds_since_1970(CREATED)) == (expected,)


def test_a_quotient_is_whole_however_near_the_next_one(store: Store) -> None:
    """It can be grouped by, and calculated with."""
    store.job(job_id=999_999)
    quotients = [dialects.whole_quotient(job.c.id, divisor) for divisor in (1_000_000, 1_000, 7)]
    assert one(store, *quotients, quotients[1] * 2) == (0, 999, 142_857, 1_998)


@pytest.mark.parametrize(
    ("output", "size"),
    [("", 0), ("abc", 3), ("abcdefgh", 8), ("a日本語🗝éz", 17), ("a\0b\0cdefg\0h", 11), (None, None)],
)
def test_the_size_and_the_ends_of_a_text(store: Store, output: str | None, size: int | None) -> None:
    """Sizes are in bytes, ends in characters; a NUL is one of them."""
    store.job(output=output)
    column = job.c.output
    ends = (dialects.first_characters(column, 5), dialects.last_characters(column, 5))
    found, first, last = one(store, dialects.byte_length(column), *ends)
    assert found == size
    assert values.text(first)[:5] == (output or "")[:5]
    assert values.text(last)[-5:] == (output or "")[-5:]


def test_text_is_compared_and_sorted_without_case(store: Store) -> None:
    """Upper-case letters do not come first."""
    for name in ("beta", "Alpha", "ALPHA 2", "Gamma"):
        store.job(name)
    without_case = dialects.without_case(job.c.name)
    with store.engine.connect() as connection:
        ordered = connection.execute(select(job.c.name).order_by(without_case)).scalars().all()
        found = connection.execute(select(job.c.name).where(without_case == "aLPHA")).scalars().all()
    assert ordered == ["Alpha", "ALPHA 2", "beta", "Gamma"]
    assert found == ["Alpha"]


def test_text_of_an_older_character_set_is_compared_with_any(store: Store) -> None:
    """MySQL and MariaDB would refuse the comparison itself."""
    store.job("Réindexation")
    if store.engine.dialect.name != "sqlite":
        with store.engine.begin() as connection:
            connection.execute(text("ALTER TABLE job MODIFY name VARCHAR(255) CHARACTER SET latin1"))
    name = dialects.in_utf8mb4(job.c.name)
    found = one(store, name.contains("日本"), name == "Réindexation", name.in_(["🗝", "Réindexation"]))
    assert list(map(bool, found)) == [False, True, True]


def test_every_time_lies_behind_the_constant(store: Store) -> None:
    """A time is compared with it as a time, and it is read as one."""
    store.job(created=datetime(1000, 1, 1, 0, 0, 1))
    constant = dialects.before_all_times()
    assert one(store, constant < CREATED, constant) == (1, BEFORE_ALL_TIMES)


def test_a_construct_belongs_to_the_tables_of_its_columns(store: Store) -> None:
    """So it can stand in a subquery that is correlated, and in an UPDATE."""
    job_id = store.job(created=NOON, completed_at=NOON + timedelta(seconds=5))
    seconds = select(dialects.seconds_between(CREATED, ENDED)).where(object_.c.id == job.c.id)
    took = seconds.correlate(job).scalar_subquery()
    with store.engine.begin() as connection:
        assert connection.execute(select(job.c.id).where(took == 5)).scalars().all() == [job_id]
        even = dialects.whole_quotient(job.c.id, 2) * 2 == job.c.id
        changed = connection.execute(update(job).where(even).values(name="even")).rowcount
    assert changed == (job_id % 2 == 0)
