"""Whose jobs they were, on both kinds of database."""

from jobs_data.jobs.view import NO_OWNER
from jobs_data.statistics.owners import read_owners
from jobs_data.statistics.period import Period
from tests.support.statistics import DAY, asked
from tests.support.store import NOON, Store


def test_owners_are_called_as_in_the_list(atom_store: Store) -> None:
    """By display name, else user name; jobs of nobody belong to System."""
    ada, bob = atom_store.user("ada", en="Ada Lovelace"), atom_store.user("bob")
    for status in (184, 185, 183):
        atom_store.job(status_id=status, user_id=ada)
    atom_store.job(user_id=bob)
    atom_store.job()
    atom_store.job(user_id=bob, created=NOON - 40 * DAY)
    owners = read_owners(*asked(atom_store))
    assert owners.by_owner.to_numpy().tolist() == [
        [ada, "Ada Lovelace", 3, 1, 1],
        [NO_OWNER, "System", 1, 1, 0],
        [bob, "bob", 1, 1, 0],
    ]


def test_owners_of_one_name_are_two(store: Store) -> None:
    """Labelled as in the filter, which asks for one of them."""
    first, second = store.user("ada1", en="Ada"), store.user("ada2", en="Ada")
    nameless, other = store.user(None), store.user("ada3", en="ADA")
    for user_id in (first, first, second, nameless, other, None):
        store.job(user_id=user_id)
    by_owner = read_owners(*asked(store)).by_owner
    assert dict(zip(by_owner["owner"], by_owner["total"], strict=True)) == {
        f"Ada (user {first})": 2,
        f"Ada (user {second})": 1,
        "ADA": 1,
        "System": 1,
        f"System (user {nameless})": 1,
    }


def test_no_jobs_have_no_owners(store: Store) -> None:
    """Its columns have their types all the same."""
    by_owner = read_owners(*asked(store, Period.ALL)).by_owner
    assert by_owner.empty
    assert list(map(str, by_owner.dtypes)) == ["int64", "str", "int64", "int64", "int64"]
