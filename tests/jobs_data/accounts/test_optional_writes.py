"""What a sign-in writes, and what it does where it may not write."""

from contextlib import closing

import pytest

from jobs_data.accounts.sign_in import Reason
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.engine import make_engine
from tests.support.databases import on_mariadb
from tests.support.grants import account
from tests.support.mariadb import MariaDB
from tests.support.sign_ins import HOME, NOW, Visitor, code_at, totp
from tests.support.store import PASSWORD, Store


@on_mariadb
def test_without_the_right_to_write_people_sign_in_all_the_same(
    mariadb_server: MariaDB, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """With SELECT alone people sign in, locks lock, no code works twice, and the log says so once."""
    with (
        account(mariadb_server, store, "SELECT ON {}.*") as url,
        closing(Database(make_engine(url))) as database,
    ):
        visitor = Visitor(store, database)
        totp(store, store.account("ada", 100))
        visitor.fail(2)
        assert visitor.gets_in("ada", PASSWORD, code_at())
        assert visitor.refusal("ada", PASSWORD, code_at()) is Reason.CODE_WRONG
        for _ in range(2):
            store.attempt("ada", HOME, False, NOW.replace(tzinfo=None))
        visitor.fail(2)
        assert visitor.refusal() is Reason.LOCKED
        assert store.rows(tables.login_attempt) == 2
        logged = [
            r.getMessage() for r in caplog.records if r.name == "jobs_data.accounts.optional_writes"
        ]
        assert sum("login_attempt" in message for message in logged) == 1
        assert sum("user_totp_secret" in message for message in logged) == 1


@on_mariadb
def test_the_documented_writes_need_no_more_than_their_columns(
    mariadb_server: MariaDB, store: Store
) -> None:
    """INSERT on `login_attempt` and UPDATE of `last_used_at` alone suffice for both writes."""
    rights = (
        "SELECT ON {}.*",
        "INSERT ON {}.login_attempt",
        "UPDATE (last_used_at) ON {}.user_totp_secret",
    )
    with (
        account(mariadb_server, store, *rights) as url,
        closing(Database(make_engine(url))) as database,
    ):
        visitor = Visitor(store, database)
        totp(store, store.account("ada", 100))
        assert visitor.gets_in("ada", PASSWORD, code_at())
        assert store.ids(tables.login_attempt, "success") == [1]
        assert store.ids(tables.user_totp_secret, "last_used_at") != [None]
