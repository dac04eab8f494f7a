"""The health checks: open to all, true about both databases, and cheap however often they are asked."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy import text
from starlette.requests import Request
from starlette.testclient import TestClient

from jobs_data import addresses
from jobs_data.monitoring.readiness import why_not_ready
from jobs_data.platform.errors import NO_ANSWER
from pages.parts.shared.services import get_services
from tests.support.gated import gated_app
from tests.support.statements import statements
from tests.support.store import Store
from web import health
from web.health import Health

JSON = {"Accept": "application/json"}


@dataclass
class Site:
    """An app that is asked without a session, on a clock that stands still."""

    now: float = 1000.0
    client: TestClient = field(init=False)

    def ready(self) -> tuple[int, str]:
        """Return the status and the sentence of a check after the cached answer has expired."""
        self.now += 2
        return self.ready_again()

    def ready_again(self) -> tuple[int, str]:
        """Return the same at the same moment."""
        answer = self.client.get(addresses.HEALTH_READY, headers=JSON)
        return answer.status_code, answer.json()["message"]


@pytest.fixture
def site(served: Store) -> Iterator[Site]:
    """Give the health checks behind the gate, which everything is behind."""
    services = get_services()
    found = Site()
    checks = Health(partial(why_not_ready, services.database, services.store), lambda: found.now)
    app, _ = gated_app(checks.routes())
    with TestClient(app, base_url="http://jobs.example.org") as found.client:
        yield found


def test_it_is_ready_until_a_required_table_is_missing(site: Site, served: Store) -> None:
    """And again when it is back, without a restart."""
    assert site.ready() == (200, "ok")
    assert site.client.get(addresses.HEALTH_READY).text == "ok"
    for name in ("job", "object"):
        with served.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {name} RENAME TO gone"))
        status, sentence = site.ready()
        assert status == 503
        assert name in sentence
        assert site.client.get(addresses.HEALTH_LIVE).text == "ok"
        with served.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE gone RENAME TO {name}"))
        assert site.ready() == (200, "ok")


def test_it_is_not_ready_while_its_own_database_cannot_be_written(site: Site, served: Store) -> None:
    """A deletion writes a receipt first."""
    assert site.ready() == (200, "ok")
    with sqlite3.connect(served.state_dir / "state.sqlite") as own:
        own.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON schema_version "
            "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
    status, sentence = site.ready()
    assert status == 503
    assert "HERATIO_JOBS_STATE_DIR" in sentence
    assert str(served.state_dir) not in sentence


def test_it_is_ready_while_another_writer_is_at_work(site: Site, served: Store) -> None:
    """It waits for that. And it leaves what is written there, also by another version."""
    assert site.ready() == (200, "ok")
    with closing(sqlite3.connect(served.state_dir / "state.sqlite")) as own:
        own.execute("UPDATE schema_version SET version = 99")
        assert site.ready() == (200, "ok")
        own.commit()
        assert site.ready() == (200, "ok")
        assert own.execute("SELECT version FROM schema_version").fetchone() == (99,)


def test_a_flood_asks_the_database_once_in_a_second(site: Site) -> None:
    site.ready()
    with statements(get_services().database.engine) as sent:
        site.ready()
        asked = len(sent)
        assert asked
        assert {site.ready_again() for _ in range(20)} == {(200, "ok")}
        assert len(sent) == asked
        site.ready()
        assert len(sent) > asked


def request() -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "headers": []})


def test_checks_at_the_same_time_share_one_read_and_wait_for_it_no_longer_than_they_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A database that does not answer must cost neither a thread each nor the patience of a proxy."""
    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.05)
    answers, reads = threading.Event(), list[int]()

    def read() -> str:
        reads.append(1)
        answers.wait(30)
        return ""

    async def ask(checks: Health) -> None:
        found = await asyncio.gather(*(checks.ready(request()) for _ in range(20)))
        assert {(each.status_code, bytes(each.body).decode()) for each in found} == {(503, NO_ANSWER)}
        assert (await checks.live(request())).status_code == 200
        answers.set()
        monkeypatch.setattr(health, "ANSWER_SECONDS", 30)
        assert (await checks.ready(request())).status_code == 200
        assert len(reads) == 1

    asyncio.run(ask(Health(read)))
