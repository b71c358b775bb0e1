"""Contributions in units: `split` takes forecasts and logarithms of the effects behind them, `combine` adds members.

What is expected of a row is a level times the exponentials of effects. Its distance from the level is divided among
these as the log-mean Divisia index does (Ang, "The LMDI approach to decomposition analysis", 2005): each effect times
the logarithmic mean of both, whatever their order, without a remainder. What the model forecasts beyond is the rest.
"""

from __future__ import annotations

import polars as pl

from forecasting.data.panel import KEY
from forecasting.planning.explain.components import ANSWERS, COMPONENTS

FACTORS = ("trend", "season", "holiday", "price", "promotion")
"""Effects that come as logarithms and are components by themselves."""
LOGS = (*FACTORS, "opening", "_others")
"""All logarithms that are added to that of the level."""
WIDEST = 3.0
"""Other plans move a logarithm no farther (20 times): the forecast without them may be 0."""
NEAR = 1e-6
"""Two values whose logarithms differ by less have their mean as logarithmic mean."""


def split(rows: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, model, yhat, COMPONENTS ..., ANSWERS ...], in units of y, of `rows` [unique_id, ds, model, yhat,
    free, closed, additive, level, FACTORS ..., opening, without_promotion, without_price, without_other].

    `free` is the forecast without bounds and caps; `level` is in units (null: unknown), FACTORS and `opening` (an
    unusual closing next) are logarithms; `without_promotion` is the forecast without promotion, `without_price` at the
    first price, too, `without_other` with all else as usual, too. Other plans add to an `additive` model, and multiply
    others. Where a series is `closed` nothing contributes: the forecast is 0.
    """
    others, shut = pl.col("without_price") - pl.col("without_other"), pl.col("closed").fill_null(value=False)
    ratio = pl.when("additive").then(0.0).otherwise(_log_ratio(pl.col("without_price"), pl.col("without_other")))
    found = rows.with_columns(pl.col(*FACTORS, "opening").fill_null(0.0), _others=ratio)
    found = found.with_columns(_level=_level_or_typical()).with_columns(_expected=_expected())
    mean = _logarithmic_mean(pl.col("_expected"), pl.col("_level"))
    units = {name: mean * pl.col(name) for name in LOGS}
    named = {"level": pl.col("_level"), **{name: units[name] for name in FACTORS}}
    named["other"] = units["opening"] + pl.when("additive").then(others).otherwise(units["_others"])
    made = found.select(
        *KEY, "model", "yhat", "free", _shut=shut,
        **{name: pl.when(shut).then(0.0).otherwise(value) for name, value in named.items()},
        model_promotion=pl.col("free") - pl.col("without_promotion"),
        model_price=pl.col("without_promotion") - pl.col("without_price"),
    )  # fmt: skip
    free = pl.when("_shut").then(0.0).otherwise("free")
    made = made.with_columns(
        rest=free - pl.sum_horizontal(list(named)), limits=pl.col("yhat") - free, reconciliation=0.0
    )
    return made.select(*KEY, "model", "yhat", *COMPONENTS, *ANSWERS)


def _expected() -> pl.Expr:
    return pl.col("_level") * pl.sum_horizontal(LOGS).exp()


def _log_ratio(above: pl.Expr, below: pl.Expr) -> pl.Expr:
    """log(above / below), no farther than WIDEST; 0 where both are equal or one of them is below 0."""
    both = pl.when((above > 0) & (below > 0)).then((above / below).log())
    sided = pl.when((above > 0) & (below == 0)).then(WIDEST).when((above == 0) & (below > 0)).then(-WIDEST)
    return pl.coalesce(both, sided, 0.0).clip(-WIDEST, WIDEST)


def _logarithmic_mean(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """(a - b) / (log a - log b), their mean where both are equal; 0 where one of them is not above 0."""
    ratio = pl.when((a > 0) & (b > 0)).then((a / b).log())
    close = ratio.abs() < NEAR
    return pl.when(close).then((a + b) / 2).when(ratio.is_not_null()).then((a - b) / ratio).otherwise(0.0)


def _level_or_typical() -> pl.Expr:
    """The level; of a series that has sold nothing the typical forecast without its effects, as of similar series."""
    usual = pl.when(pl.col("free") > 0).then(pl.col("free").log() - pl.sum_horizontal(LOGS))
    return pl.coalesce("level", usual.mean().over("unique_id", "model").exp(), 0.0)


def combine(parts: pl.DataFrame, shares: pl.DataFrame, name: str) -> pl.DataFrame:
    """The contributions of a combination, as from `split`, from those of its members.

    `parts` are theirs, `shares` [unique_id, ds, model, share] how much of each is in the combination.

    >>> names = ("yhat", *COMPONENTS, *ANSWERS)
    >>> key = {"unique_id": ["a", "a"], "ds": [1, 1], "model": ["M", "N"]}
    >>> parts = pl.DataFrame({**key, **dict.fromkeys(names, [4.0, 8.0])})
    >>> combine(parts, pl.DataFrame({**key, "share": [0.25, 0.75]}), "Both")["level"].item()
    7.0
    """
    joined = parts.join(shares, on=[*KEY, "model"], maintain_order="left")
    values = [(pl.col(c) * pl.col("share")).sum() for c in ("yhat", *COMPONENTS, *ANSWERS)]
    made = joined.group_by(*KEY, maintain_order=True).agg(values)
    return made.select(*KEY, pl.lit(name).alias("model"), "yhat", *COMPONENTS, *ANSWERS)
