"""Each prefix finds what is in its text, on each kind of database, and nothing else."""

import json

import pytest
from sqlalchemy import text

from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.platform import tables
from tests.support.databases import on_mariadb
from tests.support.lists import read_list
from tests.support.store import Store

LOG = '[info] [2026-11-25 09:14:02] Job 4711 "arFileImportJob":'


def found(store: Store, search: str, *with_errors: int) -> list[int]:
    """Return the ids of the jobs that a search finds, in ascending order."""
    database = store.database()
    database.job_sets[WITH_ERRORS] = lambda: with_errors
    jobs = read_list(database, ListView(JobFilter(search=search), limit=50))
    return sorted(jobs.rows["id"])


def test_each_prefix_reads_its_own_texts(store: Store) -> None:
    """The output is searched for errors only where the job failed or errors were found in it."""
    noted, described, message, trace = (store.job(status_id=185) for _ in range(4))
    store.note(noted, en="Disk full", fr="Disque plein")
    store.note(described, None, en="Copies the disk 5")
    store.execution(message, error_message="the DISK is full")
    store.execution(trace, stack_trace="#0 /srv/disk.php(7)")
    failed, fine, with_errors = (
        store.job(status_id=status, output="begin\nthe disk: no space left\nend")
        for status in (185, 184, 184)
    )
    named = store.job("disk")
    assert found(store, "error:disk", with_errors) == [noted, message, trace, failed, with_errors]
    assert found(store, "error:disk") == [noted, message, trace, failed]
    assert found(store, 'output:"no space left"') == [failed, fine, with_errors]
    assert found(store, "note:disk") == [noted, described]
    assert found(store, "note:disque") == [noted]
    assert found(store, "disk") == [named]
    assert found(store, "param:disk") == []


def test_all_parts_must_match(store: Store) -> None:
    """Words beside a prefix are plain ones; the same prefix may come twice."""
    both = store.job("Import: a.csv", 185, output="disk full, quota 7")
    store.job("Import: a.csv", 185, output="disk full")
    store.job("Export", 185, output="disk full, quota 7")
    assert found(store, 'import error:disk output:"quota 7"') == [both]
    assert found(store, "output:disk output:quota Import: a.csv") == [both]


def test_parameters_are_found_in_their_line_alone(store: Store) -> None:
    """PHP writes them in ASCII, with a backslash before each slash."""
    line = json.dumps({"file": "/srv/Café 😀.csv", "update": "match"}).replace("/", "\\/")
    job_id = store.job(output=f"{LOG} Job started.\n{LOG} Parameters: {line}\n{LOG} updated 7 rows")
    store.job(output="no Parameters: in brackets, match\n")
    own = store.job(output=None)
    store.property(own, '{"update": "match"}', name="parameters")
    store.property(store.job(), "match", name="other")
    assert found(store, "param:match") == [job_id, own]
    for words in ("Café", "😀.csv", "/srv/", '"/srv/Café 😀.csv"'):
        assert found(store, f"param:{words}") == [job_id], words
    assert found(store, "param:rows") == []


def test_words_are_no_pattern(store: Store) -> None:
    """What LIKE reads as a wildcard is found as it is."""
    signs = ["50%", "a_b", "a/b", "a\\b", "it's", "😀", "%"]
    ids = [store.job(status_id=185, output=f"<{sign}>") for sign in signs]
    for job_id in ids[:-1]:
        store.note(job_id, en=f"<{signs[ids.index(job_id)]}>")
    for sign, job_id in zip(signs[:-1], ids[:-1], strict=True):
        for prefix in ("error", "output", "note"):
            assert found(store, f"{prefix}:<{sign}>") == [job_id]
    assert found(store, "output:<_>") == []


@pytest.mark.parametrize("charset", ["utf8mb3", "latin1"])
@on_mariadb
def test_texts_may_be_in_an_older_character_set(store: Store, charset: str) -> None:
    """A sign that the column cannot have is in no text, and that is no error."""
    with store.engine.begin() as connection:
        for table, column in (("job", "output"), ("note_i18n", "content")):
            words = f"ALTER TABLE {table} MODIFY {column} text CHARACTER SET {charset}"
            connection.execute(text(words))
    job_id = store.job(status_id=185, output=f'{LOG} Parameters: {{"a": 1}}\ncafé')
    store.note(job_id, en="café")
    for prefix in ("error", "output", "note"):
        assert found(store, f"{prefix}:fé") == [job_id]
        assert found(store, f"{prefix}:😀") == []
    assert found(store, "param:😀") == []
    assert found(store, "param:a") == [job_id]


def test_readable_names_find_their_classes(store: Store) -> None:
    """Of known classes, and of others by the words of the class."""
    finding_aid = store.job("arFindingAidJob"), store.job("App\\Jobs\\FindingAidJob")
    dates = (
        store.job("arCalculateDescendantDatesJob"),
        store.job("\\App\\Jobs\\CalculateDescendantDatesJob"),
    )
    unknown = store.job("arBulkDigitalObjectMoveJob")
    store.job("findingaid of a file")
    phrase = store.job("CSV import - archival descriptions")
    assert found(store, "Finding aid") == [*finding_aid]
    assert found(store, "findingaidjob") == [*finding_aid]
    assert found(store, "calculate dates") == [*dates]
    assert found(store, "digital object") == [unknown]
    assert found(store, "csv import - arch") == [phrase]


def test_a_database_without_the_tables_finds_nothing(store: Store) -> None:
    """And that is no error."""
    job_id = store.job(status_id=185, output="disk")
    with store.engine.begin() as connection:
        for table in (tables.note_i18n, tables.job_execution, tables.property_i18n):
            connection.execute(text(f"DROP TABLE {table.name}"))
    for prefix in ("error", "output", "note", "param"):
        assert found(store, f"{prefix}:disk") == ([job_id] if prefix in {"error", "output"} else [])
