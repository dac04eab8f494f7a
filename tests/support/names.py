"""Names that one collation or another, a trim or a driver takes for each other."""

from sqlalchemy import Table, insert

from jobs_data.platform.tables import job, job_execution, object_
from jobs_data.platform.values import UNKNOWN_NAME
from tests.support.store import NOON, Store

HOSTILE = (
    *("Import 🍣", "Import 🍺"),
    *("resume", "RESUME", "résumé", "re\u0301sume\u0301", "Résumé "),
    *("abc", "abc ", "abc  ", " abc", "abc\t", "abc\n", "abc\x01", "abc\0", "abc\0d", "abc\0e"),
    *("abc\u200b", "abc\u00a0", "abc\u00ad", "\uff41bc", "\ufeffabc"),
    *("Straße", "Strasse", "Strase", "ﬀ", "ff", "I", "i", "\u0131", "İ", "\u00c5", "\u212b"),
    *("\0", "\t", "\n", "\u200b", "\u00a0", "\u3000", "\ufffd"),
    *(
        "a'b",
        'a"b',
        "a\\b",
        "a\\\\b",
        "a%b",
        "a_b",
        "a;b",
        "a,b",
        "x'61'",
        "[unknown]",
        "NULL",
        "0",
        "00",
    ),
    "x" * 255,
)
"""No two of them are the same, and none is shown as unknown."""

SOME = (
    *("Import 🍣", "Import 🍺", "resume", "RESUME", "résumé", "abc", "abc ", "abc\0", "abc\0d"),
    *("abc\u200b", "Straße", "\t", "\0", "\ufffd", "a'b", "a\\b"),
)
"""A few of them, one or two of each sort: for what takes a read for each name."""

NAMELESS = (None, "", " ", "   ", "[Unknown]")
"""What is shown as one name, `[Unknown]`."""


def compare_loosely(store: Store, table: Table, *columns: str) -> None:
    """Give columns of a server the collation that takes most for the same, as a platform may have."""
    if store.engine.dialect.name == "sqlite":
        return
    for column in columns:
        type_ = table.c[column].type.compile(store.engine.dialect)
        with store.engine.begin() as connection:
            connection.exec_driver_sql(
                f"ALTER TABLE {table.name} MODIFY {column} {type_}"
                " CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
            )


def insert_jobs_called(store: Store) -> dict[str, list[int]]:
    """Insert two finished jobs of each name and type, the newest last; return their ids by name."""
    compare_loosely(store, job, "name")
    compare_loosely(store, job_execution, "type")
    ids: dict[str, list[int]] = {}
    objects, jobs, runs = [], [], []
    names = (name for name in (*HOSTILE, *NAMELESS) for _ in range(2))
    for job_id, name in enumerate(names, 1_000):
        shown = name if name in HOSTILE else UNKNOWN_NAME
        ids.setdefault(shown, []).append(job_id)
        objects.append({"id": job_id, "created_at": NOON, "updated_at": NOON})
        jobs.append({"id": job_id, "name": name, "status_id": 184 + job_id % 2, "completed_at": NOON})
        runs.append({"job_id": job_id, "type": shown[:50]})
    with store.engine.begin() as connection:
        for table, rows in ((object_, objects), (job, jobs), (job_execution, runs)):
            connection.execute(insert(table), rows)
    return ids
