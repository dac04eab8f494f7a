"""How jobs really ended and whether they are alive, in one look at the list, in a real browser."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.support.app_servers import AppServers
from tests.support.databases import on_mariadb
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong, expect_jobs, open_row, query, row
from tests.support.store import Store


@on_mariadb
def test_a_silent_job_and_errors_show_in_one_look(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """Without a press they stand on their rows; one press by keyboard lists them, another lists all."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    for run in range(8):
        begin = now - timedelta(days=1, minutes=run)
        store.job(f"export {run}", 184, begin, completed_at=begin + timedelta(seconds=60))
        store.job("move", 184, begin, completed_at=begin + timedelta(seconds=60 + run))
    wrote = now - timedelta(hours=5)
    line = f'[info] [{wrote:%Y-%m-%d %H:%M:%S}] Job 1 "move": moving 12 records\n'
    store.job("move", 183, wrote - timedelta(minutes=1), output=line)
    end = "ERROR: Row 12: no title\nImport finished with 1 error(s). 120 record(s) imported.\n"
    store.job("import", 184, now - timedelta(minutes=9), completed_at=now, output=end)
    screen = new_page(width=1440, height=900)
    page = screen.page
    screen.open(app_server(HERATIO_JOBS_DATABASE_URL=store.url))

    expect(row(page, "import")).to_contain_text("Completed · 1 error")
    expect(row(page, "import")).to_contain_text("120 records imported")
    silent = row(page, "move").filter(has_text="Silent")
    expect(silent).to_contain_text("last wrote 5 h")
    expect(silent).to_contain_text("usually 1 min")
    expect(silent).to_be_in_viewport(ratio=1)
    quick = page.get_by_role("radiogroup", name="Quick filters")
    quick.get_by_role("radio", name="With errors 1").press("Enter")
    expect_jobs(page, ["import"])
    assert query(page) == {"status": "completed", "errors": "with"}
    quick.get_by_role("radio", name="Silent 1").press("Enter")
    expect_jobs(page, ["move"])
    assert query(page) == {"status": "active", "alive": "silent"}
    quick.get_by_role("radio", name="Silent 1").press("Enter")
    expect(page.get_by_text("18 jobs", exact=True)).to_be_visible()
    assert query(page) == {}
    the_failed_rows_of_an_import_are_two_presses_away(page)
    assert_nothing_went_wrong(screen)


def the_failed_rows_of_an_import_are_two_presses_away(page: Page) -> None:
    """From the list: the job, which lists them, then the line of one."""
    open_row(page, "import")
    expect(row(page, "no title", "Errors of rows")).to_contain_text("12")
    open_row(page, "no title", "Errors of rows")
    expect(page).to_have_url(re.compile("line=1"))
