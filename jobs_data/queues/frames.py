"""Records as pandas frames: a column for each field, with the dtype of the field's type."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, get_type_hints

import pandas as pd

_DTYPES: Final = {
    str | None: "str",
    int: "int64",
    int | None: "Int64",
    float | None: "Float64",
    datetime | None: "datetime64[us, UTC]",
}


def dtypes_of(record_type: type) -> dict[str, str]:
    """Return the columns of a record's frame and their dtypes."""
    return {name: _dtype(hint) for name, hint in get_type_hints(record_type).items()}


def frame(record_type: type, records: Iterable[object]) -> pd.DataFrame:
    """Return records of a type as a frame, which has its columns and dtypes without a record too."""
    rows = list(records)
    return pd.DataFrame(
        {
            name: pd.Series([getattr(row, name) for row in rows], dtype=dtype)
            for name, dtype in dtypes_of(record_type).items()
        }
    )


def _dtype(hint: Any) -> str:
    return "str" if isinstance(hint, type) and issubclass(hint, str) else _DTYPES[hint]
