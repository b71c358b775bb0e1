"""LightGBM: one global model per horizon block, trained on all series at once, each in units of its recent level.

A row for a day in block b reads sales at least `lead(b)` periods back, so no forecast feeds on another one. The target
is y / level and rows weigh level ** (2 - p): the Tweedie deviance of power p is homogeneous of that degree, so the
boosters minimise the deviance in the units of y (Jorgensen, The Theory of Dispersion Models, 1997, chapter 4).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.config import Config, ModelSpec
from forecasting.data.panel import KEY, Cut
from forecasting.features import Features
from forecasting.features.base import SERIES
from forecasting.features.groups import Level
from forecasting.models import naive
from forecasting.models.base import NO_FAILURES, finish

if TYPE_CHECKING:
    import lightgbm

PARAMS: dict[str, Any] = {
    "objective": "tweedie",
    "tweedie_variance_power": 1.3,
    "learning_rate": 0.06,
    "num_leaves": 63,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.35,  # half the time of 0.6, and no worse
    "max_bin": 127,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "cat_smooth": 20.0,
}
# equal models whatever the number of threads
FIXED: dict[str, Any] = {"deterministic": True, "force_row_wise": True, "seed": 7, "verbosity": -1, "num_threads": 2}
MOST_CATEGORIES = 64
"""A text column with more values is told by its priors only: splits on so many codes cost much and found nothing."""
Codes = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Matrix:
    """What boosters look at: the features and the codes of the text columns."""

    features: Features
    codes: Codes

    @property
    def inputs(self) -> list[str]:
        """The columns in the order in which the boosters take them; their names are those of any lead."""
        return [*(f.name for f in self.features.all(1)), *self.codes]

    def of(self, cut: Cut, frame: pl.DataFrame, lead: int) -> pl.DataFrame:
        """All inputs as columns beside those of the frame, and `level`; categories replaced by their codes."""
        sums = cut.panel.groups.filter(pl.col("ds") <= cut.cutoff)
        coded = [pl.col(c).replace_strict(m, default=None, return_dtype=pl.Int32) for c, m in self.codes.items()]
        made = self.features.prepare(frame, sums, lead).with_columns(*self.features.exprs(lead))
        return made.with_columns(coded)


@dataclass(frozen=True)
class LightGBM:
    """The recipe: booster parameters, trees, years of training rows, and the most rows a block is trained on."""

    name: str
    params: Mapping[str, Any]
    trees: int = 200
    years: float = 2.0
    rows: int = 600_000
    on: str = "series"
    family: str = "lightgbm"

    def fit(self, cut: Cut) -> FittedLightGBM:
        """One booster for each horizon block of the config that the history reaches."""
        matrix = Matrix(_features(cut), _category_codes(cut))
        boosters = {end: self._booster(cut, matrix, end) for end in cut.config.block_ends}
        learned = {end: booster for end, booster in boosters.items() if booster is not None}
        return FittedLightGBM(self.name, learned, matrix.features.levels, matrix.codes, tuple(matrix.inputs))

    def _booster(self, cut: Cut, matrix: Matrix, lead: int) -> lightgbm.Booster | None:
        """None where there is nothing to learn from: no row has a level `lead` periods back, or nothing was sold."""
        import lightgbm

        names, made = matrix.inputs, partial(self._learned_from, cut, matrix, lead)
        rows = cut.once(("learned from", lead, self.years, self.rows), made)
        target = rows["y"] / rows["level"]
        if not (target != 0).any():
            return None
        params = {**PARAMS, **self.params, **FIXED}
        if (target < 0).any():  # Tweedie knows no negative sales
            params["objective"] = "regression"
        power = params["tweedie_variance_power"] if params["objective"] == "tweedie" else 0.0
        weight = rows["level"] ** (2 - power)
        data = lightgbm.Dataset(
            rows.select(names).cast(pl.Float32).to_numpy(),
            target.to_numpy(),
            weight=(weight / weight.mean()).to_numpy(),
            # by place: LightGBM refuses some names (a[0]) and alters others ("school holiday")
            categorical_feature=[names.index(c) for c in matrix.codes],
        )
        return lightgbm.train(params, data, self.trees)

    def _learned_from(self, cut: Cut, matrix: Matrix, lead: int) -> pl.DataFrame:
        """The rows within the budget: of recent years, with an observed y and a known level."""
        share = self._share(cut)
        made = (matrix.of(cut, _sampled(cut.frame(bucket), share), lead) for bucket in cut.panel.buckets)
        recent = (rows.filter(_recent(cut, self.years)).drop_nulls(["y", "level"]) for rows in made)
        return pl.concat([rows.select(*matrix.inputs, "y", "level") for rows in recent])

    def _share(self, cut: Cut) -> float:
        """The share of series to train on, so that the rows of a block stay within the budget."""
        counts = [cut.panel.scan(b).filter(_recent(cut, self.years)).select(pl.len()) for b in cut.panel.buckets]
        rows: int = sum(c.item() for c in pl.collect_all(counts))
        return min(1.0, self.rows / max(rows, 1))


@dataclass(frozen=True)
class FittedLightGBM:
    """Boosters by the last step of their block, the groupings whose priors they read, the codes of categories, and
    the columns that they take, in order.
    """

    name: str
    boosters: dict[int, lightgbm.Booster]
    levels: tuple[Level, ...]
    codes: Codes
    inputs: tuple[str, ...]
    family: str = "lightgbm"

    @property
    def failures(self) -> pl.DataFrame:
        """None: a series without a level is answered by the ladder, and `source` says so."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """unique_id, ds, yhat, source; the ladder answers beyond the trained horizon and without a level."""
        frame = cut.frame(bucket)
        rungs = naive.answers(cut, frame)
        matrix = Matrix(Features(cut.config, dict(frame.schema), self.levels), self.codes)
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
        return rows.select(*KEY, _own=pl.Series(values) * pl.col("level"))

    def save(self, folder: Path) -> None:
        """Write one booster text per block and model.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for end, booster in self.boosters.items():
            booster.save_model(str(folder / f"block-{end}.txt"))
        facts = {"name": self.name, "blocks": list(self.boosters), "levels": self.levels, "codes": self.codes}
        facts |= {"inputs": self.inputs}
        (folder / "model.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load(folder: Path) -> FittedLightGBM:
    """The model that `save` wrote into the folder."""
    import lightgbm

    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    boosters = {end: lightgbm.Booster(model_file=str(folder / f"block-{end}.txt")) for end in facts["blocks"]}
    levels, inputs = tuple(tuple(level) for level in facts["levels"]), tuple(facts["inputs"])
    return FittedLightGBM(facts["name"], boosters, levels, facts["codes"], inputs)


def build(spec: ModelSpec, config: Config) -> list[LightGBM]:
    """The recipe of a config entry; options: trees, years, rows and `params` of LightGBM itself."""
    key = f"models.{config.models.index(spec)}"
    options = dict(spec.options)
    params = options.pop("params", {})
    unknown = sorted(set(options) - {"trees", "years", "rows"})
    if unknown:
        raise config.fault(key, f"{unknown[0]} is not an option of lightgbm: it takes trees, years, rows and params")
    wrong = [o for o, v in options.items() if not isinstance(v, int | float) or v <= 0]
    if wrong or not isinstance(params, Mapping):
        raise config.fault(f"{key}.{wrong[0] if wrong else 'params'}", "must be a number above 0 (params: a mapping)")
    return [LightGBM(spec.name, params, **options, on=spec.on)]


def _first_step(boosters: Mapping[int, Any], end: int) -> int:
    return max((e for e in boosters if e < end), default=0) + 1


def _features(cut: Cut) -> Features:
    """The features of a cut: priors of all series together and of every text column that groups them."""
    rows = pl.concat([cut.panel.scan(b) for b in cut.panel.buckets]).filter(pl.col("ds") <= cut.cutoff)
    kinds = dict(rows.drop("bucket", strict=False).collect_schema())
    texts = [c for c in cut.config.static_columns if kinds.get(c) == pl.String]
    distinct = rows.select(pl.col(SERIES, *texts).n_unique()).collect().row(0, named=True)
    groups = [(c,) for c in texts if distinct[c] < distinct[SERIES] / 2]
    return Features(cut.config, kinds, ((), *groups) if distinct[SERIES] > 1 else ())


def _category_codes(cut: Cut) -> Codes:
    """A number for every value of the text columns with few values; nulls and unseen values get none."""
    columns = [*cut.config.columns.known_ahead, *cut.config.static_columns]
    known = pl.concat([cut.panel.scan(b) for b in cut.panel.buckets]).filter(pl.col("ds") <= cut.cutoff)
    schema = known.collect_schema()
    texts = [c for c in columns if schema.get(c) == pl.String]
    if not texts:
        return {}
    values = known.select(pl.col(c).unique().drop_nulls().sort().implode() for c in texts).collect()
    found = {c: values[c].item().to_list() for c in texts}
    return {c: {v: i for i, v in enumerate(vs)} for c, vs in found.items() if 1 < len(vs) <= MOST_CATEGORIES}


def _recent(cut: Cut, years: float) -> pl.Expr:
    first = cut.config.frequency.shift(cut.cutoff, -round(years * cut.config.frequency.year))
    return pl.col("ds").is_between(first, cut.cutoff, closed="right")


def _sampled(frame: pl.DataFrame, share: float) -> pl.DataFrame:
    """Whole series, every so many of them in the order of their volume, so that large and small ones stay."""
    if share >= 1:
        return frame
    order = frame.group_by(SERIES).agg(pl.col("y").sum()).sort("y", SERIES)
    place = pl.int_range(pl.len())
    kept = order.filter(((place + 1) * share).floor() > (place * share).floor())
    return frame.filter(pl.col(SERIES).is_in(kept[SERIES].implode()))
