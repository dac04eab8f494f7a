"""After how many days the platform deletes jobs itself, on both kinds of database."""

import pytest

from jobs_data.platform import tables
from jobs_data.platform.cleanup import read_cleanup_days
from tests.support.store import Store


@pytest.mark.parametrize(
    ("value", "days"),
    [
        *(("90", 90), (" 7 ", 7), ("36500", 36500)),
        *((value, 30) for value in ("", None, "0", "-5", "never", "1.5", "36501", "9" * 30)),
    ],
)
def test_nonsense_is_the_default(store: Store, value: str | None, days: int) -> None:
    """As it is where the setting is missing."""
    assert read_cleanup_days(store.database()) == 30
    store.insert(tables.ahg_settings, setting_key="jobs_cleanup_days", setting_value=value)
    assert read_cleanup_days(store.database()) == days


def test_atom_deletes_no_jobs(atom_store: Store) -> None:
    """It has no such setting."""
    assert read_cleanup_days(atom_store.database()) is None
