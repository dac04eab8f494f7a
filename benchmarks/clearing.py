"""What a clearing of all finished jobs takes: by a raw DELETE, and by ours with its receipt; and back.

Each has a database of its own with the same jobs: none is left as it was. Linux only: the memory is
read from /proc.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, text, update

from benchmarks.bench import FULL_SIZE, Bench, quiet
from benchmarks.figures import Figure, within
from jobs_data.audit import Actor
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.platform import status, tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from jobs_data.removal.removal import ALL_FINISHED, Removal, Removals
from jobs_data.removal.restore import Restores
from jobs_data.store.database import file_store
from jobs_data.store.receipt_writer import Action, Reason
from jobs_data.store.receipts import list_receipts

WORKER_SECONDS = 0.05
READER_SECONDS = 0.25
READER_JOBS = 5_000

TIMES_RAW = 1.8
TIMES_INSERTED = 3
MEGABYTES = 64
WAIT_MILLISECONDS = 250


def measure(bench: Bench) -> list[Figure]:
    """Return the figures of clearing a million jobs, of which nearly all are finished."""
    copies = {"cleared_raw": bench.copy(FULL_SIZE, "cleared_raw")}
    # The demo inserts rows by the thousand, with keys unchecked; making them up is part of it.
    began = time.perf_counter()
    copies["cleared"] = bench.copy(FULL_SIZE, "cleared")
    inserted = time.perf_counter() - began
    quiet(bench.server)
    raw = raw_delete(copies["cleared_raw"])
    bench.drop("cleared_raw")
    quiet(bench.server)
    with tempfile.TemporaryDirectory() as folder:
        ours = clear(copies["cleared"], Path(folder))
        megabytes = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1024**2
        quiet(bench.server)
        restored = restore(copies["cleared"], Path(folder))
    bench.drop("cleared")
    return [
        within(
            f"Clear of {ours.cleared:,} jobs with receipt, beside a worker and a reader",
            ours.seconds,
            raw,
            "one raw DELETE",
            TIMES_RAW,
        ),
        Figure("Clear, size of the receipt", f"{megabytes:.0f} MB"),
        Figure(
            "Clear, memory above idle",
            f"{ours.memory_mb:.0f} MB",
            asked=f"at most {MEGABYTES} MB",
            reached=ours.memory_mb <= MEGABYTES,
        ),
        *(
            Figure(
                f"Clear, longest wait of a worker {what}",
                f"{waited:.0f} ms",
                asked=f"at most {WAIT_MILLISECONDS} ms",
                reached=waited <= WAIT_MILLISECONDS,
            )
            for what, waited in (
                ("that updates its active job", ours.longest_update_ms),
                ("that starts a job", ours.longest_insert_ms),
            )
        ),
        Figure(
            "Clear, half-removed jobs that a reader saw",
            str(ours.half_removed),
            asked="none",
            reached=not ours.half_removed,
        ),
        within(
            "Restore of all these jobs, each read back and compared",
            restored,
            inserted,
            "the demo command that inserts them",
            TIMES_INSERTED,
        ),
    ]


@dataclass(frozen=True)
class Clearing:
    """What one clearing took, and what others noticed of it."""

    seconds: float
    cleared: int
    memory_mb: float
    """The process's largest resident memory meanwhile, above what it was before."""
    longest_update_ms: float
    """How long a worker waited at most for a write to its own active job, amid the others."""
    longest_insert_ms: float
    """How long it waited at most for a new job with its object and a note."""
    half_removed: int
    """How many jobs without object, and objects or notes of no job, a reader saw near the work."""


def raw_delete(url: str) -> float:
    """Delete all finished jobs of a database by plain statements; seconds until it is committed."""
    database = Database(make_engine(url))
    began = time.perf_counter()
    with database.writing(seconds=3600) as connection:
        for table, key in (("ahg_job_execution", "job_id"), ("object", "id")):
            connection.execute(
                text(
                    f"DELETE gone FROM {table} gone JOIN job ON job.id = gone.{key} "
                    "WHERE job.status_id IN (184, 185)"
                )
            )
    seconds = time.perf_counter() - began
    database.engine.dispose()
    return seconds


def clear(url: str, state_dir: Path) -> Clearing:
    """Clear all finished jobs of a database while a worker writes and a reader looks."""
    database, others, store = Database(make_engine(url)), make_engine(url), file_store(state_dir)
    ids = _job_ids(others)
    worker, reader = _Worker(others), _Reader(others, ids)
    idle = _memory_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak counts from now on
    began = time.perf_counter()
    reason = Reason(Actor("a benchmark"), Action.DELETE_ALL, ALL_FINISHED)
    clearing = Removals(database, store).start(None, reason)
    threads = [
        threading.Thread(target=_again, args=(clearing, worker.write, WORKER_SECONDS)),
        threading.Thread(target=_again, args=(clearing, lambda: reader.look(clearing), READER_SECONDS)),
    ]
    for thread in threads:
        thread.start()
    clearing.wait()
    seconds = time.perf_counter() - began
    memory = _memory_mb("VmHWM") - idle
    for thread in threads:
        thread.join()
    if clearing.error:
        raise RuntimeError(clearing.sentence())
    database.engine.dispose()
    others.dispose()
    store.close()
    return Clearing(
        seconds=seconds,
        cleared=clearing.removed,
        memory_mb=memory,
        longest_update_ms=worker.longest_update * 1000,
        longest_insert_ms=worker.longest_insert * 1000,
        half_removed=reader.half_removed,
    )


def restore(url: str, state_dir: Path) -> float:
    """Restore all jobs of a database that were cleared; seconds."""
    database, store = Database(make_engine(url)), file_store(state_dir)
    [receipt] = list_receipts(store, "", 1, 1).items
    began = time.perf_counter()
    work = Restores(database, store, CreationOrder(database)).start(receipt.id, Actor("a benchmark"))
    work.wait()
    seconds = time.perf_counter() - began
    database.engine.dispose()
    store.close()
    if work.error or work.failed:
        raise RuntimeError(work.sentence())
    return seconds


def _again(clearing: Removal, action: Callable[[], None], pause: float) -> None:
    while clearing.is_running:
        action()
        time.sleep(pause)


def _job_ids(engine: Engine) -> tuple[int, int]:
    with engine.connect() as connection:
        found = connection.execute(select(func.min(tables.job.c.id), func.max(tables.job.c.id)))
        first, last = found.one()
    return first, last


class _Worker:
    """Writes to the active job that lies in the midst of all, and starts new ones."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.longest_update = self.longest_insert = 0.0
        active = select(tables.job.c.id).where(status.is_in(status.State.ACTIVE))
        with engine.connect() as connection:
            ids = connection.execute(active.order_by(tables.job.c.id)).scalars().all()
        self.job_id = ids[len(ids) // 2]

    def write(self) -> None:
        job = tables.job
        began = time.perf_counter()
        with self.engine.begin() as connection:
            connection.execute(update(job).where(job.c.id == self.job_id).values(output=f"{began}"))
        written = time.perf_counter()
        with self.engine.begin() as connection:
            self._start_job(connection)
        self.longest_update = max(self.longest_update, written - began)
        self.longest_insert = max(self.longest_insert, time.perf_counter() - written)

    def _start_job(self, connection: Connection) -> None:
        now = func.now()
        new = connection.execute(
            insert(tables.object_).values(class_name=tables.JOB_CLASS, created_at=now, updated_at=now)
        ).lastrowid
        connection.execute(insert(tables.job).values(id=new, name="new", status_id=183))
        connection.execute(insert(tables.note).values(object_id=new, source_culture="en"))


class _Reader:
    """Looks, in one moment of the database, at the jobs where the clearing is about to be."""

    def __init__(self, engine: Engine, ids: tuple[int, int]) -> None:
        self.engine = engine
        self.first, self.last = ids
        self.half_removed = 0

    def look(self, clearing: Removal) -> None:
        at = self.first + (self.last - self.first) * clearing.removed // max(1, clearing.total)
        stretch = {"low": at - READER_JOBS, "high": at + READER_JOBS, "class": tables.JOB_CLASS}
        halves = text(
            "SELECT (SELECT COUNT(*) FROM job LEFT JOIN object ON object.id = job.id"
            " WHERE job.id BETWEEN :low AND :high AND object.id IS NULL)"
            " + (SELECT COUNT(*) FROM object LEFT JOIN job ON job.id = object.id"
            " WHERE object.id BETWEEN :low AND :high AND object.class_name = :class AND job.id IS NULL)"
            " + (SELECT COUNT(*) FROM note LEFT JOIN object ON object.id = note.object_id"
            " WHERE note.object_id BETWEEN :low AND :high AND object.id IS NULL)"
            " + (SELECT COUNT(*) FROM ahg_job_execution run LEFT JOIN job ON job.id = run.job_id"
            " WHERE run.job_id BETWEEN :low AND :high AND job.id IS NULL)"
        )
        with self.engine.connect() as connection:
            self.half_removed += connection.execute(halves, stretch).scalar_one()


def _memory_mb(name: str) -> float:
    """Return one of the sizes that Linux tells of this process."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))
