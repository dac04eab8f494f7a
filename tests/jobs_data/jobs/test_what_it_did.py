"""The second line of a job in the list: what it was about, or what it did."""

from datetime import UTC, datetime

import pytest

from jobs_data.jobs.columns import list_frame
from jobs_data.jobs.what_it_did import LINE_CHARACTERS, file_name, read_what_they_did, slug_in_words
from jobs_data.platform import tables
from tests.support.outputs import read_outputs
from tests.support.statements import statements
from tests.support.store import Store

OUTPUTS = read_outputs()


def did(store: Store, *ids: int) -> list[str]:
    """Return what the list says that the jobs did."""
    database = store.database()
    with database.reading() as connection:
        frame = list_frame(connection, database, ids, {}, datetime.now(UTC))
    return list(frame["did"])


def test_the_description_comes_first_then_the_file_the_record_and_the_end(store: Store) -> None:
    """Each where the one before is missing; errors and notes of a type are no description."""
    record = store.record("ministry-of-health")
    described = store.job(output=OUTPUTS["atom-import"], object_id=record)
    store.note(described, type_id=197, en="It broke")
    store.note(described, type_id=174, en="Of a type")
    store.note(described, type_id=None, en="Exporting 1,204\ndescriptions")
    store.note(described, type_id=None, en="57 descriptions updated.")
    imported = store.job(output=OUTPUTS["atom-import"], object_id=record)
    about = store.job(output=OUTPUTS["atom-move"], object_id=record)
    ended = store.job(output=OUTPUTS["atom-csv-export"])
    row_errors = store.job(output=OUTPUTS["heratio-import-row-errors"])
    assert did(store, described, imported, about, ended, row_errors, store.job()) == [
        "Exporting 1,204 descriptions",
        "accessions 2026.csv",
        "Ministry of health",
        "Exported 1204 records",
        "116 records imported",
        "",
    ]


def test_a_job_is_not_its_own_record(store: Store) -> None:
    """Heratio's imports store their own id, which may have a slug."""
    job_id = store.job(output="Import complete. 3 record(s) imported.\n")
    with store.engine.begin() as connection:
        connection.execute(tables.job.update().values(object_id=job_id))
    store.insert(tables.slug, object_id=job_id, slug="the-job-itself")
    assert did(store, job_id) == ["3 records imported"]


@pytest.mark.parametrize(
    "output",
    [
        r'{"message": "Half \ud83d a character"}',
        '[info] [2026-11-25 09:14:02] Job 1 "arFileImportJob": '
        r'Parameters: {"file": "{\"name\": \"Half \\ud83d a character\"}"}',
    ],
    ids=["message", "name of a file"],
)
def test_half_a_character_has_utf_8(store: Store, output: str) -> None:
    """JSON can escape it; the CSV and the browser cannot have it."""
    (line,) = did(store, store.job(output=output))
    assert line.startswith("Half")
    assert line.encode()


def test_a_long_output_is_read_at_both_ends(store: Store) -> None:
    """The parameters stand at the beginning, the count at the end, with all between left out."""
    middle = "Ünïcödé 😀\n" * 20_000
    with_file = store.job(output=OUTPUTS["atom-import"] + middle)
    with_end = store.job(output=middle + OUTPUTS["heratio-import-complete"])
    assert did(store, with_file, with_end) == ["accessions 2026.csv", "120 records imported"]


def test_it_is_one_short_line_whatever_the_platform_has(store: Store) -> None:
    """Control characters, another direction of reading, 50 lines, 4-byte characters, a NUL."""
    texts = ["\x1b[31mred\x1b[0m\r\n\u202egnp", "😀 " * 500, "\n\n", "a\0b"]
    ids = [store.job() for _ in texts]
    for job_id, text in zip(ids, texts, strict=True):
        store.note(job_id, type_id=None, en=text)
    red, long, blank, nul = did(store, *ids)
    assert (red, blank) == ("red \u2039U+202E\u203agnp", "")
    assert len(long) == LINE_CHARACTERS
    assert nul.startswith("a")


def test_one_statement_more_reads_a_page(store: Store) -> None:
    """That of the notes: the outputs come with the rows, however many jobs."""
    database = store.database()
    ends = {"output_head": "3 records imported", "output_tail": None}
    rows = [{"id": store.job(), "slug": None, **ends} for _ in range(30)]
    with database.reading() as connection, statements(connection) as sent:
        found = read_what_they_did(connection, database, rows)
    assert (len(sent), set(found.values())) == (1, {"3 records imported"})


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("file", '{"name":"C:\\\\data\\\\a b.csv","tmp_name":"/tmp/x"}', "a b.csv"),
        ("uploadPath", "/srv/uploads/letters.pdf", "letters.pdf"),
        ("file", '{"tmp_name":"/tmp/x"}', ""),
        ("file", '{"name":"cut…', ""),
        ("file", "../../etc/passwd/", "passwd"),
        ("profile", "x.csv", ""),
    ],
)
def test_the_file_among_the_parameters(name: str, value: str, expected: str) -> None:
    """As the user named it, without a folder."""
    assert file_name([("id", "1"), (name, value)]) == expected


def test_a_slug_in_words() -> None:
    """A slug is a title in lower case."""
    assert slug_in_words("ministry-of-health-2") == "Ministry of health 2"
    assert slug_in_words("") == ""
