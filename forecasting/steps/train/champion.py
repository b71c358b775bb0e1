"""Champions: `choose_champion` picks the model that forecasts in a bundle, `decide` whether the bundle is promoted.

Both take a Job and return a Decision, the former after the model's name; `set_alias` carries it out in the registry.
`decide` may backtest the champion's recipe again, which writes its tables. A rung is a naive model of the ladder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from forecasting.data.windows import comparable_from
from forecasting.evaluation import paired_test, promotion
from forecasting.evaluation.promotion import Decision
from forecasting.models.naive import LADDER
from forecasting.services import log
from forecasting.steps import identity, run_log
from forecasting.steps.backtest import backtest
from forecasting.steps.forecasting import bundles
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.bundles import Bundle
from forecasting.steps.forecasting.forecast import forecast
from forecasting.steps.forecasting.origin import Origin, scan_actuals
from forecasting.steps.forecasting.reconciliation import reconcilers
from forecasting.steps.lifecycle.champions import crown
from forecasting.steps.session import Session
from forecasting.steps.train.job import Job

CHECKED_BUCKETS = 8
"""Of more buckets, so many spread evenly are forecast before a promotion: buckets hold series by a hash of their names,
so they tell an impossible value or level of the model; `predict` forecasts all of them anyway."""


def choose_champion(job: Job) -> tuple[str, Decision | None]:
    """The name of the model that forecasts within the bundle, and how it compares with the ladder.

    It is the best learned model if that beats the ladder, else the best rung of the ladder; the decision is None for a
    recipe without learned models. Where no window had a season behind it and the training has, none says how good
    models are now: the combination forecasts.
    """
    rung = job.best_ladder_rows()
    learned = [name for name in job.models() if name not in LADDER]
    if not learned:
        return str(rung["model"][0]), None
    combination = _combination(job)
    if combination in learned and max(job.reported) < comparable_from(job.session.panel, job.cutoff):
        why = "no window of the backtest had a season behind it, so that none tells how good models are that have one"
        return combination, Decision(True, f"Promoted: {combination} combines all models; {why}.")
    best = best_learned_model(job, learned)
    verdict = promotion.decide_promotion(best, None, rung)
    return str((best if verdict.promote else rung)["model"][0]), verdict


def best_learned_model(job: Job, names: Sequence[str]) -> pl.DataFrame:
    """The rows of the best by WAPE; those of the recipe's combination where it is not better by more than chance.

    A combination of many is the safer choice: that one of its members did better in the windows is mostly luck. A head
    that predicts medians is a member only: its sums are no forecast of sums (of rare sellers they are 0).
    """
    medians = [m.name for m in job.config.models if m.options.get("predicts") == "median"]
    best = job.best_rows([name for name in names if name not in medians] or names)
    combination = _combination(job)
    if combination not in names:
        return best
    safe = job.rows(job.recipe, combination)
    compared = paired_test.compare_pair(best, safe)
    return safe if compared is not None and compared.lo <= 0 else best


def _combination(job: Job) -> str:
    """The recipe's first combination of models of single series; no name without one."""
    return next((m.name for m in job.config.models if m.family == "ensemble" and m.on == "series"), "")


def decide(job: Job, bundle: Bundle, origin: Origin, verdict: Decision | None) -> Decision:
    """Whether the bundle becomes the champion version: plausible forecasts, and for a new recipe a paired test."""
    serving = _champion_tags(job.session)
    buckets = _checked_buckets(origin.cut.panel.buckets)
    forecasts, recent = _own_forecasts(bundle, origin, buckets), _recent_sales(job, buckets)
    if serving is None:
        return _decide_first_champion(bundle, verdict, forecasts, recent, job.config.clean.y_min)
    checked = promotion.decide_refresh(forecasts, recent, job.config.clean.y_min)
    if not checked.promote:
        return checked
    served = None if serving["recipe"] == job.recipe else _as_judged(job, int(serving["version"]))
    if served is None or identity.recipe_of(served.config) == job.recipe:
        return checked if serving["cutoff"] <= str(job.cutoff) else _refuse_older(serving)
    challenger = job.rows(job.recipe, bundle.champion)
    return promotion.decide_promotion(
        challenger, _champion_rows(job, served, serving["champion"]), job.best_ladder_rows()
    )


def _decide_first_champion(
    bundle: Bundle, verdict: Decision | None, forecasts: pl.DataFrame, recent: pl.DataFrame, y_min: float | None
) -> Decision:
    """The first champion: the recipe's best model where it beats the ladder; else the ladder itself serves.

    With nothing else to serve, forecasts of another size than recent sales are served with a warning.
    """
    if fault := promotion.find_invalid_forecasts(forecasts, y_min):
        return Decision(False, f"Not promoted: the first bundle {fault}.")
    first = _compare_with_ladder(bundle, verdict)
    if shift := promotion.find_level_shift(forecasts, recent):
        return replace(first, reason=f"{first.reason} It {shift}: look for wrong values among the recent sales.")
    return first


def _compare_with_ladder(bundle: Bundle, verdict: Decision | None) -> Decision:
    """The promotion of the first champion, with its reason."""
    if verdict is None:
        return Decision(
            True, f"Promoted: the recipe holds the naive ladder only, and {bundle.champion} is its best rung."
        )
    if verdict.promote:
        return verdict
    why = verdict.reason.removeprefix("Not promoted: ")
    reason = f"Promoted with {bundle.champion}, the best of the ladder, as the model that serves: {why}"
    return replace(verdict, promote=True, reason=reason)


def _refuse_older(serving: dict[str, str]) -> Decision:
    """A look back with the recipe that serves: it may forecast for its day, not from now on."""
    return Decision(False, f"Not promoted: the champion knows newer data, up to {serving['cutoff']}.")


def _checked_buckets(buckets: Sequence[int]) -> Sequence[int]:
    """Up to CHECKED_BUCKETS of the buckets, spread evenly.

    >>> list(_checked_buckets(range(125)))
    [0, 16, 32, 48, 64, 80, 96, 112]
    """
    return buckets[:: math.ceil(len(buckets) / CHECKED_BUCKETS)]


def _own_forecasts(bundle: Bundle, origin: Origin, buckets: Sequence[int]) -> pl.DataFrame:
    """[unique_id, ds, yhat, closed, yhat_min] of the buckets' single series by the bundle's champion."""
    of_series = pl.col("grain") == "series", pl.col("model") == bundle.champion
    columns = ("unique_id", "ds", "yhat", "closed", "yhat_min")
    own = bundle.trained.only(bundle.champion)
    if reconcilers(own):  # they need the sums of all series
        return pl.concat([part.filter(of_series).select(columns) for part in forecast(own, origin)])
    parts = (forecast_bucket(own, origin.cut, bucket) for bucket in buckets)
    return pl.concat([part.filter(pl.col("model") == bundle.champion).select(columns) for part in parts])


def _recent_sales(job: Job, buckets: Sequence[int]) -> pl.DataFrame:
    """[unique_id, ds, y] of the buckets' series in the last two horizons."""
    first = job.config.frequency.shift(job.cutoff, -2 * job.config.h)
    return pl.concat(scan_actuals(job.session.panel, bucket, first, job.cutoff).collect() for bucket in buckets)


def _champion_tags(session: Session) -> dict[str, str] | None:
    """The tags of the champion version, if there is one."""
    found = session.registry.versions().filter(pl.col("aliases").list.contains("champion"))
    return dict(json.loads(found["tags"][0])) | {"version": str(found["version"][0])} if found.height else None


def _as_judged(job: Job, version: int) -> Session:
    """The session of the champion version, whose windows know no more of the coming days than those of the job."""
    served = bundles.served_by(job.session, bundles.fetch(job.session.registry, version), version)
    known_ahead = {"known_ahead": job.config.backtest.known_ahead}
    windows = served.config.backtest.model_copy(update=known_ahead)
    return served.with_config(served.config.model_copy(update={"backtest": windows}))


def _champion_rows(job: Job, served: Session, model: str) -> pl.DataFrame:
    """The champion's rows on this job's windows; its recipe is backtested again where they are missing."""
    recipe = identity.recipe_of(served.config)
    rows = job.rows(recipe, model)
    if rows["cutoff"].n_unique() < len(job.reported):
        log.event("the champion's recipe is backtested on the new windows", recipe=recipe)
        run_log.record(job.session.store, backtest(served, job.cutoff).as_dict())
        rows = job.rows(recipe, model)
    return rows


def set_alias(session: Session, version: int, decision: Decision) -> None:
    """Make the version champion if it was promoted, else challenger; the reason is kept as its tag."""
    registry = session.registry
    registry.tag_version(version, "gate", decision.reason)
    if decision.promote:
        crown(registry, version, "gate", decision.reason, session.user)
    elif registry.aliased_version("champion") != version:  # done again with force, a champion is not its own challenger
        registry.set_alias("challenger", version)
