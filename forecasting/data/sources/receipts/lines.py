"""What becomes of invoice lines: those that are broken, those that are left out, and the sums of the others."""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.receipts.options import Options
from forecasting.data.sources.receipts.periods import is_partial, period

SERIES = ("unique_id", "ds")


def broken(lines: pl.DataFrame, config: Config, o: Options) -> pl.DataFrame:
    """The lines with a fault on each that cannot be counted: no item, day or number, or one that cannot be."""
    y, ds = pl.col("y"), pl.col("ds")
    first, last = config.limits.dates
    rules: list[tuple[str, str, pl.Expr]] = [
        ("missing_key", "unique_id", pl.col("unique_id").is_null()),
        ("missing_key", "ds", ds.is_null()),
        ("missing_quantity", "y", y.is_null()),
        ("implausible_date", "ds", ~ds.is_between(first, last)),
        ("non_finite", "y", ~y.is_finite()),
    ]
    rules += [("negative_price", o.price, pl.col(o.price) < 0)] if o.price else []
    fault = pl.coalesce("fault", *(pl.when(bad).then(pl.lit(rule)) for rule, _, bad in rules))
    value = pl.coalesce("fault_value", *(pl.when(bad).then(_said(column)) for _, column, bad in rules))
    return lines.with_columns(fault.alias("fault"), value.alias("fault_value"))


def _said(column: str) -> pl.Expr:
    return pl.format("{}={}", pl.lit(column), pl.col(column).cast(pl.String).fill_null("nothing"))


def left_out(lines: pl.DataFrame, config: Config, o: Options) -> tuple[pl.DataFrame, dict[str, int]]:
    """The lines that count, cancelled ones as returns, and how many others there were by name."""
    if o.cancelled and o.cancellations == "subtract":
        lines = lines.with_columns(y=pl.when(_cancelled(o)).then(-pl.col("y").abs()).otherwise("y"))
    dropped: dict[str, int] = {}
    for name, condition in _reasons(o).items():
        kept = lines.filter(~condition.fill_null(value=False))
        dropped[name], lines = lines.height - kept.height, kept
    if o.partial == "drop":
        kept = lines.filter(~is_partial(lines["ds"], config.freq, o.week))
        dropped["partial_period"], lines = lines.height - kept.height, kept
    return lines, {name: n for name, n in dropped.items() if n}


def _reasons(o: Options) -> dict[str, pl.Expr]:
    """Why a line does not count, in the order in which one is named."""
    reasons: dict[str, pl.Expr] = {}
    if o.no_goods:
        reasons["no_goods"] = pl.col("unique_id").str.contains(f"(?:^|/)(?:{'|'.join(o.no_goods)})$")
    if o.cancelled and o.cancellations == "drop":
        reasons["cancelled"] = _cancelled(o)
    if o.free == "drop":
        reasons["free"] = pl.col(str(o.price)) == 0
    if o.repeats == "drop":
        same = [c for c in (*SERIES, "y", o.invoice, o.price) if c]
        reasons["repeat"] = ~pl.struct(same).is_first_distinct()
    if o.returns == "drop":
        reasons["return"] = pl.col("y") < 0
    if o.min_lines > 1:
        reasons["rare_item"] = pl.len().over("unique_id") < o.min_lines
    return reasons


def _cancelled(o: Options) -> pl.Expr:
    return pl.col(str(o.invoice)).cast(pl.String).str.starts_with(str(o.cancelled))


def summed(lines: pl.DataFrame, config: Config, o: Options) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per series and period with all that is computed, and the lines of sums that clean.y_min forbids."""
    lines = lines.with_columns(period(pl.col("ds"), config.freq, o.week))
    sums = lines.group_by(SERIES).agg(**_sums(o), file=pl.col("file").first(), line=pl.col("line").first())
    forbidden = sums.filter(_below(config))
    sums = sums.join(forbidden, on=SERIES, how="anti").sort(SERIES)
    total = forbidden.select(*SERIES, fault_value=pl.format("y={} in all", "y"))
    bad = lines.drop("fault_value").join(total, on=SERIES, maintain_order="left")
    return sums, bad.with_columns(fault=pl.lit("below_y_min"))


def _below(config: Config) -> pl.Expr:
    if config.clean.below != "quarantine" or config.clean.y_min is None:
        return pl.lit(value=False)
    return pl.col("y") < config.clean.y_min


def _sums(o: Options) -> dict[str, pl.Expr]:
    """What a row says of its lines."""
    units, sold = pl.col("y"), pl.col("y").clip(lower_bound=0)
    counted = sold if o.returns == "separate" else units
    sums = {"y": counted.sum(), "returned": (sold - units).sum(), "lines": pl.len().cast(pl.Int64)}
    if o.invoice:
        sums["invoices"] = pl.col(o.invoice).n_unique().cast(pl.Int64)
    if o.price:
        price = pl.col(o.price).cast(pl.Float64)
        priced = pl.when(price.is_not_null()).then(sold).sum()
        sums["revenue"] = (counted * price).sum()
        sums["unit_price"] = pl.when(priced > 0).then((sold * price).sum() / priced)
    return sums


def usual(lines: pl.DataFrame, column: str) -> pl.DataFrame:
    """unique_id and its most frequent value of a column; of equally frequent ones the first in order."""
    counted = lines.drop_nulls(column).group_by("unique_id", column).len().sort("len", column, descending=[True, False])
    return counted.group_by("unique_id", maintain_order=True).agg(pl.col(column).first())
