"""Any filter in any order over any jobs: whatever speaks of its jobs means the same ones."""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, delete, insert, select

from jobs_data.jobs import (
    creation_order,
    export,
    export_rows,
    job_report,
    list_page,
    paging,
    searching,
    strays,
)
from jobs_data.jobs.counts import Counts
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.view import NO_OWNER, Dates, JobFilter, ListView, Sort
from jobs_data.jobs.where import matching
from jobs_data.platform import tables
from jobs_data.platform.database import Database
from jobs_data.platform.status import FINISHED_STATES, State, state_of
from jobs_data.removal.retention import Rules, read_preview
from tests.support.lists import read_list
from tests.support.store import NOON, Store

ZONE: Final = "Europe/Amsterdam"
LIMIT: Final = 7
LONG_AGO: Final = datetime(1000, 1, 1)

# Each begins with a letter of its own, so that all collations agree on which are equal and in which
# order they come; what follows is what SQL takes for something else. The last two differ in case.
NAMES: Final = ("a100%", "B_b", "c\\d", "D'e\"", "f😀g", "h%_\\", "i[x]", "J", "j")
BLANKS: Final = (None, "", "   ")
UNKNOWN: Final = "[Unknown]"
OWNERS: Final = {  # (user name, name in the culture, name in another one)
    301: ("k%l", "L_m", None),
    302: ("n\\", None, "O'p"),
    303: (None, "q😀", None),
    304: ("  ", " ", "r"),
    305: ("t'u", "  ", None),
}
NOBODY: Final = 399
"""What jobs still point at after it has gone; so does NO_RECORD."""

SLUGS: Final = {401: "v-100%", 402: "w_x", 403: None}
NO_RECORD: Final = 499
TYPES: Final = ("csv_import", "finding%aid")
PATHS: Final = (None, "", "  ", "/downloads/a.csv")
# Far from the bounds of "the last so many days", whatever the day.
TIMES: Final = tuple(NOON + timedelta(seconds=s) for s in (-86_400, -61, -60, 0, 1, 59, 3_600))
MOMENTS: Final = tuple(time.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC) for time in TIMES)
SPANS_OF_TIME: Final = (timedelta(days=1), timedelta(days=36_500), timedelta(days=999_999))


@dataclass(frozen=True)
class Run:
    """What Heratio keeps of a job's run."""

    type: str | None
    duration: int | None
    error_message: str | None


@dataclass(frozen=True)
class Job:
    """A job with what belongs to it; `created` is None where its object is gone."""

    id: int
    name: str | None
    status_id: int | None
    created: datetime | None
    completed: datetime | None
    user_id: int | None
    object_id: int | None
    download_path: str | None
    notes: tuple[int, ...]
    """The types of its notes."""
    run: Run | None

    @property
    def state(self) -> State:
        """Return the state that the job is in."""
        return state_of(self.status_id, self.completed is not None)


RUNS: Final = st.none() | st.builds(
    Run,
    type=st.sampled_from([None, *TYPES]),
    duration=st.sampled_from([None, None, -5, 0, 60, 3_600]),
    error_message=st.sampled_from([None, "", "  ", "no memory"]),
)
JOBS: Final = st.builds(
    Job,
    id=st.just(0),
    name=st.sampled_from([*NAMES, *BLANKS]),
    status_id=st.sampled_from([None, 182, 183, 184, 184, 185, 185, 186]),
    created=st.sampled_from([*TIMES, *TIMES, None]),
    completed=st.sampled_from([None, *TIMES]),
    user_id=st.sampled_from([None, *OWNERS, NOBODY]),
    object_id=st.sampled_from([None, *SLUGS, NO_RECORD]),
    download_path=st.sampled_from(PATHS),
    notes=st.sampled_from([(), (), (), (1,), (197,), (1, 197, 197)]),
    run=RUNS,
)


@st.composite
def worlds(draw: st.DrawFn) -> list[Job]:
    """Invent jobs with gaps between their ids."""
    jobs = draw(st.lists(st.tuples(JOBS, st.integers(1, 20)), min_size=30, max_size=30))
    ids = [1_000]
    for _, gap in jobs:
        ids.append(ids[-1] + gap)
    return [replace(job, id=job_id) for (job, _), job_id in zip(jobs, ids, strict=False)]


TEXTS: Final = (
    *(name for name in NAMES if name),
    *(name.strip() for names in OWNERS.values() for name in names if name and name.strip()),
    *(address for address in SLUGS.values() if address),
)
ODD: Final = ("%", "_", "\\", "'", "/", "a%0", "system", "#402")


@st.composite
def searches(draw: st.DrawFn) -> str:
    """Invent what people type: parts of what there is, in any case."""
    text = draw(st.sampled_from(TEXTS))
    start = draw(st.integers(0, len(text) - 1))
    part = text[start : start + draw(st.integers(1, 3))]
    return draw(st.sampled_from([part, part.upper(), part.lower()]))


def some(*choices: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """Choose a few."""
    return st.lists(st.sampled_from(choices), min_size=1, max_size=4, unique=True).map(tuple)


BOUNDS: Final = st.none() | st.sampled_from(MOMENTS)
DATES: Final = (
    st.builds(Dates, BOUNDS, BOUNDS)
    | st.builds(Dates, BOUNDS, BOUNDS)
    | st.builds(Dates, last=st.sampled_from(SPANS_OF_TIME))
    | st.builds(Dates, ago=st.sampled_from(SPANS_OF_TIME))
)
ASKED: Final[dict[str, st.SearchStrategy[Any]]] = {
    "state": st.sampled_from(State),
    "search": st.sampled_from(ODD) | searches(),
    "owners": some(NO_OWNER, *OWNERS, NOBODY, 12_345),
    "names": some(*NAMES, UNKNOWN, "%", "a1__"),
    "types": some(*TYPES, "%"),
    "created": DATES,
    "finished": DATES,
    "has_result": st.booleans(),
    "has_errors": st.booleans(),
    "longer_than": st.sampled_from([1, 59, 60, 3_599]),
}


@st.composite
def views(draw: st.DrawFn) -> list[ListView]:
    """Invent filters that let something through: each thing asked for, mostly alone; in an order."""
    found = []
    for fields in [(), *((field,) for field in [*ASKED, "search", "search"])]:
        more = draw(st.just(fields) | st.tuples(*map(st.just, fields), st.sampled_from(sorted(ASKED))))
        asked = JobFilter(**{name: draw(ASKED[name]) for name in dict.fromkeys(more)})
        found.append(ListView(asked, draw(st.sampled_from(Sort)), is_reversed=draw(st.booleans())))
    return found


def shown_owner(job: Job) -> str:
    """Return what the list shows as a job's owner."""
    username, display_name, _ = OWNERS.get(job.user_id or 0, (None, None, None))
    return next((name for name in (display_name, username) if name and name.strip()), "System")


def slug_of(job: Job) -> str:
    """Return the address of a job's record, empty where it has none."""
    return SLUGS.get(job.object_id or 0) or ""


def is_in(dates: Dates, time: datetime | None, now: datetime) -> bool:
    """Return whether a time of the platform is within dates; none is in any time alone."""
    fixed = dates.at(now)
    since, before = fixed.since, fixed.before
    if since is None and before is None:
        return True
    if time is None:
        return False
    moment = time.replace(tzinfo=ZoneInfo(ZONE))
    return (since is None or since <= moment) and (before is None or moment < before)


def mentions(job: Job, words: str) -> bool:
    """Return whether a job's name, its owner's names or its record's address have a text in them."""
    username, display_name, _ = OWNERS.get(job.user_id or 0, (None, None, None))
    texts = (job.name, username, display_name, slug_of(job))
    return (
        any(words.lower() in text.lower() for text in texts if text)
        or (words.lower() == "system" and job.user_id is None)
        or (job.object_id is not None and words == f"#{job.object_id}")
    )


def taken(job: Job) -> int | None:
    """Return how long a job took in seconds, below 0 or None where that is not known."""
    if job.run and job.run.duration is not None:
        return job.run.duration
    if job.created and job.completed:
        return int((job.completed - job.created).total_seconds())
    return None


def lets_through(wanted: JobFilter, job: Job, now: datetime) -> bool:
    """Return whether a filter lets a job through, as its fields are documented."""
    run, seconds = job.run or Run(None, None, None), taken(job)
    has_errors = job.status_id == 185 or 197 in job.notes or bool((run.error_message or "").strip())
    return all(
        (
            wanted.state in {None, job.state},
            not wanted.search or mentions(job, wanted.search),
            not wanted.owners or (job.user_id or NO_OWNER) in wanted.owners,
            not wanted.names
            or job.name in wanted.names
            or (UNKNOWN in wanted.names and not (job.name or "").strip()),
            not wanted.types or run.type in wanted.types,
            is_in(wanted.created, job.created, now),
            is_in(wanted.finished, job.completed, now),
            wanted.has_result in {None, bool((job.download_path or "").strip())},
            wanted.has_errors in {None, has_errors},
            wanted.longer_than is None or (seconds is not None and seconds > wanted.longer_than),
        )
    )


def sort_key(sort: Sort, job: Job, *, pads: bool) -> Any:
    """Return what an order compares; where texts are padded, spaces at their end do not count."""
    name = (job.name or "").lower()
    seconds = None if job.state is State.ACTIVE else taken(job)
    states = [State.ACTIVE, State.COMPLETED, State.FAILED, State.OTHER]
    return {
        Sort.DATE: job.created or LONG_AGO,
        Sort.NAME: ((name.rstrip() if pads else name), job.name or ""),
        Sort.STATUS: states.index(job.state),
        Sort.OWNER: shown_owner(job).lower(),
        Sort.COMPLETED: job.completed or LONG_AGO,
        Sort.DURATION: -1 if seconds is None else max(-1, seconds),
        Sort.RELATED: slug_of(job),
    }[sort]


def in_order(jobs: Sequence[Job], view: ListView, *, pads: bool) -> list[Job]:
    """Return the jobs of a view in its order, ties by the largest id; reversed, all from the end."""
    ordered = sorted(jobs, key=lambda job: -job.id)
    ordered.sort(key=lambda job: sort_key(view.sort, job, pads=pads), reverse=view.sort.is_descending)
    return ordered[::-1] if view.is_reversed else ordered


def beside(job: Job, jobs: Sequence[Job], view: ListView, *, pads: bool) -> tuple[int | None, ...]:
    """Return the ids of the jobs before and after one that need not be among them."""
    ids = [j.id for j in in_order([*{*jobs, job}], view, pads=pads)]
    at = ids.index(job.id)
    return (ids[at - 1] if at else None), (ids[at + 1] if at + 1 < len(ids) else None)


def fill(store: Store, jobs: Sequence[Job]) -> None:
    """Put exactly these jobs, with all users and records, into the database."""
    rows: dict[Table, list[Mapping[str, Any]]] = {
        tables.user: [{"id": i, "username": names[0]} for i, names in OWNERS.items()],
        tables.actor_i18n: [
            {"id": i, "culture": culture, "authorized_form_of_name": name}
            for i, names in OWNERS.items()
            for culture, name in zip(("en", "fr"), names[1:], strict=True)
        ],
        tables.slug: [{"object_id": i, "slug": slug} for i, slug in SLUGS.items() if slug],
        tables.object_: [
            {"id": job.id, "created_at": job.created, "updated_at": NOON, "serial_number": 0}
            for job in jobs
            if job.created
        ],
        tables.job: [
            {
                "id": job.id,
                "name": job.name,
                "status_id": job.status_id,
                "completed_at": job.completed,
                "user_id": job.user_id,
                "object_id": job.object_id,
                "download_path": job.download_path,
            }
            for job in jobs
        ],
        tables.note: [
            {"object_id": job.id, "type_id": type_id, "source_culture": "en"}
            for job in jobs
            for type_id in job.notes
        ],
        tables.job_execution: [{"job_id": job.id, **vars(job.run)} for job in jobs if job.run],
    }
    with store.engine.begin() as connection:
        for table, values in rows.items():
            connection.execute(delete(table))
            if values:
                connection.execute(insert(table), values)


def every_page(
    database: Database, view: ListView, order: CreationOrder
) -> tuple[list[int], list_page.JobsList]:
    """Return the ids of all pages, one after the other, and the last page."""
    found: list[int] = []
    page = pages = 1
    while page <= pages:
        jobs = read_list(database, replace(view, page=page, limit=LIMIT), order)
        found += jobs.rows["id"].tolist()
        page, pages = page + 1, jobs.pages
    return found, jobs


def exported(
    database: Database, view: ListView, order: CreationOrder, *, all_columns: bool
) -> list[list[str]]:
    """Return the lines of an export, without its header."""
    data = b"".join(export.csv_chunks(database, view, all_columns=all_columns, order=order))
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))[1:]


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few jobs fill what holds thousands: slices, samples and pieces."""
    monkeypatch.setattr(creation_order, "UNSETTLED_IDS", 20)
    monkeypatch.setattr(creation_order, "SLICE_JOBS", 7)
    monkeypatch.setattr(strays, "MARK_JOBS", 3)
    monkeypatch.setattr(searching, "FIRST_SLICE_JOBS", 30)
    monkeypatch.setattr(searching, "FEW_JOBS", 5)
    monkeypatch.setattr(paging, "SHALLOW_JOBS", 5)
    monkeypatch.setattr(paging, "SAMPLE_JOBS", 5)
    monkeypatch.setattr(export_rows, "PIECE_JOBS", 5)
    monkeypatch.setattr(export_rows, "PACKET_BYTES", 20 * export_rows.JOB_BYTES)
    monkeypatch.setattr(export_rows, "FIRST_REPORTS", 10)
    monkeypatch.setattr(export_rows, "REPORTS_TOGETHER", 10)


def examples(number: int) -> settings:
    """Return how examples are looked for: the same ones every time."""
    return settings(
        max_examples=number,
        derandomize=True,
        deadline=None,
        database=None,
        # To find the smallest example would take minutes: add Phase.shrink only to look for it.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.usefixtures("small_steps")
def test_list_counts_neighbours_exports_and_preview_mean_the_same_jobs(
    store_without_foreign_keys: Store,
) -> None:
    """They are the jobs that Python finds by the filter's description, in its order."""
    store = store_without_foreign_keys

    @examples(3)
    @given(worlds(), views(), st.integers(0, 29))
    def agree(world: list[Job], asked: list[ListView], number: int) -> None:
        fill(store, world)
        database = store.database(timezone=ZONE)
        pads = not database.is_sqlite
        order = CreationOrder(database)
        for number_of_view, view in enumerate(asked):
            if number_of_view == len(asked) // 2:  # the first half of them before any survey
                order.survey()
            now = datetime.now(UTC)
            in_any_state = [j for j in world if lets_through(view.filter.in_any_state, j, now)]
            jobs = [j for j in in_any_state if lets_through(view.filter, j, now)]
            ordered = in_order(jobs, view, pads=pads)
            ids = [job.id for job in ordered]
            found, last = every_page(database, view, order)
            assert found == ids, view
            assert (last.matching, last.everything.total) == (len(ids), len(world)), view
            in_state = Counter(job.state for job in in_any_state)
            main = (State.ACTIVE, State.COMPLETED, State.FAILED)
            active, completed, failed = (in_state[state] for state in main)
            assert last.counts == Counts(in_state.total(), active, completed, failed), view
            names = [job.name if (job.name or "").strip() else UNKNOWN for job in ordered]
            assert [line[0] for line in exported(database, view, order, all_columns=False)] == names, (
                view
            )
            lines = exported(database, view, order, all_columns=True)
            assert [int(line[0]) for line in lines] == ids, view
            assert [line[1] for line in lines] == names, view
            finished = sorted(job.id for job in jobs if job.state in FINISHED_STATES)
            assert read_preview(database, Rules(view.filter), now).ids.tolist() == finished, view
            one = world[number]
            neighbours = job_report.read_neighbours(database, view, one.id, order)
            assert neighbours == beside(one, jobs, view, pads=pads), view

    agree()


def test_each_part_of_a_filter_is_exact_at_its_edges(store_without_foreign_keys: Store) -> None:
    """Odd words, moments at which something happened, and both answers to each question."""
    store = store_without_foreign_keys
    edges = [Dates(*bounds) for moment in MOMENTS for bounds in ((moment, None), (None, moment))]
    wanted = [
        *(JobFilter(state=state) for state in State),
        *(JobFilter(search=words) for words in ODD),
        *(JobFilter(owners=(owner,)) for owner in (NO_OWNER, 301, NOBODY)),
        *(JobFilter(names=(name,)) for name in (UNKNOWN, NAMES[0], "%")),
        *(JobFilter(types=(type_,)) for type_ in TYPES),
        *(JobFilter(has_result=answer) for answer in (False, True)),
        *(JobFilter(has_errors=answer) for answer in (False, True)),
        *(JobFilter(longer_than=seconds) for seconds in (59, 60)),
        *(JobFilter(created=dates) for dates in edges),
        *(JobFilter(finished=dates) for dates in edges),
    ]

    @examples(4)
    @given(worlds())
    def agree(world: list[Job]) -> None:
        fill(store, world)
        database = store.database(timezone=ZONE)
        now = datetime.now(UTC)
        with database.reading() as connection:
            for job_filter in wanted:
                meets = matching(job_filter, database, now)
                found = connection.execute(select(tables.job.c.id).where(*meets)).scalars()
                expected = [job.id for job in world if lets_through(job_filter, job, now)]
                assert sorted(found) == expected, job_filter

    agree()
