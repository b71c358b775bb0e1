"""The columns that the program adds to those of a user: by table their names and types, and how the two stay apart.

Types are those of Polars by their names, so that whoever words an error need not load it.

A user's column has the name that it has in the files, unless the program has a column of this name, or could make one:
then `column_name` puts NAMESPACE before it, and `user_name` takes it away again. Sources use the first where they read
a header, whatever a user sees or writes uses the second; in between no two columns can meet. `as_users_write` does so
for a whole text.
"""

from __future__ import annotations

import re

NAMESPACE = "user::"
"""Before a user's name that could be one of the program's own; no column of the program begins so."""
INTERVAL = re.compile(r"(lo|hi)-\d+")
"""The bounds of an interval: lo-80, hi-80, ..."""
MADE_ON_THE_WAY = re.compile(
    r"_.*|group at .*|cal_.*|event_.+_(today|(\w+_)?(day|next|last|code|before|after|share|again|lag))|\^.*|\*", re.S
)
"""Columns that live for a few lines begin with an underscore, those of the calendar and of events are looked up by day;
^...$ and * mean several columns to Polars."""

KEYS = {"unique_id": "String", "ds": "Date", "y": "Float64"}
TAGS = {"file": "String", "line": "Int64", "fault": "String", "fault_value": "String"}
"""The origin of a raw row and what is wrong with it; they are dropped once the contracts are checked."""
PANEL = {"unique_id": "String", "ds": "Date", "bucket": "Int32", "y": "Float64", "y_raw": "Float64"} | {
    "flag": "String"
}
PLANNED = "planned"
"""The column of folders in which rows of coming periods lie apart from those of the past; readers never see it."""
QUALITY_COUNTS = ("gaps", "longest_zeros", "jumps", "outliers", "far_out", "negatives", "fractions")
"""What is counted of each series, between its first and its last observed day."""
OBSERVED = {"start": "Date", "first": "Date", "last": "Date", "n": "Int64", "mean": "Float64"}
OBSERVED |= {"highest": "Float64", "first_row": "Date", "last_row": "Date", "rows": "Int64", "longest_gap": "Int64"}
SHAPE = dict.fromkeys(("zeros", "cv", "trend"), "Float64") | {"demand_class": "String"}
SERIES = OBSERVED | SHAPE | dict.fromkeys(QUALITY_COUNTS, "Int64")
"""What the table `series` holds of a series besides its id, its bucket and its static columns."""
VERDICTS = ("periods", "life", "verdict", "volume", "xyz", "lifecycle")
"""What an export of the table `series` adds to it."""
FEATURE_ROWS = {"build": "String", "event_time": "Date", "lead": "Int32", "level": "Float64"}
FORECASTS = {
    "cutoff": "Date",
    "model": "String",
    "grain": "String",
    "yhat": "Float64",
    "q50": "Float64",
    "step": "Int32",
    "block": "Int32",
    "interval": "String",
    "source": "String",
    "cold_start": "Boolean",
    "version": "Int64",
    "closed": "Boolean",
    "scale": "Float64",
    "yhat_min": "Float64",
}
BACKTESTS = dict.fromkeys(("mase_scale", "rmsse_scale"), "Float64") | {"recipe": "String", "reported": "Boolean"}
"""What a backtest knows of a forecast row besides."""
LABELS = ("group", "total", "series")
"""Columns of sums of series, and grains that are no columns."""

RESERVED = frozenset(
    (*KEYS, *TAGS, *PANEL, PLANNED, *SERIES, *VERDICTS, *FEATURE_ROWS, *FORECASTS, *BACKTESTS, *LABELS)
)
"""The names of the program's columns in tables and frames that hold columns of a user, too."""


def column_name(name: str) -> str:
    """The name inside the program of a column that a user calls `name`; it stays when it is one already.

    >>> column_name("size"), column_name("version"), column_name("_id"), column_name("lo-80")
    ('size', 'user::version', 'user::_id', 'user::lo-80')
    """
    plain = name.lower()  # Delta tables do not tell upper from lower case
    taken = plain in RESERVED or INTERVAL.fullmatch(plain) or MADE_ON_THE_WAY.fullmatch(plain)
    return NAMESPACE + name if taken else name


def user_name(column: str) -> str:
    """The name that a user knows of a column of the program, as `column_name` made it.

    >>> user_name("user::version"), user_name("size")
    ('version', 'size')
    """
    return column.removeprefix(NAMESPACE)


def as_users_write(text: str) -> str:
    """A text with the names that a user knows in the place of those inside the program."""
    return text.replace(NAMESPACE, "")
