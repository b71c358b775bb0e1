"""The search for the best value of a lever: values to try, and what the tried ones tell.

`first_tries` and `next_tries` return values, `judge` takes a table of tried values and returns sentences about the best
one, and about what the data cannot tell. Nothing is forecast.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from forecasting.errors import UserError
from forecasting.planning.response.levers import FLAG, PRICE, TEXT, Lever

TRIES = 9
"""Values that are tried first, from one end to the other."""
FINER = 3
"""Rounds in which values halfway to the neighbours of the best one are tried."""
LEAST_CHANGES = 5
"""A series whose lever moved less often tells little by itself."""
LEVEL = 90
"""Percent of the intervals, as those of the table `levers`."""
DIGITS = 4
VERDICTS = BETTER, AT_EDGE, AS_PLANNED, UNCLEAR, FEW, NO_RANGE = (
    "better",
    "better, at the edge of its range",
    "as planned is best",
    "cannot tell: the interval contains 0",
    f"cannot tell: fewer than {LEAST_CHANGES} changes seen",
    "cannot tell: no tried value lies within its range",
)
"""How the best value of a series is described."""


@dataclass(frozen=True)
class Search:
    """What is searched: a `lever`, `between` two values (of a price: times the present one), for the largest `goal`."""

    lever: Lever
    between: tuple[float, float]
    goal: str


def first_tries(search: Search) -> tuple[float, ...]:
    """The values that are tried first, in rising order; a price is tried as it is, too.

    >>> first_tries(Search(Lever("price", "price"), (0.9, 1.02), "units"))
    (0.9, 0.915, 0.93, 0.945, 0.96, 0.975, 0.99, 1.0, 1.005, 1.02)
    >>> first_tries(Search(Lever("promo", "flag"), (0, 1), "units"))
    (0.0, 1.0)
    """
    low, high = search.between
    if search.lever.kind == TEXT:
        raise UserError(f"{search.lever.column} holds texts: there is no range to search; ask for one after the other")
    if not low < high:
        raise UserError(f"between {low:g} and {high:g}: the second value must be larger")
    if search.lever.kind == PRICE and low <= 0:
        raise UserError(f"between {low:g} and {high:g}: a price is tried as a multiple above 0 of the present one")
    if search.lever.kind == FLAG:
        return (0.0, 1.0)
    step = (high - low) / (TRIES - 1)
    present = {1.0} if search.lever.kind == PRICE else set()
    return tuple(sorted({round(low + step * i, DIGITS) for i in range(TRIES)} | present))


def next_tries(search: Search, gains: Mapping[float, float | None]) -> tuple[float, ...]:
    """Values halfway between the best of the tried ones and its neighbours; none where they are close, or for a flag.

    `gains` are what tried values bring, None of those that do not count.

    >>> next_tries(Search(Lever("price", "price"), (0.8, 1.0), "units"), {0.8: 1.0, 0.9: 3.0, 1.0: 0.0})
    (0.85, 0.95)
    """
    counted = {value: gain for value, gain in gains.items() if gain is not None}
    if search.lever.kind == FLAG or not counted:
        return ()
    best, tried = max(counted, key=lambda value: (counted[value], value)), sorted(gains)
    place = tried.index(best)
    neighbours = tried[max(place - 1, 0) : place + 2]
    return tuple(sorted({round((best + n) / 2, DIGITS) for n in neighbours} - set(tried)))


def best_of(search: Search, tried: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, tried, gain, lo-90, hi-90, verdict]: of each series its best value within what it has had.

    `tried` [unique_id, tried, gain, lo-90, hi-90, outside, changes] holds every tried value of each. A verdict is one
    of VERDICTS.

    >>> row = {"unique_id": "a", "gain": 2.0, "lo-90": 0.5, "hi-90": 3.0, "outside": 0, "changes": 9}
    >>> others = [{"tried": 1.0, "gain": 0.0, "lo-90": 0.0}, {"tried": 0.8, "outside": 1}]
    >>> rows = pl.DataFrame([row | {"tried": 0.9}, *(row | other for other in others)])
    >>> best_of(Search(Lever("price", "price"), (0.8, 1.0), "units"), rows).select("tried", "verdict").row(0)
    (0.9, 'better, at the edge of its range')
    """
    within = tried.filter((pl.col("outside") == 0) | _is_present(search))
    ends = within.group_by("unique_id").agg(_low=pl.col("tried").min(), _high=pl.col("tried").max())
    best = within.sort("unique_id", "gain", "tried", descending=[False, True, False]).unique(
        "unique_id", keep="first", maintain_order=True
    )
    at_edge = ((pl.col("tried") == pl.col("_low")) | (pl.col("tried") == pl.col("_high"))) & (search.lever.kind != FLAG)
    nothing = pl.col("_low") == pl.col("_high") if search.lever.kind != FLAG else pl.lit(value=False)
    verdict = (
        pl.when(nothing).then(pl.lit(NO_RANGE))
        .when(pl.col("gain") <= 0).then(pl.lit(AS_PLANNED))
        .when(pl.col(f"lo-{LEVEL}") <= 0).then(pl.lit(UNCLEAR))
        .when(pl.col("changes") < LEAST_CHANGES).then(pl.lit(FEW))
        .when(at_edge).then(pl.lit(AT_EDGE))
        .otherwise(pl.lit(BETTER))
    )  # fmt: skip
    columns = ["unique_id", "tried", "gain", f"lo-{LEVEL}", f"hi-{LEVEL}", "changes"]
    return best.join(ends, on="unique_id", how="left", maintain_order="left").select(*columns, verdict=verdict)


def judge(search: Search, tried: pl.DataFrame, changes: Collection[int]) -> list[str]:
    """Sentences about the best value of `tried` [tried, gain, lo-90, hi-90, outside], and what is not known of it.

    `gain` is what a value adds to the goal, beside the plan; `outside` counts the series for which it lies outside of
    what was seen. `changes` are the numbers of changes that were seen of each series.
    """
    name, few = search.lever.column, sum(n < LEAST_CHANGES for n in changes)
    within = tried.filter(pl.col("outside") == 0)
    found = []
    if few:
        found.append(
            f"{few:,} of {len(changes):,} series changed {name} fewer than {LEAST_CHANGES} times: what is said of them "
            "is mostly what similar series did."
        )
    if within.filter(~_is_present(search)).is_empty():
        return [*found, f"cannot tell: none of the tried values lies within what all {len(changes):,} series have had."]
    best = within.sort("gain", "tried", descending=[True, False]).row(0, named=True)
    value = _words(search, best["tried"])
    if best["gain"] <= 0:
        return [*found, f"no tried value within the range seen brings more {search.goal} than the plan."]
    low, high = best[f"lo-{LEVEL}"], best[f"hi-{LEVEL}"]
    gain = f"{search.goal} {best['gain']:+,.1f}, {LEVEL} % interval {low:+,.1f} to {high:+,.1f}"
    if low <= 0:
        return [*found, f"cannot tell: {value} looks best ({gain}), but the interval contains 0."]
    found.append(f"{value} is best of what was tried ({gain}, against the plan).")
    if best["tried"] in (within["tried"].min(), within["tried"].max()) and search.lever.kind != FLAG:
        found.append(
            "it is at the edge of what was seen or asked for: the best may lie beyond, where nothing is known."
        )
    return found


def _is_present(search: Search) -> pl.Expr:
    return (pl.col("tried") == 1) if search.lever.kind == PRICE else pl.lit(value=False)


def _words(search: Search, value: float) -> str:
    if search.lever.kind == PRICE:
        return f"{value:g} times the present {search.lever.column}"
    return f"{search.lever.column} {value:g}"
