"""How long the demo command takes for the databases that this run has made."""

from __future__ import annotations

from typing import Final

from benchmarks.bench import FULL_SIZE, Bench
from benchmarks.figures import Figure, limited

MOST_SECONDS: Final = {FULL_SIZE: 120, 10 * FULL_SIZE: 1_500}


def measure(bench: Bench) -> list[Figure]:
    """Return a figure for each size with a limit whose database was not kept from an earlier run."""
    for jobs in bench.sizes:
        bench.url(jobs)
    return [
        limited(f"The demo command, {jobs:,} jobs", bench.made_in[jobs], seconds)
        for jobs, seconds in MOST_SECONDS.items()
        if jobs in bench.made_in
    ]
