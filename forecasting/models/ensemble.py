"""Ensemble: a model whose forecast is a combination of other models'; `build` makes it from its config entry.

`combine_fitted` takes the members trained before, `combine_forecasts` their forecasts by name; it returns rows
[unique_id, ds, yhat, q50, source, cold_start] without bounds. Weights are given in the config or come per segment of
series and step from earlier backtests (evaluation/ensemble_weights); they are not computed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.models import families
from forecasting.models.base import NO_FAILURES, BacktestEvidence, Fitted, Model
from forecasting.models.weights import MEDIAN, TRIM_FROM, TRIMMED, Weights

STAGE = 1
DEFAULT_RUNGS = ("SeasonalNaive", "SeasonalMean4")
LEARNED = "learned"
MEMBER = (*KEY, "yhat", "source", "cold_start")
"""Columns of a member's forecasts that are combined, beside its median (q50) where it has one, and the step."""


@dataclass(frozen=True)
class Ensemble:
    """An untrained ensemble: its members and the weight of each (they add up to 1); None: to be learned."""

    name: str
    members: tuple[Model, ...]
    weights: dict[str, float] | None
    on: str = "series"
    family: str = "ensemble"

    def fit(self, cut: Cut) -> FittedEnsemble:
        """Train every member on the cut; use `combine_fitted` where they are trained already."""
        return self.with_members({member.name: member.fit(cut) for member in self.members})

    def combine_fitted(self, trained: Mapping[str, Fitted], evidence: BacktestEvidence) -> FittedEnsemble:
        """The ensemble of trained members, with weights learned from `evidence` where none are given."""
        learned = evidence.weights([m.name for m in self.members]) if self.weights is None else None
        return self.with_members(trained, learned)

    def with_members(self, trained: Mapping[str, Fitted], learned: Weights | None = None) -> FittedEnsemble:
        """The ensemble of members that were trained before, by name; others in `trained` are ignored.

        Without given and without `learned` weights all members weigh the same.
        """
        names = [member.name for member in self.members]
        given = self.weights or dict.fromkeys(names, 1 / len(names))
        weights = learned if learned is not None and self.weights is None else Weights.same(given)
        return FittedEnsemble(self.name, tuple(trained[name] for name in names), weights)


@dataclass(frozen=True)
class FittedEnsemble:
    """Trained members and their weights."""

    name: str
    members: tuple[Fitted, ...]
    weights: Weights
    family: str = "ensemble"

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The names of its members."""
        return tuple(member.name for member in self.members)

    @property
    def failures(self) -> pl.DataFrame:
        """No rows: a member that fails on a series uses its fallback there, and reports it itself."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """[unique_id, ds, yhat, q50, source, cold_start]: one row per future row of the bucket, in units of y.

        There are no bounds, as quantiles do not average.
        """
        return self.combine_forecasts({member.name: member.predict(cut, bucket) for member in self.members}, cut)

    def combine_forecasts(self, forecasts: Mapping[str, pl.DataFrame], cut: Cut) -> pl.DataFrame:
        """The same from forecasts of the members, by name; others in `forecasts` are ignored."""
        step = cut.config.frequency.steps(pl.lit(cut.cutoff), pl.col("ds"))
        rows = [forecasts[name].select(*MEMBER, "^q50$", model=pl.lit(name), step=step) for name in self.depends_on]
        return self.combine(pl.concat(rows, how="diagonal"))

    def combine(self, forecasts: pl.DataFrame) -> pl.DataFrame:
        """[unique_id, ds, yhat, q50, source, cold_start]: combinations of the members' rows, in units of y.

        `forecasts` holds MEMBER, model, step and perhaps q50, for which yhat stands where it is null; rows of models
        that are no members are ignored. q50 takes the weights of the median, and is made of the members' q50 or yhat,
        as these tell. A row is a cold start, with the source of its first member, where it is one for all members.
        Errors to expect (`scale`), where the members' rows hold them, are combined as yhat is, in a further column.
        """
        weighted = self.weights.of_rows(forecasts)
        cold = pl.col("cold_start").fill_null(value=False).all()
        source = pl.when(cold).then(pl.col("source").first()).otherwise(pl.lit(self.name))
        own = self.weights.median_of in forecasts.columns
        median = pl.coalesce(self.weights.median_of, "yhat") if own else pl.col("yhat")
        columns = {"yhat": _combined("yhat", self.weights.form), "q50": _mean(median, "middle")}
        columns |= {"source": source, "cold_start": cold}
        columns |= {"scale": _combined("scale", self.weights.form)} if "scale" in forecasts.columns else {}
        return weighted.sort(*KEY, "model").group_by(*KEY, maintain_order=True).agg(**columns)

    def save(self, folder: Path) -> None:
        """Write ensemble.json, weights.parquet, segments.parquet and every member in a folder of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        stored = [{"family": m.family, "folder": f"member-{i}"} for i, m in enumerate(self.members)]
        text = json.dumps({"name": self.name, "members": stored}, indent=1)
        (folder / "ensemble.json").write_text(text, encoding="utf-8")
        self.weights.by_segment.write_parquet(folder / "weights.parquet")
        self.weights.homes.write_parquet(folder / "segments.parquet")
        for member, place in zip(self.members, stored, strict=True):
            member.save(folder / place["folder"])


def _mean(value: pl.Expr, weight: str) -> pl.Expr:
    """The weighted mean of the members' values; null where the weights add up to 0."""
    total = pl.col(weight).sum()
    return pl.when(total > 0).then((value * pl.col(weight)).sum() / total)


def _combined(column: str, form: str) -> pl.Expr:
    """The members' values of a column in one of the forms of models/weights."""
    kept = pl.col(column).filter(pl.col("weight") > 0)
    if form == MEDIAN:
        return kept.median()
    if form == TRIMMED:
        inner = (kept.sum() - kept.min() - kept.max()) / (kept.len() - 2)
        return pl.when(kept.len() >= TRIM_FROM).then(inner).otherwise(kept.mean())
    return _mean(pl.col(column), "weight")


def load(folder: Path) -> FittedEnsemble:
    """The ensemble that `save` wrote into the folder."""
    stored = json.loads((folder / "ensemble.json").read_text(encoding="utf-8"))
    members = tuple(families.load(place["family"], folder / place["folder"]) for place in stored["members"])
    weights = Weights.read(pl.read_parquet(folder / "weights.parquet"), pl.read_parquet(folder / "segments.parquet"))
    return FittedEnsemble(stored["name"], members, weights)


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
    others = families.models_below(STAGE, config)
    names = spec.options.get("members") or _default_members(others.values(), spec)
    missing = [str(n) for n in names if n not in others]
    if missing:
        raise config.fault(f"{key}.members", f"{missing[0]} is no model of the recipe; it has {', '.join(others)}")
    elsewhere = [n for n in names if others[n].on != spec.on]
    if elsewhere:
        raise config.fault(f"{key}.members", f"{elsewhere[0]} is fitted on {others[elsewhere[0]].on}, not on {spec.on}")
    weights = _given_weights(spec, config, tuple(names))
    return [Ensemble(spec.name, tuple(others[n] for n in names), weights, spec.on)]


def _default_members(others: Iterable[Model], spec: ModelSpec) -> list[str]:
    same = [m for m in others if m.on == spec.on]
    trained = [m.name for m in same if m.family != "naive"]
    return [m.name for m in same] if spec.options.get("weights") == LEARNED else trained or list(DEFAULT_RUNGS)


def _given_weights(spec: ModelSpec, config: Config, names: tuple[str, ...]) -> dict[str, float] | None:
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
