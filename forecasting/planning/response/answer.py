"""The response to a plan: `response_factors` takes planned and edited coming rows and the table `levers`.

It returns [unique_id, ds, factor, error]: by what sales change with the edited levers, and the standard error of its
log. Within the range that a lever has had sales follow the estimate; beyond it they follow ever less, for nothing is
known there, and the error says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from statistics import NormalDist

import polars as pl

from forecasting.data.panel import KEY
from forecasting.planning.response.levers import SPILLS, Lever, levers_in
from forecasting.planning.response.spillover import planned_spillovers

NORMAL_90 = NormalDist().inv_cdf(0.95)
"""Standard errors from the middle of a 90 % interval to its ends."""
ENDS = ("_from", "_to")
STAGES = ("_low", "_high", "_move", *(f"{end}{of}" for end in ENDS for of in ("", "_inside", "_followed")))
"""Columns that live while moves are computed."""


def response_factors(
    planned: pl.DataFrame, edited: pl.DataFrame, table: pl.DataFrame, past: pl.DataFrame | None = None
) -> pl.DataFrame:
    """[unique_id, ds, factor, error] of every row of `planned`; both hold the same rows, with the columns of levers.

    Where the plan does not know a lever, the value that it last had stands in. A lever without an estimate has factor
    1. What a promotion does after its end and to peers needs all rows of a plan, and `past` (see spillover).
    """
    levers = levers_in(table)
    if any(lever.kind in SPILLS for lever in levers):
        planned, edited = (planned_spillovers(rows, past, table) for rows in (planned, edited))
    log, variance = pl.lit(0.0), pl.lit(0.0)
    rows = planned.select(*KEY)  # step by step: to optimise a plan takes longer than to run it on a few rows
    for i, lever in enumerate(levers):
        if lever.column not in planned.columns:
            continue
        moved = moves_of_lever(planned, edited, lever, table).select(
            *KEY, **{f"_log{i}": "log", f"_var{i}": "variance"}
        )
        rows = rows.join(moved, on=KEY, how="left", maintain_order="left")
        log, variance = log + pl.col(f"_log{i}"), variance + pl.col(f"_var{i}")
    return rows.select(*KEY, factor=log.exp(), error=variance.sqrt())


def common_share(table: pl.DataFrame, columns: Iterable[str]) -> float:
    """The share (0 to 1) of the variance of the effects of these columns that all series have in common.

    It follows from the standard error of their mean: were the errors of n series independent, it would be the root of n
    times smaller than theirs. 1, which makes intervals of sums wide, where the table does not tell it.

    >>> names = {"lever": "price", "column": "price"}
    >>> series = [{"grain": "series", "std_error": 0.2} | names] * 4
    >>> common_share(pl.DataFrame([*series, {"grain": "total", "std_error": 0.1} | names]), ["price"])
    0.0
    >>> common_share(pl.DataFrame([*series, {"grain": "total", "std_error": 0.2} | names]), ["price"])
    1.0
    """
    of = table.filter(pl.col("column").is_in(list(columns)), pl.col("std_error").is_not_null())
    series = of.filter(grain="series").group_by("lever").agg(n=pl.len(), own=(pl.col("std_error") ** 2).mean())
    both = series.join(of.filter(grain="total").select("lever", _mean="std_error"), on="lever", how="left")
    alone = 1 / pl.col("n")
    share = (pl.col("_mean") ** 2 / pl.col("own") - alone) / (1 - alone)
    # rounding tells nothing: a share below a millionth is none
    found = both.select(pl.when(pl.col("n") > 1).then(share).fill_nan(1.0).fill_null(1.0).clip(0, 1).round(6))
    return float(found.to_series().max() or 0.0) if found.height else 1.0  # type: ignore[arg-type]


def apply_response(rows: pl.DataFrame, factors: pl.DataFrame, levels: Iterable[int]) -> pl.DataFrame:
    """Forecast rows times their factors, the bounds of these levels (percent) widened by the errors of the factors.

    The rows gain difference-lo-L and difference-hi-L: the bounds of what the edited levers add, in units of y, by the
    errors of the response alone (what else is uncertain is the same with and without the edits), and `response_error`,
    the standard error of the log of their factor.
    """
    both = rows.join(factors, on=KEY, how="left", maintain_order="left")
    both = both.with_columns(pl.col("factor").fill_null(1.0), pl.col("error").fill_null(0.0))
    answered = both.with_columns(_answered(tuple(levels), tuple(rows.columns)))
    return answered.drop("factor").rename({"error": "response_error"})


@lru_cache(maxsize=16)
def _answered(levels: tuple[int, ...], names: tuple[str, ...]) -> list[pl.Expr]:
    """The columns that `apply_response` sets, of rows with these names."""
    mean, log = pl.col("yhat") * pl.col("factor"), pl.col("factor").log()
    columns: dict[str, pl.Expr] = {"yhat": mean}
    if "q50" in names:
        columns["q50"] = pl.col("q50") * pl.col("factor")
    for level in levels:
        half = NormalDist().inv_cdf(0.5 + level / 200) * pl.col("error")
        for side, end in {"lo": (log - half).exp(), "hi": (log + half).exp()}.items():
            name = f"{side}-{level}"
            if name in names:
                columns[name] = _bound(name, mean, pl.col("yhat") * end - mean)
            columns[f"difference-{name}"] = pl.col("yhat") * (end - 1)
    return [column.alias(name) for name, column in columns.items()]


def _bound(name: str, mean: pl.Expr, own: pl.Expr) -> pl.Expr:
    """A bound around the answered `mean`: as wide as it was, and as the response itself is uncertain (`own`)."""
    is_lower, now = name.startswith("lo-"), pl.col(name)
    width = (((now - pl.col("yhat")) * pl.col("factor")) ** 2 + own**2).sqrt()
    moved = mean - width if is_lower else mean + width
    # bounds beside which the mean lies (of rare sellers) keep their side
    beside = now > pl.col("yhat") if is_lower else now < pl.col("yhat")
    bound = pl.when(beside).then(now * pl.col("factor")).otherwise(moved)
    if is_lower:
        bound = pl.when(now >= 0).then(bound.clip(0)).otherwise(bound)
    return pl.when(pl.col("factor") == 1).then(now).otherwise(bound)


def moves_of_lever(planned: pl.DataFrame, edited: pl.DataFrame, lever: Lever, table: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, before, after, log, variance]: the values of a lever, and what its move does to the log of sales.

    The columns of the lever's row of the table follow.
    """
    before, after = planned.select(*KEY, before=lever.value), edited.select(*KEY, after=lever.value)
    of = table.filter((pl.col("grain") == "series") & (pl.col("lever") == lever.name))
    rows = _with_effects(before.join(after, on=KEY), of)
    for columns in _moved(lever):
        rows = rows.with_columns(columns)
    return rows.drop(STAGES)


@lru_cache(maxsize=64)
def _moved(lever: Lever) -> tuple[list[pl.Expr], ...]:
    """`log` and `variance` of the values before and after, beside the lever's row of the table.

    They come in stages, each of which takes columns of those before it: one expression would hold every part of it many
    times, and be evaluated as often.
    """
    low, high, width = pl.col("_low"), pl.col("_high"), pl.col("_high") - pl.col("_low")
    seen = {"_low": pl.col("reach_low"), "_high": pl.col("reach_high")}
    seen |= {"_from": pl.coalesce("before", "last"), "_to": pl.coalesce("after", "before", "last")}
    inside = {f"{end}_inside": pl.col(end).clip(low, high) for end in ENDS}
    followed = {f"{end}_followed": _followed(pl.col(end), pl.col(f"{end}_inside"), width) for end in ENDS}
    held, estimate = pl.col("before").eq_missing(pl.col("after")), pl.col("estimate").fill_null(0.0)
    move = {
        "_move": _difference(pl.col("_to") - pl.col("_from"), held),
        "log": _difference(pl.col("_to_followed") - pl.col("_from_followed"), held) * estimate,
    }
    # where the effect is followed no further, the interval reaches as far as if it were
    not_followed = (pl.col("_move") * estimate - pl.col("log")) / NORMAL_90
    variance = (pl.col("_move") * pl.col("std_error").fill_null(0.0)) ** 2 + not_followed**2
    stages = ({c: lever.as_seen(value) for c, value in seen.items()}, inside, followed, move, {"variance": variance})
    return tuple([expr.alias(name) for name, expr in stage.items()] for stage in stages)


def _with_effects(rows: pl.DataFrame, of: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns of the table; a series that it does not hold, being new, responds like the others."""
    found = rows.join(of, on="unique_id", how="left", maintain_order="left")
    if not found["lever"].null_count():
        return found
    others = of.select(
        estimate=pl.col("estimate").mean(),
        std_error=(pl.col("estimate").var().fill_null(0) + (pl.col("std_error") ** 2).mean()).sqrt(),
    )
    new = pl.col("lever").is_null()
    return found.with_columns(pl.when(new).then(others[c].item()).otherwise(c).alias(c) for c in others.columns)


def _difference(move: pl.Expr, held: pl.Expr) -> pl.Expr:
    """What a lever moves by: exactly 0 where the value is `held`, and where one of the ends is unknown."""
    return pl.when(held).then(0.0).otherwise(move).fill_null(0.0)


def _followed(seen: pl.Expr, inside: pl.Expr, width: pl.Expr) -> pl.Expr:
    """How far sales follow a value: all the way within the reach, and beyond it ever less, up to once more its width.

    `inside` is the value within the reach that is nearest to the one `seen`.
    """
    beyond = seen - inside
    further = beyond.sign() * width * (1 - (-beyond.abs() / width).exp())
    return pl.when(beyond == 0).then(inside).when(width > 0).then(inside + further).otherwise(inside)
