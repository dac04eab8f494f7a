"""Records as pandas frames: a column for each field, with the dtype of the field's type."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, get_type_hints

import pandas as pd

_DTYPES: Final[dict[Any, str]] = {
    int: "int64",
    int | None: "Int64",
    float | None: "Float64",
    datetime | None: "datetime64[us, UTC]",
}
"""Every other type is a text."""


def dtypes_of(record_type: type) -> dict[str, str]:
    """Return the columns of a record's frame and their dtypes."""
    return {name: _DTYPES.get(hint, "str") for name, hint in get_type_hints(record_type).items()}


def frame(record_type: type, records: Iterable[object]) -> pd.DataFrame:
    """Return records of a type as a frame, which has its columns and dtypes without a record too."""
    dtypes = dtypes_of(record_type)
    return pd.DataFrame([vars(record) for record in records], columns=list(dtypes)).astype(dtypes)
