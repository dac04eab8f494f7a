"""The audit log never keeps an action waiting, and loses no entry of several processes."""

import fcntl
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs_data import audit
from jobs_data.audit import NOBODY, Actor, Audit, Event
from tests.support.waiting import eventually

ADA = Actor("Ada", 7, "192.0.2.1", "0123456789abcdef")


def events(lines: Sequence[str]) -> list[str]:
    """Return the event of each line."""
    return [json.loads(line)["event"] for line in lines]


def test_a_slow_store_keeps_neither_an_action_nor_the_file_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a bound, entries for the screen are counted; the file has all, and the number."""
    monkeypatch.setattr(audit, "MOST_WAITING", 3)
    path = tmp_path / "audit.log"

    def written() -> list[str]:
        return events(path.read_text("ascii").splitlines()) if path.exists() else []

    kept: list[str] = []
    is_blocked, goes_on = threading.Event(), threading.Event()

    def keep(lines: Sequence[str]) -> None:
        is_blocked.set()
        goes_on.wait(20)
        kept.extend(lines)

    def write_into_file() -> None:
        before = len(written())
        log.write(Event.SIGN_OUT, ADA)
        eventually(lambda: len(written()) > before, "the line in the file")

    log = Audit(path, keep=keep)
    log.write(Event.SIGN_IN, ADA)
    assert is_blocked.wait(20)
    for _ in range(5):
        write_into_file()
    assert kept == []
    goes_on.set()
    eventually(lambda: len(kept) == 5, "all entries in the store")
    assert events(kept) == ["sign-in", *["sign-out"] * 3, "entries-lost"]
    assert (json.loads(kept[-1])["entries"], json.loads(kept[-1])["place"]) == (2, "screen")
    assert written() == ["sign-in", *["sign-out"] * 5, "entries-lost"]
    log.close()


def test_nobody_fills_the_log_without_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same refusal of a client is one line a minute, which counts the others; of many, too."""
    monkeypatch.setattr(audit, "MOST_REPEATS", 5)
    kept: list[str] = []
    now = 0.0
    log = Audit(keep=kept.extend, clock=lambda: now)

    def flood(address: str) -> None:
        client = Actor("", None, address, "r")
        for number in range(20):
            log.write(Event.ACCESS_REFUSED, client, reason="another site", path=f"/{number}")
            log.write(Event.TOKEN_REFUSED, client, reason="unknown")
            log.write(Event.SIGN_IN_REFUSED, Actor("Ada", 7, address), reason="locked")

    flood("192.0.2.1")
    log.write(Event.ACCESS_REFUSED, ADA, reason="read only")
    log.write(Event.ACCESS_REFUSED, ADA, reason="read only")
    log.flush(20)
    assert [json.loads(line).get("path") for line in kept] == ["/0", *[None] * 4]
    for minute in (1, 2):
        kept.clear()
        now = minute * audit.REPEAT_SECONDS
        flood("192.0.2.1")
        log.flush(20)
        assert [json.loads(line)["repeated"] for line in kept] == [19 + (minute - 1)] * 3
        assert {json.loads(line)["client"] for line in kept} == {"192.0.2.1"}
    kept.clear()
    for number in range(100):
        flood(f"198.51.100.{number}")
    log.flush(20)
    assert len(kept) == 5
    log.close()
    repeated = sum(json.loads(line).get("repeated", 0) for line in kept)
    assert 5 + repeated == 20 * 3 + 100 * 60
    assert NOBODY.client in {json.loads(line)["client"] for line in kept}


def test_a_hostile_path_makes_no_long_line() -> None:
    """It is cut as it is written: a character has up to twelve bytes there."""
    kept: list[str] = []
    log = Audit(keep=kept.extend)
    for path in ("🗃" * 500, "a" * 999 + "🗃" * 500):
        log.write(Event.ACCESS_REFUSED, Actor("", None, path), path=path)
        log.write(Event.ACCESS_REFUSED, ADA, path=path)
    log.flush(20)
    for line, most in zip(kept, (200, 1_000) * 2, strict=True):
        assert len(json.dumps(json.loads(line)["path"])) - 2 <= most
    assert max(map(len, kept)) < 1_300
    assert min(len(json.loads(line)["path"]) for line in kept) > 10


def test_who_locks_the_folder_does_not_stop_the_log(tmp_path: Path) -> None:
    """Anybody who may read it could."""
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    log = Audit(tmp_path / "audit.log")
    log.write(Event.SIGN_IN, ADA)
    log.flush(5)
    is_written = (tmp_path / "audit.log").exists()
    os.close(folder)
    log.close()
    assert is_written


def test_what_cannot_keep_an_entry_does_not_end_the_log() -> None:
    """The next entry is written all the same."""
    kept: list[str] = []

    def keep(lines: Sequence[str]) -> None:
        if not kept:
            kept.append("")
            raise ValueError("no")
        kept.extend(lines)

    log = Audit(keep=keep)
    for event in (Event.SIGN_IN, Event.SIGN_OUT):
        log.write(event, ADA)
        log.flush(20)
    assert events(kept[1:]) == ["sign-out"]


def test_a_file_that_rotates_under_two_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two logs of one file write whole lines, and none into a file that was erased or moved away."""
    monkeypatch.setattr(audit, "FILE_BYTES", 2_000)
    path = tmp_path / "audit.log"
    logs = [Audit(path), Audit(path)]
    for number in range(40):
        for log in logs:
            log.write(Event.EXPORT, ADA, jobs=number)
            log.flush(20)
    files = sorted(tmp_path.iterdir())
    lines = [json.loads(line) for each in files for line in each.read_text("ascii").splitlines()]
    assert sorted(line["jobs"] for line in lines) == sorted([*range(40), *range(40)])
    assert len(files) > 3
    assert {each.stat().st_mode & 0o777 for each in files} == {0o600}
    assert max(each.stat().st_size for each in files) <= 2_000
    path.rename(tmp_path / "moved")
    logs[0].write(Event.SIGN_OUT, ADA)
    logs[0].flush(20)
    assert events(path.read_text("ascii").splitlines()) == ["sign-out"]
    for log in logs:
        log.close()
