"""LEVER_TABLE, the table `levers`: how sales of each series respond to price, promotion and other levers.

Columns and keys only: no rows are read or written here. `planning/response` estimates the rows.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.schemas.entry import Export, TableEntry, fixed

LEVERS: dict[str, type[pl.DataType]] = {
    **dict.fromkeys(("grain", "unique_id", "lever", "column", "kind", "text"), pl.String),
    **dict.fromkeys(("estimate", "std_error", "lo", "hi", "own_estimate", "own_error"), pl.Float64),
    **dict.fromkeys(("timing", "timing_error"), pl.Float64),
    **dict.fromkeys(("changes", "periods"), pl.Int64),
    **dict.fromkeys(("low", "high", "reach_low", "reach_high", "last"), pl.Float64),
    "window": pl.Int64,
    "market": pl.String,
    "peers": pl.Int64,
}
"""What a row holds besides version and cutoff.

`grain` is series, total or a static column; `lever` the column, with "=text" for one of its texts; `kind` price, flag,
number or text; or, where the data support them, after (the periods after a promotion, `window` of them) or peers (the
mean promotion of the other series of its `market`, `peers` of them, so the effect is that of all in promotion).
`estimate` is the effect on the log of sales: of the log of a price (an elasticity), of a flag that is
up (the log of the uplift) or of one unit of a number; lo and hi are its 90 % interval, `own_estimate` and `own_error`
what the series, or all that share its levers, gave before pooling. `timing` is the correlation of the lever's moves
with the demand that sales before them foretold, pooled like the effects, with its standard error: a price that is cut
when demand is weak has one above 0, a promotion at such times one below. Of series only: `changes` from one observed
period to the next among `periods`, the range `low` to `high` that was seen, the range in which the effect is followed
(`reach_low` to `reach_high`), and the `last` value. Null where the data cannot tell.
"""

LEVER_TABLE = TableEntry(
    "levers",
    "How sales respond to price, promotion and other levers, by version: effect, interval, range seen; see "
    "`forecasting/data/schemas/lever_table.py`",
    "version grain unique_id lever",
    fixed({"version": pl.Int64, "cutoff": pl.Date} | LEVERS),
    export=Export(("version", "lever", "grain", "unique_id"), row="one row per version, lever and series or group"),
)
