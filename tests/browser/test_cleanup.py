"""Clean up in a real browser: from the list to rules, a preview, the deletion, and back again."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import expect

from tests.support.app_servers import AppServers
from tests.support.databases import on_mariadb
from tests.support.screen import Windows
from tests.support.steps import assert_nothing_went_wrong, query, tab_to
from tests.support.store import Store


@on_mariadb
def test_rules_preview_deletion_and_undo_by_keyboard(
    store: Store, app_server: AppServers, new_page: Windows
) -> None:
    """What the preview names is deleted and nothing else, and one press restores it."""
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
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Clean up…").click()
    expect(page.get_by_role("heading", name="Clean up", exact=True)).to_be_visible()
    assert query(page)["list"] == "status=active&q=job"

    tab_to(page, page.get_by_label("Older than, in days"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("20")
    tab_to(page, page.get_by_label("Keep the newest of each name"))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    delete = page.get_by_role("button", name="Delete 6 jobs")
    expect(delete).to_be_in_viewport()
    expect(page).to_have_url(re.compile("finished=over-20d.*keep_last=3|keep_last=3.*over-20d"))
    expect(page.get_by_text("4 jobs kept: among the newest 3")).to_be_visible()
    assert store.ids() == before

    page.reload()
    expect(page.get_by_label("Keep the newest of each name")).to_have_value("3")
    expect(delete).to_be_in_viewport()
    tab_to(page, delete)
    page.keyboard.press("Enter")
    expect(page.get_by_text("6 jobs deleted.")).to_be_visible()
    assert store.ids() == [*before[:6], failed]

    tab_to(page, page.get_by_role("button", name="Undo"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("6 jobs restored")).to_be_visible()
    assert store.ids() == before
    expect(delete).to_be_in_viewport()
    assert_nothing_went_wrong(screen)
