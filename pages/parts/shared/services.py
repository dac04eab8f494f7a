"""The services behind the pages, the same for all sessions of this process."""

from __future__ import annotations

from functools import cache

from jobs_data.accounts.account_services import get_account_services
from jobs_data.services import Services, build_services


@cache
def get_services() -> Services:
    """Return this process's services, which the first call builds: that of `app.py` before any page."""
    return build_services(get_account_services())
