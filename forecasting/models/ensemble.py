"""Ensemble: the weighted mean of other models' forecasts; weights are data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from forecasting import models
from forecasting.config import Config, ModelSpec
from forecasting.data.panel import KEY, Cut
from forecasting.models.base import NO_FAILURES, Fitted, Model

DEFAULT_RUNGS = ("SeasonalNaive", "SeasonalMean4")


@dataclass(frozen=True)
class Ensemble:
    """A recipe: models and the weight of each (they add up to 1)."""

    name: str
    members: tuple[Model, ...]
    weights: dict[str, float]
    on: str = "series"
    family: str = "ensemble"

    def fit(self, cut: Cut) -> FittedEnsemble:
        """Train every member on the cut; use `with_members` where they are trained already."""
        return self.with_members({member.name: member.fit(cut) for member in self.members})

    def with_members(self, fitted: Mapping[str, Fitted]) -> FittedEnsemble:
        """The ensemble of members that were trained before, by name; others in `fitted` are left aside."""
        return FittedEnsemble(self.name, tuple(fitted[member.name] for member in self.members), self.weights)


@dataclass(frozen=True)
class FittedEnsemble:
    """Trained members and their weights."""

    name: str
    members: tuple[Fitted, ...]
    weights: dict[str, float]
    family: str = "ensemble"

    @property
    def failures(self) -> pl.DataFrame:
        """None of its own: a member that fails on a series has its fallback there, and tells so itself."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """unique_id, ds, yhat, source; no bounds: quantiles do not average."""
        said = [m.predict(cut, bucket).select(*KEY, "yhat", model=pl.lit(m.name)) for m in self.members]
        return self.combine(pl.concat(said))

    def combine(self, forecasts: pl.DataFrame) -> pl.DataFrame:
        """The weighted mean of rows unique_id, ds, model, yhat; rows of models that are no members are left aside."""
        weights = pl.DataFrame({"model": list(self.weights), "_w": list(self.weights.values())})
        weighted = forecasts.join(weights, on="model").sort(*KEY, "model")
        mean = (pl.col("yhat") * pl.col("_w")).sum() / pl.col("_w").sum()
        rows = weighted.group_by(*KEY, maintain_order=True).agg(yhat=mean)
        return rows.with_columns(source=pl.lit(self.name))

    def save(self, folder: Path) -> None:
        """Write ensemble.json and every member in a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = [{"family": m.family, "folder": f"member-{i}"} for i, m in enumerate(self.members)]
        text = json.dumps({"name": self.name, "weights": self.weights, "members": kept}, indent=1)
        (folder / "ensemble.json").write_text(text, encoding="utf-8")
        for member, place in zip(self.members, kept, strict=True):
            member.save(folder / place["folder"])


def load(folder: Path) -> FittedEnsemble:
    """The ensemble that `save` wrote into the folder."""
    kept = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
    members = tuple(models.load(place["family"], folder / place["folder"]) for place in kept["members"])
    return FittedEnsemble(kept["name"], members, kept["weights"])


def build(spec: ModelSpec, config: Config) -> list[Model]:
    """One ensemble.

    Options: `members`, names of models of the recipe (left out: all with the same `on` that are no rung of the ladder;
    two rungs when there is none), and `weights` by name (left out: equal). Raises UserError for other options or names.
    """
    key = f"models.{config.models.index(spec)}"
    unknown = sorted(set(spec.options) - {"members", "weights"})
    if unknown:
        raise config.fault(key, f"{unknown[0]} is not an option of ensemble: it takes members and weights")
    others = {m.name: m for s in config.models if s.family != "ensemble" for m in models.build_one(s, config)}
    names = spec.options.get("members") or _default_members(others.values(), spec.on)
    missing = [str(n) for n in names if n not in others]
    if missing:
        raise config.fault(f"{key}.members", f"{missing[0]} is no model of the recipe; it has {', '.join(others)}")
    elsewhere = [n for n in names if others[n].on != spec.on]
    if elsewhere:
        raise config.fault(f"{key}.members", f"{elsewhere[0]} is fitted on {others[elsewhere[0]].on}, not on {spec.on}")
    weights = _weights(spec, config, tuple(names))
    return [Ensemble(spec.name, tuple(others[n] for n in names), weights, spec.on)]


def _default_members(others: Iterable[Model], on: str) -> list[str]:
    learned = [m.name for m in others if m.family != "naive" and m.on == on]
    return learned or list(DEFAULT_RUNGS)


def _weights(spec: ModelSpec, config: Config, names: tuple[str, ...]) -> dict[str, float]:
    """The weights scaled to add up to 1."""
    key = f"models.{config.models.index(spec)}.weights"
    given = spec.options.get("weights") or dict.fromkeys(names, 1.0)
    if not isinstance(given, Mapping) or set(given) != set(names):
        raise config.fault(key, f"must hold one number for each of {', '.join(names)}")
    if any(not isinstance(w, int | float) or w < 0 for w in given.values()) or sum(given.values()) <= 0:
        raise config.fault(key, "must be numbers that are not negative, at least one of them above 0")
    return {n: given[n] / sum(given.values()) for n in names}
