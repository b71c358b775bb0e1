"""Ensemble: the weighted mean of other models' forecasts; weights are data, given in the config or learned from
earlier backtests per segment of series (see evaluation/selection).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from forecasting import models
from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.models.base import NO_FAILURES, Fitted, Model

DEFAULT_RUNGS = ("SeasonalNaive", "SeasonalMean4")
ALL, LEARNED = "all", "learned"
MEMBER = (*KEY, "yhat", "source", "cold_start")
"""Columns of a member's forecasts that are combined."""
WEIGHTS = {"segment": pl.String, "model": pl.String, "weight": pl.Float64, "middle": pl.Float64}
HOMES = {"unique_id": pl.String, "segment": pl.String}


@dataclass(frozen=True)
class Weights:
    """`by_segment` [segment, model, weight, middle] and the segment of each series, `homes` [unique_id, segment]; the
    segment "all" is for series without one. `middle` are the weights of the median, null where none were learned.
    """

    by_segment: pl.DataFrame
    homes: pl.DataFrame

    @staticmethod
    def same(weights: Mapping[str, float]) -> Weights:
        """The same weights for all series."""
        columns = {"segment": [ALL] * len(weights), "model": list(weights), "weight": list(weights.values())}
        columns |= {"middle": [None] * len(weights)}
        return Weights(pl.DataFrame(columns, schema=WEIGHTS), pl.DataFrame(schema=HOMES))


@dataclass(frozen=True)
class Ensemble:
    """A recipe: models and the weight of each (they add up to 1); None: to be learned."""

    name: str
    members: tuple[Model, ...]
    weights: dict[str, float] | None
    on: str = "series"
    family: str = "ensemble"

    def fit(self, cut: Cut) -> FittedEnsemble:
        """Train every member on the cut; use `with_members` where they are trained already."""
        return self.with_members({member.name: member.fit(cut) for member in self.members})

    def with_members(self, fitted: Mapping[str, Fitted], learned: Weights | None = None) -> FittedEnsemble:
        """The ensemble of members that were trained before, by name; others in `fitted` are left aside.

        Without given and without `learned` weights all members weigh the same.
        """
        names = [member.name for member in self.members]
        weights = self.weights or dict.fromkeys(names, 1 / len(names))
        known = learned if learned is not None and self.weights is None else Weights.same(weights)
        return FittedEnsemble(self.name, tuple(fitted[name] for name in names), known)


@dataclass(frozen=True)
class FittedEnsemble:
    """Trained members and their weights."""

    name: str
    members: tuple[Fitted, ...]
    weights: Weights
    family: str = "ensemble"

    @property
    def failures(self) -> pl.DataFrame:
        """None of its own: a member that fails on a series has its fallback there, and tells so itself."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """unique_id, ds, yhat, q50, source, cold_start; no bounds: quantiles do not average."""
        said = [m.predict(cut, bucket).select(*MEMBER, model=pl.lit(m.name)) for m in self.members]
        return self.combine(pl.concat(said))

    def combine(self, forecasts: pl.DataFrame) -> pl.DataFrame:
        """[unique_id, ds, yhat, q50, source, cold_start]: weighted means of the members' rows, in units of y.

        `forecasts` holds MEMBER and model; rows of models that are no members are ignored. q50 takes the weights of the
        median and is null without them. A row is a cold start, with the source of its first member, where it is one
        for all members.
        """
        homed = forecasts.join(self.weights.homes, on="unique_id", how="left")
        known = self.weights.by_segment["segment"].unique()
        segment = pl.when(pl.col("segment").is_in(known.implode())).then("segment").otherwise(pl.lit(ALL))
        weighted = homed.with_columns(segment=segment).join(self.weights.by_segment, on=["segment", "model"])
        cold = pl.col("cold_start").fill_null(value=False).all()
        source = pl.when(cold).then(pl.col("source").first()).otherwise(pl.lit(self.name))
        said = {"yhat": _mean("weight"), "q50": _mean("middle"), "source": source, "cold_start": cold}
        return weighted.sort(*KEY, "model").group_by(*KEY, maintain_order=True).agg(**said)

    def save(self, folder: Path) -> None:
        """Write ensemble.json, weights.parquet, segments.parquet and every member in a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = [{"family": m.family, "folder": f"member-{i}"} for i, m in enumerate(self.members)]
        text = json.dumps({"name": self.name, "members": kept}, indent=1)
        (folder / "ensemble.json").write_text(text, encoding="utf-8")
        self.weights.by_segment.write_parquet(folder / "weights.parquet")
        self.weights.homes.write_parquet(folder / "segments.parquet")
        for member, place in zip(self.members, kept, strict=True):
            member.save(folder / place["folder"])


def _mean(weight: str) -> pl.Expr:
    """The weighted mean of yhat; null where nothing weighs."""
    whole = pl.col(weight).sum()
    return pl.when(whole > 0).then((pl.col("yhat") * pl.col(weight)).sum() / whole)


def load(folder: Path) -> FittedEnsemble:
    """The ensemble that `save` wrote into the folder."""
    kept = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
    members = tuple(models.load(place["family"], folder / place["folder"]) for place in kept["members"])
    weights = Weights(pl.read_parquet(folder / "weights.parquet"), pl.read_parquet(folder / "segments.parquet"))
    return FittedEnsemble(kept["name"], members, weights)


def build(spec: ModelSpec, config: Config) -> list[Model]:
    """One ensemble.

    Options: `members`, names of models of the recipe (left out: all with the same `on` that are no rung of the ladder;
    two rungs when there is none), and `weights`: by name, or `learned`, for which the rungs are members, too (left out:
    equal). Raises UserError for other options or names.
    """
    key = f"models.{config.models.index(spec)}"
    unknown = sorted(set(spec.options) - {"members", "weights"})
    if unknown:
        raise config.fault(key, f"{unknown[0]} is not an option of ensemble: it takes members and weights")
    others = {m.name: m for s in config.models if s.family not in models.LATE for m in models.build_one(s, config)}
    names = spec.options.get("members") or _default_members(others.values(), spec)
    missing = [str(n) for n in names if n not in others]
    if missing:
        raise config.fault(f"{key}.members", f"{missing[0]} is no model of the recipe; it has {', '.join(others)}")
    elsewhere = [n for n in names if others[n].on != spec.on]
    if elsewhere:
        raise config.fault(f"{key}.members", f"{elsewhere[0]} is fitted on {others[elsewhere[0]].on}, not on {spec.on}")
    weights = _weights(spec, config, tuple(names))
    return [Ensemble(spec.name, tuple(others[n] for n in names), weights, spec.on)]


def _default_members(others: Iterable[Model], spec: ModelSpec) -> list[str]:
    here = [m for m in others if m.on == spec.on]
    trained = [m.name for m in here if m.family != "naive"]
    return [m.name for m in here] if spec.options.get("weights") == LEARNED else trained or list(DEFAULT_RUNGS)


def _weights(spec: ModelSpec, config: Config, names: tuple[str, ...]) -> dict[str, float] | None:
    """The weights scaled to add up to 1; None where they are to be learned."""
    key = f"models.{config.models.index(spec)}.weights"
    if spec.options.get("weights") == LEARNED:
        return None
    given = spec.options.get("weights") or dict.fromkeys(names, 1.0)
    if not isinstance(given, Mapping) or set(given) != set(names):
        raise config.fault(key, f"must hold one number for each of {', '.join(names)}")
    if any(not isinstance(w, int | float) or w < 0 for w in given.values()) or sum(given.values()) <= 0:
        raise config.fault(key, "must be numbers that are not negative, at least one of them above 0")
    return {n: given[n] / sum(given.values()) for n in names}
