"""Where the answer to a scenario rests on little: `warn_of_response` takes planned and edited rows and the table
`levers`, and returns sentences, which name the first series that they hold for. It stops nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from forecasting.columns import user_name
from forecasting.planning.response.answer import levers_in, moves_of_lever
from forecasting.planning.response.levers import FLAG, NUMBER, PRICE, TEXT, Lever, follows_demand

NAMED_SERIES = 3
"""Series that a sentence names."""


def warn_of_response(planned: pl.DataFrame, edited: pl.DataFrame, table: pl.DataFrame) -> list[str]:
    """Sentences, at most one per lever and doubt, that name the first series they hold for.

    >>> row = {"grain": "series", "lever": "promo", "column": "promo", "kind": "flag", "text": None, "unique_id": "S1"}
    >>> seen = {"changes": 0, "low": 0.0, "high": 0.0, "reach_low": 0.0, "reach_high": 1.0, "last": 0.0}
    >>> table = pl.DataFrame([row | seen | {"estimate": 0.4, "std_error": 0.1, "lo": 0.2, "hi": 0.6}])
    >>> planned = pl.DataFrame({"unique_id": ["S1"], "ds": [1], "promo": [0.0]})
    >>> warn_of_response(planned, planned.with_columns(promo=1.0), table)
    ['promo has never changed for S1: the answer is that of similar series.']
    """
    found: list[str] = []
    for lever in levers_in(table):
        if lever.column not in planned.columns:
            continue
        rows = moves_of_lever(planned, edited, lever, table)
        moved = rows.filter(~pl.col("before").eq_missing(pl.col("after")) & pl.col("after").is_not_null())
        if moved.height:
            found += _doubts(lever, moved)
            found += _timing(lever, moved, table)
    return found


def _doubts(lever: Lever, moved: pl.DataFrame) -> Iterable[str]:
    """The doubts about a lever in rows that move it."""
    name, flagged = user_name(lever.name), lever.kind in (FLAG, TEXT)
    never = moved.filter(pl.col("changes").fill_null(0) == 0)
    if never.height:
        yield f"{name} has never changed for {_series(never)}: the answer is that of similar series."
    unknown = moved.filter(pl.col("estimate").is_null())
    if unknown.height:
        yield f"{name}: the data cannot tell what a change does for {_series(unknown)}; no effect is assumed."
    outside = moved.filter((pl.col("after") < pl.col("low")) | (pl.col("after") > pl.col("high")))
    outside = outside.filter(pl.col("changes") > 0)
    if outside.height and not flagged:
        yield f"{name}: outside the range that was seen of {_series_with_ranges(outside)}."
    beyond = moved.filter((pl.col("after") < pl.col("reach_low")) | (pl.col("after") > pl.col("reach_high")))
    if beyond.height and not flagged:
        yield f"{name}: beyond what any similar series has had for {_series(beyond)}: the effect is followed ever less."
    known = moved.filter(pl.col("estimate").is_not_null())
    wrong = known.filter(pl.col("estimate") > 0 if lever.kind == PRICE else pl.col("estimate") < 0)
    if wrong.height and lever.kind != NUMBER:
        kind = "sales rose with the price" if lever.kind == PRICE else "sales fell with it"
        yield f"{name}: {kind} in the past of {_series(wrong)}, which is unusual: look at what else happened."
    unclear = known.filter((pl.col("lo") <= 0) & (pl.col("hi") >= 0))
    if unclear.height:
        yield f"{name}: the 90 % interval of the effect contains 0 for {_series(unclear)}: its sign is not known."


def _timing(lever: Lever, moved: pl.DataFrame, table: pl.DataFrame) -> Iterable[str]:
    """The doubt about a lever that followed demand in the past, of the moved series or on the whole."""
    if "timing" not in table.columns:  # of a training before timing was judged
        return
    total = table.filter(pl.col("grain") == "total", pl.col("lever") == lever.name).filter(follows_demand())
    timed = moved if total.height else moved.filter(follows_demand())
    if timed.height:
        after = "was moved after weak or strong demand, whose effect is hard to tell from its own"
        yield f"{user_name(lever.name)} {after}: {_series(timed)}."


def _series(moved: pl.DataFrame) -> str:
    """The first series of rows, and how many more there are."""
    return _listed(moved, pl.col("unique_id"))


def _series_with_ranges(moved: pl.DataFrame) -> str:
    """The first series of rows, with the range that each has had, and how many more there are."""
    ends = (pl.col(c).round_sig_figs(4).cast(pl.String).str.strip_suffix(".0") for c in ("low", "high"))
    return _listed(moved, pl.format("{} ({} to {})", "unique_id", *ends))


def _listed(moved: pl.DataFrame, name: pl.Expr) -> str:
    names = moved.unique("unique_id").sort("unique_id").select(name).to_series()
    more = f" and {len(names) - NAMED_SERIES:,} more" if len(names) > NAMED_SERIES else ""
    return ", ".join(names[:NAMED_SERIES]) + more
