"""A demo database: the platform's tables with believable jobs, and a simulator to keep it alive."""

from __future__ import annotations

from jobs_data.demo.database import DatabaseNotEmpty, create
from jobs_data.demo.embedded import create_embedded
from jobs_data.demo.simulator import Simulator
from jobs_data.demo.surroundings import DEMO_ADMINISTRATOR, DEMO_PASSWORD, DEMO_READER

__all__ = [
    "DEMO_ADMINISTRATOR",
    "DEMO_PASSWORD",
    "DEMO_READER",
    "DatabaseNotEmpty",
    "Simulator",
    "create",
    "create_embedded",
]
