"""Which accounts there are, how they are found, and what each may do; on both kinds of database."""

import pytest

from jobs_data.accounts.accounts import Groups, Right, find_account, find_by_email, read_account
from jobs_data.accounts.sign_in import Reason
from tests.support.php_hashes import CHEAP, SALT
from tests.support.sign_ins import READERS, Visitor
from tests.support.statements import statements
from tests.support.store import PASSWORD, Store


def test_right_comes_from_the_groups(store: Store) -> None:
    """Some groups administer, others read, the stronger right wins, all others have none."""
    visitor = Visitor(store)
    store.account("other", 100, 101)
    cases: list[tuple[set[int], set[int], set[int], Right | None]] = [
        ({100}, {100}, {101, 102}, Right.ADMINISTRATOR),
        ({100, 101}, {100}, {101, 102}, Right.ADMINISTRATOR),
        ({100}, {100}, {100}, Right.ADMINISTRATOR),
        ({101}, {100}, {101, 102}, Right.READER),
        ({103, 102}, {100}, {101, 102}, Right.READER),
        ({103}, {100}, {101, 102}, None),
        ({101}, {100}, set(), None),
        (set(), {100}, {101, 102}, None),
        ({101}, {100, 101}, set(), Right.ADMINISTRATOR),
        ({101}, {100, 101}, {101}, Right.ADMINISTRATOR),
        ({102}, {100, 101}, {102}, Right.READER),
        ({100}, {101}, set(), None),
        ({100}, {101}, {100}, Right.READER),
    ]
    for number, (member_of, administrators, readers, right) in enumerate(cases):
        groups = Groups(frozenset(administrators), frozenset(readers))
        user_id = store.account(f"user-{number}", *member_of)
        account = read_account(store.database(), user_id, groups)
        assert account
        assert account.right is right
        assert visitor.sign_in(f"user-{number}", groups=groups).right is right
        store.set_user(user_id, active=0)
        inactive = read_account(store.database(), user_id, groups)
        assert inactive
        assert inactive.right is None
    assert read_account(store.database(), 10**6, READERS) is None


def test_an_account_is_reread_with_one_select(store: Store) -> None:
    """One statement tells right and fingerprint, whatever the groups; each change shows at once."""
    ada = store.account("ada", 100, 101)
    database = store.database()
    read_account(database, ada, READERS)
    with statements(store.engine) as sent:
        account = read_account(database, ada, READERS)
    assert len(sent) == 1
    assert account
    store.leave_groups(ada)
    changed = read_account(database, ada, READERS)
    assert changed
    assert (changed.right, changed.fingerprint) == (None, account.fingerprint)


def test_fingerprint_changes_with_hash_and_salt(store: Store) -> None:
    """It is the same from one reading to the next, another for each password, and tells neither."""
    ada = store.account("ada", 100)
    seen = []
    for values in ({}, {"salt": SALT}, {"password_hash": CHEAP}, {"password_hash": None}):
        if values:
            store.set_user(ada, **values)
        for _ in range(2):
            account = read_account(store.database(), ada, READERS)
            assert account
            seen.append(account.fingerprint)
    assert seen[::2] == seen[1::2]
    assert len(set(seen)) == 4
    assert CHEAP not in repr(account)
    assert not any(fingerprint in repr(account) for fingerprint in seen)


@pytest.mark.parametrize(
    ("username", "email", "names", "shown"),
    [
        ("ada", "ada@example.org", {"en": "Ada Archivist", "fr": "Ada l’archiviste"}, "Ada Archivist"),
        ("ada", "ada@example.org", {"fr": "Ada l’archiviste"}, "ada"),
        ("ada", "ada@example.org", {"en": "  "}, "ada"),
        (None, "ada@example.org", {}, "ada@example.org"),
        ("", None, {}, ""),
    ],
)
def test_display_name_is_the_lists(
    store: Store, username: str | None, email: str | None, names: dict[str, str], shown: str
) -> None:
    """The name in the database's culture, else the user name, else the e-mail."""
    account = read_account(store.database(), store.account(username, email=email, names=names), READERS)
    assert account
    assert account.display_name == shown


def test_email_is_tried_before_the_user_name(store: Store) -> None:
    """Who has taken somebody's e-mail as user name is not found by it, and does not get in with it."""
    visitor = Visitor(store)
    ada = store.account("ada", 100, email="ada@example.org")
    imposter = store.account("ada@example.org", 100, email="imposter@example.org", password="mine")
    found = find_account(store.database(), "ada@example.org", READERS)
    assert found
    assert found.id == ada
    assert find_by_email(store.database(), " ADA@example.org", READERS) == found
    assert find_by_email(store.database(), "ada", READERS) is None
    assert visitor.refusal("ada@example.org", "mine") is Reason.WRONG
    assert visitor.sign_in("imposter@example.org", "mine").id == imposter


def test_case_and_surrounding_space_do_not_matter(store: Store) -> None:
    """E-mail and user name are found however they are capitalised."""
    visitor = Visitor(store)
    ada = store.account("Ada", 100, email="ADA@example.org")
    for identifier in (
        "ada",
        "ADA",
        " Ada\n",
        "ada@example.org",
        "\tada@example.org ",
        "aDa@Example.ORG",
    ):
        found = find_account(store.database(), identifier, READERS)
        assert found
        assert found.id == ada == visitor.sign_in(identifier).id


def test_look_alikes_are_nobody(store: Store) -> None:
    """What a collation takes for the same, and nothing at all, is not the same account."""
    visitor = Visitor(store)
    store.account("kate", 100, email="")
    store.account("other", 100, email="kate@example.org")
    accented = ["kåte", "káté", "k\u0430te", "\u212aate", "\uff4bate"]
    for identifier in [*accented, "ka\u200bte", "ka\u00adte", "kate%", "k_te", "kate\0", "", " "]:
        for typed in (identifier, f"{identifier}@example.org"):
            assert find_account(store.database(), typed, READERS) is None
            assert find_by_email(store.database(), typed, READERS) is None
            assert visitor.refusal(typed, address="") is Reason.WRONG
    assert visitor.gets_in("kate")
    assert visitor.gets_in("kate@example.org")


def test_accents_are_found_as_they_are_written(store: Store) -> None:
    """A user name of letters beyond ASCII gets in."""
    visitor = Visitor(store)
    emile = store.account("Émile", 100)
    assert visitor.sign_in("Émile").id == emile


def test_an_over_long_identifier_is_not_cut_down_to_an_account(store: Store) -> None:
    """Only the whole user name is the user name, however long it is."""
    visitor = Visitor(store)
    longest = "x" * 255
    store.account(longest, 100)
    for identifier in ("x" * 256, "x" * 10_000_000, " " * 300 + longest):
        assert find_account(store.database(), identifier, READERS) is None
        assert visitor.refusal(identifier, address="") is Reason.WRONG
    assert visitor.gets_in(longest, after=3600)


def test_a_shared_email_lets_nobody_in(store: Store) -> None:
    """Neither of two users is found by their e-mail, nor by its user name's owner; by name both are."""
    visitor = Visitor(store)
    first = store.account("first", 100, email="shared@example.org")
    second = store.account("second", 100, email="Shared@example.org", password="mine")
    store.account("shared@example.org", 100, password="third")
    assert find_account(store.database(), "shared@example.org", READERS) is None
    assert find_by_email(store.database(), "shared@example.org", READERS) is None
    for password in (PASSWORD, "mine", "third"):
        assert visitor.refusal("shared@example.org", password) is Reason.WRONG
    assert visitor.sign_in("first").id == first
    assert visitor.sign_in("second", "mine").id == second
