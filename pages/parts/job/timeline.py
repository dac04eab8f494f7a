"""When a job was queued, started and ended, and how long it waited and ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jobs_data import wording
from jobs_data.jobs.job_report import JobReport
from jobs_data.platform.status import State
from pages.parts.shared import timeline
from pages.parts.shared.look import LOOKS, status_word


def show_timeline(job: JobReport, zone: ZoneInfo, now: datetime) -> None:
    """Show the steps of a job with the time between them, which runs on while the job does."""
    timeline.show_timeline(steps_of(job, zone, now))


def steps_of(job: JobReport, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """Return the known steps, each with the time until the next one."""
    line = job.timeline(now)
    is_active = job.state is State.ACTIVE
    steps = [timeline.step("Queued", line.created, "", zone)]
    verb, seconds = "took", line.total_seconds
    if line.started:
        steps[0]["wait"] = _wait("waited", line.waited_seconds)
        steps.append(timeline.step("Started", line.started, "", zone))
        verb, seconds = "ran", line.ran_seconds
    if is_active:
        steps[-1] |= {"wait": "" if seconds is None else "running for", "elapsed": seconds}
    else:
        steps[-1]["wait"] = _wait(verb, seconds)
        look = LOOKS[job.state]
        steps.append(
            timeline.step(status_word(job.state, job.status), line.completed, look.color, zone)
        )
    return steps


def _wait(verb: str, seconds: int | None) -> str:
    return "" if seconds is None else f"{verb} {wording.ran(seconds)}"
