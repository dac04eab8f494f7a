"""The accounts of the demo."""

from pathlib import Path

import pytest
from sqlalchemy import inspect

from jobs_data import demo
from jobs_data.accounts.accounts import Right, find_account
from jobs_data.accounts.sign_in import Reason
from jobs_data.platform import tables
from jobs_data.platform.engine import make_engine
from tests.support.sign_ins import READERS, Visitor
from tests.support.store import Store


@pytest.mark.parametrize("atom", [False, True])
def test_the_demos_two_accounts_get_in(empty_database: str, atom: bool) -> None:
    """Administrator and reader get in with the known password and their rights, nobody else."""
    store = Store.on(empty_database)
    demo.create(store.engine, jobs=5, seed=5, atom=atom)
    visitor = Visitor(store)
    for identifier, right in (
        (demo.DEMO_ADMINISTRATOR, Right.ADMINISTRATOR),
        (demo.DEMO_READER, Right.READER),
    ):
        assert visitor.sign_in(identifier, demo.DEMO_PASSWORD).right is right
    assert store.ids(tables.acl_group) == [100, 101, 102, 103]
    hashes = store.ids(tables.user, "password_hash")
    assert len([found for found in hashes if found]) == 2
    assert len(hashes) == 15
    assert visitor.refusal("sato", demo.DEMO_PASSWORD) is Reason.WRONG
    assert set(store.ids(tables.acl_user_group, "group_id")) == {100, 101, 102, 103}
    if atom:
        assert not tables.HERATIO_ONLY & set(inspect(store.engine).get_table_names())
    store.engine.dispose()


def test_an_embedded_demo_without_accounts_is_made_anew(tmp_path: Path) -> None:
    """What an earlier version made is replaced, its log included; a present one is left alone."""
    database, root = tmp_path / "jobs.sqlite", tmp_path / "web-root"
    engine = make_engine(f"sqlite:///{database}")
    tables.metadata.create_all(engine, [tables.object_])
    engine.dispose()
    log = tmp_path / "jobs.sqlite-wal"
    log.write_bytes(b"of the old file")
    demo.create_embedded(database, root)
    assert not log.exists()
    made = database.stat().st_ino
    store = Store.on(f"sqlite:///{database}")
    assert find_account(store.database(), demo.DEMO_READER, READERS)
    store.engine.dispose()
    demo.create_embedded(database, root)
    assert database.stat().st_ino == made
