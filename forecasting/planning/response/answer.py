"""The response to a plan: `response_factors` takes planned and edited coming rows and the table `levers`.

It returns [unique_id, ds, factor, error]: by what sales change with the edited levers, and the standard error of its
log. Within the range that a lever has had it follows the estimate; beyond it stays as at the edge, for nothing is known
there. `warn_of_response` says in sentences where the answer rests on little.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from forecasting.columns import user_name
from forecasting.data.panel import KEY
from forecasting.planning.response.levers import FLAG, PRICE, TEXT, Lever

NAMED_SERIES = 3
"""Series that a warning names."""


def levers_in(table: pl.DataFrame) -> tuple[Lever, ...]:
    """The levers of a table of series, in the order of their names."""
    known = table.filter(pl.col("grain") == "series").select("lever", "column", "kind", "text").unique().sort("lever")
    return tuple(Lever(column, kind, text) for _, column, kind, text in known.iter_rows())


def response_factors(planned: pl.DataFrame, edited: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, factor, error] of every row of `planned`; both hold the same rows, with the columns of levers.

    Where the plan does not know a lever, the value that it last had stands in. A lever without an estimate has factor 1.
    """
    log, variance = pl.lit(0.0), pl.lit(0.0)
    rows = planned.select(*KEY)
    for i, lever in enumerate(levers_in(table)):
        if lever.column not in planned.columns:
            continue
        moved = _moves(planned, edited, lever, table).select(*KEY, **{f"_log{i}": "log", f"_var{i}": "variance"})
        rows = rows.join(moved, on=KEY, how="left", maintain_order="left")
        log, variance = log + pl.col(f"_log{i}"), variance + pl.col(f"_var{i}")
    return rows.select(*KEY, factor=log.exp(), error=variance.sqrt())


def _moves(planned: pl.DataFrame, edited: pl.DataFrame, lever: Lever, table: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, before, after, log, variance]: the values of a lever, and what its move does to the log of sales.

    The columns of the lever's row of the table follow.
    """
    of = table.filter((pl.col("grain") == "series") & (pl.col("lever") == lever.name))
    both = planned.select(*KEY, before=lever.value).join(edited.select(*KEY, after=lever.value), on=KEY)
    rows = both.join(of, on="unique_id", how="left", maintain_order="left")
    before, after = pl.coalesce("before", "last"), pl.coalesce("after", "before", "last")
    seen = [lever.as_seen(value.clip("reach_low", "reach_high")) for value in (before, after)]
    same = pl.col("before").eq_missing(pl.col("after"))
    move = pl.when(same).then(0.0).otherwise(seen[1] - seen[0]).fill_null(0.0)
    return rows.with_columns(
        log=(move * pl.col("estimate")).fill_null(0.0), variance=(move * pl.col("std_error")).fill_null(0.0) ** 2
    )


def warn_of_response(planned: pl.DataFrame, edited: pl.DataFrame, table: pl.DataFrame) -> list[str]:
    """Sentences, at most one per lever and doubt, that name the first series they hold for."""
    found: list[str] = []
    for lever in levers_in(table):
        if lever.column not in planned.columns:
            continue
        rows = _moves(planned, edited, lever, table)
        moved = rows.filter(~pl.col("before").eq_missing(pl.col("after")) & pl.col("after").is_not_null())
        if moved.height:
            found += _doubts(lever, moved)
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
        yield f"{name}: outside the range that was seen of {_series(outside, spans=True)}."
    beyond = moved.filter((pl.col("after") < pl.col("reach_low")) | (pl.col("after") > pl.col("reach_high")))
    if beyond.height and not flagged:
        yield f"{name}: beyond what any similar series has had for {_series(beyond)}; the effect is that of the edge."
    known = moved.filter(pl.col("estimate").is_not_null())
    wrong = known.filter(pl.col("estimate") > 0 if lever.kind == PRICE else pl.col("estimate") < 0)
    if wrong.height and lever.kind != "number":
        kind = "sales rose with the price" if lever.kind == PRICE else "sales fell with it"
        yield f"{name}: {kind} in the past of {_series(wrong)}, an unusual association: look at what else happened then."
    unclear = known.filter((pl.col("lo") <= 0) & (pl.col("hi") >= 0))
    if unclear.height:
        yield f"{name}: the 90 % interval of the effect contains 0 for {_series(unclear)}: the data cannot tell its sign."


def _series(rows: pl.DataFrame, *, spans: bool = False) -> str:
    """The first series of rows, how many more there are, and with `spans` the range that each has had."""
    series = rows.unique("unique_id").sort("unique_id")
    first = series.head(NAMED_SERIES)
    names = [
        f"{row['unique_id']} ({row['low']:g} to {row['high']:g})" if spans else str(row["unique_id"])
        for row in first.iter_rows(named=True)
    ]
    more = series.height - first.height
    return ", ".join(names) + (f" and {more:,} more" if more else "")
