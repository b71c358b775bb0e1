"""The future rows of a cut: which series get them, and the values of known-ahead columns in them.

`history_and_future` takes rows of the panel up to the end of the horizon and returns the rows of the cut: the history,
cleaned as of the cutoff, and one row per living series and coming period (announced series: per planned period) with y
null, which `future_rows` makes, with edits applied. Nothing is forecast.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning
from forecasting.data.edits import Edit
from forecasting.data.panel import KEY
from forecasting.sorted_rows import sort_rows

LAST = "last"
"""The rule that repeats the newest value."""
ALIVE_YEARS = 3
"""A series without an observed sale for this many years has ended and is no longer forecast."""


def history_and_future(
    rows: pl.DataFrame, config: Config, cutoff: date, h: int, edits: Iterable[Edit] = ()
) -> pl.DataFrame:
    """The rows of the panel up to the cutoff, cleaned as of that day, and the `future_rows` with the edits applied, all
    sorted by unique_id and ds.

    `rows` are those up to the end of the horizon.
    """
    past = sort_rows(rows.filter(pl.col("ds") <= cutoff), KEY)  # plans lie in files of their own
    history = cleaning.clean_as_of_cutoff(past, config)
    future = future_rows(history, rows, config, cutoff, h).select(history.columns).sort(KEY)
    frame = sort_rows(pl.concat([history, future]), KEY)
    for edit in edits:
        edited = pl.when(pl.col("ds") > cutoff).then(edit.expr(frame.schema[edit.column])).otherwise(edit.column)
        frame = frame.with_columns(edited.alias(edit.column))
    return frame


def future_rows(history: pl.DataFrame, ahead: pl.DataFrame, config: Config, cutoff: date, h: int) -> pl.DataFrame:
    """The rows of the `h` periods after `cutoff`, with the columns of `history`.

    Series observed in the last ALIVE_YEARS get a row per period, announced ones (planned and never sold) a row per
    planned period. `ahead` holds the panel's rows up to the end of the horizon; known-ahead columns are taken from it,
    and where it has none from the rules of config.future. Static columns repeat the newest value; all others are null.
    """
    known_ahead = [c for c in config.columns.known_ahead if c in ahead.columns]
    statics = [c for c in config.static_columns if c in ahead.columns]
    since = config.frequency.shift(cutoff, -ALIVE_YEARS * config.frequency.year)
    recent = history.lazy().filter(pl.col("ds") > since).group_by("unique_id")
    observed = recent.agg(pl.col("y").count().alias("_n"), *(pl.col(c).drop_nulls().last() for c in statics)).collect()
    steps = pl.DataFrame({"_step": range(1, h + 1)}, schema={"_step": pl.Int32})
    ds = config.frequency.offset(pl.lit(cutoff), pl.col("_step"))
    grid = observed.filter(pl.col("_n") > 0).join(steps, how="cross").select("unique_id", *statics, ds=ds)
    grid = pl.concat([grid, _announced_rows(ahead, cutoff, statics).select(grid.columns)])
    future = grid.join(ahead.filter(pl.col("ds") > cutoff).select(*KEY, *known_ahead), on=KEY, how="left")
    missing = [c for c in history.columns if c not in future.columns]
    schema = history.schema
    future = future.with_columns(pl.lit(None, schema[c]).alias(c) for c in missing)
    return _apply_future_rules(history, future.select(history.columns), config, cutoff, h)


def _announced_rows(ahead: pl.DataFrame, cutoff: date, statics: list[str]) -> pl.DataFrame:
    """[unique_id, ds, static columns] of the periods for which a series is planned of which nothing was observed yet.

    A series that sold since the cutoff was not announced at it: only plans ahead of all sales count.
    """
    unobserved = (pl.col("ds") <= cutoff) & pl.col("y").is_null()
    sold = ahead.lazy().filter(~(unobserved | (pl.col("flag") == "ahead"))).select("unique_id").unique()
    coming = ahead.lazy().filter(pl.col("ds") > cutoff).select("unique_id", "ds", *statics)
    return coming.join(sold, on="unique_id", how="anti", maintain_order="left").collect()


def _apply_future_rules(
    history: pl.DataFrame, future: pl.DataFrame, config: Config, cutoff: date, h: int
) -> pl.DataFrame:
    """The future rows with nulls of known-ahead columns filled by the rules of config.future."""
    rules = {c: r for c, r in config.future.items() if r is not None and c in future.columns}
    if not rules:
        return future
    # only series with future rows, so that the rule sees series that are complete on the calendar, and only as far back
    # as a rule looks
    reach = max((max(_periods_back(rule, config, h)) for rule in rules.values() if _is_seasonal(rule)), default=0)
    near = history.filter(pl.col("ds") > config.frequency.shift(cutoff, -reach)).select(*KEY, *rules)
    both = pl.concat([near.join(future, on="unique_id", how="semi"), future.select(near.columns)]).sort(KEY)
    kept = [c for c, rule in rules.items() if rule == LAST]
    newest = history.group_by("unique_id").agg(pl.col(c).drop_nulls().last().alias(f"_{c}") for c in kept)
    both = both.join(newest, on="unique_id", how="left", maintain_order="left")
    filled = [pl.coalesce(c, _rule(c, rule, config, h)).cast(future.schema[c]).alias(c) for c, rule in rules.items()]
    ruled = both.with_columns(filled).filter(pl.col("ds") > cutoff).select(near.columns)
    return future.drop(rules).join(ruled, on=KEY, how="left").select(future.columns).sort(KEY)


def _rule(column: str, rule: Any, config: Config, h: int) -> pl.Expr:
    """The value by which a rule continues a column: a constant, its last value, or one of earlier seasons or years."""
    if not isinstance(rule, str):
        return pl.lit(rule)
    if rule.startswith("="):
        return pl.lit(rule[1:])
    value = pl.col(column)
    if rule == LAST:
        return pl.coalesce(value.forward_fill().over("unique_id"), f"_{column}")
    return pl.coalesce(value.shift(periods).over("unique_id") for periods in _periods_back(rule, config, h))


def _is_seasonal(rule: Any) -> bool:
    """Whether the rule repeats earlier seasons or years."""
    return isinstance(rule, str) and rule != LAST and not rule.startswith("=")


def _periods_back(rule: str, config: Config, h: int) -> list[int]:
    """How far back a seasonal rule looks, the nearest first."""
    period = config.frequency.year if rule == "repeat_last_year" else config.frequency.season
    return [period * k for k in range(1, -(-h // period) + 5)]
