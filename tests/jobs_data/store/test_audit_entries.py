"""The entries of the audit log that the screen lists: bounded, and filtered by event and user."""

from functools import partial

import pytest
from sqlalchemy.engine import make_url

from jobs_data.audit import NOBODY, Actor, Audit, Event
from jobs_data.store import audit_entries
from jobs_data.store.audit_entries import keep, list_entries
from jobs_data.store.database import Store


def test_a_flood_of_one_event_pushes_out_no_other(
    empty_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest of each event are kept; they are listed newest first, a page at a time."""
    monkeypatch.setattr(audit_entries, "KEPT", 5)
    own = Store(make_url(empty_database), "the test")
    log = Audit(keep=partial(keep, own))
    log.write(Event.REMOVAL, Actor("Ada Löwe", 7), jobs=1)
    for number in range(12):
        log.write(Event.SIGN_IN_REFUSED, NOBODY, reason=f"{number}")
        log.flush(20)
    log.write(Event.REMOVAL, Actor("100%_\ud800🗃", "bob@example.org"), jobs=2)
    log.flush(20)

    def listed(event: Event | None = None, user: str = "", page: int = 1, limit: int = 99) -> list[str]:
        found = list_entries(own, event, user, page, limit)
        return [f"{each.event} {next(iter(each.details.values()))}" for each in found.items]

    refused = [f"sign-in-refused {number}" for number in range(11, 6, -1)]
    assert listed() == ["removal 2", *refused, "removal 1"]
    assert listed(Event.REMOVAL) == ["removal 2", "removal 1"]
    assert listed(page=2, limit=3) == refused[2:]
    assert listed(page=9, limit=3) == ["removal 1"]
    for user, jobs in (("LÖWE", 1), ("7", 1), ("0%_", 2), ("BOB@", 2)):
        assert listed(user=user) == [f"removal {jobs}"]
    assert listed(user="eve") == []
    own.close()
