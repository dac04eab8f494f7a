"""When a job was queued, started and ended, and how long it waited and ran."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from jobs_data import wording
from jobs_data.jobs.job_report import JobReport
from jobs_data.jobs.usual_duration import UsualDuration
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


def usual_in_words(usual: UsualDuration) -> str:
    """Return how long the jobs of this name usually take; empty where too few have finished."""
    if usual.median_seconds is None or usual.p95_seconds is None:
        return ""
    median, p95 = wording.ran(usual.median_seconds), wording.ran(usual.p95_seconds)
    return f"Usually {median}; 95 % of the last {usual.runs} jobs of this name took at most {p95}."
