"""ACTION_TABLES, the table `actions` of what people write: saved scenarios and later kinds of entries.

A TableEntry [id, kind, subject, version, operation, author, time, reason, payload]; no rows are read or written here.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.schemas.entry import TableEntry, fixed
from forecasting.data.schemas.load_tables import TIMESTAMP

ACTION_TABLES = (
    TableEntry(
        "actions",
        "Entries written by people, such as saved scenarios; rows are only added, the highest `version` of a `subject` "
        "holds, `payload` is JSON",
        "kind subject version",
        fixed(
            {"id": pl.String, "kind": pl.String, "subject": pl.String, "version": pl.Int64, "operation": pl.String}
            | {"author": pl.String, "time": TIMESTAMP, "reason": pl.String, "payload": pl.String}
        ),
    ),
)
