"""Our scores beside the best peer's: ratios, their geometric means, and which aims are met."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from benchmarks.peers import Field

LARGE = 10_000
"""So many scored rows make a data set large: its bias is asked for."""
AIMS = {"D1": ("wape", 0.080), "D6": ("rmse", 800.0)}
"""Figures that are wished for beside the ratios."""
NOMINAL = {"80": 0.8, "95": 0.95}


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock and of all processors, and the peak memory of the largest process in MB."""

    wall: float
    cpu: float
    mb: float


@dataclass(frozen=True)
class Result:
    """One data set: scores by evaluate.py of the model that serves and of others; `errors` of verdict.clustered;
    seconds by step, and by model for fitting; how many windows are told of, and how many older ones are fitted as
    well; where the protocol's windows are not the config's; the day.
    """

    code: str
    data: str
    champion: str
    scores: dict[str, float]
    naive: dict[str, float]
    errors: dict[str, float]
    cost: Cost
    theirs: Cost | None = None
    others: dict[str, dict[str, float]] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    windows: tuple[int, ...] = ()
    changed: tuple[str, ...] = ()
    when: str = ""


@dataclass(frozen=True)
class Aim:
    """What is asked, what was found, and whether it is met; None where it was not measured."""

    asked: str
    found: str
    met: bool | None


def clustered(forecasts: pl.DataFrame, truth: pl.DataFrame) -> dict[str, float]:
    """Standard errors of the coverage, a series at a cutoff being one cluster, and the root mean squared error.

    With clusters of n rows and h hits each and the coverage c, the error is sqrt(sum (h - c n)^2) / sum n, times
    sqrt(g / (g - 1)) for g clusters.
    """
    keys = ["unique_id", "ds", "cutoff"]
    rows = truth.join(forecasts.with_columns(pl.col("ds", "cutoff").cast(pl.Date)), on=keys)
    yhat = pl.when(pl.col("open") == 0).then(0.0).otherwise("yhat") if "open" in rows.columns else pl.col("yhat")
    told = {"rmse": rows.select(((yhat - pl.col("y")) ** 2).mean().sqrt()).item()}
    rows = rows.filter(pl.col("open") == 1) if "open" in rows.columns else rows
    for level in NOMINAL:
        if f"lo-{level}" in rows.columns:
            hit = pl.col("y").is_between(pl.col(f"lo-{level}"), pl.col(f"hi-{level}")).cast(pl.Float64)
            parts = rows.group_by("unique_id", "cutoff").agg(n=pl.len(), h=hit.sum())
            off = (pl.col("h") - pl.col("n") * pl.col("h").sum() / pl.col("n").sum()) ** 2
            spread = parts.select(off.sum().sqrt() / pl.col("n").sum()).item()
            told[level] = spread * math.sqrt(parts.height / max(parts.height - 1, 1))
    return told


def ratio(result: Result, peers: Field, metric: str) -> float:
    """Ours by the one best peer's."""
    return result.scores[metric] / float(getattr(peers.best(result.code), metric))


def skill(result: Result) -> float:
    """Share of the seasonal naive's WAPE that is saved."""
    return 1 - result.scores["wape"] / result.naive["wape"]


def geometric(values: Iterable[float]) -> float:
    logs = [math.log(v) for v in values]
    return math.exp(sum(logs) / len(logs))


def aims(results: Sequence[Result], peers: Field) -> list[Aim]:
    """Every aim for the data sets that were run."""
    ratios = {m: {r.code: ratio(r, peers, m) for r in results} for m in ("wape", "rmsse")}
    both = [(v, f"{code} {m.upper()}") for m, by in ratios.items() for code, v in by.items()]
    found = [
        Aim(f"geometric mean of the {m.upper()} ratios at most 0.97", f"{g:.3f}", g <= 0.97)
        for m, by in ratios.items()
        for g in [geometric(by.values())]
    ]
    found.append(Aim("no ratio above 1.03", _worst(both, max), max(both)[0] <= 1.03))
    skills = [(skill(r), r.code) for r in results]
    found.append(Aim("skill over SeasonalNaive above 0 everywhere", _worst(skills, min), min(skills)[0] > 0))
    return [*found, *_biases(results), *_wished(results, ratios["wape"]), *_bounds(results, peers), *_cost(results)]


def _worst(pairs: Sequence[tuple[float, str]], pick: Callable[..., tuple[float, str]]) -> str:
    value, name = pick(pairs)
    return f"{value:.3f} ({name})"


def _biases(results: Sequence[Result]) -> list[Aim]:
    off = [(abs(r.scores["bias"]), r.code) for r in results if r.scores["n"] >= LARGE]
    return (
        [Aim(f"bias within 2 % on sets of {LARGE:,} rows and more", _worst(off, max), max(off)[0] <= 0.02)]
        if off
        else []
    )


def _wished(results: Sequence[Result], wape: dict[str, float]) -> list[Aim]:
    found = []
    for r in results:
        if r.code == "D1":
            found.append(Aim(f"{r.data}: WAPE ratio at most 0.97", f"{wape['D1']:.3f}", wape["D1"] <= 0.97))
        if r.code in AIMS:
            metric, limit = AIMS[r.code]
            value = (r.errors | r.scores)[metric]
            asked = f"{r.data}: {metric.upper()} at most {limit:g}"
            found.append(Aim(asked, f"{value:.4g}", value <= limit))
    return found


def covered(result: Result, level: str) -> bool:
    """Whether the coverage is within 2 points of nominal, or within two clustered standard errors."""
    off = abs(result.scores[f"cov{level}"] - NOMINAL[level])
    return off <= max(0.02, 2 * result.errors[level])


def _bounds(results: Sequence[Result], peers: Field) -> list[Aim]:
    missed = [
        f"{r.code} {level} %: {r.scores[f'cov{level}']:.3f}"
        for r in results
        for level in NOMINAL
        if not covered(r, level)
    ]
    cover = Aim(
        "coverage of 80 % and 95 % within 2 points or 2 standard errors", ", ".join(missed) or "all", not missed
    )
    rivals = [(r, peers.narrowest(r.code)) for r in results]
    pairs = [(r.scores["sis80"] / p.sis80, r.code) for r, p in rivals if p is not None and p.sis80]
    if not pairs:
        return [cover]
    return [cover, Aim("interval score below every peer's that has intervals", _worst(pairs, max), max(pairs)[0] < 1)]


def _cost(results: Sequence[Result]) -> list[Aim]:
    both = [(r.cost.cpu, r.theirs.cpu) for r in results if r.theirs]
    asked = "the whole pipeline at most 3 times mlforecast's cpu seconds, measured in the same run"
    if not both:
        return [Aim(asked, "not measured: give --mlforecast-python", None)]
    ours, theirs = (sum(x) for x in zip(*both, strict=True))
    return [Aim(asked, f"{ours / theirs:.2f} ({ours:.0f} s, {theirs:.0f} s)", ours <= 3 * theirs)]
