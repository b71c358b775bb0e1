"""Our scores beside the best peer's: ratios, their geometric means, and which aims are met."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from benchmarks.accuracy.peers import Field, metrics_of
from benchmarks.processes import Cost

MEANS = {"first": 0.955, "RMSSE": 0.965}
"""The most that the geometric means of the two ratios should be."""
WORST = 1.02
"""The most that any ratio should be."""
NOT_BEHIND = ("D8", "D9")
"""Data sets on which no ratio should be above 1: the recipe was made before they were at hand."""
TREES, STATISTICS = 2.82, 2.0
"""The most cpu: that of mlforecast in the same run, for all windows together; that of StatsForecast, by window."""
CALIBRATED, ONE_SET = 1.2, 3.0
"""The most cpu where mlforecast makes conformal intervals over as many windows: for all sets together, and for one."""
LARGE = 10_000
"""So many scored rows make a data set large: its bias counts."""
FIGURES = {"D1": ("wape", 0.080), "D6": ("rmse", 800.0)}
"""Figures that are wished for beside the ratios."""
NOMINAL = {"80": 0.8, "95": 0.95}
POINTS = 0.02
"""So far from nominal a coverage may be, whatever its standard error."""


@dataclass(frozen=True)
class Result:
    """One data set: scores by evaluate.py of the model that serves and of others; its root mean squared error; by level
    and window, how many values were scored and how many lay within the bounds; cost, and that of the rival, which is
    mlforecast or statsforecast, and of mlforecast with conformal intervals; seconds by step, and by model for fitting;
    how many windows are reported, and how many older ones are fitted as well; where the protocol's windows are not the
    config's; the day.
    """

    code: str
    data: str
    champion: str
    scores: dict[str, float]
    naive: dict[str, float]
    rmse: float
    within: dict[str, list[tuple[int, int]]]
    cost: Cost
    rival: str = "mlforecast"
    theirs: Cost | None = None
    calibrated: Cost | None = None
    others: dict[str, dict[str, float]] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    windows: tuple[int, ...] = ()
    changed: tuple[str, ...] = ()
    when: str = ""


@dataclass(frozen=True)
class Aim:
    """What is aimed at, what was found, and whether it is met; None where it was not measured."""

    aim: str
    found: str
    met: bool | None


def judge_rows(forecasts: pl.DataFrame, truth: pl.DataFrame) -> tuple[float, dict[str, list[tuple[int, int]]]]:
    """Root mean squared error, and by level (values scored, values within the bounds) of each window, oldest first."""
    keys = ["unique_id", "ds", "cutoff"]
    rows = truth.join(forecasts.with_columns(pl.col("ds", "cutoff").cast(pl.Date)), on=keys)
    yhat = pl.when(pl.col("open") == 0).then(0.0).otherwise("yhat") if "open" in rows.columns else pl.col("yhat")
    rmse: float = rows.select(((yhat - pl.col("y")) ** 2).mean().sqrt()).item()
    rows = rows.filter(pl.col("open") == 1) if "open" in rows.columns else rows
    within = {}
    for level in NOMINAL:
        lo, hi = f"lo-{level}", f"hi-{level}"
        if lo in rows.columns:
            hit = pl.col("y").is_between(pl.col(lo), pl.col(hi)).sum()
            counts = rows.drop_nulls([lo, hi]).group_by("cutoff").agg(pl.len(), hit=hit).sort("cutoff")
            within[level] = counts.select("len", "hit").rows()
    return rmse, within


def standard_error(windows: Sequence[tuple[int, int]]) -> float | None:
    """Of the share within bounds, a window being one cluster; None where there is one window, which has none.

    What all series share differs from window to window, so that rows of a window are no independent draws. With g
    windows of n rows and h hits each and the share c, it is sqrt(sum (h - c n)^2) / sum n * sqrt(g / (g - 1)).
    """
    g = len(windows)
    if g < 2:
        return None
    rows = sum(n for n, _ in windows)
    share = sum(h for _, h in windows) / rows
    return math.sqrt(sum((h - share * n) ** 2 for n, h in windows) * g / (g - 1)) / rows


def ratios(result: Result, peers: Field) -> dict[str, float]:
    """Ours by the one best peer's: of the metric that judges the data set `first`, then of RMSSE."""
    best = peers.best(result.code)
    metrics = {"first": metrics_of(result.code).first, "RMSSE": "rmsse"}
    return {name: result.scores[m] / float(getattr(best, m)) for name, m in metrics.items()}


def skill(result: Result) -> float:
    """Share of the seasonal naive's WAPE that is saved."""
    return 1 - result.scores["wape"] / result.naive["wape"]


def geometric(values: Iterable[float]) -> float:
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs))


def aims(results: Sequence[Result], peers: Field) -> list[Aim]:
    """Every aim for the data sets that were run."""
    return [*_ratios(results, peers), *_errors(results), *_bounds(results, peers), *_cost(results)]


def _ratios(results: Sequence[Result], peers: Field) -> list[Aim]:
    by = {r.code: ratios(r, peers) for r in results}
    pairs = [(v, f"{code} {name}") for code, ratios in by.items() for name, v in ratios.items()]
    found = [
        Aim(f"geometric mean of the {name} ratios at most {most}", f"{g:.3f}", g <= most)
        for name, most in MEANS.items()
        for g in [geometric(ratios[name] for ratios in by.values())]
    ]
    found.append(Aim(f"no ratio above {WORST}", _extreme(pairs, max), max(pairs)[0] <= WORST))
    for code in (code for code in NOT_BEHIND if code in by):
        own = [(v, name) for name, v in by[code].items()]
        found.append(Aim(f"{code}: both ratios at most 1", _extreme(own, max), max(own)[0] <= 1))
    return found


def _extreme(pairs: Sequence[tuple[float, str]], pick: Callable[..., tuple[float, str]]) -> str:
    value, name = pick(pairs)
    return f"{value:.3f} ({name})"


def _errors(results: Sequence[Result]) -> list[Aim]:
    skills = [(skill(r), r.code) for r in results]
    found = [Aim("skill over SeasonalNaive above 0 everywhere", _extreme(skills, min), min(skills)[0] > 0)]
    off = [(abs(r.scores["bias"]), r.code) for r in results if r.scores["n"] >= LARGE]
    if off:
        aim = f"bias within 2 % on sets of {LARGE:,} rows and more"
        found.append(Aim(aim, _extreme(off, max), max(off)[0] <= 0.02))
    for r in results:
        if r.code in FIGURES:
            metric, limit = FIGURES[r.code]
            value = (r.scores | {"rmse": r.rmse})[metric]
            found.append(Aim(f"{r.data}: {metric.upper()} at most {limit:g}", f"{value:.4g}", value <= limit))
    return found


def covered(result: Result, level: str) -> bool:
    """Whether the coverage is within 2 points of nominal, or within two standard errors where there are windows."""
    off = abs(result.scores[f"cov{level}"] - NOMINAL[level])
    return off <= max(POINTS, 2 * (standard_error(result.within[level]) or 0.0))


def _bounds(results: Sequence[Result], peers: Field) -> list[Aim]:
    missed = [
        f"{r.code} {level} %: {r.scores[f'cov{level}']:.3f}"
        for r in results
        for level in NOMINAL
        if not covered(r, level)
    ]
    single = [r.code for r in results if len(r.within["80"]) < 2]
    alone = f"; {', '.join(single)}: one window, so 2 points alone" if single else ""
    aim = "coverage of 80 % and 95 % within 2 points or 2 standard errors, windows being clusters"
    found = [Aim(aim, (", ".join(missed) or "all") + alone, not missed)]
    rivals = [(r, peers.narrowest(r.code)) for r in results]
    pairs = [(r.scores["sis80"] / p.sis80, r.code) for r, p in rivals if p is not None and p.sis80]
    if pairs:
        above = [f"{value:.3f} ({code})" for value, code in sorted(pairs, reverse=True) if value >= 1]
        figure = ", ".join(above) or _extreme(pairs, max)
        found.append(Aim("interval score below every peer's that has intervals", figure, not above))
    return found


def _cost(results: Sequence[Result]) -> list[Aim]:
    trees = [(r.cost.cpu, r.theirs.cpu if r.theirs else None) for r in results if r.rival == "mlforecast"]
    aim = f"the whole pipeline at most {TREES} times mlforecast's cpu seconds, all such sets in the same run"
    found = []
    if trees:
        ours, theirs = sum(o for o, _ in trees), sum(t or 0.0 for _, t in trees)
        measured = all(t for _, t in trees)
        figure = f"{ours / theirs:.2f} ({ours:.0f} s, {theirs:.0f} s)" if measured else "not measured"
        found.append(Aim(aim, figure, ours <= TREES * theirs if measured else None))
    return found + _calibrated_cost(results) + [_by_window(r) for r in results if r.rival != "mlforecast"]


def _calibrated_cost(results: Sequence[Result]) -> list[Aim]:
    """Beside mlforecast with intervals: all sets together, and the worst one."""
    mine = [r for r in results if r.rival == "mlforecast"]
    aim = "where mlforecast makes conformal intervals: the whole pipeline at most {} times its cpu seconds, {}"
    together, single = aim.format(CALIBRATED, "all such sets"), aim.format(f"{ONE_SET:g}", "each set")
    known = [(r.cost.cpu, r.calibrated.cpu, r.code) for r in mine if r.calibrated]
    if not known or len(known) < len(mine):
        return [Aim(text, "not measured", None) for text in (together, single) if mine]
    ours, theirs = sum(o for o, _, _ in known), sum(t for _, t, _ in known)
    dear = [f"{o / t:.2f} ({code})" for o, t, code in known if o > ONE_SET * t]
    least = _extreme([(o / t, code) for o, t, code in known], max)
    figure = f"{ours / theirs:.2f} ({ours:.0f} s, {theirs:.0f} s)"
    return [Aim(together, figure, ours <= CALIBRATED * theirs), Aim(single, ", ".join(dear) or least, not dear)]


def _by_window(result: Result) -> Aim:
    aim = f"{result.code}: at most {STATISTICS:g} times {result.rival}'s cpu seconds by fitted window"
    if not result.theirs:
        return Aim(aim, "not measured", None)
    ours, theirs = result.cost.cpu / sum(result.windows), result.theirs.cpu / result.windows[0]
    counts = f"{ours:.0f} s in each of {sum(result.windows)} windows, {theirs:.0f} s in {result.windows[0]}"
    return Aim(aim, f"{ours / theirs:.2f} ({counts})", ours <= STATISTICS * theirs)
