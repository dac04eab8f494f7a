"""What the filter offers is what the database has, bounded, and never two things of one name."""

from pathlib import Path

import pytest

from jobs_data.jobs import choices
from jobs_data.jobs.choices import (
    Choices,
    has_types,
    read_choices,
    read_owner_names,
    read_owners_called,
)
from jobs_data.jobs.view import NO_OWNER
from jobs_data.platform import engine, tables
from tests.support.names import compare_loosely, insert_jobs_called
from tests.support.store import Store


def test_owners_names_and_types_of_jobs_are_offered(store: Store) -> None:
    """Only those that a job has; two users of one name are told apart, nameless jobs have a word."""
    first, second = store.user("ada1", en="Ada"), store.user("ada2", en="Ada")
    bob, gone = store.user("bob"), store.user(None)
    store.user("idle")
    for user_id, name in ((first, "b"), (second, "A"), (bob, None), (gone, " "), (None, "b")):
        job_id = store.job(name, user_id=user_id)
        store.execution(job_id, type=name if name == "b" else None)
    found = read_choices(store.database())
    assert found.owners == {
        NO_OWNER: "System",
        first: f"Ada (user {first})",
        second: f"Ada (user {second})",
        bob: "bob",
        gone: f"System (user {gone})",
    }
    assert list(found.owners) == [NO_OWNER, first, second, bob, gone]
    assert found.names == ("[Unknown]", "A", "b")
    assert found.types == ("b",)
    assert read_owner_names(store.database(), [first, NO_OWNER, 10**9]) == {first: "Ada"}


def test_each_name_and_type_is_offered_once_as_it_is(store: Store) -> None:
    """Whatever the database's collation takes for the same."""
    called = insert_jobs_called(store)
    found = read_choices(store.database())
    assert found.names is not None
    assert found.types is not None
    assert sorted(found.names) == sorted(called)
    assert sorted(found.types) == sorted({name[:50] for name in called})


def test_owners_are_found_by_their_whole_names(store: Store) -> None:
    """By the user name or the one shown, character by character."""
    compare_loosely(store, tables.user, "username")
    compare_loosely(store, tables.actor_i18n, "authorized_form_of_name")
    names = ("ada", "Ada", "áda", "ada ", "ADA 🍣", "ADA 🍺", "a\0da")
    users = {name: store.user(name) for name in names}
    shown = {f"{name}!": store.user(None, en=f"{name}!") for name in names}
    found = read_owners_called(store.database(), [*users, *shown, "System", "system"])
    assert found == {
        **{name: (user_id,) for name, user_id in (users | shown).items()},
        "System": (NO_OWNER,),
        "system": (),
    }


def test_only_the_newest_jobs_are_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are; of too many names the most frequent are offered."""
    for name in ("old", "rare", "often", "often"):
        store.job(name)
    monkeypatch.setattr(choices, "NEWEST", 3)
    assert read_choices(store.database()).names == ("often", "rare")
    monkeypatch.setattr(choices, "MAX_OFFERED", 1)
    assert read_choices(store.database()).names == ("often",)


def test_a_list_that_takes_too_long_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The form can be used without it."""
    monkeypatch.setattr(engine, "STEPS_BETWEEN_LOOKS", 1)
    store = Store(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    store.job()
    monkeypatch.setattr(choices, "SECONDS", -1)
    found = read_choices(store.database())
    store.engine.dispose()
    assert found == Choices(owners=None, names=None, types=None)


def test_where_no_types_are_recorded_none_are_offered(atom_store: Store) -> None:
    """AtoM has no table for them."""
    atom_store.job()
    assert not has_types(atom_store.database())
    assert read_choices(atom_store.database()).types == ()
