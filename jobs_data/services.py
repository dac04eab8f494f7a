"""The parts of one process of the app, built once and passed down."""

from __future__ import annotations

import time
from dataclasses import dataclass

from jobs_data.accounts.account_services import AccountServices
from jobs_data.jobs.creation_order import CreationOrder
from jobs_data.jobs.liveness import SharedLiveness
from jobs_data.jobs.outcomes import Outcomes
from jobs_data.jobs.result_files import ResultRoots, read_result_roots
from jobs_data.jobs.searching import Searches
from jobs_data.jobs.selections import Selections
from jobs_data.jobs.shared_list import SharedList
from jobs_data.jobs.where import WITH_ERRORS
from jobs_data.notices import Notices
from jobs_data.removal.removal import Removals
from jobs_data.removal.restore import Restores


@dataclass(frozen=True)
class Services(AccountServices):
    """The parts of one installation. `app.py` and the command line build one; tests build their own."""

    removals: Removals
    restores: Restores
    result_roots: ResultRoots | None
    """The folders of result files; None if not set."""
    notices: Notices
    selections: Selections
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
        """Write what waits for the audit log; close every connection. Further use opens new ones."""
        self.audit.close()
        self.shared_list.close()
        self.searches.close()
        self.outcomes.close()
        self.order.close()
        self.database.close()
        self.store.close()


def build_services(accounts: AccountServices) -> Services:
    """Return the services around these account services; nothing is connected yet."""
    accounts.audit.load()
    settings, database, store = accounts.settings, accounts.database, accounts.store
    order, switch = CreationOrder(database), accounts.switch
    outcomes, searches = Outcomes(database, store, switch), Searches(database, order)
    database.job_sets[WITH_ERRORS] = outcomes.with_errors
    shared_list = SharedList(database, order, settings.list_seconds, outcomes, searches)
    return Services(
        **vars(accounts),
        removals=Removals(database, store, switch, accounts.audit),
        restores=Restores(database, store, order, switch, accounts.audit),
        result_roots=read_result_roots(settings.web_root, settings.results_folders),
        notices=Notices(settings.secret_key.get_secret_value()),
        selections=Selections(),
        order=order,
        outcomes=outcomes,
        searches=searches,
        shared_list=shared_list,
        liveness=SharedLiveness(database, shared_list.counted),
    )
