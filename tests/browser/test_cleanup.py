"""Tidying in a real browser: from the list to rules, a preview, the removal, and back again."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.support.app_servers import AppServers
from tests.support.databases import on_mariadb
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong, query, tab_to
from tests.support.store import Store


@on_mariadb
def test_rules_preview_removal_and_undo_by_keyboard(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """What the preview names goes and nothing else, and comes back when it is undone."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    for number in range(12):
        ended = now - timedelta(days=10 * number + 5)
        store.job(f"<b>job</b> {number % 2}", 184, ended, completed_at=ended)
    failed = store.job("failed", 185, completed_at=now - timedelta(days=300))
    before = store.ids()
    address = app_server(HERATIO_JOBS_DATABASE_URL=store.url)
    screen = new_page(width=390, height=844)
    page = screen.page
    screen.open(f"{address}?status=active&q=job")
    tab_to(page, page.get_by_role("button", name="Tidy…"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tidy", exact=True)).to_be_visible()
    way_back = {"list": "status=active&q=job"}
    assert query(page) == {"q": "job", "finished": "over-30d", "keep_last": "5"} | way_back

    tab_to(page, page.get_by_label("Finished more than … days ago"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("20")
    tab_to(page, page.get_by_label("Keep the last … of each name"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("3")
    tab_to(page, page.get_by_role("button", name="Preview"))
    page.keyboard.press("Enter")
    expect(
        page.get_by_role("heading", name="6 jobs would go: 6 completed and 0 failed.")
    ).to_be_visible()
    expect(page).to_have_url(re.compile("finished=over-20d&keep_last=3"))
    expect(page.get_by_text("4 jobs that the other rules let go stay")).to_be_visible()
    assert store.ids() == before

    page.reload()
    expect(page.get_by_label("Keep the last … of each name")).to_have_value("3")
    expect(page.get_by_role("button", name="Remove 6 jobs")).to_have_count(0)
    page.get_by_role("button", name="Preview").click()
    tab_to(page, page.get_by_role("button", name="Remove 6 jobs"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("6 finished jobs removed.")).to_be_visible()
    assert store.ids() == [*before[:6], failed]

    tab_to(page, page.get_by_role("button", name="Undo…"))
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    tab_to(page, dialog.get_by_role("button", name="Undo", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_text("6 jobs restored")).to_be_visible()
    assert store.ids() == before
    assert_nothing_went_wrong(screen)
