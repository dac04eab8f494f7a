"""Reads a page of the list with its counts and all hits of a search, and a job's report."""

from contextlib import closing
from dataclasses import replace

from jobs_data.jobs.counts import read_counts
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.job_report import JobReport, read_report
from jobs_data.jobs.list_page import JobsList, Snapshot
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.searching import FEW_JOBS, Searches, SearchResult
from jobs_data.jobs.view import JobFilter, ListView
from jobs_data.platform.database import Database

LONG = 60
"""In seconds: what takes so long has hung."""


def ended(searches: Searches, job_filter: JobFilter) -> SearchResult:
    """Return the result of a search that has ended."""
    result = searches.latest(job_filter, FEW_JOBS, LONG)
    while not result.is_done:
        result = searches.latest(job_filter, FEW_JOBS, LONG)
    return result


def read_list(
    database: Database,
    view: ListView,
    order: CreationOrder | None = None,
    outcomes: Outcomes | None = None,
) -> JobsList:
    """Return the page that a view asks for, or the last one if that is past the end.

    `order` is what is known of the order by date; without it the database sorts.
    """
    order, found = order or CreationOrder(database), None
    if view.filter.is_search:
        with closing(Searches(database, order)) as searches:
            found = ended(searches, view.filter)
    with database.reading() as connection:
        snapshot = Snapshot(database, connection, order, outcomes)
        overview = snapshot.overview(read_counts(connection))
        if found:
            overview = replace(overview, found=found, with_errors=0)
        return snapshot.page(overview.last_page_of(view), overview, found)


def report_of(database: Database, job_id: int) -> JobReport:
    """Return the report of a job that exists."""
    report = read_report(database, job_id)
    assert report
    return report
