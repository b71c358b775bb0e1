"""From the columns of a file to the long frame: unique_id, ds, y, drivers, tags."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import QUALITY_COUNTS
from forecasting.data.sources.loaded import KEYS, TAGS
from forecasting.data.sources.readers.cells import narrowed, numbers, plain
from forecasting.data.sources.readers.dates import dates

RESERVED = (*TAGS, "bucket", "y_raw", "flag", "cutoff", "yhat", "closed", "level", "group", "model", "total")
FACTS = ("start", "first", "last", "n", "mean", "zeros", "demand_class", *QUALITY_COUNTS, "periods", "life", "verdict")
"""Columns of the table `series`, beside the static ones."""
Faults = list[tuple[str, pl.Series, pl.Series]]


@dataclass(frozen=True)
class Layout:
    """Which column is what: those joined to unique_id, the date, the sales; how numbers are written and where they are.

    `carried` are the columns that come along; None means the drivers of the config.
    """

    ids: tuple[str, ...]
    ds: str
    y: str
    decimal: str = "."
    numeric: frozenset[str] = field(default_factory=frozenset)
    carried: tuple[str, ...] | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.ids, self.ds, self.y)


def drivers(config: Config) -> dict[str, str]:
    """The driver columns that the source gives, those of further tables not among them, and the key naming each."""
    given = {column for table in config.tables.values() for column in table.columns}
    return {column: key for column, key in all_drivers(config).items() if column not in given}


def all_drivers(config: Config) -> dict[str, str]:
    """The driver columns of the config and the key that names each first."""
    roles = config.columns
    named = {"columns.known_ahead": roles.known_ahead, "columns.known_after": roles.known_after}
    named |= {"columns.static": roles.static, "source.columns.unique_id": config.id_columns}
    named |= {f"columns.{r}": _one(getattr(roles, r)) for r in ("price", "cost", "promo", "open", "stock")}
    out: dict[str, str] = {}
    for key, columns in named.items():
        out |= {c: key for c in columns if c not in out}
    for column in set(out) & {*RESERVED, *FACTS}:
        raise config.fault(out[column], f"{column} is a name that the panel needs for itself: rename the column")
    return out


def _one(column: str | None) -> tuple[str, ...]:
    return (column,) if column else ()


def present(config: Config, has: Iterable[str], where: str) -> None:
    """Raise the UserError for a driver of the config that is not among the columns `has`."""
    names = list(has)
    for column, key in drivers(config).items():
        if column not in names:
            raise config.fault(key, f"{where} has no column {column!r}; it has: {', '.join(names)}")


def must_be_numbers(config: Config) -> set[str]:
    """The drivers of the source that are numbers by their role."""
    roles, given = config.columns, drivers(config)
    return {c for c in (roles.price, roles.cost, roles.promo, roles.open, roles.stock) if c and c in given}


def assemble(raw: pl.DataFrame, layout: Layout, config: Config) -> pl.DataFrame:
    """The long frame of a raw one that has the layout's columns, the drivers, file and line.

    Text is read as numbers and dates where it must be; a cell that cannot be read leaves null and a fault on its row.
    """
    faults: Faults = []
    columns = [_unique_id(raw, layout, config), _ds(raw[layout.ds], config, faults)]
    faults.append(("several_in_period", _several(columns, raw[layout.ds]), raw[layout.ds]))
    columns.append(_number(raw[layout.y], "y", layout, faults))
    carried = layout.carried if layout.carried is not None else drivers(config)
    columns += [driver(raw[c], layout, config, faults) for c in carried]
    return pl.DataFrame(columns).with_columns(raw["file"], raw["line"], *tags(faults, raw.height))


def _unique_id(raw: pl.DataFrame, layout: Layout, config: Config) -> pl.Series:
    if not layout.ids:
        return pl.Series("unique_id", [config.name]).new_from_index(0, raw.height)
    parts = [names(raw[c]) for c in layout.ids]
    return pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator="/").alias("unique_id")).to_series()


def names(column: pl.Series) -> pl.Series:
    """A column that names things, as String without spaces around it; nothing is null; 7.0 is 7."""
    if column.dtype.is_float() and column.drop_nulls().is_finite().all() and (column == column.round()).all():
        column = column.cast(pl.Int64)
    bare = column.cast(pl.String).str.strip_chars()
    return (
        bare.to_frame("name").select(pl.when(pl.col("name") != "").then(pl.col("name")).alias(column.name)).to_series()
    )


def _ds(cells: pl.Series, config: Config, faults: Faults) -> pl.Series:
    read = days(cells, config, faults)
    return pl.select(config.frequency.floor(pl.lit(read)).alias("ds")).to_series()


def days(cells: pl.Series, config: Config, faults: Faults) -> pl.Series:
    """The cells as Date; one that says something and is no date adds to the faults `date_format`."""
    if cells.dtype in (pl.Date, pl.Datetime):
        return cells.cast(pl.Date)
    cells = cells.cast(pl.String)
    read = dates(cells, config)
    faults.append(("date_format", read.is_null() & (cells.str.strip_chars() != ""), cells))
    return read


def _several(key: list[pl.Series], cells: pl.Series) -> pl.Series:
    """Rows of a series that fall into one period and had different dates: hours of a day, days of a month.

    Without this, equal ones would pass for repeats of one row.
    """
    if cells.n_unique() == key[1].n_unique():
        return pl.repeat(False, len(cells), dtype=pl.Boolean, eager=True)
    rows = pl.DataFrame([*key, cells.alias("came")])
    return rows.select((pl.col("came").n_unique().over("unique_id", "ds") > 1) & pl.col("ds").is_not_null()).to_series()


def _number(cells: pl.Series, name: str, layout: Layout, faults: Faults) -> pl.Series:
    values, bad = numbers(cells, layout.decimal)
    faults.append(("number", bad, cells))
    return values.alias(name)


def driver(cells: pl.Series, layout: Layout, config: Config, faults: Faults) -> pl.Series:
    """One column by its role: a name, a number (a cell that is none adds to the faults), or as it is typed."""
    column = cells.name
    if column in layout.ids:
        return names(cells)
    if column in must_be_numbers(config):
        values = _number(cells, column, layout, faults)
        flags = (config.columns.promo, config.columns.open)
        return _flag(values) if column in flags else values.fill_nan(None)
    if column in layout.numeric:
        return narrowed(_number(cells, column, layout, faults))
    return names(cells) if cells.dtype == pl.String else plain(cells)


def _flag(values: pl.Series) -> pl.Series:
    """Promotions and openings: Int8 when 0 and 1, Float64 when they are shares or depths."""
    small = narrowed(values)
    return small if small.dtype == pl.Int8 else values.fill_nan(None)


def tags(faults: Faults, rows: int) -> list[pl.Series]:
    """fault and fault_value of so many rows: the first fault of each."""
    found = [(rule, bad.fill_null(False), cells) for rule, bad, cells in faults if bad.any()]
    if not found:
        empty = pl.Series("fault", [None], dtype=pl.String).new_from_index(0, rows)
        return [empty, empty.alias("fault_value")]
    rules = [pl.when(bad).then(pl.lit(rule)) for rule, bad, _ in found]
    values = [pl.when(bad).then(pl.format("{}={}", pl.lit(c.name), c.cast(pl.String))) for _, bad, c in found]
    both = pl.select(fault=pl.coalesce(rules), fault_value=pl.coalesce(values))
    return both.get_columns()


def columns(config: Config) -> list[str]:
    """The columns of a long frame in their order."""
    return [*KEYS, *drivers(config), *TAGS]
