"""Training of the boosters of one horizon block: `prepare_training_data` bins rows, `train_boosters` trains on them.

They take Options, a Matrix (which inputs there are), rows [ds, y, ZERO, level] and their inputs; `train_boosters`
returns one lightgbm.Booster per seed, with the number of trees given or found by early stopping.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from forecasting.models.lightgbm.options import RATE, TREES, Options, choose_steps
from forecasting.models.lightgbm.targets import MOST_NEGATIVE, Head, fit_target
from forecasting.models.lightgbm.text_codes import is_category
from forecasting.models.lightgbm.training_inputs import InputParts
from forecasting.models.lightgbm.training_rows import Matrix
from forecasting.models.lightgbm.unknown_drivers import Drivers

if TYPE_CHECKING:
    import lightgbm

PARAMS: dict[str, Any] = {
    "objective": "tweedie",
    "tweedie_variance_power": 1.3,
    "learning_rate": RATE,
    "num_leaves": 63,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.35,
    "max_bin": 127,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "cat_smooth": 20.0,
}
PART_ROWS, MOST_PARTS = 100_000, 8
"""Of more training rows, boosters learn from one random part of so many after the other; beyond MOST_PARTS, parts grow.
On windows of drug and grocery stores twice the rows in two parts took a fifth more time and brought up to 3 % of RMSE,
four times in four parts up to 4 %; parts of half as many rows cost up to 2 % of WAPE."""
FOREST: dict[str, Any] = {
    "boosting": "rf",
    "objective": "regression",
    "num_leaves": 255,
    "min_data_in_leaf": 20,
    "bagging_fraction": 0.632,
    "lambda_l2": 0.0,
}
"""Every tree of a forest is grown from the same start, in one step. With a logarithmic link it misses the mean
of a leaf that is far from the start; with squares and without shrinkage it is that mean."""
SEED = 7
# one thread, so that models are equal whatever the machine (threads add up histograms in another order); bins are made
# once for boosters of all kinds, so they must not depend on what these are
FIXED: dict[str, Any] = {"deterministic": True, "force_col_wise": True, "seed": SEED, "verbosity": -1, "num_threads": 1}
FIXED |= {"feature_pre_filter": False, "data_random_seed": SEED}
OF_BOOSTERS = (
    *("objective", "tweedie_variance_power", "learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction"),
    *("bagging_fraction", "bagging_freq", "lambda_l1", "lambda_l2", "cat_smooth", "boosting", "alpha", "max_depth"),
)
"""Parameters that have nothing to do with how values are put into bins."""
MOST = 1000
"""The most trees when boosters stop by themselves and `trees` is not given."""


@dataclass(frozen=True)
class TrainingData:
    """Training rows of a block, of so many `available` ones: ds, y, ZERO and level, and their `width` inputs as bins (a
    byte each), which have the target of one head at a time. `drivers` is what they hold of known-ahead columns.
    """

    rows: pl.DataFrame
    available: int
    width: int
    bins: lightgbm.Dataset
    drivers: Drivers
    lock: Lock = field(default_factory=Lock)

    def estimated_size(self) -> int:
        """In bytes."""
        return int(self.rows.estimated_size()) + self.rows.height * self.width


def binning_params(options: Options) -> dict[str, Any]:
    """The parameters that decide, or may decide, how values are put into bins."""
    return {k: v for k, v in {**PARAMS, **options.params, **FIXED}.items() if k not in OF_BOOSTERS}


def prepare_training_data(
    options: Options, matrix: Matrix, rows: pl.DataFrame, available: int, inputs: InputParts, drivers: Drivers
) -> TrainingData:
    """Training data from `rows` [ds, y, ZERO, level], of so many available ones, and their inputs."""
    names = matrix.inputs
    categories = [names.index(c) for c, codes in matrix.codes.items() if is_category(codes)]
    bins = inputs.dataset(rows["y"].to_numpy(), categories, binning_params(options))
    return TrainingData(rows, available, len(names), bins, drivers)


def train_boosters(options: Options, matrix: Matrix, data: TrainingData) -> tuple[lightgbm.Booster, ...]:
    """One booster per seed, with the number of trees given or found by early stopping."""
    usual, rate = choose_steps(options, data.available)
    head = fit_target(options, _params(options, matrix, rate), data.rows)
    trees = (_early_stop(options, matrix, data, head) if options.stop else None) or usual
    with data.lock:
        return tuple(_boost(data, head, trees, SEED + i) for i in range(options.seeds))


def _boost(data: TrainingData, head: Head, trees: int, seed: int) -> lightgbm.Booster:
    """A booster whose trees are grown on one part of the rows after the other (see PART_ROWS).

    Bagging saves little of what it leaves out: each tree is evaluated on the rows that it was not grown on as well. A
    part is evaluated once, by all trees that were there before it.
    """
    import lightgbm

    params, parts = head.params | {"seed": seed}, count_parts(data.rows.height, trees)
    if parts == 1:
        return lightgbm.train(params, _for_head(data.bins, head.target, head.weight), trees)
    part_of = pl.Series(np.random.default_rng(seed).permutation(data.rows.height) % parts).cast(pl.UInt8)
    part = _dataset(data, head, part_of == 0)
    booster = lightgbm.Booster(params, part)
    for i, grown in enumerate(np.array_split(range(trees), parts)):
        if i:
            # LightGBM compares both parts while it changes over, so the one before must live until then
            before, part = part, _dataset(data, head, part_of == i)
            booster.reset_parameter({"bagging_seed": seed + i, "feature_fraction_seed": seed + i})
            booster.update(train_set=part)
            del before
        for _ in grown[1:] if i else grown:
            booster.update()
    return booster.model_from_string(booster.model_to_string()).free_dataset()


def count_parts(rows: int, trees: int = TREES) -> int:
    """How many parts the training rows of so many trees are divided into.

    >>> [count_parts(rows) for rows in (0, 100_000, 100_001, 4_000_000)]
    [1, 1, 2, 8]
    """
    return max(1, min(ceil(rows / PART_ROWS), MOST_PARTS, trees))


def objective_remarks(options: Options, boosters: Iterable[lightgbm.Booster]) -> tuple[str, ...]:
    """What to say where boosters of `train_boosters` learned by another objective than the wanted one."""
    wanted = options.params.get("objective", PARAMS["objective"])
    if options.predicts != "mean" or options.kind == "forest" or all(b.params["objective"] == wanted for b in boosters):
        return ()
    return (
        f"learned by squared errors, not by {wanted}: more than {MOST_NEGATIVE:.0%} of what was sold came back, and "
        "means can be below 0",
    )


def _params(options: Options, matrix: Matrix, rate: float) -> dict[str, Any]:
    """The parameters of the kind at a learning rate, overridden by those of the entry."""
    kind = {**PARAMS, "learning_rate": rate, **(FOREST if options.kind == "forest" else {})}
    falling = {"monotone_constraints": _falling(matrix)} if options.price_effect == "falling" else {}
    return {**kind, **options.params, **falling, **FIXED}


def _falling(matrix: Matrix) -> list[int]:
    """Per input -1 where the feature rises with the price, so that forecasts fall with it, and 0 for all others."""
    price = matrix.features.config.columns.price
    return [*(-1 if f.rises_with == price else 0 for f in matrix.features.listed), *(0 for _ in matrix.codes)]


def _dataset(data: TrainingData, head: Head, where: pl.Series) -> lightgbm.Dataset:
    """Some of the rows with the target and the weights of a head; their bins are not made again."""
    part = data.bins.subset(where.arg_true().to_list()).construct()
    return _for_head(part, head.target.filter(where), head.weight.filter(where))


def _for_head(bins: lightgbm.Dataset, target: pl.Series, weight: pl.Series) -> lightgbm.Dataset:
    return bins.set_label(target.to_numpy()).set_weight(weight.to_numpy())


def _early_stop(options: Options, matrix: Matrix, data: TrainingData, head: Head) -> int | None:
    """The number of trees after which the error on the newest periods stops falling; None without older periods.

    All boosters of the block are then trained with this number, whatever their seed, on all rows: the newest periods
    are a few hundredths of them and need no more trees.
    """
    import lightgbm

    late = _newest(data.rows["ds"], matrix.features.config.h)
    if not 0 < late.sum() < data.rows.height:
        return None
    before, after = (_dataset(data, head, part) for part in (~late, late))
    stop = lightgbm.early_stopping(options.stop, verbose=False)
    booster = lightgbm.train(head.params, before, options.trees or MOST, valid_sets=[after], callbacks=[stop])
    return max(1, int(booster.best_iteration))


def _newest(ds: pl.Series, h: int) -> pl.Series:
    """Per row, whether it is of the newest h periods, or of the newest fifth of all where that is less."""
    periods = ds.unique().sort(descending=True)
    return ds.is_in(periods.head(min(h, len(periods) // 5)).implode())
