"""A platform whose workers start, restart, continue and end jobs all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from sqlalchemy import ColumnElement, update

from jobs_data.platform import status
from jobs_data.platform.tables import job
from tests.support.store import Store

FEWEST_ACTIVE: Final = 20


class WorkingPlatform(threading.Thread):
    """Changes jobs, each in a transaction of its own; a third of its active jobs were finished before.

    It knows which jobs are active, so it notices when one of them is deleted.
    """

    def __init__(self, url: str, name: str, finished: Sequence[int], speed: float) -> None:
        """Work on a database from `start` to `stop`: make jobs of a name, and restart finished ones."""
        super().__init__(name="platform")
        self._url = url
        self._name = name
        self._finished = finished
        self._pause = 1 / speed
        self._ended = threading.Event()
        self._random = Random(15)
        self.active: list[int] = []
        self.started: set[int] = set()
        self.restarted: set[int] = set()
        self.changes = 0
        self.problems: list[str] = []

    def run(self) -> None:
        """Change one job after the other."""
        due = time.monotonic()
        with closing(Store.on(self._url)) as store:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                due += self._pause
                try:
                    self._step(store)
                    self.changes += 1
                except Exception as error:  # noqa: BLE001 - whatever it is, it is part of the result
                    self.problems.append(f"the platform could not change a job: {error!r}")

    def stop(self) -> None:
        """Stop between two changes."""
        self._ended.set()
        self.join()

    def _step(self, store: Store) -> None:
        dice, now = self._random.random(), datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        if dice < 0.2 or len(self.active) < FEWEST_ACTIVE:
            job_id = store.job(self._name, status.IN_PROGRESS, created=now, output="Row 1 done\n")
            self.started.add(job_id)
            self.active.append(job_id)
        elif dice < 0.4:
            job_id = self._random.choice(self._finished)
            # As a worker does: it takes the job if it is there, and nobody may delete it from then on.
            again = {"status_id": status.IN_PROGRESS, "completed_at": None}
            if _change(store, job_id, status.is_finished(), **again):
                self.restarted.add(job_id)
                self.active.append(job_id)
        elif dice < 0.6:
            self._go_on(store, self._random.choice(self.active), output=f"Row {self.changes} done\n")
        else:
            job_id = self.active.pop(self._random.randrange(len(self.active)))
            outcome = status.ERROR if self._random.random() < 0.1 else status.COMPLETED
            self._go_on(store, job_id, status_id=outcome, completed_at=now)

    def _go_on(self, store: Store, job_id: int, **values: Any) -> None:
        if not _change(store, job_id, job.c.status_id == status.IN_PROGRESS, **values):
            self.problems.append(f"job {job_id} was active, and is gone or changed")


def _change(store: Store, job_id: int, where: ColumnElement[bool], **values: Any) -> bool:
    """Change a job in the state that its worker expects; return whether it was in it."""
    with store.engine.begin() as connection:
        changed = connection.execute(update(job).where(job.c.id == job_id, where).values(**values))
        return changed.rowcount == 1
