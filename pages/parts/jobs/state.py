"""What the list remembers between runs, until one leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs_data.jobs.list_page import JobsList
from jobs_data.jobs.selections import Contents
from jobs_data.jobs.view import ListView
from jobs_data.notices import Notice
from jobs_data.platform.id_lists import Ids


@dataclass
class JobsState:
    """What was shown last, and what a press has asked for since."""

    seen: tuple[ListView, JobsList] | None = None
    """The view asked for last, and the page shown for it."""
    wants_fresh: bool | None = None
    """Whether the next run reads fresh data; None on a first visit."""
    is_awaited: bool = True
    """Whether the viewer has asked for other or fresh rows, which this run shows first."""
    wants_counts: bool = False
    """Whether the run is to be followed by one with newer counts."""
    typed_number: str | None = None
    """What was typed as a job's number, until the page has looked for that job."""
    contents: tuple[Any, Ids, Contents] | None = None
    """What is selected, as it was read last, and of what."""
    sizes: tuple[JobsList, dict[str, int | None]] | None = None
    """A page and the sizes of its result files: they are measured again when the page is read again."""
    notice: Notice | None = None
    """What this run has shown as the result of the last change."""
    was_late: bool = False
    """Whether this run follows one that lacked something, and was run for it."""
