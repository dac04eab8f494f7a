"""The line under a row says where a search has found its words, and no long text is loaded for it."""

import pytest

from jobs_data.jobs import search_hits
from jobs_data.jobs.search_hits import BEFORE, CHARACTERS, line_of
from jobs_data.jobs.view import JobFilter, ListView
from tests.support.lists import read_list
from tests.support.store import Store

LOG = '[info] [2026-11-25 09:14:02] Job 4711 "arFileImportJob": '


def hits(store: Store, search: str) -> list[str]:
    """Return the lines of the jobs that a search finds, those with the lowest numbers first."""
    jobs = read_list(store.database(), ListView(JobFilter(search=search), limit=50))
    return jobs.rows.sort_values("id")["hit"].tolist()


@pytest.mark.parametrize(
    ("output", "hit"),
    [
        ("first\nERROR: Row 12: No space left\nlast", "ERROR: Row 12: No space left"),
        (
            f"{LOG}begin\n{LOG}Row 12: no space left on /srv\r\n{LOG}end",
            "Row 12: no space left on /srv",
        ),
        ("no space left", "no space left"),
        (
            "é" * 500 + " no space left " + "ü" * 500,
            "…" + "é" * (BEFORE - 1) + " no space left " + "ü" * 86 + "…",
        ),
        ("a\tb \x1b[31mno space left\x1b[0m   c", "a b no space left c"),
        (f"{'x' * BEFORE}\nno space left", "no space left"),
    ],
)
def test_the_line_around_the_words_is_shown(store: Store, output: str, hit: str) -> None:
    """Without what AtoM writes before each message, and with an ellipsis where it is cut."""
    store.job(output=output)
    assert hits(store, 'output:"no space left"') == [f"Output: {hit}"]


def test_each_part_says_in_which_text_it_was_found(store: Store) -> None:
    """Plain words have no line: they are in the row."""
    job_id = store.job(
        "Import", 185, output=f'{LOG}Parameters: {{"file":"\\/tmp\\/Caf\\u00e9.csv"}}\n{LOG}disk'
    )
    store.note(job_id, en="The disk is full")
    store.note(job_id, None, en="Copies files")
    other = store.job("Import", 185)
    store.execution(other, error_message="quota", stack_trace="#0 disk")
    assert hits(store, "import") == ["", ""]
    assert hits(store, "import error:disk") == ["Error note: The disk is full", "Stack trace: #0 disk"]
    assert hits(store, "note:copies output:disk param:/tmp") == [
        'Note: Copies files · Output: disk · Parameters: {"file":"/tmp/Café.csv"}'
    ]


def test_a_long_output_is_not_loaded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database cuts it, also for a search of its parameters."""
    long = "x" * 3_000_000
    store.job(output=f"{LOG}Parameters: {{}}\n{long}\nneedle\n{long}")
    pieces = []

    def note(piece: str, words: str) -> str:
        pieces.append(piece)
        return line_of(piece, words)

    monkeypatch.setattr(search_hits, "line_of", note)
    assert hits(store, "output:needle") == ["Output: needle"]
    assert hits(store, "param:{") == ["Parameters: {}"]
    assert len(pieces) == 2
    assert max(map(len, pieces)) <= CHARACTERS
