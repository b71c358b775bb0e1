"""A trained LightGBM: `FittedLightGBM.predict` takes a Cut and a bucket and returns forecasts, `save` writes texts.

`predict` returns [unique_id, ds, yhat, source, cold_start, q50], in units of y and without bounds; `load` takes the
folder that `save` wrote into. Nothing is trained here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.features import ZERO, Features
from forecasting.features.groups import Level
from forecasting.models import naive
from forecasting.models.base import NO_FAILURES, finish
from forecasting.models.lightgbm.targets import TO_LEVELS
from forecasting.models.lightgbm.text_codes import Codes
from forecasting.models.lightgbm.training_rows import Coming, Matrix
from forecasting.models.lightgbm.unknown_drivers import Drivers, needed_for, prepare_coming

if TYPE_CHECKING:
    import lightgbm


BY_STEP, BY_BLOCK = "by step", "by block"
"""How boosters look back: each row at its step, or, as they did in older versions, at the last step of its block."""


@dataclass(frozen=True)
class FittedLightGBM:
    """Trained boosters, one per seed, by the last step of their block.

    `drivers` is what each block learned of known-ahead columns, `codes` are those of the categories, `inputs` the
    columns that boosters take, in order; `predicts` is mean or median, `priors` are the groupings whose priors are
    among the inputs, `target` and `leads` how they see sales. `remarks` is what to say of the training, empty once the
    model has been saved and loaded.
    """

    name: str
    boosters: dict[int, tuple[lightgbm.Booster, ...]]
    drivers: dict[int, Drivers]
    codes: Codes
    inputs: tuple[str, ...]
    predicts: str
    priors: tuple[Level, ...]
    target: str = "level"
    leads: str = BY_STEP
    remarks: tuple[str, ...] = ()
    family: str = "lightgbm"

    @property
    def failures(self) -> pl.DataFrame:
        """No rows: the ladder forecasts series without a level, which `source` names row by row."""
        return NO_FAILURES

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """[unique_id, ds, yhat, source, cold_start, q50]: one row per future row of the bucket, in units of y.

        q50 is null unless the boosters predict the median. Rows beyond the trained horizon and of series without a
        level come from the ladder.
        """
        frame, ladder = cut.frame(bucket), naive.ladder_forecasts(cut, bucket)
        empty = frame.clear().select(*KEY, _yhat=pl.lit(None, pl.Float64))
        blocks = [self._predict_block(*block) for block in self.coming_inputs(cut, bucket)]
        rows = ladder.join(pl.concat([empty, *blocks]), on=KEY, how="left", maintain_order="left")
        boosted = pl.col("_yhat").is_not_null()
        rows = rows.with_columns(
            yhat=pl.coalesce("_yhat", "yhat"),
            source=pl.when(boosted).then(pl.lit(self.name)).otherwise("source"),
            cold_start=pl.col("cold_start") & ~boosted,
        )
        median = pl.col("yhat") if self.predicts == "median" else pl.lit(None, pl.Float64)
        return finish(rows).select(*KEY, "yhat", "source", "cold_start", q50=pl.when(boosted).then(median))

    def coming_inputs(self, cut: Cut, bucket: int) -> Iterator[tuple[pl.DataFrame, int]]:
        """[unique_id, ds, inputs ..., ZERO, level], the future rows of a block that have a level, and its last step."""
        freq, frame, begin = cut.config.frequency, cut.frame(bucket), 1
        matrix = Matrix(Features(cut.config, dict(frame.schema), self.priors, self.target), self.codes)
        since = pl.col("ds") > freq.shift(cut.cutoff, -matrix.features.lookback(cut.h))
        for end in sorted(self.boosters):
            needed = needed_for(cut, frame, self.drivers[end])
            marked = matrix.with_marks(needed.hidden)

            def compute(needed: Drivers = needed, marked: Matrix = marked) -> Coming:
                return marked.prepare_coming(cut, prepare_coming(cut, frame.filter(since), needed))

            lead = None if self.leads == BY_STEP else end
            rows = marked.future_rows(cut, bucket, needed, compute, lead)
            first, last = (freq.shift(cut.cutoff, step) for step in (begin, end))
            yield rows.filter(pl.col("ds").is_between(first, last)), end
            begin = end + 1

    def _predict_block(self, rows: pl.DataFrame, end: int) -> pl.DataFrame:
        """[unique_id, ds, _yhat]: the forecasts for future rows, in units of y."""
        if rows.is_empty():
            return rows.select(*KEY, _yhat=pl.col("level"))
        inputs, to_levels = rows.select(self.inputs).cast(pl.Float32).to_numpy(), TO_LEVELS[self.predicts]
        seeds = [to_levels(pl.lit(pl.Series(booster.predict(inputs)))) for booster in self.boosters[end]]
        return rows.select(*KEY, _yhat=pl.col(ZERO) + pl.mean_horizontal(seeds) * pl.col("level"))

    def save(self, folder: Path) -> None:
        """Write one text per booster and model.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for end, boosters in self.boosters.items():
            for seed, booster in enumerate(boosters):
                booster.save_model(str(folder / f"block-{end}-{seed}.txt"))
        blocks = [(end, len(boosters)) for end, boosters in self.boosters.items()]
        facts: dict[str, Any] = {
            "name": self.name,
            "leads": self.leads,
            "blocks": blocks,
            "asked": (self.predicts, self.priors, self.target),
            "codes": self.codes,
            "inputs": self.inputs,
            "drivers": [asdict(self.drivers[end]) for end in self.boosters],
        }
        (folder / "model.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")


def load(folder: Path) -> FittedLightGBM:
    """The model that `save` wrote into the folder."""
    import lightgbm

    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    boosters = {
        end: tuple(lightgbm.Booster(model_file=str(folder / f"block-{end}-{seed}.txt")) for seed in range(seeds))
        for end, seeds in facts["blocks"]
    }
    # older versions know neither targets nor steps
    predicts, priors, target = [*facts["asked"], "level"][:3]
    levels, leads = tuple(tuple(level) for level in priors), facts.get("leads", BY_BLOCK)
    saved = facts.get("drivers", [{}] * len(boosters))  # written since boosters learn from hidden values
    drivers = {end: Drivers(**{k: tuple(v) for k, v in d.items()}) for end, d in zip(boosters, saved, strict=True)}
    inputs = tuple(facts["inputs"])
    of = (predicts, levels, target)
    return FittedLightGBM(facts["name"], boosters, drivers, facts["codes"], inputs, *of, leads=leads)
