"""The embedded demo: the database that is served where no other is set."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jobs_data.demo.database import create
from jobs_data.engine import make_engine

JOBS: Final = 1_204
SEED: Final = 7


def create_embedded(database: Path, web_root: Path) -> None:
    """Create the demo's SQLite file and result files unless the file is there already.

    It is made under another name first: a start that is interrupted leaves no half a demo behind.
    """
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    unfinished = database.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    engine = make_engine(f"sqlite:///{unfinished}")
    create(engine, jobs=JOBS, seed=SEED, results_root=web_root)
    engine.dispose()
    unfinished.rename(database)
