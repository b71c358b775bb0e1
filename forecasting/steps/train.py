"""Train: fit the recipe on all that is known, register the bundle, and let the gate decide who is champion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from forecasting import models
from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import Panel
from forecasting.errors import UserError
from forecasting.evaluation import promotion
from forecasting.evaluation.promotion import Decision
from forecasting.models.naive import LADDER
from forecasting.services import log
from forecasting.services.console import track
from forecasting.services.store import Store
from forecasting.steps import Outcome, bundles, calibration, identity, produce, run_log, session
from forecasting.steps.backtest import backtest
from forecasting.steps.bundles import Bundle
from forecasting.steps.recombined import recombined


@dataclass(frozen=True)
class Job:
    """What a training works on."""

    config: Config
    store: Store
    panel: Panel
    cutoff: date
    scored: dict[str, Any]

    def rows(self, recipe: str) -> pl.DataFrame:
        """The backtest rows of single series of a recipe on this job's reported windows."""
        at = [date.fromisoformat(c) for c in self.scored["cutoffs"]]
        found = self.store.scan("backtests", cutoff=at).filter(pl.col("recipe") == recipe, pl.col("grain") == "series")
        return found.collect()


def train(config: Config, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Fit every model of the recipe at `cutoff` (default: the last observed day) and register the bundle.

    Nothing is registered without backtest scores: raises UserError when there are none for this data, recipe and code.
    """
    job = _job(config, cutoff)
    key = job.scored["key"]
    known = None if force else run_log.last_facts(job.store, "train", key)
    if known:
        return Outcome("train", known, reused=True)
    origin = produce.origin(Cut(job.panel, job.cutoff, config.h))
    past = _past(job)
    recipe = models.build(config, session.rows_of(job.panel))
    trained = produce.train(track(recipe, "train: fits"), origin, past)
    champion, verdict = _champion(job)
    facts = {
        "recipe": job.scored["recipe"],
        "data_version": identity.data_version(job.store),
        "code": identity.code_of(),
    }
    facts |= {"cutoff": str(job.cutoff)}
    answered = recombined(past, trained.fitted.values(), partial(produce.homes, origin))
    bundle = Bundle(trained, calibration.quantiles_at(answered, job.cutoff, config), champion, facts, config)
    version = bundles.register(bundle, job.panel, job.scored["run_id"], key)
    decision = _gate(job, bundle, origin, verdict)
    _alias(config, version, decision)
    told = {"key": key, "version": version, "champion": champion, "promoted": decision.promote}
    told |= {"reason": decision.reason, "gain": [decision.gain, decision.lo, decision.hi]}
    return Outcome("train", facts | told | {"seconds": trained.seconds, "failures": trained.failures()[:100]})


def _job(config: Config, cutoff: date | None) -> Job:
    store = session.open_store(config)
    panel = session.open_panel(config, store)
    at = session.cutoff_of(panel, cutoff)
    key = identity.identity_of(config, store, at)
    scored = run_log.last_facts(store, "backtest", key)
    if scored is None:
        raise UserError(
            f"{config.name}: this recipe has no backtest scores on these data at {at}, and nothing is registered "
            "without; run `demandcast backtest` first"
        )
    return Job(config, store, panel, at, scored)


def _past(job: Job) -> pl.DataFrame:
    """The rows of this job's backtest alone, older windows, series and aggregates included."""
    at = [date.fromisoformat(c) for c in (*job.scored["calibration"], *job.scored["cutoffs"])]
    return job.store.scan("backtests", cutoff=at).filter(pl.col("recipe") == job.scored["recipe"]).collect()


def _champion(job: Job) -> tuple[str, Decision | None]:
    """The model that serves within the bundle: the learned one if it beats the ladder, else the ladder's best rung."""
    rows = job.rows(job.scored["recipe"])
    ladder = rows.filter(pl.col("model").is_in(LADDER))
    rung = str(promotion.best_model_rows(ladder)["model"][0])
    learned = rows.filter(~pl.col("model").is_in(LADDER))
    if learned.is_empty():
        return rung, None
    best = _learned(job.config, learned)
    verdict = promotion.decide_promotion(best, None, ladder)
    return (str(best["model"][0]) if verdict.promote else rung), verdict


def _learned(config: Config, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of the best by WAPE; those of the recipe's combination where it is not better by more than chance.

    A combination of many is the safer choice: that one of its members did better in the windows is mostly luck. A head
    that predicts medians is a member only: its sums are no forecast of sums (of rare sellers it says 0).
    """
    medians = [m.name for m in config.models if m.options.get("predicts") == "median"]
    means = rows.filter(~pl.col("model").is_in(medians))
    best = promotion.best_model_rows(means if means.height else rows)
    names = [m.name for m in config.models if m.family == "ensemble" and m.on == "series"]
    safe = rows.filter(pl.col("model").is_in(names[:1]))
    compared = promotion.compare_pair(best, safe) if safe.height else None
    return safe if compared is not None and compared.lo <= 0 else best


def _gate(job: Job, bundle: Bundle, origin: produce.Origin, verdict: Decision | None) -> Decision:
    """Whether the bundle becomes the champion version: sane forecasts first, then a paired test for a new recipe."""
    sane = _sane(job, bundle, origin)
    if not sane.promote:
        return sane
    reign = _reigning(job.config)
    if reign is None:
        return _first(bundle, verdict)
    if reign["recipe"] == job.scored["recipe"]:
        return sane if reign["cutoff"] <= str(job.cutoff) else _older(reign)
    mine = job.rows(job.scored["recipe"])
    own = mine.filter(pl.col("model") == bundle.champion)
    return promotion.decide_promotion(own, _rival(job, reign), mine.filter(pl.col("model").is_in(LADDER)))


def _first(bundle: Bundle, verdict: Decision | None) -> Decision:
    """The first champion: the recipe's best model where it beats the ladder; else the ladder itself serves."""
    if verdict is None:
        return Decision(
            True, f"Promoted: the recipe holds the naive ladder only, and {bundle.champion} is its best rung."
        )
    if verdict.promote:
        return verdict
    why = verdict.reason.removeprefix("Not promoted: ")
    told = f"Promoted with {bundle.champion}, the best of the ladder, as the model that serves: {why}"
    return Decision(True, told, verdict.gain, verdict.lo, verdict.hi)


def _older(reign: dict[str, str]) -> Decision:
    """A look back with the recipe that serves: it may answer for its day, not from now on."""
    return Decision(False, f"Not promoted: the champion knows newer data, up to {reign['cutoff']}.")


def _sane(job: Job, bundle: Bundle, origin: produce.Origin) -> Decision:
    """Finite forecasts of the size of recent sales, the checks that every bundle must pass."""
    parts = list(produce.forecasts(bundle.trained, origin))
    rows = pl.concat(parts, how="diagonal").filter(pl.col("grain") == "series", pl.col("model") == bundle.champion)
    before = job.config.frequency.shift(job.cutoff, -2 * job.config.h)
    recent = produce.actuals(job.panel, before, job.cutoff)
    return promotion.decide_refresh(rows.filter(~pl.col("closed")), recent, job.config.clean.y_min)


def _reigning(config: Config) -> dict[str, str] | None:
    """The tags of the champion version, if there is one."""
    known = session.open_registry(config).versions().filter(pl.col("aliases").list.contains("champion"))
    return dict(json.loads(known["tags"][0])) | {"version": str(known["version"][0])} if known.height else None


def _rival(job: Job, reign: dict[str, str]) -> pl.DataFrame:
    """The champion recipe's rows on this job's windows; it is backtested again where they are missing."""
    rows = job.rows(reign["recipe"])
    if rows["cutoff"].n_unique() < len(job.scored["cutoffs"]):
        log.event("the champion's recipe is backtested on the new windows", recipe=reign["recipe"])
        version = int(reign["version"])
        old = bundles.served(job.config, bundles.fetch(job.config, version), version)
        run_log.record(job.config, backtest(old, job.cutoff))
        rows = job.rows(reign["recipe"])
    return rows.filter(pl.col("model") == reign["champion"])


def _alias(config: Config, version: int, decision: Decision) -> None:
    registry = session.open_registry(config)
    registry.tag_version(version, "gate", decision.reason)
    if decision.promote:
        registry.set_alias("champion", version)
    elif registry.alias("champion") != version:  # done again with --force, a champion is not its own challenger
        registry.set_alias("challenger", version)
