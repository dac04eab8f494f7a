"""What the screens say of an active job: what it does, the evidence, and the way out.

Sources of the commands and names: AtoM's `init/atom-worker.service` and `lib/task/jobs`, and Heratio's
`docs/queue-worker-deployment.md` and `tools/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import ColumnElement, func, update
from sqlalchemy.dialects import mysql

from jobs_data.platform import times
from jobs_data.platform.database import Database
from jobs_data.platform.status import ERROR, Alive, State, is_in
from jobs_data.platform.tables import HERATIO_ONLY, job
from jobs_data.wording import counted, ran

ActiveJob = Mapping[Any, Any]
"""A row of `Liveness.jobs`."""

_MINUTE: Final = 60

NEEDS_HELP: Final = frozenset({Alive.SILENT, Alive.OVERDUE, Alive.NEVER_STARTED})
"""The states in which a person should look after a job."""


@dataclass(frozen=True)
class Step:
    """Something that a person can do about a job, and what to copy for it."""

    text: str
    code: str
    language: Literal["bash", "sql"] = "bash"


@dataclass(frozen=True)
class WayOut:
    """The steps on one platform, in their order."""

    platform: str
    steps: tuple[Step, ...]


def summary(active: ActiveJob, now: datetime) -> str:
    """Return one line: `running 3 h · last wrote 2 min ago · usually 4 min (95 % within 9 min)`."""
    parts = []
    if active["state"] == Alive.NEVER_STARTED:
        parts.append(f"created {ran(active['seconds'])} ago")
    elif _is_known(active["seconds"]):
        parts.append(f"running {ran(active['seconds'])}")
    parts.append(_wrote(active, now))
    if _is_known(active["usual"]):
        parts.append(f"usually {ran(active['usual'])} (95 % within {ran(active['p95'])})")
    elif active["runs"]:
        parts.append(f"only {counted(active['runs'], 'finished job')} of this name: too few to compare")
    else:
        parts.append("no finished job of this name to compare with")
    return " · ".join(parts)


def in_short(active: ActiveJob, now: datetime) -> str:
    """Return the line below its name in the list: `last wrote 2 min ago · usually 4 min`."""
    parts = ["waits for another job"] if active["state"] == Alive.WAITING else []
    parts.append(_wrote(active, now, _short))
    if _is_known(active["usual"]):
        parts.append(f"usually {_short(active['usual'])}")
    elif active["state"] == Alive.UNKNOWN:
        parts.append("cannot tell: too few finished jobs of its name")
    return " · ".join(parts)


def exact_times(active: ActiveJob, now: datetime, zone: ZoneInfo) -> str:
    """Return the times behind `summary`, each with its zone."""
    moments = {"Since": active["since"], "Last wrote": active["wrote"], "Read": now}
    known = {name: moment for name, moment in moments.items() if _is_known(moment)}
    return " · ".join(f"{name} {times.shown(moment, zone)}" for name, moment in known.items())


def evidence(active: ActiveJob, now: datetime) -> str:
    """Return why a job is in one of the states NEEDS_HELP."""
    wrote = _wrote(active, now)
    if active["state"] == Alive.NEVER_STARTED:
        return (
            f"This job was created {ran(active['seconds'])} ago and has no output and no recorded "
            "start. Probably no worker has taken it."
        )
    if not _is_known(active["limit"]):
        return (
            "A job that waits for another one writes every few seconds, but this one "
            f"{wrote}. Its worker has probably died."
        )
    usual = (
        f"The last {active['runs']} finished jobs of this name usually took {ran(active['usual'])}; "
        f"more than {ran(active['limit'])} is unusual."
    )
    if active["state"] == Alive.OVERDUE:
        return (
            f"{usual} This one has been running for {ran(active['seconds'])}, but it {wrote}: it may "
            "only have more to do."
        )
    return f"{usual} This one {wrote}: its worker has probably died."


def _wrote(active: ActiveJob, now: datetime, spelt: Callable[[float], str] = ran) -> str:
    if not _is_known(active["wrote"]):
        # Lines without a time do not say when they were written.
        has_begun = active["state"] != Alive.NEVER_STARTED
        return "has written nothing with a time" if has_begun else "has written nothing"
    return f"last wrote {spelt((now - active['wrote']).total_seconds())} ago"


def _short(seconds: float) -> str:
    """Return a duration, from a minute on without its seconds."""
    return ran(seconds if seconds < _MINUTE else seconds // _MINUTE * _MINUTE)


def _is_known(value: Any) -> bool:
    return bool(pd.notna(value))


def ways_out(database: Database, job_id: int) -> tuple[WayOut, ...]:
    """Return the steps on both platforms, first on the one that this database looks like.

    Nothing runs them. Raises DatabaseUnavailable if the tables cannot be read.
    """
    heratio, atom = _heratio(job_id), _atom(job_id)
    return (heratio, atom) if database.tables & HERATIO_ONLY else (atom, heratio)


def _heratio(job_id: int) -> WayOut:
    return WayOut(
        "Heratio",
        (
            Step(
                "Check whether a queue worker runs, and what it wrote last. It runs under systemd or "
                "under Supervisor.",
                "systemctl status 'heratio-queue-worker@*'\n"
                "sudo supervisorctl status 'heratio-queue-worker:*'\n"
                "tail -n 50 /var/log/heratio-queue-worker-*.log",
            ),
            Step(
                "If none runs, run one in front of you, in Heratio's folder, to see what it says.",
                "cd /usr/share/nginx/heratio\nsudo -u www-data php artisan queue:work",
            ),
            Step(
                f"Restart the worker. If the queue still has job {job_id}, it may run again from its "
                "beginning.",
                "sudo systemctl restart 'heratio-queue-worker@*'\n"
                "sudo supervisorctl restart 'heratio-queue-worker:*'",
            ),
            _mark_as_failed(job_id, func.utc_timestamp()),
        ),
    )


def _atom(job_id: int) -> WayOut:
    return WayOut(
        "AtoM",
        (
            Step(
                "Check whether the worker and Gearman run, and what the worker wrote about this job.",
                "systemctl status atom-worker gearman-job-server\n"
                f"journalctl -u atom-worker | grep -F 'Job {job_id} ' | tail -n 50\n"
                "gearadmin --status",
            ),
            Step(
                "If none runs, run one in front of you, in AtoM's folder, to see what it says.",
                "cd /usr/share/nginx/atom\nsudo -u www-data php symfony jobs:worker",
            ),
            Step(
                f"Restart the worker. Gearman may give it job {job_id} again, which then runs from its "
                "beginning.",
                "sudo systemctl restart atom-worker",
            ),
            _mark_as_failed(job_id, func.now()),
        ),
    )


def _mark_as_failed(job_id: int, clock: ColumnElement[Any]) -> Step:
    """Return the statement that marks an active job as failed, on its platform's clock."""
    marked = update(job).where(job.c.id == job_id, is_in(State.ACTIVE))
    marked = marked.values(status_id=ERROR, completed_at=clock)
    statement = marked.compile(dialect=mysql.dialect(), compile_kwargs={"literal_binds": True})
    return Step(
        f"Only if no worker has job {job_id} any more, and you decide so: mark it as failed in the "
        "platform's database. The statement changes nothing once the job has finished.",
        f"{statement};",
        "sql",
    )
