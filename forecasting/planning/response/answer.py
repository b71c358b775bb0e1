"""The response to a plan: `response_factors` takes planned and edited coming rows and the table `levers`.

It returns [unique_id, ds, factor, error]: by what sales change with the edited levers, and the standard error of its
log. Within the range that a lever has had sales follow the estimate; beyond it they follow ever less, for nothing is
known there, and the error says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import NormalDist

import polars as pl

from forecasting.data.panel import KEY
from forecasting.planning.response.levers import Lever

NORMAL_90 = NormalDist().inv_cdf(0.95)
"""Standard errors from the middle of a 90 % interval to its ends."""


def levers_in(table: pl.DataFrame) -> tuple[Lever, ...]:
    """The levers of a table of series, in the order of their names.

    >>> row = {"grain": "series", "lever": "promo", "column": "promo", "kind": "flag", "text": None}
    >>> levers_in(pl.DataFrame([row, row | {"grain": "total"}]))
    (Lever(column='promo', kind='flag', text=None),)
    """
    known = table.filter(pl.col("grain") == "series").select("lever", "column", "kind", "text").unique().sort("lever")
    return tuple(Lever(column, kind, text) for _, column, kind, text in known.iter_rows())


def response_factors(planned: pl.DataFrame, edited: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, factor, error] of every row of `planned`; both hold the same rows, with the columns of levers.

    Where the plan does not know a lever, the value that it last had stands in. A lever without an estimate has factor
    1.
    """
    log, variance = pl.lit(0.0), pl.lit(0.0)
    rows = planned.select(*KEY)
    for i, lever in enumerate(levers_in(table)):
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
    both = rows.join(factors, on=KEY, how="left", maintain_order="left").with_columns(pl.col("factor").fill_null(1.0))
    mean, log = pl.col("yhat") * pl.col("factor"), pl.col("factor").log()
    columns: dict[str, pl.Expr] = {}
    for level in levels:
        half = NormalDist().inv_cdf(0.5 + level / 200) * pl.col("error").fill_null(0.0)
        ends = {"lo": (log - half).exp(), "hi": (log + half).exp()}
        for side, end in ends.items():
            name, own = f"{side}-{level}", pl.col("yhat") * end - mean
            if name in rows.columns:
                width = (((pl.col(name) - pl.col("yhat")) * pl.col("factor")) ** 2 + own**2).sqrt()
                moved = mean - width if side == "lo" else mean + width
                # bounds beside which the mean lies (of rare sellers) keep their side
                beside = pl.col(name) > pl.col("yhat") if side == "lo" else pl.col(name) < pl.col("yhat")
                columns[name] = pl.when(beside).then(pl.col(name) * pl.col("factor")).otherwise(moved)
                if side == "lo":
                    columns[name] = pl.when(pl.col(name) >= 0).then(columns[name].clip(0)).otherwise(columns[name])
                columns[name] = pl.when(pl.col("factor") == 1).then(pl.col(name)).otherwise(columns[name])
            columns[f"difference-{name}"] = pl.col("yhat") * (end - 1)
    median = {"q50": pl.col("q50") * pl.col("factor")} if "q50" in rows.columns else {}
    return both.with_columns(yhat=mean, **median, **columns).drop("factor").rename({"error": "response_error"})


def moves_of_lever(planned: pl.DataFrame, edited: pl.DataFrame, lever: Lever, table: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, before, after, log, variance]: the values of a lever, and what its move does to the log of sales.

    The columns of the lever's row of the table follow.
    """
    both = planned.select(*KEY, before=lever.value).join(edited.select(*KEY, after=lever.value), on=KEY)
    rows = _with_effects(both, table.filter((pl.col("grain") == "series") & (pl.col("lever") == lever.name)))
    values = pl.coalesce("before", "last"), pl.coalesce("after", "before", "last")
    held = pl.col("before").eq_missing(pl.col("after"))
    moves = [_difference([within(value) for value in values], held) for within in (_followed(lever), lever.as_seen)]
    followed, full = (move * pl.col("estimate").fill_null(0.0) for move in moves)
    # where the effect is followed no further, the interval reaches as far as if it were
    variance = (moves[1] * pl.col("std_error").fill_null(0.0)) ** 2 + ((full - followed) / NORMAL_90) ** 2
    return rows.with_columns(log=followed, variance=variance)


def _with_effects(rows: pl.DataFrame, of: pl.DataFrame) -> pl.DataFrame:
    """The rows with the columns of the table; a series that it does not hold, being new, responds like the others."""
    others = of.select(
        _estimate=pl.col("estimate").mean(),
        _error=(pl.col("estimate").var().fill_null(0) + (pl.col("std_error") ** 2).mean()).sqrt(),
    )
    found = rows.join(of, on="unique_id", how="left", maintain_order="left").join(others, how="cross")
    new = pl.col("lever").is_null()
    return found.with_columns(
        estimate=pl.when(new).then("_estimate").otherwise("estimate"),
        std_error=pl.when(new).then("_error").otherwise("std_error"),
    ).drop("_estimate", "_error")


def _difference(ends: list[pl.Expr], held: pl.Expr) -> pl.Expr:
    """What a lever moves by: exactly 0 where the value is `held`, and where one of the ends is unknown."""
    return pl.when(held).then(0.0).otherwise(ends[1] - ends[0]).fill_null(0.0)


def _followed(lever: Lever) -> Callable[[pl.Expr], pl.Expr]:
    """The function from a value to how far sales follow it: all the way within the reach, and beyond it ever less, up
    to once more the width of the reach.
    """
    low, high = (lever.as_seen(pl.col(c)) for c in ("reach_low", "reach_high"))
    width = high - low

    def follow(value: pl.Expr) -> pl.Expr:
        seen = lever.as_seen(value)
        inside = seen.clip(low, high)
        beyond = seen - inside
        further = beyond.sign() * width * (1 - (-beyond.abs() / width).exp())
        return pl.when(beyond == 0).then(inside).when(width > 0).then(inside + further).otherwise(inside)

    return follow
