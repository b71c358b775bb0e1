"""The step backtest: `backtest` fits and forecasts all models at each past cutoff, then scores all windows.

It takes a Session and a cutoff, writes the tables `backtests` and `scores` and one MLflow run, and returns an Outcome
with scores, seconds and failures. A recipe is the config keys that change a forecast; here also its list of models.
"""

from __future__ import annotations

import json
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from forecasting import models
from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import count_observed
from forecasting.data.windows import resolve_cutoff
from forecasting.evaluation.metrics.wrmsse import recent_weights
from forecasting.models.base import Model
from forecasting.remarks import Remark, remark_facts
from forecasting.services.console import track
from forecasting.services.store.unfinished import Progress, forget_work, unfinished_work
from forecasting.services.tracking.tracked_run import Dataset, TrackedRun
from forecasting.steps import identity, run_log
from forecasting.steps.backtest.scoring import (
    Scores,
    count_scored,
    overall_scores,
    overall_wrmsse,
    recent_sales,
    score_windows,
)
from forecasting.steps.backtest.windows import backtest_windows
from forecasting.steps.forecasting.calibration import learn_quantiles
from forecasting.steps.forecasting.forecast import write_forecasts
from forecasting.steps.forecasting.origin import kept_origin
from forecasting.steps.forecasting.stored_rows import Destination, rows_so_far
from forecasting.steps.forecasting.training import train_models
from forecasting.steps.recipes import with_recipe
from forecasting.steps.registry import Outcome
from forecasting.steps.reports.known_ahead import known_counts
from forecasting.steps.session import Session


def backtest(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Score the recipe on windows that end by `cutoff` (default: the last observed day); rows in `backtests`, scores in
    `scores`, one MLflow run. The same data, recipe and code are not run again without `force`.
    """
    config, store, panel = session.config, session.store, session.panel
    end = resolve_cutoff(panel, cutoff)
    key = identity.identity_of(config, store, end)
    before = None if force else run_log.last_facts(store, "backtest", key)
    if before:
        return Outcome("backtest", before, reused=True)
    if force:
        forget_work(store, "backtest")
    with unfinished_work(store, "backtest", f"{key} {identity.code_of(identity.ALL_CODE)}") as progress:
        return _backtest(session, end, key, progress)


def _backtest(session: Session, end: date, key: str, progress: Progress) -> Outcome:
    """The backtest of all windows up to `end`, without those that `progress` holds."""
    config, store, panel = session.config, session.store, session.panel
    backtest_windows(config, panel, end)  # raises UserError where the history is too short, before models are chosen
    session, chosen = with_recipe(session, end, progress)
    config, rows = session.config, count_observed(panel)
    recipe = models.build(config, rows)
    reported, older = backtest_windows(config, panel, end)
    facts: dict[str, Any] = {"key": key, "recipe": identity.recipe_of(config), "cutoff": str(end)}
    facts |= {"chosen": chosen.to_json()} if chosen else {}
    facts |= {"cutoffs": [str(c) for c in reported], "calibration": [str(c) for c in older]}
    facts |= {"known_ahead": config.backtest.known_ahead, "known_counts": known_counts(panel)}
    facts |= _run_windows(session, recipe, older, reported, progress, progress.below("older") if chosen else None)
    scores = _score(session, [m.name for m in recipe], older, reported)
    scored_rows = rows_so_far(store, facts["recipe"], reported, [m.name for m in recipe])
    facts |= {"scores": overall_scores(scores.table), "wrmsse": overall_wrmsse(scores.table)}
    facts |= {"row_counts": count_scored(scored_rows, recipe[0].name)}
    if not facts["scores"]:
        raise config.fault(
            "backtest.windows",
            f"no series that was forecast has sales from {reported[0]} to {end}, so there is nothing to score: "
            "look for a wrong date in the newest data, or choose an earlier cutoff",
        )
    facts["run_id"] = _log_run(session, facts, scores)
    facts["tables"] = run_log.scored_tables(store)
    learned = [Remark("models", text, "none") for text in facts.pop("learned")]
    return Outcome("backtest", facts | {"remarks": remark_facts([*_left_out(config, rows), *learned])})


def _left_out(config: Config, rows: int) -> Iterator[Remark]:
    """One remark for each model of the config that is not run, with the reason."""
    for spec in models.too_dear(config, rows):
        reason = f"the panel has {rows:,} observed rows and its `most` is {spec.most:,}"
        message = f"{spec.name} is left out: {reason}; raise `most` to try it, which takes time"
        yield Remark("models", message, "forecast")


def _run_windows(
    session: Session,
    recipe: list[Model],
    older: list[date],
    reported: list[date],
    progress: Progress,
    lasting: Progress | None,
) -> dict[str, Any]:
    """Forecast window after window, each of which learns from those before it; seconds and failures of the fits, and
    what the models of the newest window say of what they learned.

    A window that `progress` holds is not run again. With `lasting` older windows are forecast by the global models of
    the oldest: bounds and weights gain more from one window more than from a training a few windows later.
    """
    at, key = [*older, *reported], identity.recipe_of(session.config)
    fits = track(recipe * len(at), f"backtest, {len(at)} windows: fits")
    seconds: dict[str, float] = {}
    failures: list[dict[str, str]] = []
    learned: list[str] = []
    for i, cutoff in enumerate(at):
        models_of_window = islice(fits, len(recipe))
        window = progress.facts(f"window-{cutoff}")
        if window is None:
            past = rows_so_far(session.store, key, at[:i], [m.name for m in recipe])
            within, columns = {"cutoff": cutoff, "recipe": key}, {"recipe": key, "reported": cutoff in reported}
            to, parts = Destination(session.store, "backtests", within, columns), progress.below(str(cutoff))
            window = _run_window(session, models_of_window, past, to, parts, None if cutoff in reported else lasting)
            progress.keep(f"window-{cutoff}", window)
            parts.clear()
        deque(models_of_window, maxlen=0)
        failures += window["failures"]
        learned = window["learned"]
        seconds = {m: round(s + seconds.get(m, 0), 2) for m, s in window["seconds"].items()}
    return {"seconds": seconds, "failures": failures[:100], "learned": learned}


def _run_window(
    session: Session,
    recipe: Iterable[Model],
    past: pl.LazyFrame,
    to: Destination,
    progress: Progress,
    lasting: Progress | None,
) -> dict[str, Any]:
    """Fit the recipe at a cutoff and write its forecasts with actuals and bounds; seconds and failures of the fits, and
    what the models say of what they learned.
    """
    config, cutoff = session.config, to.within["cutoff"]
    origin = kept_origin(Cut(session.panel, cutoff, config.h), progress, peers_after=date.min)
    trained = train_models(recipe, origin, past, progress, lasting)
    quantiles = learn_quantiles(past, trained.fitted, origin)
    write_forecasts(trained, origin, quantiles, to, progress, actuals_until=origin.cut.end)
    return {"seconds": trained.seconds, "failures": trained.failures()[:100], "learned": trained.remarks()}


def _score(session: Session, names: list[str], older: list[date], reported: list[date]) -> Scores:
    """All scores of the reported windows, also written to the table `scores`."""
    config, store, key = session.config, session.store, identity.recipe_of(session.config)
    segments = store.scan("series").select("unique_id", segment="demand_class").collect()
    weights = recent_weights(recent_sales(session.panel, reported), config.levels_of_aggregation)
    rows = rows_so_far(store, key, [*older, *reported], names).filter("reported")
    scores = score_windows(rows, segments, weights)
    table = store.tables["scores"]
    store.replace("scores", scores.table.select(table.schema.names()).cast(table.schema), recipe=key)
    return scores


def _log_run(session: Session, facts: dict[str, Any], scores: Scores) -> str:
    """One MLflow run: resolved config, data version, scores, times, and the scores per series as Parquet."""
    config, store = session.config, session.store
    tags = {"data_version": str(identity.data_version(store)), "recipe": facts["recipe"]}
    tags |= {"code": identity.code_of(), "cutoff": facts["cutoff"], "levels": ",".join(map(str, config.level))}
    metrics = {
        f"{s['model']}.{s['grain']}.{m}": s[m] for s in facts["scores"] for m in s if m not in ("model", "grain")
    }
    head = store.scan("panel").head(5).collect()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        scores.by_series.write_parquet(home / "series_scores.parquet")
        (home / "config.json").write_text(config.model_dump_json(indent=1), encoding="utf-8")
        artifacts = {"config": home / "config.json", "scores": home / "series_scores.parquet"}
        if "chosen" in facts:
            artifacts["recipe"] = home / "recipe.json"
            artifacts["recipe"].write_text(json.dumps(facts["chosen"], indent=1), encoding="utf-8")
        dataset = Dataset(head, f"{store.root}/panel", store.version("panel") or 0)
        run = TrackedRun(flat(config.model_dump(mode="json")), tags, metrics, dataset, facts["seconds"], artifacts)
        return session.registry.log_backtest(run)


def flat(tree: Any, at: str = "") -> dict[str, str]:
    """Nested values by dotted names, as MLflow parameters want them."""
    pairs: Iterable[tuple[Any, Any]] = tree.items() if isinstance(tree, dict) else ()
    if not pairs:
        return {at: tree if isinstance(tree, str) else json.dumps(tree)}
    return {name: text for key, value in pairs for name, text in flat(value, f"{at}.{key}" if at else str(key)).items()}
