"""The embedded demo: the database that is served if no other is set."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from sqlalchemy.exc import OperationalError

from jobs_data.demo.database import create
from jobs_data.platform.engine import make_engine
from jobs_data.settings import SettingsError

JOBS: Final = 1_204
SEED: Final = 7
VERSION: Final = 1
"""Raise it when the demo's data change. SQLite keeps it in the file."""


def create_embedded(database: Path, web_root: Path) -> None:
    """Create the demo's SQLite file and result files unless the file exists.

    A file of an earlier version is replaced. It is created under another name first, so that an
    interrupted start leaves no partial demo. Raises SettingsError where it cannot be written.
    """
    try:
        if not (database.exists() and _is_current(database)):
            _create(database, web_root)
    except (OSError, OperationalError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.orig
        raise SettingsError(
            "HERATIO_JOBS_DATABASE_URL expects the URL of the platform's database. It is not set, and "
            f"the demo cannot be written to {database.parent} ({reason})."
        ) from None


def _create(database: Path, web_root: Path) -> None:
    database.parent.mkdir(parents=True, exist_ok=True)
    unfinished = database.with_suffix(".unfinished")
    _remove(unfinished)
    engine = make_engine(f"sqlite:///{unfinished}")
    _lay_out(web_root)
    create(engine, jobs=JOBS, seed=SEED, results_root=web_root)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    engine.dispose()
    _remove(database)
    unfinished.rename(database)


def _lay_out(web_root: Path) -> None:
    """Make a web root as Laravel's: `storage` in it is a link to a folder beside it."""
    (web_root.parent / "storage" / "app" / "public").mkdir(parents=True, exist_ok=True)
    web_root.mkdir(exist_ok=True)
    with suppress(FileExistsError):  # earlier versions made a folder, whose files are still good
        (web_root / "storage").symlink_to("../storage/app/public")


def _is_current(database: Path) -> bool:
    engine = make_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    engine.dispose()
    return bool(version == VERSION)


def _remove(database: Path) -> None:
    """Remove a SQLite file with its log, which SQLite would otherwise replay into the next one."""
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
