"""The figures for monitoring: right, bounded, readable by Prometheus, and cheap for the database."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from sqlalchemy import text

from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.view import ListView
from jobs_data.monitoring import metrics as module
from jobs_data.monitoring.metrics import Metrics
from jobs_data.services import Services
from pages.parts.shared.services import get_services
from tests.support.queue_rows import queued
from tests.support.statements import statements
from tests.support.store import CAUSE, Store
from tests.support.waiting import eventually

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
NOW = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
HOSTILE = 'a "quoted" {name="x"} 1\n# EOF\x00\u202e\\ 🗄'


@dataclass
class Watched:
    """The figures of the served database, on a clock that stands still."""

    services: Services
    now: float = 0.0

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.services.database, lambda: 3, lambda: self.now)

    def figures(self) -> dict[tuple[str, ...], float]:
        """Return each figure by its name without the prefix, and its labels' values."""
        body, content_type = self.metrics.render(self.services, OPENMETRICS)
        assert content_type.startswith("application/openmetrics-text")
        found: dict[tuple[str, ...], float] = {}
        families = text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call] # untyped
        for family in families:
            for sample in family.samples:
                key = (sample.name.removeprefix("heratio_jobs_"), *sample.labels.values())
                assert key not in found  # Prometheus refuses an answer with the same series twice
                found[key] = sample.value
        return found

    def later(self) -> dict[tuple[str, ...], float]:
        """Return the figures when what was read before has expired."""
        self.metrics._background.wait()
        self.now += 10_000
        return self.figures()


@pytest.fixture
def watched(served: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """Give them with patience for a busy machine; they are read when they are asked for first."""
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 60)
    yield Watched(get_services())
    get_services().outcomes.close()


def ago(**units: float) -> datetime:
    return NOW - timedelta(**units)


def test_the_figures_of_jobs_and_names(watched: Watched, served: Store) -> None:
    """Names as hostile as they come, of which some look alike, are readable labels."""
    for name in ("Import", "Import", None, "", "  ", HOSTILE):
        served.job(name, 184, ago(hours=3), completed_at=ago(hours=2))
    served.job("Import", 184, ago(hours=2), completed_at=ago(hours=1))
    served.job("Import", 184, ago(days=2), completed_at=datetime(9999, 12, 31))  # no time of an end
    served.job("Import", 185, ago(hours=1), completed_at=ago(minutes=30))
    served.job("import", 185, ago(hours=1), completed_at=ago(minutes=30))
    served.job("Import", 183, ago(minutes=90))
    served.job(HOSTILE, None, ago(minutes=30), completed_at=None)
    served.job(HOSTILE, 186, ago(minutes=30), completed_at=ago(minutes=20))
    found = watched.figures()
    states = {key[1]: number for key, number in found.items() if key[0] == "jobs"}
    assert states == {"active": 2, "completed": 8, "failed": 2, "other": 1}
    names = {key[1:]: number for key, number in found.items() if key[0] == "newest_jobs"}
    [hostile] = {name for name, _ in names} - {"Import", "import", "[Unknown]"}
    assert "\x00" not in hostile
    assert names == {
        ("Import", "completed"): 4,
        ("Import", "failed"): 1,
        ("Import", "active"): 1,
        ("import", "failed"): 1,
        ("[Unknown]", "completed"): 3,
        (hostile, "completed"): 1,
        (hostile, "active"): 1,
        (hostile, "other"): 1,
    }
    since = {key[1]: n for key, n in found.items() if key[0] == "seconds_since_success"}
    assert set(since) == {"Import", "[Unknown]", hostile}
    passed = (datetime.now(UTC).replace(tzinfo=None) - NOW).total_seconds()
    assert 3600 <= since["Import"] <= 3600 + passed
    assert 90 * 60 <= found["oldest_active_seconds",] <= 90 * 60 + passed
    assert found["active_jobs", "never-started"] == 2
    assert found["active_jobs", "silent"] == 0
    assert found["database_up",] == 1
    assert found["open_pages",] == 3


def test_names_are_bounded(watched: Watched, served: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The most frequent have series of their own; a real job may be called as the others are."""
    monkeypatch.setattr(module, "MOST_NAMES", 2)
    for number, name in enumerate(["rare", "also rare", "other", "usual"]):
        for _ in range(1 + number):
            served.job(name)
    found = {key[1]: n for key, n in watched.figures().items() if key[0] == "newest_jobs"}
    assert found == {"usual": 4, "other": 3 + 2 + 1}


def test_the_waits_of_queues(watched: Watched, served: Store) -> None:
    queued(served, available_at=ago(minutes=20), created_at=ago(minutes=20))
    queued(served, status="failed")
    found = watched.figures()
    assert found["queue_jobs", "heratio", "default", "waiting"] == 1
    assert found["queue_jobs", "heratio", "default", "failed"] == 1
    assert 20 * 60 <= found["queue_wait_seconds", "heratio", "default"] < 40 * 60


def test_completed_jobs_with_errors_are_left_out_until_they_are_known(
    watched: Watched, served: Store
) -> None:
    served.job(output="ERROR: Row 12: no title\nImport finished with 1 error(s). 3 record(s) imported.")
    assert ("completed_with_errors",) not in watched.figures()
    outcomes = watched.services.outcomes
    eventually(lambda: outcomes.coverage.is_done, "all outputs are read")
    watched.services.database.changed()  # counts that are some seconds old do not do any more
    eventually(lambda: watched.later().get(("completed_with_errors",)) == 1, "the error is counted")


def test_however_often_they_are_asked_for_the_database_is_read_once(
    watched: Watched, served: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For 15 seconds at least; then once more."""
    monkeypatch.setattr(Outcomes, "keep_reading", lambda _: None)  # it has a rhythm of its own
    served.job()
    watched.figures()
    with statements(watched.services.database.engine) as found:
        for _ in range(10):
            assert watched.figures()["jobs", "completed"] == 1
        assert not found
        watched.now += module.CACHE_SECONDS - 1
        watched.figures()
        assert not found
        watched.later()
        assert found


def test_no_answer_waits_for_a_slow_database(
    watched: Watched, served: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before is served, and the read goes on alone."""
    served.job()
    watched.figures()
    answers, reads = threading.Event(), list[int]()

    def hang(_services: Services) -> list[Any]:
        reads.append(1)
        answers.wait(30)
        return []

    monkeypatch.setattr(watched.metrics, "_figures", hang)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.01)
    watched.now += 10_000
    for _ in range(3):
        assert watched.figures()["jobs", "completed"] == 1
    assert len(reads) == 1
    answers.set()


def test_nothing_is_said_about_a_database_that_is_away(watched: Watched, served: Store) -> None:
    """Old figures would hide it. The figures of the process stay."""
    served.job()
    assert watched.figures()["jobs", "completed"] == 1
    with served.engine.begin() as connection:
        connection.execute(text("ALTER TABLE job RENAME TO gone"))
    away = watched.later()
    assert away["database_up",] == 0
    assert away["database_errors_total",] > 0
    assert not [key for key in away if key[0] in {"jobs", "newest_jobs", "active_jobs", "queue_jobs"}]
    assert away["process_open_fds",] > 0
    with served.engine.begin() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO job"))
    assert watched.later()["jobs", "completed"] == 1


def test_what_the_process_has_done(
    watched: Watched, served: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statements, reads of the list, deletions."""
    jobs = [served.job() for _ in range(3)]
    before = watched.figures()
    shared_list = watched.services.shared_list
    for _ in range(3):
        shared_list.read(ListView())
    watched.services.removals.remove_jobs(jobs[:2], CAUSE)
    work = watched.services.removals.start(None, CAUSE)
    work.wait()
    after = watched.figures()
    assert after["list_reads_total", "database"] == 1
    assert after["list_reads_total", "cache"] == 2
    assert after["deletions_total",] == 2
    assert after["deleted_jobs_total",] == 3
    assert after["deletions_stopped_total",] == 0
    assert after["deletion_running",] == 0
    count = ("statement_seconds_count",)
    assert after[count] > before[count] > 0
