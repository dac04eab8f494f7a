"""What shows whether an active job is alive, in words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from jobs_data.platform.status import Alive
from jobs_data.wording import ran

_MINUTE = 60


def evidence(job: pd.Series[Any], now: datetime) -> str:
    """Return when a job last wrote and how long its name usually takes, from a row of `Liveness.jobs`.

    `last wrote 2 min ago · usually 4 min`. `now` is aware.
    """
    parts = ["waits for another job"] if job["state"] == Alive.WAITING else []
    if job["state"] == Alive.NEVER_STARTED:
        parts.append("no output, no recorded start")
    elif pd.isna(job["wrote"]):
        parts.append("has written nothing yet")
    else:
        parts.append(f"last wrote {_short((now - job['wrote']).total_seconds())} ago")
    if pd.notna(job["usual"]):
        parts.append(f"usually {_short(job['usual'])}")
    elif job["state"] == Alive.UNKNOWN:
        parts.append("too few finished jobs of its name to compare")
    return " · ".join(parts)


def _short(seconds: float) -> str:
    """Return a duration, from a minute on without its seconds."""
    return ran(seconds if seconds < _MINUTE else seconds // _MINUTE * _MINUTE)
