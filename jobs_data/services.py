"""The parts of one process of the app, built once and passed down."""

from __future__ import annotations

import time
from dataclasses import dataclass

from jobs_data.accounts.accounts import Groups
from jobs_data.accounts.introductions import Introductions
from jobs_data.accounts.rights import Rights
from jobs_data.accounts.sign_in import SignIns
from jobs_data.background import StopSwitch
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.liveness import SharedLiveness
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.result_files import ResultRoots, read_result_roots
from jobs_data.jobs.searching import Searches
from jobs_data.jobs.selections import Selections
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.notices import Notices
from jobs_data.platform.database import Database, database_for
from jobs_data.removal.removal import Removals
from jobs_data.removal.restore import Restores
from jobs_data.settings import Settings
from jobs_data.store.database import Store, store_for


@dataclass(frozen=True)
class Services:
    """The parts of one installation. `app.py` and the command line build one; tests build their own."""

    settings: Settings
    database: Database
    store: Store
    removals: Removals
    restores: Restores
    switch: StopSwitch
    """Stops deletions and restores between two batches."""
    result_roots: ResultRoots | None
    """The folders of result files; None if not set."""
    notices: Notices
    introductions: Introductions
    selections: Selections
    sign_ins: SignIns
    rights: Rights
    order: CreationOrder
    outcomes: Outcomes
    searches: Searches
    shared_list: SharedList
    liveness: SharedLiveness

    def wait_for_changes(self, seconds: float) -> None:
        """Wait until no deletion or restore of this process is running, for at most `seconds`."""
        end = time.monotonic() + seconds
        for work in (self.removals.current, self.restores.running()):
            if work:
                work.wait(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """Close every connection; further use opens new ones."""
        self.shared_list.close()
        self.searches.close()
        self.outcomes.close()
        self.order.close()
        self.database.close()
        self.store.close()


def build_services(settings: Settings) -> Services:
    """Return the services that the settings describe; nothing is connected yet."""
    database, store = database_for(settings), store_for(settings)
    order, switch = CreationOrder(database), StopSwitch()
    outcomes, searches = Outcomes(database, store, switch), Searches(database, order)
    database.job_sets[WITH_ERRORS] = outcomes.with_errors
    shared_list = SharedList(database, order, settings.list_seconds, outcomes, searches)
    return Services(
        settings,
        database,
        store,
        Removals(database, store, switch),
        Restores(database, store, order, switch),
        switch,
        read_result_roots(settings.web_root, settings.results_folders),
        Notices(settings.secret_key.get_secret_value()),
        Introductions(),
        Selections(),
        SignIns(database, store),
        Rights(database, store, Groups(settings.admin_group_ids, settings.reader_group_ids)),
        order,
        outcomes,
        searches,
        shared_list,
        SharedLiveness(database, shared_list.counted),
    )
