"""Measures what models cost by length, season and rows, and writes the cost model, forecasting/recipe/costs.json.

    make cost-model        (python -m benchmarks.cost_model)

Made-up series go the way of real ones, fit and forecast, in this process; measured are the seconds of the processor.
Statistical models are measured one series at a time on a grid of seasons and lengths, boosters on panels of several
sizes, from which non-negative least squares (of relative errors) finds what each thing costs that they do.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import time
from collections.abc import Callable, Iterator
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import nnls

from forecasting import models
from forecasting.config import Config, ModelSpec
from forecasting.data.aggregates import group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.recipe.candidates import CANDIDATES, booster
from forecasting.recipe.cost import COSTS, Boosters
from forecasting.recipe.facts import count_facts

FREQ = {1: "1mo", 4: "1q", 7: "1d", 12: "1mo", 52: "1w"}
"""Season -> the frequency of the made-up series."""
LENGTHS = (24, 60, 150, 400, 1000)
TAKES, MOST_SERIES = 1.0, 50
"""Seconds that a point of the grid is to take, and the most series by which it does: few cheap ones measure noise."""
DEAR = 2.0
"""Where a series takes so many seconds, longer ones are not measured."""
PANELS = (
    (12, 60, 60, (12,), 0),
    (12, 60, 60, tuple(range(1, 13)), 0),
    (12, 400, 90, (1, 3, 6, 12), 0),
    (12, 400, 90, tuple(range(1, 13)), 12),
    (12, 800, 120, (6, 12), 0),
    (7, 40, 700, (28,), 0),
    (7, 40, 700, (1, 7, 14, 28), 0),
    (7, 120, 700, (7, 28), 12),
    (7, 500, 700, (28,), 0),
    (7, 500, 700, (28,), 12),
    (52, 100, 200, (1, 2, 4, 8), 0),
)
"""Season, series, periods, blocks and known-ahead columns of the panels on which boosters are measured."""


def panel_of(
    season: int, series: int, length: int, h: int, blocks: tuple[int, ...] | None = None, drivers: int = 0
) -> Panel:
    """A panel in memory: `series` of a trend, a season and noise, all above 0; known-ahead columns are noise."""
    keys: dict[str, Any] = {"name": "cost", "source": {"path": "none"}, "freq": FREQ[season], "h": h}
    names = [f"driver {i}" for i in range(drivers)]
    keys |= {"season_length": season, "blocks": blocks, "models": ["ladder"], "columns": {"known_ahead": names}}
    config = Config.model_validate(keys)
    planned = h if drivers else 0
    rng, at = np.random.default_rng(7), np.arange(length + planned)
    first = date(2015, 1, 5) if season in (7, 52) else date(2010, 1, 1)
    days = [config.frequency.shift(first, i) for i in at.tolist()]
    parts = []
    for i in range(series):
        wave = np.sin(2 * np.pi * (at + i) / season) if season > 1 else np.zeros(len(at))
        y = (100 + 5 * i + 0.2 * at) * (1 + 0.3 * wave) * np.exp(rng.normal(0, 0.1, len(at)))
        noise = {name: rng.normal(size=len(at)) for name in names}
        sold = pl.Series(y).set(pl.Series(at >= length), None)
        parts.append(pl.DataFrame({"unique_id": f"s{i:05}", "ds": days, "y": sold, **noise}))
    flag = pl.when(pl.col("y").is_null()).then(pl.lit("ahead")).otherwise(pl.lit("observed"))
    rows = pl.concat(parts).with_columns(y_raw=pl.col("y"), flag=flag)
    return Panel(config, InMemory(rows), (0,), InMemory(group_sums(rows, config, config.levels_of_aggregation)))


def seconds(run: Callable[[], object], times: int = 2) -> float:
    """Seconds of the processor that a run takes, the least of several."""
    found = []
    for _ in range(times):
        started = time.process_time()
        run()
        found.append(time.process_time() - started)
    return min(found)


def fit_and_forecast(panel: Panel, specs: list[ModelSpec]) -> Callable[[], object]:
    """What a window does with these models."""
    assert panel.newest is not None
    newest = panel.newest
    config = panel.config.model_copy(update={"models": (*panel.config.models, *specs)})
    built = [model for spec in specs for model in models.build_entry(spec, config)]

    def run() -> None:
        cut = Cut(panel, newest, panel.config.h)
        for model in built:
            model.fit(cut).predict(cut, 0)

    return run


def measured_specs() -> dict[str, ModelSpec]:
    """Name in the cost model -> the entry that is measured; raw and log variants of a class cost the same."""
    return {c.cost: c.spec for c in reversed(CANDIDATES)}


def stats_costs(name: str) -> dict[str, list[list[float]]]:
    """{season: [[length, seconds of a series], ...]} of a model; a longer series costs no less than a shorter one."""
    spec = measured_specs()[name]
    found = {season: list(_by_length(name, spec, season)) for season in FREQ}
    return {
        str(season): [[n, max(u for m, u in points if m <= n)] for n, _ in points] for season, points in found.items()
    }


def _by_length(name: str, spec: ModelSpec, season: int) -> Iterator[list[float]]:
    each, frame_alone = 0.2, ModelSpec(family="naive", name="Naive", options={"class": "Naive"})
    for length in LENGTHS:
        if length < 2 * season:
            continue
        if each > DEAR:
            return
        number = int(np.clip(TAKES / each, 1, MOST_SERIES))
        panel = panel_of(season, number, length, h=season if season > 1 else 12)
        base = seconds(fit_and_forecast(panel, [frame_alone]))
        spent = seconds(fit_and_forecast(panel, [spec]), times=1 if number == 1 else 2)
        each = max(spent - base, 1e-5) / number
        print(f"{name:<40} season {season:>3} length {length:>5}: {each:.5f} s a series", flush=True)
        yield [length, float(f"{each:.3g}")]


def lightgbm_costs() -> dict[str, float]:
    """Seconds for one of each term of `Boosters.terms`."""
    rows, spent = [], []
    fit_and_forecast(panel_of(12, 5, 60, 12), [booster("mean", 2, 400_000)])()  # what is imported first
    for season, series, length, blocks, drivers in PANELS:
        panel = panel_of(season, series, length, blocks[-1], blocks, drivers)
        assert panel.newest is not None
        facts = count_facts(panel, panel.newest)
        for heads in (("mean",), ("mean", "median")):
            options = Boosters(len(blocks), 2, 400_000, len(heads))
            taken = seconds(fit_and_forecast(panel, [booster(h, 2, 400_000) for h in heads]), times=1)
            rows.append(options.terms(facts))
            spent.append(taken)
            print(f"boosters {heads} {season=} {series=} {length=} {blocks=} {drivers=}: {taken:.2f} s", flush=True)
    names, target = list(rows[0]), np.array(spent)
    matrix = np.array([[row[name] for name in names] for row in rows]) / target[:, None]
    scale = matrix.max(axis=0)
    found, _ = nnls(matrix / scale, np.ones(len(target)))
    for predicted, taken in zip((matrix @ (found / scale)) * target, spent, strict=True):
        print(f"foreseen {predicted:8.2f} s, taken {taken:8.2f} s")
    return {name: float(f"{value:.3g}") for name, value in zip(names, found / scale, strict=True)}


def main() -> None:
    """Measure what was selected, keep the rest, write costs.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ["lightgbm", *measured_specs()]
    parser.add_argument("--only", choices=names, action="append", help="measure these alone, keep the others")
    selected = parser.parse_args().only or names
    costs: dict[str, Any] = {"stats": {}}
    if COSTS.exists():
        costs |= json.loads(COSTS.read_text(encoding="utf-8"))
    packages = {p: version(p) for p in ("statsforecast", "lightgbm", "polars")}
    costs["made"] = {"by": "make cost-model", "machine": platform.machine()} | packages
    costs["stats"] |= {name: stats_costs(name) for name in selected if name != "lightgbm"}
    if "lightgbm" in selected:
        costs["lightgbm"] = lightgbm_costs()
    COSTS.write_text(render(costs), encoding="utf-8")


def render(costs: dict[str, Any]) -> str:
    """JSON with one line per model and season."""
    text = json.dumps(costs, indent=1, sort_keys=True)
    text = re.sub(r"\[\s+(\d+),\s+([\d.e-]+)\s+\]", r"[\1, \2]", text)
    return re.sub(r"\[\s+(\[.*?\])\s+\](,?\n)", lambda m: f"[{' '.join(m[1].split())}]{m[2]}", text, flags=re.S) + "\n"


if __name__ == "__main__":
    main()
