"""Backtest: every model of the recipe at past cutoffs, through the production path, scored and kept."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from forecasting import models
from forecasting.config import Config
from forecasting.data import contracts
from forecasting.data.cut import Cut
from forecasting.data.panel import Panel
from forecasting.data.windows import backtest_cutoffs
from forecasting.evaluation import intervals
from forecasting.evaluation.comparisons import gain_scores
from forecasting.evaluation.metrics import reported_metrics, score
from forecasting.evaluation.metrics.wrmsse import ALL_GRAINS, METRIC, recent_weights, wrmsse_scores
from forecasting.evaluation.scores import build_scores, skill_scores
from forecasting.models.base import Model
from forecasting.models.naive import LADDER
from forecasting.services.console import track
from forecasting.services.store import Store
from forecasting.services.tracked_run import Batch, Dataset
from forecasting.steps import identity, run_log
from forecasting.steps.forecasting.calibration import calibrate, quantiles_at
from forecasting.steps.forecasting.ensemble_replay import replay_ensembles
from forecasting.steps.forecasting.forecast import forecast
from forecasting.steps.forecasting.origin import actuals, memberships, origin_of
from forecasting.steps.forecasting.training import NO_BACKTESTS, Trained, train_models
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.reports.backtest_summary import summarize_backtest
from forecasting.steps.session import Session, count_rows, resolve_cutoff

FEWEST = 4
"""Periods of history that the oldest cutoff must leave."""


def backtest(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Score the recipe on windows that end on `cutoff` (default: the last observed day); rows in `backtests`, scores in
    `scores`, one MLflow run. The same data, recipe and code are not run again without `force`.
    """
    config, store, panel = session.config, session.store, session.panel
    end = resolve_cutoff(panel, cutoff)
    key = identity.identity_of(config, store, end)
    known = None if force else run_log.last_facts(store, "backtest", key)
    if known:
        return Outcome("backtest", known, reused=True)
    recipe = models.build(config, count_rows(panel))
    reported, older = windows(config, panel, end)
    facts: dict[str, Any] = {"key": key, "recipe": identity.recipe_of(config), "cutoff": str(end)}
    facts |= {
        "cutoffs": [str(c) for c in reported],
        "calibration": [str(c) for c in older],
        "seconds": {},
        "failures": [],
    }
    residuals: list[pl.DataFrame] = []
    fits = track(recipe * len([*older, *reported]), f"backtest, {len(older) + len(reported)} windows: fits")
    for at in [*older, *reported]:
        rows, trained = _window(config, panel, islice(fits, len(recipe)), at, residuals)
        rows = rows.with_columns(recipe=pl.lit(facts["recipe"]), reported=pl.lit(at in reported))
        residuals.append(rows)
        _keep(store, rows, at, facts["recipe"])
        facts["failures"] += trained.failures()
        facts["seconds"] = {m: round(s + facts["seconds"].get(m, 0), 2) for m, s in trained.seconds.items()}
    rows = pl.concat(residuals)
    sold = recent_weights(_recent(panel, reported), config.levels_of_aggregation)
    scored = _scores(store, rows, sold, facts["recipe"])
    facts["scores"] = overall(scored)
    whole = scored.filter(pl.col("metric") == METRIC, pl.col("grain") == ALL_GRAINS, pl.col("cutoff").is_null())
    facts["wrmsse"] = dict(whole.sort("value").select("model", "value").iter_rows())
    if not facts["scores"]:
        raise config.fault(
            "backtest.windows",
            f"no series that was forecast has sales from {reported[0]} to {end}, so there is nothing to score: "
            "look for a wrong date in the newest data, or choose an earlier cutoff",
        )
    facts["failures"] = facts["failures"][:100]
    facts["run_id"] = _log_run(session, facts, rows)
    return Outcome("backtest", facts)


def windows(config: Config, panel: Panel, end: date) -> tuple[list[date], list[date]]:
    """Reported and older cutoffs that the history allows; raises UserError when it is too short for a reported one.

    Of the older ones no more than hold enough errors for bounds of single series: where these are many, that is one.
    Aggregates, weights and variances then have no more than that in the oldest reported window, and more in the next.
    """
    starts = pl.collect_all([panel.scan(b).select(pl.col("ds").min()) for b in panel.buckets])
    first = min(s.item() for s in starts if s.item() is not None)
    least = config.frequency.shift(first, max(FEWEST, config.h) - 1)
    reported, older = backtest_cutoffs(config, end)
    if reported[0] < least:
        unit = config.frequency.unit
        raise config.fault(
            "h",
            f"{config.h} {unit}s ahead in {config.backtest.windows} backtest windows need history back to before "
            f"{reported[0]}, but the data start on {first}: lower h, backtest.windows or backtest.step",
        )
    errors = _observed(config, panel, reported[0])  # of the window before: a panel may have grown since
    spare = config.backtest.calibration - intervals.windows_needed(errors, config.backtest.calibration)
    return reported, [c for c in older[spare:] if c >= least]


def _observed(config: Config, panel: Panel, end: date) -> int:
    """How many values the newest h periods up to `end` hold, of all series together."""
    days = pl.col("ds").is_between(config.frequency.shift(end, 1 - config.h), end)
    counts = pl.collect_all([panel.scan(b).filter(days).select(pl.col("y").count()) for b in panel.buckets])
    return sum(c.item() for c in counts)


def _window(
    config: Config, panel: Panel, recipe: Iterable[Model], at: date, residuals: list[pl.DataFrame]
) -> tuple[pl.DataFrame, Trained]:
    """The rows of one window with their bounds, and the models as they were fitted for it."""
    origin = origin_of(Cut(panel, at, config.h))
    past = pl.concat(residuals) if residuals else NO_BACKTESTS
    trained = train_models(recipe, origin, past)
    truth = actuals(panel, at, origin.cut.end)
    rows = pl.concat(forecast(trained, origin, truth), how="diagonal")
    replayed = replay_ensembles(past, trained.fitted.values(), partial(memberships, origin))
    return calibrate(rows, quantiles_at(replayed, at, config), config), trained


def _keep(store: Store, rows: pl.DataFrame, at: date, recipe: str) -> None:
    table = store.tables["backtests"]
    held = contracts.validate_table(rows.select(table.schema.names()), table)
    for (bucket,), part in held.partition_by("bucket", as_dict=True).items():
        store.replace("backtests", part, cutoff=at, bucket=bucket, recipe=recipe)


def _recent(panel: Panel, at: Iterable[date]) -> pl.DataFrame:
    """cutoff, unique_id, value and the static columns: what each series sold in the h periods up to each cutoff, in
    money where a column tells the price, else in units.
    """
    config = panel.config
    price = pl.col(config.columns.price) if config.columns.price else pl.lit(1.0)
    value = (pl.col("y") * price).sum()
    parts = []
    for cutoff in at:
        days = pl.col("ds").is_between(config.frequency.shift(cutoff, 1 - config.h), cutoff)
        own = [pl.col(c).drop_nulls().last() for c in config.static_columns]
        told = [panel.scan(b).filter(days).group_by("unique_id").agg(value.alias("value"), *own) for b in panel.buckets]
        parts += [part.with_columns(cutoff=pl.lit(cutoff)) for part in pl.collect_all(told)]
    return pl.concat(parts)


def _scores(store: Store, rows: pl.DataFrame, sold: pl.DataFrame, recipe: str) -> pl.DataFrame:
    """All scores of the batch, written to `scores`; `sold` are the weights of WRMSSE."""
    segments = store.scan("series").select("unique_id", segment="demand_class").collect()
    scored = build_scores(rows, segments)
    names = [n for n in LADDER if n in scored["model"].unique()]
    reported = rows.filter("reported")
    scored = pl.concat(
        [scored, skill_scores(scored, names), wrmsse_scores(reported, sold), gain_scores(reported, names)],
        how="diagonal",
    )
    table = store.tables["scores"]
    store.replace("scores", scored.select(table.schema.names()).cast(table.schema), recipe=recipe)
    return scored


def overall(scored: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per model and grain over all cutoffs, segments and horizons."""
    everything = (pl.col("segment") == "all") & (pl.col("horizon") == "all") & pl.col("cutoff").is_null()
    everything &= pl.col("grain") != ALL_GRAINS
    wide = scored.filter(everything).pivot(
        "metric", index=["grain", "model"], values="value", aggregate_function="first"
    )
    kept = reported_metrics(wide.columns)
    finite: list[pl.Expr] = [pl.when(pl.col(c).is_finite()).then(c) for c in kept]
    if "wape" not in kept:  # nothing was sold in any window
        finite.append(pl.lit(None, pl.Float64).alias("wape"))
    return wide.select("model", "grain", *finite).sort("grain", "wape", "model").to_dicts()


def _log_run(session: Session, facts: dict[str, Any], rows: pl.DataFrame) -> str:
    """One MLflow run: resolved config, data version, scores, times, and the scores per series as Parquet."""
    config, store = session.config, session.store
    version = identity.data_version(store)
    tags = {
        "data_version": str(version),
        "recipe": facts["recipe"],
        "code": identity.code_of(),
        "cutoff": facts["cutoff"],
    }
    tags["levels"] = ",".join(map(str, config.level))
    metrics = {
        f"{s['model']}.{s['grain']}.{m}": s[m] for s in facts["scores"] for m in s if m not in ("model", "grain")
    }
    head = store.scan("panel").head(5).collect()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        score(rows.filter("reported"), ["model", "grain", "unique_id"]).write_parquet(home / "series_scores.parquet")
        (home / "config.json").write_text(config.model_dump_json(indent=1), encoding="utf-8")
        artifacts = {"config": home / "config.json", "scores": home / "series_scores.parquet"}
        dataset = Dataset(head, f"{store.root}/panel", store.version("panel") or 0)
        batch = Batch(flat(config.model_dump(mode="json")), tags, metrics, dataset, facts["seconds"], artifacts)
        return session.registry.log_backtest(batch)


def flat(tree: Any, at: str = "") -> dict[str, str]:
    """Nested values by dotted names, as MLflow parameters want them."""
    pairs: Iterable[tuple[Any, Any]] = tree.items() if isinstance(tree, dict) else ()
    if not pairs:
        return {at: tree if isinstance(tree, str) else json.dumps(tree)}
    return {name: text for key, value in pairs for name, text in flat(value, f"{at}.{key}" if at else str(key)).items()}


def summarize(facts: Facts) -> list[Section]:
    """The summary of a backtest: the scores of all models, and the fits that failed."""
    return summarize_backtest(facts)
