"""Train: fit the recipe on all history, register the bundle, and decide which version is the champion."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any

import polars as pl

from forecasting import models
from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.errors import UserError
from forecasting.evaluation import paired_test, promotion
from forecasting.evaluation.promotion import Decision
from forecasting.models.naive import LADDER
from forecasting.services import log
from forecasting.services.console import track
from forecasting.steps import identity, run_log
from forecasting.steps.backtest import backtest
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.calibration import learn_quantiles
from forecasting.steps.forecasting.forecast import forecast
from forecasting.steps.forecasting.origin import Origin, actuals, memberships, origin_of
from forecasting.steps.forecasting.stored_rows import backtest_rows
from forecasting.steps.forecasting.training import train_models
from forecasting.steps.registry import Facts, Outcome, Section
from forecasting.steps.session import Session, count_rows, resolve_cutoff


@dataclass(frozen=True)
class Job:
    """What a training works on: a session, a cutoff, and the facts of the backtest that scored the recipe there."""

    session: Session
    cutoff: date
    scored: dict[str, Any]

    @property
    def config(self) -> Config:
        return self.session.config

    @property
    def cutoffs(self) -> list[date]:
        """The windows of the backtest, those included that only calibrate."""
        return [date.fromisoformat(c) for c in (*self.scored["calibration"], *self.scored["cutoffs"])]

    def rows(self, recipe: str) -> pl.DataFrame:
        """The backtest rows of single series of a recipe on this job's reported windows."""
        at = [date.fromisoformat(c) for c in self.scored["cutoffs"]]
        rows = self.session.store.scan("backtests", cutoff=at)
        return rows.filter(pl.col("recipe") == recipe, pl.col("grain") == "series").collect()


def train(session: Session, cutoff: date | None = None, *, force: bool = False) -> Outcome:
    """Fit every model of the recipe at `cutoff` (default: the last observed day) and register the bundle.

    Nothing is registered without backtest scores: raises UserError when there are none for this data, recipe and code.
    """
    job = _job(session, cutoff)
    config, key = job.config, job.scored["key"]
    before = None if force else run_log.last_facts(session.store, "train", key)
    if before:
        return Outcome("train", before, reused=True)
    origin = origin_of(Cut(session.panel, job.cutoff, config.h))
    past = backtest_rows(session.store, job.scored["recipe"], job.cutoffs)
    recipe = models.build(config, count_rows(session.panel))
    trained = train_models(track(recipe, "train: fits"), origin, past)
    champion, verdict = _champion(job)
    facts = {"recipe": job.scored["recipe"], "data_version": identity.data_version(session.store)}
    facts |= {"code": identity.code_of(), "cutoff": str(job.cutoff)}
    quantiles = learn_quantiles(past, trained.fitted, cache(partial(memberships, origin)), job.cutoff, config)
    bundle = Bundle(trained, quantiles, champion, facts, config)
    version = bundles.register(session, bundle, job.scored["run_id"], key)
    decision = _gate(job, bundle, origin, verdict)
    _set_alias(session, version, decision)
    facts |= {"key": key, "version": version, "champion": champion, "promoted": decision.promote}
    facts |= {"reason": decision.reason, "gain": [decision.gain, decision.lo, decision.hi]}
    return Outcome("train", facts | {"seconds": trained.seconds, "failures": trained.failures()[:100]})


def _job(session: Session, cutoff: date | None) -> Job:
    config = session.config
    at = resolve_cutoff(session.panel, cutoff)
    scored = run_log.last_facts(session.store, "backtest", identity.identity_of(config, session.store, at))
    if scored is None:
        raise UserError(
            f"this recipe has no backtest scores on these data at {at}, and nothing is registered without",
            where=config.name,
            needs="backtest",
        )
    return Job(session, at, scored)


def _champion(job: Job) -> tuple[str, Decision | None]:
    """The model that serves within the bundle: the learned one if it beats the ladder, else the ladder's best rung."""
    rows = job.rows(job.scored["recipe"])
    ladder = rows.filter(pl.col("model").is_in(LADDER))
    rung = str(paired_test.best_model_rows(ladder)["model"][0])
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
    best = paired_test.best_model_rows(means if means.height else rows)
    names = [m.name for m in config.models if m.family == "ensemble" and m.on == "series"]
    safe = rows.filter(pl.col("model").is_in(names[:1]))
    compared = paired_test.compare_pair(best, safe) if safe.height else None
    return safe if compared is not None and compared.lo <= 0 else best


def _gate(job: Job, bundle: Bundle, origin: Origin, verdict: Decision | None) -> Decision:
    """Whether the bundle becomes the champion version: sane forecasts first, then a paired test for a new recipe."""
    sane = _sane(job, bundle, origin)
    if not sane.promote:
        return sane
    reign = _champion_tags(job.session)
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


def _sane(job: Job, bundle: Bundle, origin: Origin) -> Decision:
    """Finite forecasts of the size of recent sales, the checks that every bundle must pass."""
    series = pl.col("grain") == "series", pl.col("model") == bundle.champion, ~pl.col("closed")
    parts = forecast(bundle.trained.only(bundle.champion), origin)
    rows = pl.concat([part.filter(series).select("unique_id", "ds", "yhat") for part in parts])
    before = job.config.frequency.shift(job.cutoff, -2 * job.config.h)
    recent = actuals(job.session.panel, before, job.cutoff)
    return promotion.decide_refresh(rows, recent, job.config.clean.y_min)


def _champion_tags(session: Session) -> dict[str, str] | None:
    """The tags of the champion version, if there is one."""
    found = session.registry.versions().filter(pl.col("aliases").list.contains("champion"))
    return dict(json.loads(found["tags"][0])) | {"version": str(found["version"][0])} if found.height else None


def _rival(job: Job, reign: dict[str, str]) -> pl.DataFrame:
    """The champion recipe's rows on this job's windows; it is backtested again where they are missing."""
    rows = job.rows(reign["recipe"])
    if rows["cutoff"].n_unique() < len(job.scored["cutoffs"]):
        log.event("the champion's recipe is backtested on the new windows", recipe=reign["recipe"])
        version = int(reign["version"])
        session = bundles.served_by(job.session, bundles.fetch(job.session.registry, version), version)
        run_log.record(session.store, backtest(session, job.cutoff).as_dict())
        rows = job.rows(reign["recipe"])
    return rows.filter(pl.col("model") == reign["champion"])


def _set_alias(session: Session, version: int, decision: Decision) -> None:
    registry = session.registry
    registry.tag_version(version, "gate", decision.reason)
    if decision.promote:
        registry.set_alias("champion", version)
    elif registry.aliased_version("champion") != version:  # done again with force, a champion is not its own challenger
        registry.set_alias("challenger", version)


def summarize(facts: Facts) -> list[Section]:
    """The summary of a training: the version, why it was promoted or not, and the model that forecasts."""
    lines = (f"version {facts['version']}: {facts['reason']}", f"forecasts come from {facts['champion']}")
    return [Section("Model", lines)]
