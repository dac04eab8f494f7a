"""Parts of an output: whole lines with their numbers, of any size, by SQL."""

from collections.abc import Iterator

import pytest

from jobs_data.jobs import output_parts
from jobs_data.jobs.output_parts import OutputPart, read_around, read_earlier, read_end, read_later
from jobs_data.jobs.row_errors import csv_of_row_errors
from tests.support.mariadb import MariaDB
from tests.support.statements import statements
from tests.support.store import Store

LINE = '[info] [2026-11-25 09:14:02] Job 4711 "arFileImportJob": Row 12345 imported 😀.\n'
LINES = 630_000


def first_of(part: OutputPart) -> str:
    """Return a part's first line."""
    return part.text.split("\n", 1)[0]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a part have a hundred bytes, and cut lines of more than ten."""
    monkeypatch.setattr(output_parts, "PART_BYTES", 100)
    monkeypatch.setattr(output_parts, "MOST_BYTES", 200)
    monkeypatch.setattr(output_parts, "OUTPUT_READ_BYTES", 100)
    monkeypatch.setattr(output_parts, "CUT_LINE_CHARACTERS", 20)


@pytest.fixture
def long_job(store: Store, kind: str, request: pytest.FixtureRequest) -> Iterator[int]:
    """Give a job whose output has LINES times LINE: the server makes it, which is faster."""
    job_id = store.job()
    if kind == "sqlite":
        with store.engine.begin() as connection:
            made = f"replace(hex(zeroblob({LINES})), '00', ?)"
            connection.exec_driver_sql(f"UPDATE job SET output = {made}", (LINE,))
        yield job_id
        return
    server: MariaDB = request.getfixturevalue("mariadb_server")
    with server.variables(max_allowed_packet=128 * 1024 * 1024):
        store.engine.dispose()
        with store.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE job MODIFY output LONGTEXT")
            connection.exec_driver_sql(f"UPDATE job SET output = REPEAT(%s, {LINES})", (LINE,))
        yield job_id


def test_an_output_of_50_mb_is_read_in_parts(store: Store, long_job: int) -> None:
    """Each line has its number in the whole output, at the end, before it, and around a line."""
    database, size = store.database(), len(LINE.encode())
    end = read_end(database, long_job)
    earlier = read_earlier(database, long_job, end)
    around = read_around(database, long_job, LINES // 2)
    assert around is not None
    for part in (end, earlier, around):
        assert part.size == LINES * size > 50_000_000
        assert part.start == (part.first - 1) * size
        assert part.text == LINE * ((part.end - part.start) // size)
    assert earlier.start < end.start < end.end == earlier.end == end.size
    assert around.start < size * LINES // 2 < around.end
    assert read_around(database, long_job, LINES + 1) is None
    with statements(store.engine) as sent:
        assert read_around(database, long_job, 10**9) is None
    assert len([statement for statement in sent if "output" in statement]) == 1


@pytest.mark.usefixtures("small_parts")
def test_each_line_is_found_by_its_number(store: Store) -> None:
    """Empty ones and one longer than a part, too; the last has no end."""
    text = "\n\none 😀\n" + "x" * 300 + "\n" + "\n".join(f"line {n}" for n in range(5, 60))
    job_id, database = store.job(output=text), store.database()
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        part = read_around(database, job_id, number)
        assert part is not None
        at = len("".join(f"{before}\n" for before in lines[: number - 1]).encode())
        assert part.start <= at < part.end
        if len(line) < 300:
            assert part.text.split("\n")[number - part.first] == line
    assert read_around(database, job_id, len(lines) + 1) is None
    assert read_around(database, job_id, len(text)) is None


@pytest.mark.usefixtures("small_parts")
def test_parts_lead_from_the_end_to_the_beginning_and_back(store: Store) -> None:
    """No line is left out or shown under another number, one of four-byte characters included."""
    text = "".join(f"{n:03} '\"\\ 😀\r\n" for n in range(1, 201))
    job_id, database = store.job(output=text), store.database()
    part, numbers = read_end(database, job_id), set[int]()
    for read, is_over in (
        (read_earlier, lambda part: part.start == 0),
        (read_later, lambda part: not part.has_later),
    ):
        while not is_over(part):
            before, part = part, read(database, job_id, part)
            assert part.start < before.start if read is read_earlier else part.end > before.end
            for number, line in enumerate(part.text.removesuffix("\n").split("\n"), part.first):
                assert int(line[:3]) == number
                numbers.add(number)
    assert numbers == set(range(1, 201))


@pytest.mark.usefixtures("small_parts")
def test_a_growing_end_keeps_its_beginning(store: Store) -> None:
    """So that what one reads stays in its place, until it becomes too long."""
    lines = [f"line {n:04}\n" for n in range(1, 101)]
    job_id, database = store.job(status_id=183, output="".join(lines[:12])), store.database()
    part = read_end(database, job_id)
    for count, keeps in ((15, True), (18, True), (60, False)):
        store.set_job(job_id, output="".join(lines[:count]))
        before, part = part, read_end(database, job_id, part)
        assert (part.start == before.start) is keeps
        assert part.text == "".join(lines[part.first - 1 : count])
    store.set_job(job_id, output="anew\n")
    assert read_end(database, job_id, part) == OutputPart("anew\n", 0, 5, 5, 1)


@pytest.mark.usefixtures("small_parts")
def test_a_line_longer_than_a_part_is_shown_cut(store: Store) -> None:
    """And reading goes on beyond it."""
    job_id, database = store.job(output=f"one\n{'😀' * 99}\nlast\n"), store.database()
    part = read_end(database, job_id)
    assert (part.first, part.text.strip("😀")) == (2, "\nlast\n")
    for _ in range(4):
        part = read_earlier(database, job_id, part)
    assert (part.start, part.first, first_of(part)) == (0, 1, "one")


def test_very_many_lines_are_shown_around_the_one_that_is_wanted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser would take seconds over them."""
    monkeypatch.setattr(output_parts, "MOST_LINES", 10)
    job_id, database = store.job(output="".join(f"{n}\n" for n in range(1, 101))), store.database()
    end = read_end(database, job_id)
    assert (end.text, end.first) == ("".join(f"{n}\n" for n in range(92, 101)), 92)
    around = read_around(database, job_id, 50)
    assert around is not None
    assert first_of(around) == str(around.first) == "45"
    assert first_of(read_later(database, job_id, around)) != "45"


def test_there_may_be_no_output_or_no_job(store: Store) -> None:
    """Each has no lines."""
    for job_id in (store.job(output=None), store.job(output=""), 10**8):
        assert read_end(store.database(), job_id).text == ""
        assert read_around(store.database(), job_id, 5) is None


def test_the_row_errors_of_a_long_output_are_a_csv(store: Store) -> None:
    """All of them, quoted, and without formulas."""
    steps = "".join(f"Row {n} imported.\n" for n in range(20_000))
    output = f'ERROR: Row 3: =1+1 "x", no parent.\n{steps}ERROR: Row 20001: No date.\n{steps}'
    rows = b"".join(csv_of_row_errors(store.database(), store.job(output=output))).decode()
    assert rows.removeprefix("\ufeff").split("\r\n") == [
        "row,message",
        '3,"\'=1+1 ""x"", no parent."',
        '20001,"No date."',
        "",
    ]
