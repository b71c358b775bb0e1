"""The ladder: naive models (rungs) that need no training; also the fallback of models that cannot forecast a series.

`build` returns one Rung or all of them. `Rung.predict` and `ladder_forecasts` take a Cut and a bucket; both
return one row per future row with yhat in units of y, from the first rung that has an observation,
`source`, which names it, and `cold_start`. New series are forecast from similar ones (models/cold_start), else 0.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.models import cold_start, sources
from forecasting.models.base import NO_FAILURES, Model, finish, with_limits

RUNGS = ("SeasonalMean4", "SeasonalNaive", "Naive", "HistoricAverage")
"""From top to bottom: where a rung has no observation to go by, the next one is used."""
LADDER = ("Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage")
"""The same in the order in which a recipe lists them."""
SEASONS = 4


@dataclass(frozen=True)
class Rung:
    """One rung of the ladder. It is its own fitted model, as it computes everything from the history of the cut.

    `season` is in periods; None takes the config's.
    """

    name: str
    rung: str
    season: int | None = None
    on: str = "series"
    family: str = "naive"

    @property
    def failures(self) -> pl.DataFrame:
        """No rows: there is always a lower rung."""
        return NO_FAILURES

    def fit(self, cut: Cut) -> Rung:
        """Itself: there is nothing to learn."""
        return self

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """[unique_id, ds, yhat, cold_start, source]: one row per future row of the bucket, in units of y."""
        rows = ladder_forecasts(cut, bucket, self)
        source = pl.when(pl.col("source") == self.rung).then(pl.lit(self.name)).otherwise("source")
        return finish(rows).select(*KEY, "yhat", "cold_start", source=source)

    def save(self, folder: Path) -> None:
        """Write rung.json."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rung.json").write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


TOP = Rung(RUNGS[0], RUNGS[0])
"""The fallback of models that cannot forecast a series."""


def build(spec: ModelSpec, config: Config) -> list[Model]:
    """All rungs of the ladder, or the one that `class` names. Raises UserError for another class or option."""
    key = f"models.{config.models.index(spec)}"
    unknown = sorted(set(spec.options) - {"class", "season_length"})
    if unknown:
        raise config.fault(key, f"{unknown[0]} is not an option of naive: it takes class and season_length")
    season = spec.options.get("season_length")
    if season is not None and (not isinstance(season, int) or season < 1):
        raise config.fault(key, f"season_length must be a whole number of periods, not {season!r}")
    rung = spec.options.get("class", "ladder")
    if rung == "ladder":
        return [Rung(name, name, season, spec.on) for name in LADDER]
    if rung not in RUNGS:
        near = get_close_matches(str(rung), RUNGS, 1, 0)
        raise config.fault(key, f"naive has no {rung!r}: use ladder, {', '.join(LADDER)} (nearest: {near[0]})")
    return [Rung(spec.name, rung, season, spec.on)]


def load(folder: Path) -> Rung:
    """The rung that `save` wrote into the folder."""
    return Rung(**json.loads((folder / "rung.json").read_text(encoding="utf-8")))


def ladder_forecasts(cut: Cut, bucket: int, top: Rung = TOP) -> pl.DataFrame:
    """[unique_id, ds, closed, yhat_min, yhat, source, cold_start]: one row per future row of a bucket of the cut.

    yhat, in units of y, comes from `top` or the first rung below it that has an observation; `source` names the rung.
    Periods that were not observed are skipped: the seasonal rungs look further back in the same phase of the season,
    and Naive takes the last observation. A series without any observation, and one that was launched lately where
    launch curves are known, is forecast from similar series (see models/cold_start), or 0 without such series.
    """
    chain = RUNGS[RUNGS.index(top.rung) :]
    season = top.season or cut.config.season
    rows = cut.cached(("rungs", season), partial(_all_rungs, cut, bucket, season), bucket)
    source = pl.coalesce(pl.when(pl.col(rung).is_not_null()).then(pl.lit(rung)) for rung in chain)
    rows = rows.with_columns(yhat=pl.coalesce(chain), source=source, cold_start=pl.lit(value=False)).drop(RUNGS)
    new = cold_start.select_new_series(cut, rows)
    if new.height:
        similar = cold_start.similar_series_forecasts(cut, cut.frame(bucket), new)
        rows = rows.drop("cold_start").join(similar, on=KEY, how="left", suffix="_similar", maintain_order="left")
        yhat, text = pl.coalesce("yhat_similar", "yhat", 0.0), pl.lit(sources.NO_HISTORY)
        rows = rows.with_columns(
            pl.col("cold_start").fill_null(value=False), yhat=yhat, source=pl.coalesce("source_similar", "source", text)
        )
    return rows.select(*KEY, "closed", "yhat_min", "yhat", "source", "cold_start")


def _all_rungs(cut: Cut, bucket: int, season: int) -> pl.DataFrame:
    """[unique_id, ds, closed, yhat_min, _since, one column per rung] of the future rows, null where a rung has no
    observation; the same for all rungs, and for the models of which they are the fallback.
    """
    frame = cut.frame(bucket)
    steps = cut.config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds"))
    phase = ((steps % season + season) % season).alias("_phase")
    phased = with_limits(frame, cut.config).select(*KEY, "y", "closed", "yhat_min", phase)
    seen = phased.filter(pl.col("ds") <= cut.cutoff, pl.col("y").is_not_null())
    y = pl.col("y")
    overall = seen.group_by("unique_id").agg(Naive=y.last(), HistoricAverage=y.mean(), _since=pl.col("ds").min())
    phases = seen.group_by("unique_id", "_phase").agg(SeasonalNaive=y.last(), SeasonalMean4=y.tail(SEASONS).mean())
    future = phased.filter(pl.col("ds") > cut.cutoff)
    return future.join(phases, on=["unique_id", "_phase"], how="left").join(overall, on="unique_id", how="left")
