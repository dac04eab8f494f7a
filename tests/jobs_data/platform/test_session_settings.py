"""Whatever a server's administrator has set for all sessions, ours read and write the same."""

from contextlib import closing

import pytest

from jobs_data.audit import Actor
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.export import csv_chunks
from jobs_data.jobs.job_report import read_report
from jobs_data.jobs.liveness import read_liveness
from jobs_data.jobs.view import JobFilter, ListView, Sort
from jobs_data.statistics.activity import read_activity
from jobs_data.statistics.durations import read_durations
from jobs_data.statistics.period import Period
from tests.support.databases import on_mariadb
from tests.support.dumps import dump
from tests.support.grants import account
from tests.support.lists import read_list
from tests.support.mariadb import MariaDB
from tests.support.removals import remove
from tests.support.statistics import NOW, UTC_ZONE
from tests.support.store import Store

MODES = (
    *("EMPTY_STRING_IS_NULL", "ORACLE", "TRADITIONAL", ""),
    "ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,ONLY_FULL_GROUP_BY,HIGH_NOT_PRECEDENCE,"
    "NO_UNSIGNED_SUBTRACTION,TIME_ROUND_FRACTIONAL",
)
SETTINGS: dict[str, dict[str, object]] = {
    **{f"sql_mode={mode}": {"sql_mode": mode} for mode in MODES},
    "results": {"sql_select_limit": 1, "max_join_size": 1, "group_concat_max_len": 4},
    "changes": {"sql_safe_updates": 1, "autocommit": 0, "foreign_key_checks": 0},
    "commits": {"completion_type": 2},
    "values": {"time_zone": "-12:00", "collation_connection": "utf8mb4_bin", "sql_auto_is_null": 1},
    "init_connect": {"init_connect": "SET sql_mode = ORACLE, autocommit = 0, sql_select_limit = 1"},
}


@on_mariadb
@pytest.mark.parametrize("name", SETTINGS)
def test_a_servers_own_settings_change_nothing(
    store: Store, mariadb_server: MariaDB, name: str
) -> None:
    """List, searches, report, export and statistics answer the same; a removal is undone exactly."""
    ids = [
        store.job('it\'s \\ "b"', user_id=store.user("ada", en="Ada")),
        store.job("a", object_id=store.record("fonds")),
        store.job("", status_id=185),
        store.job(None, status_id=None),
    ]
    for job_id in ids[:3]:
        store.belongings(job_id)
    plain = answers(store)
    with (
        account(mariadb_server, store, "ALL ON {}.*") as url,  # SUPER would be spared `init_connect`
        mariadb_server.variables(**SETTINGS[name]),
        closing(Store.on(url)) as hostile,
    ):
        assert answers(hostile) == plain
        before = dump(store.engine)
        receipt = remove(hostile, ids[:3])
        assert hostile.ids() == ids[3:]
        assert store.ids(column="id") == ids[3:]
        work = hostile.restores().start(receipt, Actor("ada"))
        work.wait()
        assert (work.restored, work.failed, work.error) == (3, 0, "")
    assert dump(store.engine) == before


def answers(store: Store) -> list[object]:
    """Return what the screens show of a database."""
    database = store.database()
    order = CreationOrder(database)
    searches = (
        JobFilter(search="it's \\"),
        JobFilter(search="FONDS"),
        JobFilter(names=("[Unknown]", 'it\'s \\ "b"')),
        JobFilter(has_errors=False, longer_than=2),
        JobFilter(has_result=False),
    )
    views = [*(ListView(sort=sort) for sort in Sort), *map(ListView, searches)]
    found: list[object] = [read_list(database, view, order).rows.to_csv() for view in views]
    found.append([read_report(database, job_id) for job_id in store.ids()])
    for all_columns in (False, True):
        chunks = csv_chunks(database, ListView(), all_columns=all_columns, order=order)
        found.append(b"".join(chunks))
    of = (database, order, Period.ALL, UTC_ZONE, NOW)
    activity = read_activity(*of)
    found += [activity.outcomes, activity.by_day.to_csv(), read_durations(*of).by_name.to_csv()]
    return [*found, read_liveness(database, NOW).jobs.to_csv()]
