"""Measures everything that is asked of the app's speed, in one run: `make bench`.

Set ONLY to some parts' names, such as `list,export`, JOBS to the largest number of jobs (1000000, the
least, is much shorter), and BENCH_KEEP to anything to keep the databases for the next run.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks import (
    clearing,
    demos,
    exports,
    first_sight,
    list_reads,
    panels,
    presses,
    screens,
    searches,
    startup,
    watchers,
)
from benchmarks.bench import FULL_SIZE, SEED, Bench
from benchmarks.figures import Figure, circumstances, table, write_down
from tests.support import mariadb
from tests.support.app_servers import ROOT
from tests.support.mariadb import DidNotStart
from tests.support.programs import ProgramMissing

SIZES: Final = (FULL_SIZE, 10_000_000)
PARTS: Final[dict[str, Callable[[Bench], list[Figure]]]] = {
    "list": list_reads.measure,
    "search": searches.measure,
    "watchers": watchers.measure,
    "export": exports.measure,
    "start": startup.measure,
    "sight": first_sight.measure,
    "presses": presses.measure,
    "screens": screens.measure,
    "statistics": panels.measure,
    "clear": clearing.measure,
    "demo": demos.measure,
}
KEPT: Final = ROOT / ".bench"
SERVER_OPTIONS: Final = (
    "--innodb-buffer-pool-size=2G",
    "--innodb-log-file-size=1G",
    "--max-connections=300",
)


def main() -> int:
    """Measure, print the table and, after a run of all parts, write it down; return the exit code."""
    # What was started is stopped in order, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = [name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in PARTS]:
        return _refuse(f"ONLY knows {', '.join(PARTS)}; not {', '.join(unknown)}.")
    most = os.environ.get("JOBS") or str(SIZES[-1])
    if not most.isdecimal() or int(most) < FULL_SIZE:
        return _refuse(f"JOBS expects a number of jobs, at least {FULL_SIZE}.")
    sizes = (*(size for size in SIZES if size < int(most)), int(most))
    try:
        with ExitStack() as stack:
            server = stack.enter_context(mariadb.running(_folder(stack), *SERVER_OPTIONS))
            figures = _measure(Bench(server, sizes), wanted or list(PARTS))
            text = f"{table(figures)}\n\n{circumstances(server)}, and the demo's jobs from seed {SEED}."
    except (ProgramMissing, DidNotStart) as problem:
        return _refuse(str(problem))
    print(text)
    if not wanted:
        write_down(text)
    return 0


def _measure(bench: Bench, names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"Measuring: {name}", file=sys.stderr, flush=True)
        try:
            measured = PARTS[name](bench)
        except Exception:  # noqa: BLE001 - the other parts are still worth having
            traceback.print_exc()
            measured = [Figure(name, "could not be measured", reached=False)]
        figures += measured
        print(
            *(" · ".join(filter(None, figure.cells())) for figure in measured),
            sep="\n",
            file=sys.stderr,
        )
    return figures


def _folder(stack: ExitStack) -> Path:
    if os.environ.get("BENCH_KEEP"):
        KEPT.mkdir(exist_ok=True)
        return KEPT
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
