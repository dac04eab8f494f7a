"""Who may change something at this moment; on both kinds of database."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from jobs_data.accounts.accounts import Groups, Right
from jobs_data.accounts.rights import Claim, NotAllowed, Rights, RightUnknown
from jobs_data.platform import tables
from jobs_data.store.ended_sessions import store_end
from tests.support.statements import statements
from tests.support.store import Store

WITHDRAWALS: list[Callable[[Store, int], object]] = [
    lambda store, ada: store.set_user(ada, active=0),
    lambda store, ada: store.set_user(ada, password_hash="new"),
    lambda store, ada: store.set_user(ada, salt="new"),
    lambda store, ada: store.leave_groups(ada),
    lambda store, _: store_end(store.own, "digest", datetime.now(UTC) + timedelta(hours=1)),
]


def claim_of(rights: Rights, who: int) -> Claim:
    """Return what an administrator comes with who has just signed in."""
    account = rights.read(who)
    assert account
    return Claim(who, Right.ADMINISTRATOR, account.fingerprint, "digest")


@pytest.mark.parametrize("withdrawal", WITHDRAWALS)
def test_what_is_withdrawn_ends_the_right_at_once(
    store: Store, withdrawal: Callable[[Store, int], object]
) -> None:
    """Switched off, another password, out of the group, signed out: no write from then on."""
    ada = store.account("ada", 100)
    rights = Rights(store.database(), store.own, Groups(readers=frozenset({101})))
    claim = claim_of(rights, ada)
    rights.require_administrator(claim)
    withdrawal(store, ada)
    with pytest.raises(NotAllowed):
        rights.require_administrator(claim)


def test_a_reader_changes_nothing(store: Store) -> None:
    """Neither demoted to one since, nor promoted since: whoever came as a reader signs in again."""
    ada = store.account("ada", 101)
    rights = Rights(store.database(), store.own, Groups(readers=frozenset({101})))
    claim = claim_of(rights, ada)
    with pytest.raises(NotAllowed):
        rights.require_administrator(claim)
    store.join_group(ada, 100)
    rights.require_administrator(claim)
    with pytest.raises(NotAllowed):
        rights.require_administrator(Claim(ada, Right.READER, claim.fingerprint, "digest"))


def test_who_comes_through_a_proxy_is_asked_for_too(store: Store) -> None:
    """By the name that the proxy tells, without a session of ours."""
    ada = store.account("ada", 100, email="ada@example.org")
    rights = Rights(store.database(), store.own, Groups())
    claim = Claim("ADA@example.org", Right.ADMINISTRATOR, "", "")
    rights.require_administrator(claim)
    store.leave_groups(ada)
    for who in ("ADA@example.org", "nobody", "", 10**6):
        with pytest.raises(NotAllowed):
            rights.require_administrator(Claim(who, Right.ADMINISTRATOR, "", ""))


def test_what_cannot_be_read_is_not_allowed(store: Store) -> None:
    """Neither without the platform's accounts nor without our own store, where sign-outs are."""
    ada = store.account("ada", 100)
    rights = Rights(store.database(), store.own, Groups())
    claim = claim_of(rights, ada)
    store.state_dir.write_text("no folder")
    with pytest.raises(RightUnknown):
        rights.require_administrator(claim)
    store.state_dir.unlink()
    rights.require_administrator(claim)
    with store.engine.begin() as connection:
        connection.execute(update(tables.user).values(active=None))
    with pytest.raises(NotAllowed):
        rights.require_administrator(claim)


def test_which_users_are_no_administrators_is_one_read(store: Store) -> None:
    """As the screen of the tokens asks it: of many users at once."""
    ada, eve, bob = store.account("ada", 100), store.account("eve", 101), store.account("bob", 100)
    store.set_user(bob, active=0)
    rights = Rights(store.database(), store.own, Groups(readers=frozenset({101})))
    assert rights.read(ada)  # the tables are known from then on
    with statements(store.engine) as seen:
        assert rights.refused({ada, eve, bob, bob + 1_000}) == {eve, bob, bob + 1_000}
    assert sum("password_hash" in statement for statement in seen) == 1
