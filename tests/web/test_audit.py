"""The audit log: each event through the real routes, and nothing secret in it."""

import json
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from jobs_data import addresses
from jobs_data.audit import Actor, Event
from jobs_data.removal.removal import UNEXPECTED
from jobs_data.store.audit_entries import list_entries
from jobs_data.store.expiry import GRACE, expire
from jobs_data.store.receipt_writer import Action, Reason
from pages.parts.shared.services import get_services
from tests.support import web_roots
from tests.support.gated import gated_app
from tests.support.store import Store
from web.sessions import COOKIE

PASSWORD = "correct horse battery"
TYPED = "my password in the wrong field"
OUTPUT = "output of a job: token=ghp_1234"
HOSTILE = "Ada\r\n{\u2028\u202e}\x00🗃"
PROGRAM = {"Accept": "application/json"}

Read = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def read(served: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Let the log go to a file; give what reads it, and checks that the store has the same."""
    monkeypatch.setenv("HERATIO_JOBS_RESULTS_ROOT", str(web_roots.atom(tmp_path)))
    path = tmp_path / "audit.log"
    monkeypatch.setenv("HERATIO_JOBS_AUDIT_LOG", str(path))

    def read_lines() -> list[dict[str, Any]]:
        services = get_services()
        services.audit.flush()
        lines = path.read_text("ascii").split("\n")
        assert lines.pop() == ""
        entries = [json.loads(line) for line in lines]
        kept = list_entries(services.store, None, "", 1, 1_000).items
        assert [(each.at.isoformat(), each.event) for each in reversed(kept)] == [
            (entry["time"].replace("Z", "+00:00"), entry["event"]) for entry in entries
        ]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return entries

    return read_lines


@pytest.fixture
def client(read: Read, served: Store) -> Iterator[TestClient]:
    """Ask an app with an administrator with a hostile name, a reader, and one without a right."""
    served.account("admin", 100, password=PASSWORD, names={"en": HOSTILE}, email="admin@example.org")
    served.account("reader", 101, password=PASSWORD, email="reader@example.org")
    served.account("outside", password=PASSWORD, email="outside@example.org")
    app, _ = gated_app(readers=frozenset({101}))
    with TestClient(app, "http://jobs.example.org", follow_redirects=False) as client:
        yield client


def sign_in(client: TestClient, name: str, password: str = PASSWORD) -> int:
    """Return the status of a sign-in."""
    fields = {"identifier": name, "password": password}
    return client.post(addresses.SIGN_IN, data=fields).status_code


def test_each_event_once_and_no_secret(client: TestClient, store: Store, read: Read) -> None:
    """Who, from where, in which request, and what; passwords, cookies and outputs are in no line."""
    finished = store.job("one", output=OUTPUT)
    store.job("two", status_id=185), store.job("three", status_id=183)
    assert sign_in(client, "reader", TYPED) == 401
    assert sign_in(client, TYPED, PASSWORD) == 401
    assert sign_in(client, "outside") == 403
    assert sign_in(client, "reader") == 303
    assert client.post(f"{addresses.BASE}/delete/{finished}", headers=PROGRAM).status_code == 403
    assert client.post(addresses.SIGN_OUT).status_code == 303
    foreign = {"Origin": "https://evil.example"}
    assert client.post(addresses.SIGN_IN, headers=foreign).status_code == 403
    assert sign_in(client, "admin") == 303
    cookie = client.cookies[COOKIE]
    assert client.get(f"{addresses.BASE}/export-csv?status=failed").status_code == 200
    output = client.get(f"{addresses.BASE}/{finished}/output")
    assert OUTPUT in output.text
    deleted = client.post(f"{addresses.BASE}/delete/{finished}", headers=PROGRAM)
    assert deleted.json()["removed"] == 1
    services = get_services()
    services.audit.flush()
    [removal] = list_entries(services.store, Event.REMOVAL, "", 1, 9).items
    receipt = removal.details["receipt"]
    assert client.get(addresses.receipt_url(receipt)).status_code == 200
    services.restores.start(receipt, Actor("bob", 7)).wait()
    assert client.post(f"{addresses.BASE}/clear-inactive", headers=PROGRAM).json()["removed"] == 2
    later = datetime.now(UTC) + timedelta(days=91)
    for now in (later, later + GRACE):
        expire(services.store, 90, now, services.audit)

    entries = read()
    assert [(entry["event"], entry["user"], entry.get("reason")) for entry in entries] == [
        ("sign-in-refused", "reader", "wrong name or password"),
        ("sign-in-refused", "", "wrong name or password"),
        ("sign-in-refused", "outside", "no right"),
        ("sign-in", "reader", None),
        ("access-refused", "reader", "read only"),
        ("sign-out", "reader", None),
        ("access-refused", "", "another site"),
        ("sign-in", HOSTILE, None),
        ("export", HOSTILE, None),
        ("output", HOSTILE, None),
        ("removal", HOSTILE, None),
        ("download", HOSTILE, None),
        ("restore", "bob", None),
        ("removal", HOSTILE, None),
        ("retention", "Heratio Jobs", None),
    ]
    by_event = {entry["event"]: entry for entry in entries}
    assert {entry["client"] for entry in entries} == {"testclient", ""}
    assert by_event["output"]["request_id"] == output.headers["x-request-id"]
    assert (by_event["export"]["filter"], by_event["export"]["jobs"]) == ("status=failed", 1)
    assert by_event["export"]["result"] == "complete"
    assert (by_event["output"]["job"], by_event["download"]["receipt"]) == (finished, receipt)
    first, everything = (entry for entry in entries if entry["event"] == "removal")
    assert (first["ids"], first["removed"], first["receipt"]) == ([finished], 1, receipt)
    assert first["request_id"] == deleted.headers["x-request-id"]
    assert (everything["action"], everything["jobs"]) == ("delete-all-finished", 2)
    assert (by_event["restore"]["receipt"], by_event["restore"]["restored"]) == (receipt, 1)
    assert by_event["retention"]["receipts"] == 2
    shown = json.dumps(entries, ensure_ascii=False)
    for secret in (PASSWORD, TYPED, cookie, "ghp_1234"):
        assert secret not in shown


def test_an_output_that_is_read_in_ranges(client: TestClient, store: Store, read: Read) -> None:
    """Once a minute for each job and user, however often a program looks; not what is not there."""
    first, second = store.job(output=OUTPUT), store.job(output=OUTPUT)
    sign_in(client, "reader")
    for offset in (0, 5, 9):
        for job_id in (first, second):
            assert client.get(f"{addresses.BASE}/{job_id}/output?offset={offset}").status_code == 200
    assert client.get(f"{addresses.BASE}/999999/output?offset=0").status_code == 404
    sign_in(client, "admin")
    assert client.get(f"{addresses.BASE}/{first}/output?offset=3").status_code == 200
    outputs = [entry for entry in read() if entry["event"] == "output"]
    assert [(entry["job"], entry["user"]) for entry in outputs] == [
        (first, "reader"),
        (second, "reader"),
        (first, HOSTILE),
    ]


def test_a_deletion_of_one_job_that_ends_unexpectedly(
    read: Read, served: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Has its entry."""
    services = get_services()

    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(services.switch, "check", stop)  # as Ctrl-C does
    with pytest.raises(KeyboardInterrupt):
        services.removals.remove_jobs([served.job()], Reason(Actor("ada"), Action.DELETE, "x"))
    [entry] = read()
    assert (entry["event"], entry["removed"], entry["error"]) == ("removal", 0, UNEXPECTED)


def test_a_result_file(read: Read, client: TestClient, store: Store) -> None:
    """Which job and which file; one that is not there is not downloaded."""
    job_id = store.job(download_path="downloads/jobs/finding aid 7.pdf")
    sign_in(client, "reader")
    assert client.get(f"{addresses.BASE}/{job_id}/download").status_code == 200
    assert client.get(f"{addresses.BASE}/{store.job()}/download").status_code == 404
    event, download = read()
    assert event["event"] == "sign-in"
    assert (download["event"], download["job"]) == ("download", job_id)
    assert (download["file"], download["bytes"]) == ("finding aid 7.pdf", 8)


def test_a_locked_account(client: TestClient, read: Read) -> None:
    """Nothing was checked; the account that is meant is named all the same."""
    while sign_in(client, "admin@example.org", "no") != 429:
        pass
    locked = read()[-1]
    assert (locked["event"], locked["reason"], locked["user"]) == ("sign-in-refused", "locked", HOSTILE)


def test_an_action_does_not_need_its_entry(
    served: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On a full disk, and where the store refuses: it goes on, and the app's own log says so."""
    path = tmp_path / "audit.log"
    path.symlink_to("/dev/full")
    monkeypatch.setenv("HERATIO_JOBS_AUDIT_LOG", str(path))
    job_id = served.job()
    services = get_services()
    work = services.removals.remove_jobs([job_id], Reason(Actor("ada"), Action.DELETE, "x"))
    services.audit.flush()
    assert (work.removed, work.error) == (1, "")
    assert "audit log cannot be written: [Errno 28]" in caplog.text
    assert list_entries(services.store, Event.REMOVAL, "ADA", 1, 9).total == 1
