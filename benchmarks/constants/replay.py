"""Replay of stored windows: `older_cases` and `scored_cases` take rows of all models and windows, and return Cases.

`combine` learns the weights of a Case from the windows that teach it, and returns the rows of the combination in both
its parts; `add_bounds` calibrates it. Both use the code that forecasts every night, with the constants of the moment.
`measure_errors` and `measure_bounds` take scored rows and return figures by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import log
from typing import NamedTuple, cast

import polars as pl

from forecasting.evaluation import intervals
from forecasting.evaluation.ensemble_weights import fit_weights
from forecasting.models.base import Fitted
from forecasting.models.ensemble import FittedEnsemble
from forecasting.models.weights import Weights
from forecasting.recipe.candidates import COMBINATION
from forecasting.steps.forecasting.calibration import quantiles_of_windows
from forecasting.steps.forecasting.ensembles import replay

MODEL = COMBINATION.name
MINE = pl.col("model") == MODEL
SHARES = {"mase": 2, "rmsse": 2, "wape_totals": 1}
"""What counts how much in a choice: few days make the totals, so that chance is larger in them."""
LEVELS = (80, 95)
POINTS, WEIGHT = 0.02, 5.0
"""A coverage may be so far from what is promised; each point beyond counts as so many percent of the interval score."""


@dataclass(frozen=True)
class Case:
    """Rows of all models: of windows that `teach`, and of those that `judge` what was learned."""

    teach: pl.DataFrame
    judge: pl.DataFrame


class Member(NamedTuple):
    """A member of a combination whose forecasts are stored."""

    name: str


def scored_cases(rows: pl.DataFrame) -> list[Case]:
    """Every reported window, taught by all that were over by its cutoff."""
    return _taught(rows, rows.filter("reported"))


def older_cases(rows: pl.DataFrame) -> list[Case]:
    """Older windows that were over before the first reported one, each taught by those that were over by its cutoff.

    Where there is only one, each half of its series is taught by the other half. No row of a reported window, and no
    day of it, is part of any.
    """
    first = rows.filter("reported")["cutoff"].min()
    older = _over(rows.filter(~pl.col("reported")), cast(date, first)) if first else rows
    return _taught(older, older) or _halves(older)


def _taught(rows: pl.DataFrame, scored: pl.DataFrame) -> list[Case]:
    windows = scored.partition_by("cutoff", maintain_order=True)
    cases = [Case(_over(rows, window["cutoff"][0]), window) for window in windows]
    return [case for case in cases if case.teach.height]


def _over(rows: pl.DataFrame, at: date) -> pl.DataFrame:
    """The rows of windows whose last day is not after a cutoff."""
    return rows.filter(pl.col("ds").max().over("cutoff") <= at)


def _halves(rows: pl.DataFrame) -> list[Case]:
    half = pl.col("unique_id").rank("dense") % 2 == 1
    parts = rows.filter(half), rows.filter(~half)
    return [Case(*parts), Case(*reversed(parts))] if all(part.height for part in parts) else []


def combine(case: Case) -> Case:
    """The rows of the combination alone, as weights learned from what teaches forecast them."""
    both = pl.concat([case.judge, case.teach])
    homes = both.select("unique_id", "segment").unique("unique_id", keep="first", maintain_order=True).drop_nulls()
    names = case.judge.filter(~MINE)["model"].unique(maintain_order=True).to_list()
    weights = Weights(fit_weights(case.teach.filter(~MINE), homes, names), homes)
    # only their names are needed
    members = cast(tuple[Fitted, ...], tuple(map(Member, names)))
    model = FittedEnsemble(MODEL, members, weights)
    return Case(_replayed(case.teach, model), _replayed(case.judge, model))


def _replayed(rows: pl.DataFrame, model: FittedEnsemble) -> pl.DataFrame:
    return replay(rows.filter(MINE), rows.lazy(), model, lambda: rows.select("unique_id").unique())


def add_bounds(case: Case) -> pl.DataFrame:
    """The scored rows of a combined Case with bounds that rest on the errors of the rows that teach."""
    bare = case.judge.select(c for c in case.judge.columns if not c.startswith(("lo-", "hi-")) and c != "interval")
    number = case.teach["calibration"].first()
    newest = intervals.newest_windows(case.teach, cast(date, case.teach["ds"].max()), cast(int, number))
    return intervals.add_bounds(bare, quantiles_of_windows(newest, LEVELS), LEVELS)


def measure_errors(scored: pl.DataFrame) -> dict[str, float]:
    """WAPE and MASE of the median, WAPE of totals and RMSSE of the mean, of observed rows on open days."""
    rows, gap = _observed(scored), (pl.col("y") - pl.col("q50")).abs()
    totals = rows.group_by("cutoff", "ds", maintain_order=True).agg(pl.col("y", "yhat").sum())
    off, sold = (pl.col("y") - pl.col("yhat")).abs().sum(), pl.col("y").abs().sum()
    scaled = gap.mean() / pl.col("mase_scale").first()
    squared = (((pl.col("y") - pl.col("yhat")) ** 2).mean() / pl.col("rmsse_scale").first()).sqrt()
    series = rows.filter(pl.col("mase_scale") > 0, pl.col("rmsse_scale") > 0)
    means = series.group_by("unique_id", "cutoff", maintain_order=True).agg(mase=scaled, rmsse=squared)
    found = rows.select(wape=gap.sum() / sold).row(0, named=True)
    found |= totals.select(wape_totals=off / sold).row(0, named=True)
    return {
        name: float(value) for name, value in (found | means.select("mase", "rmsse").mean().row(0, named=True)).items()
    }


def measure_bounds(scored: pl.DataFrame) -> dict[str, float]:
    """By level the coverage (cov80) and the interval score (sis80), in units of the seasonal error of a series."""
    rows, found = _observed(scored).filter(pl.col("mase_scale") > 0), {}
    for level in LEVELS:
        y, lo, hi = pl.col("y"), pl.col(f"lo-{level}"), pl.col(f"hi-{level}")
        missed = (lo - y).clip(0) + (y - hi).clip(0)
        score = (hi - lo + 200 / (100 - level) * missed) / pl.col("mase_scale")
        figures = rows.select(y.is_between(lo, hi).mean().alias("cov"), score.mean().alias("sis")).row(0)
        found |= {f"cov{level}": float(figures[0]), f"sis{level}": float(figures[1])}
    return found


def _observed(scored: pl.DataFrame) -> pl.DataFrame:
    return scored.filter(pl.col("y").is_not_null(), ~pl.col("closed").fill_null(value=False))


def loss_of_errors(scored: pl.DataFrame) -> float:
    """The mean of the logarithms of MASE, RMSSE and, with less weight, WAPE of totals.

    >>> row = {"unique_id": "a", "cutoff": date(2020, 1, 1), "ds": date(2020, 1, 2), "closed": False, "y": 4.0}
    >>> scored = pl.DataFrame([row | {"yhat": 2.0, "q50": 2.0, "mase_scale": 1.0, "rmsse_scale": 1.0}])
    >>> round(loss_of_errors(scored), 6) == round((2 * log(2) + 2 * log(2) + log(2 / 4)) / 5, 6)
    True
    """
    found = measure_errors(scored)
    return sum(share * log(max(found[name], 1e-12)) for name, share in SHARES.items()) / sum(SHARES.values())


def loss_of_bounds(scored: pl.DataFrame) -> float:
    """The mean logarithm of the interval scores, and what coverage is off by more than POINTS."""
    found = measure_bounds(scored)
    off = [max(0.0, abs(found[f"cov{level}"] - level / 100) - POINTS) for level in LEVELS]
    scores = [log(max(found[f"sis{level}"], 1e-12)) for level in LEVELS]
    return sum(scores) / len(scores) + WEIGHT * sum(off) / len(off)
