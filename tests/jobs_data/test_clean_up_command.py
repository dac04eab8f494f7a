"""`python -m jobs_data clean-up`: what it prints and deletes, and its exit codes."""

import os
import signal
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text

from jobs_data import settings
from jobs_data.__main__ import main
from jobs_data.addresses import receipt_page_url
from jobs_data.audit import Actor, Event
from jobs_data.background import StopSwitch
from jobs_data.platform import tables
from jobs_data.platform.id_lists import Ids
from jobs_data.removal.batch import Batches, Result
from jobs_data.removal.removal import Removal, Removals
from jobs_data.settings import get_settings
from jobs_data.store.audit_entries import list_entries
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.store.receipts import list_receipts
from jobs_data.wording import counted
from tests.support.databases import on_mariadb, on_sqlite
from tests.support.mariadb import free_port
from tests.support.names import compare_loosely
from tests.support.statements import before_statement
from tests.support.store import NOON, Store
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("served")
LONG_AGO = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=100)


def clean_up(*arguments: str) -> int:
    """Run the command and return its exit code."""
    try:
        return main(["clean-up", *arguments])
    except SystemExit as usage:  # argparse's own refusal
        return int(usage.code or 0)


def test_a_command_that_is_interrupted_tells_what_it_did(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends it after the batch; the numbers are true, and the receipt has them too."""
    monkeypatch.setattr("jobs_data.removal.removal.BATCH_JOBS", 1)
    for _ in range(3):
        store.job(completed_at=LONG_AGO)
    remove = Batches.remove

    def interrupted(batches: Batches, ids: list[int], known: list[int]) -> Result:
        result = remove(batches, ids, known)
        if first.acquire(blocking=False):  # a second Ctrl-C would end it at once
            os.kill(os.getpid(), signal.SIGINT)
        eventually(lambda: stopped, "the command has noticed")
        return result

    first, stopped = threading.Lock(), list[bool]()
    set_switch = StopSwitch.set

    def stop(switch: StopSwitch) -> None:
        set_switch(switch)
        stopped.append(True)

    monkeypatch.setattr(Batches, "remove", interrupted)
    monkeypatch.setattr(StopSwitch, "set", stop)
    assert clean_up("--older-than", "90d") == 1
    said = capsys.readouterr().err
    gone = 3 - len(store.ids())
    assert gone in {1, 2}  # another batch may be at work
    assert f"{counted(gone)} deleted before the deletion stopped." in said
    assert "The other jobs are unchanged." in said
    [receipt] = list_receipts(store.own, "", 1, 9).items
    assert (receipt.removed, receipt.pending) == (gone, 0)
    assert receipt.error in said


@on_sqlite
def test_a_dry_run_shows_what_would_be_deleted(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name and outcome, with samples and what stays; nothing that would steer a terminal."""
    store.job("import\x1b[31m", completed_at=LONG_AGO, download_path="x.csv")
    store.job("export", 185, completed_at=LONG_AGO)
    before = store.ids()
    assert clean_up("--older-than", "90d", "--status", "completed", "--dry-run") == 0
    text = capsys.readouterr().out
    assert "Rules: completed jobs finished more than 90 days ago." in text
    assert "1 job will be deleted: 1 completed and 0 failed." in text
    assert "          1  Completed     import\N{REPLACEMENT CHARACTER}[31m\n" in text
    assert f"{before[0]:>11}  {LONG_AGO:%Y-%m-%d %H:%M:%S} (UTC)  import" in text
    assert "1 job has a result file" in text
    assert store.ids() == before
    assert list_receipts(store.own, "", 1, 9).total == 0


def test_what_matches_the_rules_is_deleted_with_a_receipt(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """All rules at once; the receipt says who it was and by which rules."""
    ada = store.user("ada", en="Ada Lovelace")
    store.job("import", created=NOON - timedelta(days=1), completed_at=LONG_AGO, user_id=ada)
    stays = [
        store.job("import", completed_at=LONG_AGO, user_id=ada),
        store.job("import", 185, completed_at=LONG_AGO, user_id=ada),
        store.job("export", completed_at=LONG_AGO, user_id=ada),
        store.job("import", completed_at=LONG_AGO),
        store.job("import", user_id=ada),
    ]
    rules = ["--older-than", "90d", "--keep-last", "4", "--name", "import", "x", "--user", "ada"]
    rules += ["--status", "completed"]
    assert clean_up(*rules) == 0
    assert store.ids() == stays
    text = capsys.readouterr().out
    assert "1 job deleted." in text
    [receipt] = list_receipts(store.own, "", 1, 9).items
    assert f"number {receipt.id} in {store.own.place}" in text
    assert receipt_page_url(receipt.id) in text
    assert receipt.by.startswith("command line (")
    assert receipt.action == Action.CLEAN_UP
    assert "of ada" in receipt.filter
    assert "except the newest 4 of each name" in receipt.filter
    [entry] = list_entries(store.own, None, receipt.by, 1, 9).items
    assert (entry.event, entry.details["receipt"]) == (Event.REMOVAL, receipt.id)
    # Again: nothing to do, and quiet says nothing of it.
    assert clean_up(*rules, "--quiet") == 0
    assert capsys.readouterr().out == ""


def test_owners_go_by_either_name(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """The one shown works too, and System stands for nobody; an unknown one is a mistake."""
    ada = store.user("ada", en="Ada Lovelace")
    hers, nobodys = store.job(user_id=ada), store.job()
    assert clean_up("--user", "Grace") == 2
    assert "no user called Grace" in capsys.readouterr().err
    assert clean_up("--user", "Ada Lovelace") == 0
    assert store.ids() == [nobodys] != [hers]
    assert clean_up("--user", "System", "--quiet") == 0
    assert store.ids() == []


def test_a_name_is_the_whole_name(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the collation takes for the same; a name that no job can have is a mistake."""
    compare_loosely(store, tables.job, "name")
    names = ("Import 🍣", "Import 🍺", "resume", "résumé", "resume ", "RESUME", None, "")
    called = {name: store.job(name, user_id=store.user("")) for name in names}
    for name in ("Import 🍣", "resume", "[Unknown]"):
        assert clean_up("--name", name) == 0
    gone = {"Import 🍣", "resume", None, ""}
    assert store.ids() == [job_id for name, job_id in called.items() if name not in gone]
    for name in ("", " ", "resume\udcff"):
        for option in ("--name", "--user"):
            assert clean_up("--name", "résumé", option, name) == 2
            assert capsys.readouterr().err
    assert len(store.ids()) == len(names) - len(gone)


@on_sqlite
@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--dry-run --quiet",
        "--everything-finished --status failed",
        "--older-than soon",
        "--older-than 0d",
        "--keep-last 0",
        "--status active",
        "--name",
    ],
)
def test_wrong_usage_removes_nothing(
    store: Store, arguments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It answers 2 with a sentence; without any rule too."""
    store.job()
    assert clean_up(*arguments.split()) == 2
    assert capsys.readouterr().err
    assert len(store.ids()) == 1


@on_sqlite
@pytest.mark.parametrize(("option", "text"), [("", "does not answer"), ("?nonsense=1", "nonsense")])
def test_a_database_that_cannot_be_used_is_told(
    option: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one sentence, without the password; it answers 1."""
    url = f"mysql://jobs:hunter2@127.0.0.1:{free_port()}/atom{option}"
    monkeypatch.setenv("HERATIO_JOBS_DATABASE_URL", url)
    assert clean_up("--older-than", "90d") == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert text in sentence
    assert "hunter2" not in sentence


@on_sqlite
def test_everything_finished_has_to_be_meant(store: Store) -> None:
    """And even then active jobs stay."""
    store.job(), store.job(status_id=185)
    active = store.job(status_id=183)
    assert clean_up("--everything-finished") == 0
    assert store.ids() == [active]


def test_jobs_that_dropped_out_are_told_by_the_exit_code(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One became active after the preview, one finished only then; 3 says that not all went."""
    goes, restarted, later = store.job(), store.job(), store.job(status_id=183)
    start = Removals.start

    def after_a_worker(removals: Removals, ids: Ids | None, reason: Reason) -> Removal:
        store.set_status(restarted, 183)
        store.set_status(later, 184, LONG_AGO)
        return start(removals, ids, reason)

    monkeypatch.setattr(Removals, "start", after_a_worker)
    assert clean_up("--everything-finished", "--quiet") == 3
    assert "1 job not deleted: not finished." in capsys.readouterr().out
    assert store.ids() == [restarted, later]
    assert goes not in store.ids()


@on_sqlite
def test_a_removal_that_ends_early_answers_1(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """The state folder cannot be made, so nothing is removed, and the sentence names it."""
    get_settings()  # before the folder is a file
    store.state_dir.write_text("a file where the folder should be")
    job_id = store.job()
    assert clean_up("--everything-finished", "--quiet") == 1
    assert "HERATIO_JOBS_STATE_DIR" in capsys.readouterr().err
    assert store.ids() == [job_id]


@on_mariadb
def test_another_removal_at_work_answers_4(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is removed, and cron tries again another time."""
    job_id = store.job()
    database = store.database()
    held: list[int] = []
    why = Reason(Actor("ada"), Action.CLEAN_UP, "one")
    changing = before_statement(
        store.engine, "DELETE", lambda: held.append(clean_up("--everything-finished"))
    )
    with changing:
        store.removals(database).start(np.array([job_id]), why).wait()
    assert held == [4]
    assert "Other jobs are being deleted" in capsys.readouterr().err


@on_sqlite
def test_a_database_that_does_not_answer_answers_1(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a sentence in place of a traceback."""
    with store.engine.begin() as connection:
        connection.execute(text("DROP TABLE job"))
    assert clean_up("--older-than", "90d") == 1
    assert "no table named job" in capsys.readouterr().err


@on_sqlite
def test_the_demo_has_to_be_meant(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Cron without its settings must not clean up the demo and believe that it has done its work."""
    monkeypatch.delenv(f"{settings.PREFIX}DATABASE_URL")
    assert clean_up("--older-than", "90d") == 2
    assert "HERATIO_JOBS_DATABASE_URL is not set" in capsys.readouterr().err
    monkeypatch.setattr("jobs_data.__main__.DEMO_DATABASE", tmp_path / "gone.sqlite")
    assert clean_up("--older-than", "90d", "--demo") == 2
    assert "start it once" in capsys.readouterr().err
