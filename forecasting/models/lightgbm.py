"""LightGBM: one global model per horizon block, trained on all series at once, each in units of its recent level.

A row for a day in block b reads sales at least `lead(b)` periods back, so no forecast feeds on another one. The target
is y / level and rows weigh level ** (2 - p): the Tweedie deviance of power p is homogeneous of that degree, so the
boosters minimise the deviance in the units of y (Jorgensen, The Theory of Dispersion Models, 1997, chapter 4).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.panel import KEY, Cut
from forecasting.features import Features
from forecasting.features.groups import Level
from forecasting.models import naive
from forecasting.models.base import NO_FAILURES, finish
from forecasting.models.lightgbm_rows import Codes, Matrix, category_codes, features_of, recent, sampled

if TYPE_CHECKING:
    import lightgbm

PARAMS: dict[str, Any] = {
    "objective": "tweedie",
    "tweedie_variance_power": 1.3,
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.4,
    "max_bin": 127,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "cat_smooth": 20.0,
}
TREES = 120
MANY = 500_000
"""Rows of a block from which on larger boosters pay (stores by day); below, they cost three times as much and learn
single weeks by heart (groceries by week, departments and items by day)."""
LARGE: dict[str, Any] = {"learning_rate": 0.06, "num_leaves": 63, "feature_fraction": 0.35}
LARGE_TREES = 200
# equal models whatever the number of threads
FIXED: dict[str, Any] = {"deterministic": True, "force_row_wise": True, "seed": 7, "verbosity": -1, "num_threads": 2}
SHARP = 10.0
"""The median head learns log(1 + SHARP y / level): nearly the logarithm, and 0 for nothing sold."""
UNDONE: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "mean": lambda value: value,
    "median": lambda value: (value.exp() - 1) / SHARP,
}
"""From what boosters say to units of the level."""


@dataclass(frozen=True)
class LightGBM:
    """The recipe: booster parameters, trees (None: by the number of rows), years of training rows, the most rows a
    block is trained on, what is predicted (the mean or the median), and the groupings whose priors are features.

    Priors are off by default. They are the same for all series of a day, and boosters learn such days by heart: without
    them errors were lower on all of five sets of real sales.
    """

    name: str
    params: Mapping[str, Any]
    trees: int | None = None
    years: float = 2.0
    rows: int = 600_000
    predicts: str = "mean"
    priors: tuple[Level, ...] = ()
    on: str = "series"
    family: str = "lightgbm"

    def fit(self, cut: Cut) -> FittedLightGBM:
        """One booster for each horizon block of the config that the history reaches."""
        matrix = Matrix(features_of(cut, self.priors), category_codes(cut))
        boosters = {end: self._booster(cut, matrix, end) for end in cut.config.block_ends}
        learned = {end: booster for end, booster in boosters.items() if booster is not None}
        return FittedLightGBM(self.name, learned, matrix.codes, tuple(matrix.inputs), (self.predicts, self.priors))

    def _booster(self, cut: Cut, matrix: Matrix, lead: int) -> lightgbm.Booster | None:
        """None where there is nothing to learn from: no row has a level `lead` periods back, or nothing was sold."""
        import lightgbm

        names, made = matrix.inputs, partial(self._learned_from, cut, matrix, lead)
        rows = cut.once(("learned from", lead, self.years, self.rows), made)
        if not (rows["y"] != 0).any():
            return None
        many = rows.height >= MANY
        sized = PARAMS | LARGE if many else PARAMS
        head = _head(self.predicts, {**sized, **self.params, **FIXED}, rows)
        data = lightgbm.Dataset(
            rows.select(names).cast(pl.Float32).to_numpy(),
            head.target.to_numpy(),
            weight=(head.weight / head.weight.mean()).to_numpy(),
            # by place: LightGBM refuses some names (a[0]) and alters others ("school holiday")
            categorical_feature=[names.index(c) for c in matrix.codes],
        )
        return lightgbm.train(head.params, data, self.trees or (LARGE_TREES if many else TREES))

    def _learned_from(self, cut: Cut, matrix: Matrix, lead: int) -> pl.DataFrame:
        """The rows within the budget: of recent years, with an observed y and a known level."""
        share = self._share(cut)
        made = (matrix.of(cut, sampled(cut.frame(bucket), share), lead) for bucket in cut.panel.buckets)
        young = (rows.filter(recent(cut, self.years)).drop_nulls(["y", "level"]) for rows in made)
        return pl.concat([rows.select(*matrix.inputs, "y", "level") for rows in young])

    def _share(self, cut: Cut) -> float:
        """The share of series to train on, so that the rows of a block stay within the budget."""
        counts = [cut.panel.scan(b).filter(recent(cut, self.years)).select(pl.len()) for b in cut.panel.buckets]
        rows: int = sum(c.item() for c in pl.collect_all(counts))
        return min(1.0, self.rows / max(rows, 1))


@dataclass(frozen=True)
class FittedLightGBM:
    """Boosters by the last step of their block, the codes of categories, the columns that they take, in order, and
    `asked`: what they predict (mean or median), and the groupings whose priors they read.
    """

    name: str
    boosters: dict[int, lightgbm.Booster]
    codes: Codes
    inputs: tuple[str, ...]
    asked: tuple[str, tuple[Level, ...]]
    family: str = "lightgbm"

    @property
    def failures(self) -> pl.DataFrame:
        """None: a series without a level is answered by the ladder, and `source` says so."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """unique_id, ds, yhat, source; the ladder answers beyond the trained horizon and without a level."""
        frame = cut.frame(bucket)
        rungs = naive.answers(cut, frame)
        matrix = Matrix(Features(cut.config, dict(frame.schema), self.asked[1]), self.codes)
        empty = frame.clear().select(*KEY, _own=pl.lit(None, pl.Float64))
        made = {end: partial(self._asked, cut, frame, matrix, end) for end in self._ends(cut)}
        said = pl.concat([empty, *(self._block(cut.once(("asked", bucket, e), m), e) for e, m in made.items())])
        rows = rungs.join(said, on=KEY, how="left", maintain_order="left")
        own = pl.col("_own").is_not_null()
        rows = rows.with_columns(
            yhat=pl.coalesce("_own", "yhat"), source=pl.when(own).then(pl.lit(self.name)).otherwise("source")
        )
        return finish(rows, cut.config).select(*KEY, "yhat", "source")

    def _ends(self, cut: Cut) -> list[int]:
        return [end for end in sorted(self.boosters) if _first_step(self.boosters, end) <= cut.h]

    def _asked(self, cut: Cut, frame: pl.DataFrame, matrix: Matrix, end: int) -> pl.DataFrame:
        """The rows of one block that have a level, with all inputs."""
        freq = cut.config.frequency
        since = freq.shift(cut.cutoff, -matrix.features.lookback(end))
        first, last = (freq.shift(cut.cutoff, k) for k in (_first_step(self.boosters, end), end))
        rows = matrix.of(cut, frame.filter(pl.col("ds") > since), end)
        return rows.filter(pl.col("ds").is_between(first, last), pl.col("level").is_not_null())

    def _block(self, rows: pl.DataFrame, end: int) -> pl.DataFrame:
        """The forecasts of the rows of one block: unique_id, ds and _own."""
        if rows.is_empty():
            return rows.select(*KEY, _own=pl.col("level"))
        values = self.boosters[end].predict(rows.select(self.inputs).cast(pl.Float32).to_numpy())
        return rows.select(*KEY, _own=UNDONE[self.asked[0]](pl.lit(pl.Series(values))) * pl.col("level"))

    def save(self, folder: Path) -> None:
        """Write one booster text per block and model.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for end, booster in self.boosters.items():
            booster.save_model(str(folder / f"block-{end}.txt"))
        facts = {"name": self.name, "blocks": list(self.boosters), "asked": self.asked, "codes": self.codes}
        facts |= {"inputs": self.inputs}
        (folder / "model.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load(folder: Path) -> FittedLightGBM:
    """The model that `save` wrote into the folder."""
    import lightgbm

    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    boosters = {end: lightgbm.Booster(model_file=str(folder / f"block-{end}.txt")) for end in facts["blocks"]}
    predicts, priors = facts["asked"]
    asked = (predicts, tuple(tuple(level) for level in priors))
    return FittedLightGBM(facts["name"], boosters, facts["codes"], tuple(facts["inputs"]), asked)


@dataclass(frozen=True)
class Head:
    """What boosters are trained on: target and weight of every row, and the parameters with their objective."""

    target: pl.Series
    weight: pl.Series
    params: dict[str, Any]


def _head(predicts: str, params: dict[str, Any], rows: pl.DataFrame) -> Head:
    """The target in units of the level; the weight that makes errors count in the units of y (see the module).

    The median is that of the logarithm, which it commutes with and in which peaks do not rule the splits.
    """
    target, level = rows["y"] / rows["level"], rows["level"]
    if predicts == "median":
        return Head((target.clip(0) * SHARP).log1p(), level, params | {"objective": "regression_l1"})
    if (target < 0).any():  # Tweedie knows no negative sales
        params = params | {"objective": "regression"}
    power = params["tweedie_variance_power"] if params["objective"] == "tweedie" else 0.0
    return Head(target, level ** (2 - power), params)


def build(spec: ModelSpec, config: Config) -> list[LightGBM]:
    """The recipe of a config entry.

    Options: trees, years, rows, `predicts` (mean or median), `priors` (a list of groupings by static columns) and
    `params` of LightGBM itself; raises UserError for others.
    """
    key = f"models.{config.models.index(spec)}"
    options = {"params": {}, "predicts": "mean", "priors": []} | dict(spec.options)
    unknown = sorted(set(options) - {f.name for f in fields(LightGBM)} | set(options) & {"name", "on", "family"})
    if unknown:
        known = "trees, years, rows, predicts, priors and params"
        raise config.fault(key, f"{unknown[0]} is not an option of lightgbm: it takes {known}")
    wrong = [o for o in ("trees", "years", "rows") if not _positive(options.get(o, 1))]
    if wrong or not isinstance(options["params"], Mapping):
        raise config.fault(f"{key}.{wrong[0] if wrong else 'params'}", "must be a number above 0 (params: a mapping)")
    if options["predicts"] not in UNDONE:
        raise config.fault(f"{key}.predicts", f"{options['predicts']!r} is not one of {', '.join(UNDONE)}")
    priors = tuple((level,) if isinstance(level, str) else tuple(level) for level in options["priors"])
    strange = [c for level in priors for c in level if c not in config.static_columns]
    if strange:
        known = ", ".join(config.static_columns) or "nothing"
        raise config.fault(f"{key}.priors", f"{strange[0]} is not in columns.static, which holds {known}")
    return [LightGBM(spec.name, **options | {"priors": priors}, on=spec.on)]


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _first_step(boosters: Mapping[int, Any], end: int) -> int:
    return max((e for e in boosters if e < end), default=0) + 1
