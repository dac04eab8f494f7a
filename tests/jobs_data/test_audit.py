"""The audit log never keeps an action waiting, and loses no entry of several processes."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs_data import audit
from jobs_data.audit import Actor, Audit, Event

ADA = Actor("Ada", 7, "192.0.2.1", "0123456789abcdef")


def events(lines: Sequence[str]) -> list[str]:
    """Return the event of each line."""
    return [json.loads(line)["event"] for line in lines]


def test_what_is_slow_keeps_no_action_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bound, entries are counted, and the number is written once there is room."""
    monkeypatch.setattr(audit, "MOST_WAITING", 3)
    kept: list[str] = []
    is_blocked, goes_on = threading.Event(), threading.Event()

    def keep(lines: Sequence[str]) -> None:
        is_blocked.set()
        goes_on.wait(20)
        kept.extend(lines)

    log = Audit(keep=keep)
    log.write(Event.SIGN_IN, ADA)
    assert is_blocked.wait(20)
    for _ in range(5):
        log.write(Event.SIGN_OUT, ADA)
    assert kept == []
    goes_on.set()
    log.flush(20)
    assert events(kept) == ["sign-in", *["sign-out"] * 3, "entries-lost"]
    assert json.loads(kept[-1])["entries"] == 2


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
