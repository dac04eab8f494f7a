"""Removals with a receipt, for tests of what comes after them."""

from collections.abc import Sequence
from typing import Any

from jobs_data import exact_rows, removal, undo
from jobs_data.receipts import Action, Cause, Fate, ReceiptWriter, job_line
from tests.store import Store

CAUSE = Cause("ada", Action.DELETE, "2 selected jobs")


def remove(store: Store, ids: Sequence[int], cause: Cause = CAUSE) -> str:
    """Remove finished jobs and return the id of the receipt."""
    db = store.database()
    tables = exact_rows.exact_tables(db)
    with db.reading() as c:
        exact_rows.begin_reading(c)
        links: dict[str, Any] = {}
        byjob: dict[int, Any] = {i: {} for i in ids}
        for name, key in undo.OWNERS.items():
            if name not in tables:
                continue
            owners = {i: i for i in ids}
            if name in undo.TRANSLATIONS:
                owners = links[undo.TRANSLATIONS[name]]
            if not owners:
                continue
            if name in ("note", "property"):
                links[name] = exact_rows.read_links(c, name, owners)
            for k, rows in exact_rows.read(c, tables[name], key, owners).items():
                byjob[owners[k]].setdefault(name, []).extend(rows)
    with ReceiptWriter(db, cause, exact_rows.columns_of(tables)) as w:
        w.write([job_line(i, byjob[i]) for i in ids])
        for i in ids:
            assert removal.remove_job(db, i) is removal.Outcome.REMOVED
        w.tell({Fate.REMOVED: ids})
    return w.id
