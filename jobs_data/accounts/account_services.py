"""The parts of one process that say who is signed in: all that is needed before a page is drawn."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache, partial
from typing import TextIO

from jobs_data.accounts.accounts import Groups
from jobs_data.accounts.introductions import Introductions
from jobs_data.accounts.rights import Rights
from jobs_data.accounts.sign_in import SignIns
from jobs_data.accounts.tokens import Tokens
from jobs_data.audit import Audit
from jobs_data.background import StopSwitch
from jobs_data.platform.database import Database, database_for
from jobs_data.settings import Settings, get_settings
from jobs_data.store.audit_entries import keep
from jobs_data.store.database import Store, store_for


@dataclass(frozen=True)
class AccountServices:
    """The databases of one installation and its accounts, which `Services` completes.

    They load neither pandas nor NumPy, so that a process that starts answers soon.
    """

    settings: Settings
    database: Database
    store: Store
    switch: StopSwitch
    """Stops deletions and restores between two batches."""
    audit: Audit
    introductions: Introductions
    sign_ins: SignIns
    rights: Rights
    tokens: Tokens


def build_account_services(settings: Settings, output: TextIO | None = None) -> AccountServices:
    """Return the account services that the settings describe; nothing is connected yet.

    The audit log goes to `output` if the settings name no file for it.
    """
    database, store = database_for(settings), store_for(settings)
    return AccountServices(
        settings,
        database,
        store,
        StopSwitch(),
        Audit(settings.audit_log, output, partial(keep, store)),
        Introductions(),
        SignIns(database, store),
        Rights(database, store, Groups(settings.admin_group_ids, settings.reader_group_ids)),
        Tokens(database, store),
    )


@cache
def get_account_services() -> AccountServices:
    """Return this process's account services, which the first call builds. Raises SettingsError."""
    return build_account_services(get_settings(), sys.stdout)
