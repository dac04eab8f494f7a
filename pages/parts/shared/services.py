"""The services behind the pages, the same for all sessions of this process."""

from __future__ import annotations

from functools import cache

from jobs_data.services import Services, build_services
from jobs_data.settings import get_settings


@cache
def get_services() -> Services:
    """Return this process's services, which the first call builds: that of `app.py` at its start."""
    return build_services(get_settings())
