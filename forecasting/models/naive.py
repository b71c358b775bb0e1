"""The ladder: forecasts that need no training, as Polars expressions; they also answer where another model cannot."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.models import cold_start
from forecasting.models.base import NO_FAILURES, Model, finish, with_closed

RUNGS = ("SeasonalMean4", "SeasonalNaive", "Naive", "HistoricAverage")
"""From top to bottom: a rung that has nothing to say passes the question to the next one."""
LADDER = ("Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage")
SEASONS = 4


@dataclass(frozen=True)
class Rung:
    """One rung of the ladder. It is its own fitted model: what it says is computed from the history of the cut.

    `season` is in periods; None takes the config's.
    """

    name: str
    rung: str
    season: int | None = None
    on: str = "series"
    family: str = "naive"

    @property
    def failures(self) -> pl.DataFrame:
        return NO_FAILURES

    def fit(self, cut: Cut) -> Rung:
        """Nothing to learn."""
        return self

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """unique_id, ds, yhat, source: one row per future row; `source` is the rung that had an observation."""
        rows = answers(cut, cut.frame(bucket), self)
        own = pl.when(pl.col("source") == self.rung).then(pl.lit(self.name)).otherwise("source")
        return finish(rows, cut.config).select("unique_id", "ds", "yhat", source=own)

    def save(self, folder: Path) -> None:
        """Write rung.json."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rung.json").write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


TOP = Rung(RUNGS[0], RUNGS[0])
"""Who answers for a model that has nothing to say about a series."""


def build(spec: ModelSpec, config: Config) -> list[Model]:
    """The whole ladder, or the one rung that `class` names; raises UserError for another class or option."""
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


def answers(cut: Cut, frame: pl.DataFrame, top: Rung = TOP) -> pl.DataFrame:
    """What the ladder says from `top` downwards about the future rows of `frame`, a frame of the cut.

    unique_id, ds, closed, yhat, source. What was not observed is passed over: the seasonal rungs look further back in
    the same phase of the season, and Naive takes the last observation of all. A series without any observation, and a
    young one where it is known how series begin, get what like series sell (see models/cold), or 0 without such series.
    """
    chain = RUNGS[RUNGS.index(top.rung) :]
    rows = _rungs(cut, frame, top.season or cut.config.season)
    first = pl.coalesce(pl.when(pl.col(rung).is_not_null()).then(pl.lit(rung)) for rung in chain)
    told = rows.with_columns(yhat=pl.coalesce(chain), source=first).drop(RUNGS)
    new = cold_start.new(cut, told)
    if new.height:
        told = told.join(cold_start.like(cut, frame, new), on=KEY, how="left", suffix="_like", maintain_order="left")
        nothing = [pl.lit(0.0), pl.lit(cold_start.NOTHING)]
        told = told.with_columns(
            pl.coalesce(f"{c}_like", c, other).alias(c) for c, other in zip(("yhat", "source"), nothing, strict=True)
        )
    return told.select("unique_id", "ds", "closed", "yhat", "source")


def _rungs(cut: Cut, frame: pl.DataFrame, season: int) -> pl.DataFrame:
    """The future rows with one column per rung, null where it has seen nothing."""
    steps = cut.config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds"))
    phased = with_closed(frame, cut.config).with_columns(_phase=(steps % season + season) % season)
    seen = phased.filter(pl.col("ds") <= cut.cutoff, pl.col("y").is_not_null())
    y = pl.col("y")
    whole = seen.group_by("unique_id").agg(Naive=y.last(), HistoricAverage=y.mean(), _since=pl.col("ds").min())
    phases = seen.group_by("unique_id", "_phase").agg(SeasonalNaive=y.last(), SeasonalMean4=y.tail(SEASONS).mean())
    future = phased.filter(pl.col("ds") > cut.cutoff)
    return future.join(phases, on=["unique_id", "_phase"], how="left").join(whole, on="unique_id", how="left")
