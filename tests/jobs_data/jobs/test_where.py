"""What a filter means where the database makes it hard: old character sets, repeated hours."""

from datetime import datetime
from urllib.parse import parse_qs, urlencode

import pytest
from sqlalchemy import text

from jobs_data.jobs.view import Dates, JobFilter, ListView
from jobs_data.jobs.view_url import parse_view, view_params
from jobs_data.platform.values import UNKNOWN_NAME
from tests.support.databases import on_mariadb
from tests.support.lists import read_list
from tests.support.names import SOME, insert_jobs_called
from tests.support.store import NOON, Store

AUTUMN = datetime(2026, 10, 25)
"""The night in which Amsterdam has the hour from two to three twice."""


@pytest.mark.parametrize("charset", ["utf8mb3", "latin1", "utf16"])
@on_mariadb
def test_any_text_can_be_looked_for_in_an_older_character_set(store: Store, charset: str) -> None:
    """A sign that the column cannot have is in no name, and that is no error."""
    with store.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE job MODIFY name varchar(255) CHARACTER SET {charset}"))
        connection.execute(text(f"ALTER TABLE slug MODIFY slug varchar(255) CHARACTER SET {charset}"))
    found = store.job("café")
    other, nameless = store.job("other"), store.job(" ")
    for job_filter, ids in (
        (JobFilter(search="😀"), []),
        (JobFilter(search="fé"), [found]),
        (JobFilter(names=("café", "日本 😀")), [found]),
        (JobFilter(names=("cafe", "CAFÉ", "café ", "other ")), []),
        (JobFilter(names=("other",)), [other]),
        (JobFilter(names=(UNKNOWN_NAME, "other")), [nameless, other]),
        (JobFilter(types=("😀",)), []),
    ):
        jobs = read_list(store.database(), ListView(job_filter))
        assert jobs.rows["id"].tolist() == ids


def test_whole_names_and_types_are_compared_by_their_characters(store: Store) -> None:
    """Whatever the collation takes for the same; and what goes through the address comes back."""
    called = insert_jobs_called(store)
    database = store.database()
    for name in (*SOME, UNKNOWN_NAME):
        for asked in (JobFilter(names=(name,)), JobFilter(types=(name,))):
            ids = called[name]
            query = urlencode(view_params(ListView(asked, limit=200)), doseq=True)
            listed = read_list(database, parse_view(parse_qs(query)))
            assert sorted(listed.rows["id"]) == ids, asked
            assert listed.counts.total == len(ids), asked
            assert set(listed.rows["name"]) == {name}
    some = JobFilter(names=("resume", "Import 🍣", UNKNOWN_NAME))
    jobs = read_list(database, ListView(some, limit=200)).rows
    assert sorted(jobs["id"]) == sorted(i for name in some.names for i in called[name])
    searched = read_list(database, ListView(JobFilter(search="resume"), limit=200)).rows
    assert {"resume", "RESUME"} <= set(searched["name"])


def test_a_repeated_hour_is_taken_as_its_first_pass(store: Store) -> None:
    """From before the clock goes back until after it, all times of that hour are between."""
    times = [AUTUMN.replace(hour=hour, minute=30) for hour in (1, 2, 3)]
    early, repeated, late = (store.job(created=NOON, completed_at=time) for time in times)
    database = store.database(timezone="Europe/Amsterdam")

    def finished(since: str, before: str) -> list[int]:
        first, last = (datetime.fromisoformat(f"2026-10-{moment}Z") for moment in (since, before))
        view = ListView(JobFilter(finished=Dates(first, last)))
        return sorted(read_list(database, view).rows["id"])

    assert finished("24T23:00", "25T00:00") == [early]
    assert finished("25T00:00", "25T01:00") == [repeated]
    assert finished("25T00:30", "25T01:30") == [repeated]
    assert finished("25T01:30", "25T03:00") == [late]
