"""A preview names exactly the finished jobs that the rules let go; on both kinds of database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event

from jobs_data.audit import Actor
from jobs_data.jobs import result_files
from jobs_data.jobs.result_files import FileSizes, file_sizes, read_result_roots
from jobs_data.jobs.selections import read_matching
from jobs_data.jobs.view import NO_OWNER, Dates, JobFilter
from jobs_data.platform import id_lists, tables
from jobs_data.platform.errors import DatabaseUnavailable, TookTooLong
from jobs_data.platform.status import State
from jobs_data.platform.values import UNKNOWN_NAME
from jobs_data.removal import retention
from jobs_data.removal.retention import (
    OTHERS,
    Preview,
    Rules,
    cleanup_sentence,
    parse_rules,
    read_preview,
    rules_params,
    starting_rules,
)
from jobs_data.store.receipt_writer import Action, Reason
from tests.support import web_roots
from tests.support.databases import on_mariadb, on_sqlite
from tests.support.names import SOME, insert_jobs_called
from tests.support.store import NOON, Store

NOW = NOON.replace(tzinfo=UTC)
LONG_AGO = JobFilter(finished=Dates(ago=timedelta(days=90)))


def preview(store: Store, rules: Rules | JobFilter = LONG_AGO, root: Path | None = None) -> Preview:
    """Return the preview of rules, or of a filter alone."""
    rules = rules if isinstance(rules, Rules) else Rules(rules)
    return read_preview(store.database(), rules, NOW, roots=read_result_roots(root))


def days_ago(days: float) -> datetime:
    """Return a time of the platform."""
    return NOON - timedelta(days=days)


def test_only_what_finished_long_ago_goes(store: Store) -> None:
    """Neither a job on the day itself, nor one without a time, nor one that is not finished."""
    old = [store.job(completed_at=days_ago(91)), store.job(status_id=185, completed_at=days_ago(90.1))]
    store.job(completed_at=days_ago(90)), store.job(completed_at=None)
    for status_id in (182, 183, 186, None):
        store.job(status_id=status_id, completed_at=days_ago(400))
    found = preview(store)
    assert found.ids.tolist() == old
    assert (found.completed, found.failed, found.total) == (1, 1, 2)
    assert (found.oldest, found.newest) == (NOW - timedelta(days=91), NOW - timedelta(days=90.1))


def test_without_rules_all_finished_jobs_go(store: Store) -> None:
    """The ids are in order, whatever statement they came from."""
    finished = [store.job(f"job {n % 7}", 184 + n % 2) for n in range(20)]
    store.job(status_id=183)
    found = preview(store, Rules())
    assert found.ids.tolist() == finished
    assert found.ids.dtype == np.int64


def test_the_last_of_each_name_stay(store: Store) -> None:
    """By creation then id, among all finished jobs, not only among those that the filter lets go."""
    old, tied, later, failed = (
        store.job("a", 184 + (n == 3), days_ago(days), completed_at=days_ago(100))
        for n, days in enumerate((9, 8, 8, 200))
    )
    recent = store.job("a", created=days_ago(7), completed_at=days_ago(1))
    store.job("a", 183, created=days_ago(1))
    store.job("b", completed_at=days_ago(100))
    nameless = [
        store.job(name, created=days_ago(days), completed_at=days_ago(100))
        for name, days in ((None, 3), ("", 2), ("  ", 1))
    ]
    found = preview(store, Rules(LONG_AGO, keep_last=2))
    assert recent not in found.ids
    assert found.ids.tolist() == [old, tied, failed, nameless[0]]
    assert found.kept_last == len({later, "b", *nameless[1:]})
    # A filter by name asks for no more than its names, and comes to the same.
    named = Rules(JobFilter(names=("a",), finished=LONG_AGO.finished), keep_last=2)
    assert preview(store, named).ids.tolist() == [old, tied, failed]


def test_names_differ_where_their_characters_differ(store: Store) -> None:
    """Whatever the collation takes for the same: rules on names, the last of each, and what goes."""
    called = insert_jobs_called(store)
    for name in (*SOME, UNKNOWN_NAME):
        only, ids = JobFilter(names=(name,)), called[name]
        found = preview(store, only)
        assert found.ids.tolist() == ids, name
        assert set(found.by_name["name"]) == {name}
        assert found.by_name["jobs"].sum() == len(ids)
        assert preview(store, Rules(only, keep_last=1)).ids.tolist() == ids[:-1], name
    kept = preview(store, Rules(keep_last=1))
    assert kept.ids.tolist() == sorted(job_id for ids in called.values() for job_id in ids[:-1])
    rows = kept.by_name[kept.by_name["name"] != OTHERS]
    assert len(rows) == retention.LISTED_NAMES
    assert not rows.duplicated(["name", "status"]).any()
    gone = ("Import 🍣", "résumé", "abc ", "\0", UNKNOWN_NAME)
    going = preview(store, JobFilter(names=gone)).ids
    work = store.removals().start(going, Reason(Actor("ada"), Action.CLEAN_UP, "some"))
    work.wait()
    assert work.removed == sum(len(called.pop(name)) for name in gone)
    assert store.ids() == sorted(job_id for left in called.values() for job_id in left)


@pytest.mark.parametrize("charset", ["utf8mb3", "latin1", "utf16"])
@on_mariadb
def test_the_last_of_each_name_stay_in_an_older_character_set(store: Store, charset: str) -> None:
    """Their names too differ where their characters do."""
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE job MODIFY name varchar(255) CHARACTER SET {charset}")
    names = ["café", "CAFÉ", "cafe", "café ", "", None, UNKNOWN_NAME]
    ids = [store.job(name) for name in [*names, *names]]
    found = preview(store, Rules(keep_last=1))
    assert found.ids.tolist() == [*ids[: len(names)], ids[-3], ids[-2]]
    named = dict.fromkeys(names[:4], 1)
    assert dict(zip(found.by_name["name"], found.by_name["jobs"], strict=True)) == {
        **named,
        UNKNOWN_NAME: 5,
    }


def test_only_these_names_or_owners(store: Store) -> None:
    """Whatever else the list can be filtered by works as a rule, too."""
    ada = store.user("ada", en="Ada")
    hers = store.job("import", user_id=ada)
    nobodys = store.job("import")
    other = store.job("export", user_id=ada)
    assert preview(store, JobFilter(owners=(ada,))).ids.tolist() == [hers, other]
    assert preview(store, JobFilter(owners=(NO_OWNER,))).ids.tolist() == [nobodys]
    both = preview(store, JobFilter(owners=(ada,), names=("import",)))
    assert both.ids.tolist() == [hers]
    assert both.samples[["name", "owner"]].to_numpy().tolist() == [["import", "Ada"]]
    assert preview(store, JobFilter(state=State.ACTIVE)).total == 0


def test_what_would_go_is_counted_by_name_and_outcome(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most jobs first, and of many names the rest in one line, from as many statements as it takes."""
    monkeypatch.setattr(retention, "PIECE_JOBS", 3)
    monkeypatch.setattr(retention, "LISTED_NAMES", 3)
    for name, jobs in (("often", 7), ("rare", 1), ("failing", 5), (None, 3)):
        for _ in range(jobs):
            store.job(name, 185 if name == "failing" else 184)
    found = preview(store, Rules())
    rows = [["often", "Completed", 7], ["failing", "Error", 5], ["[Unknown]", "Completed", 3]]
    assert found.by_name.to_numpy().tolist() == [*rows, [OTHERS, "", 1]]
    assert [str(kind) for kind in found.by_name.dtypes] == ["str", "str", "int64"]
    ids = found.ids.tolist()
    assert (ids, found.total) == (sorted(ids), 16)
    assert found.samples["id"].tolist() == [ids[0], ids[3], ids[6], ids[9], ids[12], ids[15]]
    # The same by keeping all but one job of a name, in statements that look at three jobs.
    kept = preview(store, Rules(keep_last=6))
    assert (kept.ids.tolist(), kept.kept_last) == (ids[:1], 15)


@on_sqlite
def test_names_beyond_the_bound_are_counted_together(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory does not grow with the number of names."""
    monkeypatch.setattr(retention, "MAX_NAMES", 2)
    for number in range(5):
        store.job(f"job {number}")
    found = preview(store, Rules())
    assert found.by_name["jobs"].tolist() == [1, 1, 3]
    assert (found.by_name["name"].iloc[-1], found.total) == (OTHERS, 5)


def test_result_files_are_looked_for(store: Store, tmp_path: Path) -> None:
    """How many name one, how many are there, and their bytes; one file of two jobs counts once."""
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "x.csv").write_bytes(b"12345")
    for path in ("/downloads/x.csv", "downloads/x.csv", "downloads/gone.csv", "../x.csv", " ", None):
        store.job(download_path=path)
    store.job(status_id=183, download_path="downloads/x.csv")
    files = preview(store, Rules(), tmp_path).result_files
    samples = preview(store, Rules(), tmp_path).samples
    assert samples["result"].tolist() == ["5 bytes", "5 bytes", "not there", "not there", "", ""]
    assert files == FileSizes(named=4, looked_at=4, there=2, bytes=5, has_root=True)
    assert "4 jobs have a result file: 2 found, 5 bytes in total" in files.sentence()
    unknown = preview(store, Rules()).result_files
    assert (unknown.named, unknown.looked_at) == (4, 0)
    assert "HERATIO_JOBS_RESULTS_ROOT is not set" in unknown.sentence()


def test_result_files_of_heratio_and_of_atom_are_there(store: Store, tmp_path: Path) -> None:
    """Those of the one lie behind a link that leads out of its web root."""
    heratio, atom = web_roots.laravel(tmp_path), web_roots.atom(tmp_path)
    store.job(download_path="/storage/downloads/finding-aid-7.pdf")
    store.job(download_path="downloads/jobs/finding aid 7.pdf")
    for root, sizes in ((heratio, ["8 bytes", "not there"]), (atom, ["not there", "8 bytes"])):
        found = preview(store, Rules(), root)
        assert (found.result_files.there, found.result_files.bytes) == (1, 8)
        assert found.samples["result"].tolist() == sizes


@pytest.mark.parametrize(("bound", "value"), [("MAX_LOOKED_AT", 2), ("LOOK_SECONDS", -1)])
def test_the_look_at_result_files_is_bounded(
    bound: str, value: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither a million files nor a slow disk keeps a preview; the sentence says at how many it was."""
    monkeypatch.setattr(result_files, bound, value)
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "x").write_bytes(b"12345")
    files = file_sizes(read_result_roots(tmp_path), ["downloads/x"] * 5, 5)
    assert files.looked_at == max(0, value)
    assert f"among the first {files.looked_at}." in files.sentence()


@on_mariadb
def test_ids_that_were_cut_short_are_never_believed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an id is the id of another job."""
    monkeypatch.setattr(id_lists, "LIST_BYTES", 10)
    for _ in range(5):
        store.job()
    with pytest.raises(DatabaseUnavailable, match="did not send all"):
        preview(store, Rules())
    with pytest.raises(DatabaseUnavailable, match="did not send all"):
        read_matching(store.database(), JobFilter())


def test_a_preview_that_takes_too_long_says_what_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound is on all its statements together."""
    monkeypatch.setattr(retention, "PREVIEW_SECONDS", 0)
    store.job()
    with pytest.raises(TookTooLong, match="Narrow the rules"):
        preview(store, Rules(keep_last=1))


def test_a_preview_is_of_one_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that finishes while it is read is in it nowhere, and only finished jobs are counted."""
    monkeypatch.setattr(retention, "PIECE_JOBS", 1)
    first, second = store.job("a"), store.job("b", 183)
    database, writer = store.database(), Store.on(store.url)
    looked: list[object] = []

    @event.listens_for(store.engine, "before_cursor_execute")
    def _finish(*arguments: object) -> None:
        if "group_concat(" in str(arguments[2]) and not looked:
            looked.append(arguments)
            if not database.is_sqlite:  # it lets nobody write meanwhile
                writer.set_status(second, 184)

    found = read_preview(database, Rules(), NOW)
    assert looked
    assert found.ids.tolist() == [first]
    assert (found.completed, found.by_name["name"].tolist()) == (1, ["a"])
    writer.engine.dispose()


@pytest.mark.parametrize(
    ("query", "rules"),
    [
        ({}, Rules()),
        (
            {"finished": "over-90d", "keep_last": "5", "name": ["a", "b"]},
            Rules(JobFilter(names=("a", "b"), finished=LONG_AGO.finished), 5),
        ),
        ({"keep_last": "-3"}, Rules()),
        ({"keep_last": "x", "status": "failed"}, Rules(JobFilter(state=State.FAILED))),
        ({"keep_last": "9" * 18}, Rules(keep_last=retention.MAX_KEEP_LAST)),
    ],
)
def test_rules_are_in_the_url(query: dict[str, str | list[str]], rules: Rules) -> None:
    """What makes no sense is no rule, and what is written can be read again."""
    assert parse_rules(query) == rules
    assert parse_rules(rules_params(rules)) == rules


def test_rules_begin_with_the_platforms_own_age(store: Store) -> None:
    """Unless the list has one, and never with jobs that are not finished."""
    store.insert(tables.ahg_settings, setting_key="jobs_cleanup_days", setting_value="14")
    database, days = store.database(), Dates(ago=timedelta(days=14))
    running = JobFilter(State.ACTIVE, names=("a",))
    assert starting_rules(database, running) == Rules(JobFilter(names=("a",), finished=days), 5)
    assert starting_rules(database, LONG_AGO).filter == LONG_AGO


def test_rules_begin_with_ninety_days_on_atom(atom_store: Store) -> None:
    """Which deletes no jobs itself."""
    assert starting_rules(atom_store.database(), JobFilter()) == Rules(LONG_AGO, 5)
    assert cleanup_sentence(None) == ""
    assert "older than 14 days" in cleanup_sentence(14)
