"""The queues of a demo: the platform's jobs with their batches, chains and log, and Laravel's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, Table

from jobs_data.demo.kinds import KINDS, SEARCH_UPDATE, Kind
from jobs_data.demo.logs import failure_text, stack_trace
from jobs_data.platform.tables import (
    laravel_batches,
    laravel_failed,
    laravel_jobs,
    queue_batch,
    queue_failed,
    queue_job,
    queue_log,
)

MOST_JOBS: Final = 20_000
JOBS_PER_QUEUED: Final = 4
"""One queued job for this many jobs of the platform."""
LOGGED_JOBS: Final = 4_000
"""Only the newest jobs have events: the platform prunes its log."""
DAYS: Final = 14
QUEUES: Final = ("default", "imports", "exports", "search", "preservation")
QUEUE_WEIGHTS: Final = (50, 18, 12, 15, 5)
WORKERS: Final = ("archive-01:2211", "archive-01:2212", "archive-02:871", "archive-02:904")
BACKOFFS: Final = ("fixed", "linear", "exponential")
LOOSE_JOBS: Final = 8
"""How many of the newest are in no batch."""
# Newest first; older ones have ended.
RECENT_STATUSES: Final = (
    *("pending",) * 7,
    "reserved",
    "pending",
    "running",
    "completed",
    "running",
    "processing",
    "failed",
)
BATCH_NAMES: Final = (
    "Thumbnails for glass negatives 📷",
    "Import: accessions-2026.csv",
    "<b>Checksums</b> *nightly*",
    "Réindexation du fonds photographique",
    "Finding aids, all series",
    "Erschließungsdaten übernehmen",
)
MESSAGES: Final = ("reading rows", "writing <i>EAD</i>", "descendants of the fonds", "checksums")


@dataclass
class _Rows:
    """The rows of a demo's queues, table by table."""

    of: dict[Table, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: Table, **values: Any) -> None:
        self.of.setdefault(table, []).append(values)


def create_queues(
    connection: Connection, rng: Random, jobs: int, now: datetime, user_ids: Sequence[int]
) -> None:
    """Insert the queues' rows for `jobs` jobs; `now` is naive UTC."""
    count = min(MOST_JOBS, max(24, jobs // JOBS_PER_QUEUED))
    rows = _Rows()
    _add_platforms(rows, rng, count, now, user_ids)
    _add_laravels(rows, rng, count, now.replace(tzinfo=UTC))
    for table, values in rows.of.items():
        # One statement needs the same columns in each row.
        names = {name: None for row in values for name in row}
        connection.execute(table.insert(), [{**names, **row} for row in values])


def _add_platforms(
    rows: _Rows, rng: Random, count: int, now: datetime, user_ids: Sequence[int]
) -> None:
    made = sorted(rng.randrange(20 * 60, DAYS * 86_400) for _ in range(count - len(RECENT_STATUSES)))
    made = [rng.randrange(30, 15 * 60) for _ in RECENT_STATUSES] + made
    batch_left = chain_left = batch_id = chain_id = chain_order = 0
    members: dict[int, list[dict[str, Any]]] = {}
    for number, seconds in enumerate(sorted(made, reverse=True), start=1):
        newer = count - number
        if newer == LOOSE_JOBS:
            batch_left = 0
        if batch_left:
            batch_left -= 1
        elif newer > LOOSE_JOBS and (rng.random() < 0.04 or newer == len(RECENT_STATUSES) + 6):
            batch_left, batch_id = rng.randint(5, 24), batch_id + 1
        if chain_left:
            chain_left, chain_order = chain_left - 1, chain_order + 1
        elif rng.random() < 0.03:
            chain_left, chain_id, chain_order = 2, chain_id + 1, 1
        job = _job(rng, number, newer, now - timedelta(seconds=seconds), now)
        job["user_id"] = rng.choice((None, None, *user_ids))
        if batch_left:
            own = members.setdefault(batch_id, [])
            own.append(job)
            job["batch_id"] = batch_id
            job["queue"], job["job_type"] = own[0]["queue"], own[0]["job_type"]
        elif chain_left or chain_order == 3:
            job["chain_id"], job["chain_order"] = chain_id, chain_order
            chain_order = chain_order if chain_left else 0
        rows.add(queue_job, **job)
        if job["status"] == "failed":
            _add_failed(rows, rng, job)
        if newer < LOGGED_JOBS:
            _add_events(rows, job)
    for number, own in members.items():
        _add_batch(rows, rng, number, own)
    # Failed long ago: their jobs have left the queue.
    for number in range(max(2, count // 60)):
        kind = rng.choice(KINDS)
        rows.add(
            queue_failed,
            queue=rng.choice(QUEUES),
            job_type=kind.name or "arFileImportJob",
            payload="{}",
            error_message=failure_text(rng, kind),
            original_job_id=10_000_000 + number,
            attempt_count=3,
            failed_at=now - timedelta(days=DAYS, hours=number),
        )


def _job(rng: Random, number: int, newer: int, created: datetime, now: datetime) -> dict[str, Any]:
    kind = SEARCH_UPDATE if rng.random() < 0.15 else rng.choice(KINDS)
    if newer < len(RECENT_STATUSES):
        status = RECENT_STATUSES[newer]
    else:
        status = rng.choices(("completed", "failed", "cancelled"), (90, 8, 2))[0]
    started = min(now, created + timedelta(seconds=rng.randrange(1, 90)))
    ended = min(now, started + timedelta(seconds=int(kind.typical_seconds * rng.expovariate(1)) + 1))
    total = rng.randint(20, 900)
    job: dict[str, Any] = {
        "id": number,
        "queue": rng.choices(QUEUES, QUEUE_WEIGHTS)[0],
        "job_type": kind.name or "arFileImportJob",
        "payload": json.dumps(
            {"objectId": rng.randrange(500, 1100), "culture": "en", "options": {"depth": 3}}
        ),
        "status": status,
        "priority": rng.choice((1, 5, 5, 5, 9)),
        "attempt_count": 0 if status in {"pending", "cancelled"} else 1,
        "max_attempts": 3,
        "delay_seconds": 0,
        "backoff_strategy": rng.choice(BACKOFFS),
        "available_at": created,
        "created_at": created,
        "updated_at": created,
    }
    if status == "pending" and newer % 3 == 0:
        # Failed before, and waits for its next attempt.
        job |= {
            "attempt_count": 1,
            "delay_seconds": 600,
            "available_at": now + timedelta(minutes=4 + newer),
            "error_message": failure_text(rng, kind),
        }
    elif status in {"reserved", "running", "processing"}:
        done = 0 if status == "reserved" else rng.randrange(total)
        job |= {"worker_id": rng.choice(WORKERS), "reserved_at": started, "progress_total": total}
        job |= {"progress_current": done, "progress_message": rng.choice(MESSAGES)}
        job["started_at"] = None if status == "reserved" else started
    elif status in {"completed", "failed"}:
        done = total if status == "completed" else rng.randrange(total)
        job |= {
            "worker_id": rng.choice(WORKERS),
            "reserved_at": started,
            "started_at": started,
            "completed_at": ended,
            "updated_at": ended,
            "processing_time_ms": int((ended - started).total_seconds() * 1000) + 137,
            "progress_current": done,
            "progress_total": total,
            "result_data": json.dumps({"rows": total, "warnings": []}) if done == total else None,
        }
    if status == "failed":
        message = failure_text(rng, kind)
        job |= {
            "attempt_count": 3,
            "error_code": rng.choice(("E_TIMEOUT", "23000", None)),
            "error_message": message,
            "error_trace": stack_trace(rng, kind, message),
            "progress_message": rng.choice(MESSAGES),
        }
    return job


def _add_failed(rows: _Rows, rng: Random, job: dict[str, Any]) -> None:
    if rng.random() < 0.8:
        copied = ("queue", "job_type", "payload", "error_message", "error_trace", "batch_id", "user_id")
        rows.add(
            queue_failed,
            **{name: job.get(name) for name in copied},
            original_job_id=job["id"],
            attempt_count=job["attempt_count"],
            failed_at=job["completed_at"],
        )


def _add_events(rows: _Rows, job: dict[str, Any]) -> None:
    events: list[tuple[str, datetime, str, str | None]] = [
        ("dispatched", job["created_at"], f"Put into the queue {job['queue']}.", None)
    ]
    if job["attempt_count"] == 1 and job["status"] == "pending":
        events.append(("failed", job["created_at"] + timedelta(seconds=9), job["error_message"], None))
        delay = json.dumps({"delay": 600})
        events.append(("retried", job["created_at"] + timedelta(seconds=9), "Once more.", delay))
    if reserved := job.get("reserved_at"):
        events.append(("reserved", reserved, f"Taken by {job['worker_id']}.", None))
    if started := job.get("started_at"):
        events.append(("started", started, "", None))
    if job["status"] in {"completed", "failed"}:
        events.append((job["status"], job["completed_at"], job.get("error_message") or "", None))
    for event, moment, message, details in events:
        rows.add(
            queue_log,
            job_id=job["id"],
            batch_id=job.get("batch_id"),
            event_type=event,
            message=message,
            details=details,
            created_at=moment,
        )


def _add_batch(rows: _Rows, rng: Random, number: int, own: Sequence[dict[str, Any]]) -> None:
    statuses = [job["status"] for job in own]
    completed, failed = statuses.count("completed"), statuses.count("failed")
    ended = completed + failed + statuses.count("cancelled")
    over = ended == len(own)
    started = own[0]["created_at"]
    rows.add(
        queue_batch,
        id=number,
        name=BATCH_NAMES[number % len(BATCH_NAMES)],
        queue=own[0]["queue"],
        status="completed" if over else "running" if ended else "pending",
        total_jobs=len(own),
        completed_jobs=completed,
        failed_jobs=failed,
        progress_percent=round(100 * ended / len(own), 2),
        max_concurrent=rng.choice((2, 4)),
        delay_between_ms=rng.choice((0, 250)),
        max_retries=3,
        options=json.dumps({"culture": "en"}),
        user_id=own[0]["user_id"],
        created_at=started,
        started_at=started if ended else None,
        completed_at=max(job["updated_at"] for job in own) if over else None,
        updated_at=started,
    )


def _add_laravels(rows: _Rows, rng: Random, count: int, now: datetime) -> None:
    names = ("Harvest", "SendDigest", "PruneSearchIndex")
    for number in range(max(4, min(200, count // 30))):
        made = now - timedelta(seconds=rng.randrange(5, 1_800))
        later = now + timedelta(minutes=rng.randrange(1, 60))
        rows.add(
            laravel_jobs,
            queue=rng.choice(("default", "mail")),
            payload=_payload(rng, rng.choice(names)),
            attempts=0,
            reserved_at=made if number % 4 == 1 else None,
            available_at=later if number % 4 == 0 else made,
            created_at=made,
        )
    for number in range(max(3, min(200, count // 40))):
        kind: Kind = rng.choice(KINDS)
        message = failure_text(rng, kind)
        rows.add(
            laravel_failed,
            uuid=_uuid(rng),
            connection="database",
            queue=rng.choice(("default", "mail")),
            payload=_payload(rng, rng.choice(names)),
            exception=f"RuntimeException: {message}\n{stack_trace(rng, kind, message)}",
            failed_at=now - timedelta(hours=7 * number + 1),
        )
    for number, (name, pending, failed) in enumerate(
        (("Harvest all repositories", 0, 0), ("Weekly digests", 12, 2), ("Prune indexes", 30, 0))
    ):
        made = now - timedelta(hours=30 if number == 0 else 1)
        rows.add(
            laravel_batches,
            id=f"9e{number}{_uuid(rng)[3:]}",
            name=name,
            total_jobs=30,
            pending_jobs=pending,
            failed_jobs=failed,
            failed_job_ids=json.dumps([_uuid(rng) for _ in range(failed)]),
            created_at=made,
            finished_at=made + timedelta(minutes=9) if number == 0 else None,
        )


def _payload(rng: Random, name: str) -> str:
    return json.dumps({"uuid": _uuid(rng), "displayName": f"App\\Jobs\\{name}", "maxTries": 3})


def _uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
