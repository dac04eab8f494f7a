"""Injects faults into the running app, or loads it, and writes the table into docs/reliability.md.

`make faults` and `make soak` run this; the exit code is 1 where a promise of the document was broken.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.figures import write_down
from tests.reliability import faults, soak
from tests.support.app_servers import ROOT
from tests.support.mariadb import DidNotStart
from tests.support.programs import ProgramMissing

DOCUMENT: Final = ROOT / "docs" / "reliability.md"
PARTS: Final[dict[str, Callable[[Path], tuple[str, bool]]]] = {
    "faults": faults.measure,
    "soak": soak.measure,
}
"""Each is given a folder that is gone after it, and returns its table and whether all of it holds."""


def main(arguments: list[str]) -> int:
    """Run one part, print its table and write it down; return the exit code."""
    # What was started is stopped in order, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    name = " ".join(arguments)
    if name not in PARTS:
        print(f"Usage: python -m tests.reliability {'|'.join(PARTS)}", file=sys.stderr)
        return 2
    # The path must be short: a server makes its socket in it.
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        try:
            text, holds = PARTS[name](Path(folder))
        except (ProgramMissing, DidNotStart) as problem:
            print(problem, file=sys.stderr)
            return 1
    print(text)
    write_down(text, DOCUMENT, f"<!-- make {name} writes from here -->")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
