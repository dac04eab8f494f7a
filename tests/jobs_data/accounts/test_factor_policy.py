"""Whether the platform's policy keeps out who has no second factor; on both kinds of database."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from jobs_data.accounts.sign_in import Reason
from jobs_data.platform import tables
from tests.support.sign_ins import NOW, Visitor, code_at, totp
from tests.support.store import PASSWORD, Store

LONG_AGO = (NOW - timedelta(days=400)).replace(tzinfo=None)


def policy(store: Store, enforcement: str | None, days: int = 7, **values: Any) -> None:
    """Insert a policy of a year ago."""
    values = {"updated_at": LONG_AGO, **values}
    store.insert(tables.mfa_policy, enforcement=enforcement, grace_period_days=days, **values)


def account(store: Store, name: str, group: int, **values: Any) -> int:
    """Insert an account of a year ago."""
    user_id = store.account(name, group)
    with store.engine.begin() as connection:
        of_user = tables.object_.c.id == user_id
        made = {"created_at": LONG_AGO, **values}
        connection.execute(update(tables.object_).where(of_user).values(**made))
    return user_id


@pytest.mark.parametrize(
    ("enforcement", "kept_out"),
    [
        ("off", set()),
        ("optional", set()),
        ("Optional ", set()),
        ("required_for_admins", {"administrator", "editor"}),
        ("required", {"administrator", "editor", "contributor"}),
        # The platform takes a word that it does not know for this one.
        ("required_for_all", {"administrator", "editor", "contributor"}),
    ],
)
def test_who_must_have_a_second_factor_is_kept_out_without(
    store: Store, enforcement: str, kept_out: set[str]
) -> None:
    """By the group; the refusal does not count as a failure, and who has a factor gets in with it."""
    policy(store, enforcement)
    store.security(lockout_max_attempts="2")
    visitor = Visitor(store)
    for name, group in (("administrator", 100), ("editor", 101), ("contributor", 102)):
        user_id = account(store, name, group)
        for _ in range(3):
            if name in kept_out:
                assert visitor.refusal(name) is Reason.FACTOR_REQUIRED
            else:
                assert visitor.gets_in(name)
        totp(store, user_id)
        assert visitor.gets_in(name, PASSWORD, code_at())


@pytest.mark.parametrize(
    ("days", "policy_age", "account_age", "gets_in"),
    [
        (7, timedelta(days=7), timedelta(days=400), False),
        (7, timedelta(days=7, seconds=-1), timedelta(days=400), True),
        (7, timedelta(days=400), timedelta(days=6), True),
        (0, timedelta(0), timedelta(0), False),
        (-1, timedelta(0), timedelta(0), False),
        (7, None, timedelta(days=8), False),
        (7, None, timedelta(days=6), True),
        (2**31 - 1, timedelta(days=400), timedelta(days=400), True),
    ],
)
def test_the_days_of_grace_count_from_the_policy_or_the_account(
    store: Store, days: int, policy_age: timedelta | None, account_age: timedelta, gets_in: bool
) -> None:
    """From the later of the two, to the second."""
    noon = NOW.replace(tzinfo=None)
    policy(store, "required", days, updated_at=None if policy_age is None else noon - policy_age)
    account(store, "ada", 100, created_at=noon - account_age)
    if gets_in:
        assert Visitor(store).gets_in()
    else:
        assert Visitor(store).refusal() is Reason.FACTOR_REQUIRED


def test_a_tenants_policy_goes_before_everybodys(store: Store) -> None:
    """The primary tenant's, else that of the oldest membership; without one, everybody's."""
    policy(store, "required")
    policy(store, "optional", tenant_id=1)
    policy(store, "off", tenant_id=2)
    members: dict[str, list[tuple[int, int, int]]] = {
        "nobodys": [],
        "first": [(1, 0, 5)],
        "third": [(3, 0, 5)],
        "primary": [(3, 0, 1), (1, 1, 5)],
        "older": [(3, 0, 5), (2, 0, 1)],
    }
    for name, tenants in members.items():
        user_id = account(store, name, 100)
        for tenant, is_primary, day in tenants:
            store.insert(
                tables.tenant_user,
                tenant_id=tenant,
                user_id=user_id,
                is_primary=is_primary,
                assigned_at=LONG_AGO + timedelta(days=day),
            )
    visitor = Visitor(store)
    for name in ("first", "primary", "older"):
        assert visitor.gets_in(name)
    for name in ("nobodys", "third"):
        assert visitor.refusal(name) is Reason.FACTOR_REQUIRED


def test_without_a_policy_nothing_is_required(store: Store) -> None:
    """No row at all, a table of another version, or none."""
    account(store, "ada", 100)
    assert Visitor(store).gets_in()
    with store.engine.begin() as connection:
        tables.mfa_policy.drop(connection)
        tables.tenant_user.drop(connection)
    assert Visitor(store).gets_in()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ahg_mfa_policy (id INTEGER, required INTEGER)")
        connection.exec_driver_sql("INSERT INTO ahg_mfa_policy VALUES (1, 1)")
    assert Visitor(store).gets_in()
