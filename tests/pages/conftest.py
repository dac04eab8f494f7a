"""What all tests of pages need."""

import sys
from collections.abc import Iterator

import pytest
import streamlit as st

from jobs_data.accounts.accounts import Right
from jobs_data.jobs import shared_list
from pages.parts.jobs import late
from tests.support.pages import introduce

PATIENCE = 10.0
"""In seconds. A busy machine may need them; a page goes on as soon as it has what it waits for."""


@pytest.fixture
def kind() -> str:
    """Let pages run on SQLite alone: what they read is tested on each kind of database below them."""
    return "sqlite"


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put `__main__` back, which Streamlit makes the page: processes started later would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def no_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the list wait longer for what is late: no timer would look for it in these tests."""
    monkeypatch.setattr(late, "WAIT_SECONDS", PATIENCE)
    monkeypatch.setattr(shared_list, "HITS_SECONDS", PATIENCE)


@pytest.fixture
def administrator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Introduce an administrator as the gate does."""
    introduce(monkeypatch, Right.ADMINISTRATOR)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Introduce a reader as the gate does."""
    introduce(monkeypatch, Right.READER)


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Introduce a reader, and let no test see what another one has read."""
    introduce(monkeypatch, Right.READER)
    st.cache_data.clear()
    yield
    st.cache_data.clear()
