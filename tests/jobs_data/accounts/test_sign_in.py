"""Who signs in, who does not, and what nobody learns from it; on both kinds of database."""

import logging
from random import Random

import pytest

from jobs_data.accounts.accounts import Right, find_account, read_account
from jobs_data.accounts.sign_in import Reason, SignInRefused
from jobs_data.platform import tables
from tests.support.php_hashes import CHEAP, KNOWN, SALT
from tests.support.sign_ins import NOW, READERS, SECRET, Visitor, code_at, totp
from tests.support.statements import statements
from tests.support.store import PASSWORD, Store, hash_of


@pytest.mark.parametrize("name", ["argon2id, not ASCII", "bcrypt, NUL"])
def test_the_platforms_password_gets_in(store: Store, name: str) -> None:
    """The account that comes back is the one that is read by its id."""
    visitor = Visitor(store)
    salt, password, password_hash = KNOWN[name]
    ada = store.account("ada", 100, salt=salt, password_hash=password_hash)
    assert visitor.sign_in("ada", password) == read_account(store.database(), ada, READERS)
    assert visitor.refusal("ada", password.upper()) is Reason.WRONG


def test_an_account_without_a_right_is_returned(store: Store) -> None:
    """So the screen can say whom to ask for one."""
    visitor = Visitor(store)
    store.account("ada", 103)
    assert visitor.sign_in().right is None


def test_wrong_unknown_and_inactive_cannot_be_told_apart(store: Store, hashings: list[str]) -> None:
    """Each gives the same sentence, the same statements, and takes one hashing of the same cost."""
    store.account("ada", 100)
    store.account("gone", 100, active=0)
    store.account("none", 100, password_hash=None, salt=None)
    store.account("broken", 100, password_hash="$argon2id$v=19$broken")
    database = store.database()
    visitor = Visitor(store, database)
    assert database.tables
    tries = [("ada", "wrong"), ("nobody", PASSWORD), ("gone", PASSWORD), ("gone", "wrong")]
    tries += [("none", PASSWORD), ("none", ""), ("broken", PASSWORD), ("", "")]
    seen = set()
    for number, (identifier, password) in enumerate(tries):
        hashings.clear()
        with statements(store.engine) as sent, pytest.raises(SignInRefused) as caught:
            visitor.sign_in(identifier, password, address=f"192.0.2.{number}")
        (verified,) = hashings
        if identifier:
            seen.add((caught.value.reason, str(caught.value), tuple(sent), verified[:22]))
    ((reason, _sentence, _sent, cost),) = seen
    assert reason is Reason.WRONG
    assert cost == "$argon2id$v=19$m=8,t=1"


def test_no_secret_leaks(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Password, code, hash, salt and TOTP secret are in no log, exception or repr."""
    visitor = Visitor(store)
    caplog.set_level(logging.DEBUG, "jobs_data")
    stored = hash_of("sesame", SALT)
    totp(store, store.account("ada", 100, salt=SALT, password_hash=stored))
    odd = store.account("odd", 100, salt=SALT, password_hash=stored)
    totp(store, odd, secret="not base32 at all!")
    texts = [repr(visitor.sign_in("ada", "sesame", code_at()))]
    for arguments in (
        ("ada", "pass-word", "123456"),
        ("ada", "sesame", code_at()),
        ("ada", "sesame", ""),
        ("odd", "sesame", "123456"),
    ):
        with pytest.raises(SignInRefused) as caught:
            visitor.sign_in(*arguments)
        error: BaseException | None = caught.value
        while error:
            texts += [str(error), repr(error), *map(str, error.args)]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    everything = "\n".join([*texts, caplog.text])
    for secret in ("pass-word", "sesame", code_at(), "123456", stored, SALT, SECRET, "not base32"):
        assert secret not in everything


def test_bad_sign_ins_by_the_hundred(store: Store) -> None:
    """None gets in, none ends in anything but a refusal, and the right one still gets in after."""
    store.security(lockout_enabled="false")
    known = ["ada", "ada@example.org", "gone", "totp", "broken", "none"]
    store.account("ada", 100, email="ada@example.org")
    store.account("gone", 100, active=0)
    store.account("none", 100, password_hash="")
    store.account("broken", 100, password_hash="$2y$10$broken")
    totp(store, store.account("totp", 100))
    random = Random(5)
    alphabet = "ada@example.org' OR 1=1;--\\\"%_\0\n\u200b\ud800é日🗝right"

    def noise(most: int) -> str:
        return "".join(random.choices(alphabet, k=random.randrange(most)))

    visitor = Visitor(store)
    reasons = set()
    for number in range(400):
        identifier = random.choice([*known, *known, noise(12), noise(600)])
        password = random.choice([noise(30), f"{PASSWORD} ", f" {PASSWORD}", PASSWORD.upper(), "0"])
        if identifier in {"gone", "none", "broken", "totp"} and number % 2:
            password = PASSWORD
        code = random.choice(["", noise(8), f"{random.randrange(10**6):06}"])
        if code == code_at():
            continue
        reasons.add(visitor.refusal(identifier, password, code))
    assert reasons == {Reason.WRONG, Reason.CODE_NEEDED, Reason.CODE_WRONG}
    assert visitor.sign_in().right is Right.ADMINISTRATOR


def test_atom_is_asked_for_nothing_of_heratios(atom_store: Store) -> None:
    """Signing in, failing and re-reading name no table that AtoM does not have."""
    visitor = Visitor(atom_store)
    ada = atom_store.account("ada", 100)
    with statements(atom_store.engine) as sent:
        assert visitor.sign_in().right is Right.ADMINISTRATOR
        visitor.fail(1)
        assert read_account(atom_store.database(), ada, READERS)
        assert visitor.sign_ins.read_idle_minutes() == 30
    named = [name for name in tables.HERATIO_ONLY for s in sent if f"FROM {name}" in s]
    assert sent
    assert named == []


def test_a_database_without_accounts_lets_nobody_in(empty_database: str) -> None:
    """Without users nobody is found, without groups nobody has a right, and nothing fails."""
    store = Store.on(empty_database)
    tables.metadata.create_all(store.engine, [tables.object_])
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE job (id INTEGER PRIMARY KEY)")
    assert read_account(store.database(), 1, READERS) is None
    assert find_account(store.database(), "ada", READERS) is None
    assert Visitor(store).refusal() is Reason.WRONG
    tables.metadata.create_all(store.engine, [tables.actor, tables.user])
    store.insert(tables.object_, id=1, class_name="QubitUser", created_at=NOW, updated_at=NOW)
    store.insert(tables.actor, id=1, source_culture="en")
    store.insert(tables.user, id=1, username="ada", salt=SALT, password_hash=CHEAP)
    account = Visitor(store).sign_in()
    assert (account.right, account.display_name) == (None, "ada")
    store.engine.dispose()


def test_only_the_two_writes_of_a_sign_in_exist(store: Store) -> None:
    """A whole journey sends nothing that changes rows but an INSERT and an UPDATE of one column."""
    visitor = Visitor(store)
    totp(store, store.account("ada", 100))
    with statements(store.engine) as sent:
        visitor.sign_in("ada", PASSWORD, code_at())
        visitor.fail(2)
        find_account(store.database(), "ada", READERS)
    changing = {s.split("(")[0].split(" SET ")[0].strip() for s in sent if "SELECT" not in s}
    looking = {s for s in changing if s.startswith(("SHOW", "DESCRIBE"))}
    assert changing - looking == {"INSERT INTO login_attempt", "UPDATE user_totp_secret"}
