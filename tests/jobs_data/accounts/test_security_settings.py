"""The platform's settings about signing in rule; on both kinds of database."""

import pytest

from jobs_data.accounts.sign_in import Reason, SignInRefused
from jobs_data.platform import tables
from tests.support.sign_ins import Visitor
from tests.support.store import Store


def test_the_platforms_settings_rule(store: Store) -> None:
    """Two attempts and one minute, as set."""
    visitor = Visitor(store)
    store.security(lockout_max_attempts=" 2 ", lockout_duration_minutes="1")
    store.account("ada", 100)
    visitor.fail(2)
    with pytest.raises(SignInRefused, match=r"again in 1 minute\.$"):
        visitor.sign_in()
    assert visitor.gets_in(after=60)


def test_lockout_can_be_switched_off(store: Store) -> None:
    """Then no number of failures locks; they are written all the same."""
    visitor = Visitor(store)
    store.security(lockout_max_attempts="1")
    store.account("ada", 100)
    for value in ("0", "false", "FALSE", "off", "no"):
        store.security(lockout_enabled=value)
        visitor.fail(3)
    assert visitor.gets_in()
    assert store.rows(tables.login_attempt) == 16
    store.security(lockout_enabled="true")
    visitor.fail(1)
    assert visitor.refusal() is Reason.LOCKED


def test_unusable_settings_are_the_defaults(store: Store) -> None:
    """Nonsense in the settings neither switches the lockout off nor locks everybody out."""
    visitor = Visitor(store)
    store.account("ada", 100)
    values = ("", None, "0", "-3", "many", "1.5", "99999999999", "5;--")
    for number, value in enumerate(values):
        store.security(lockout_max_attempts=value, lockout_duration_minutes=value)
        store.security(lockout_enabled="maybe" if value == "0" else value)
        store.security(session_timeout_minutes=value)
        start = 3600 * number
        visitor.fail(5, after=start)
        assert visitor.refusal(after=start + 899) is Reason.LOCKED
        assert visitor.gets_in(after=start + 900)
        assert visitor.sign_ins.read_idle_minutes() == 30


def test_session_timeout_is_the_platforms(store: Store) -> None:
    """Half an hour unless set."""
    visitor = Visitor(store)
    assert visitor.sign_ins.read_idle_minutes() == 30
    store.security(session_timeout_minutes="45")
    assert visitor.sign_ins.read_idle_minutes() == 45
