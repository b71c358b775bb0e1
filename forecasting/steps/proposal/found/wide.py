"""Tables whose header holds periods or items: `wide_column` takes a Table and returns what its header stands for.

`lengthen` returns the table with a row for each cell, as a load with source.wide would read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.readers.dates import DateFormatError, read_dates
from forecasting.data.sources.readers.header import fold_name, kind_of
from forecasting.data.sources.tables.closing_rows import NAME
from forecasting.data.sources.tables.wide import unpivot
from forecasting.frequency import FREQS
from forecasting.steps.proposal.columns.dates import is_year
from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.sales import find_sales
from forecasting.steps.proposal.columns.vocabulary import meaning_of, sales_rank
from forecasting.steps.proposal.found.sampling import bare_config, sample_of
from forecasting.steps.proposal.found.tables import Table, group_tables

LEAST = 3
"""So many columns that are periods or items make a table a wide one."""
MONEY = 3
"""The worst rank of a name that still fits sales, such as total; a total is a sum of items as well."""


@dataclass(frozen=True)
class Named:
    """The columns of the date and the sales, and those that have to be known after, as a wide table needs them."""

    ds: str
    y: str
    known_after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wide:
    """What the header stands for, the name of the column that it becomes, and the names of the date and the sales."""

    stands_for: Literal["periods", "items"]
    column: str
    ds: str
    y: str
    kept: tuple[str, ...]

    @property
    def named(self) -> Named:
        """The columns that the config has to name, since all other numbers are items."""
        others = tuple(c for c in self.kept if c != self.ds and meaning_of(c) == "moment")
        return Named(self.ds, self.y, others if self.stands_for == "items" else ())

    def config(self, path: str) -> Config:
        """A config that reads the table with all columns that it keeps."""
        ids = self.kept if self.stands_for == "periods" else (self.column, *(c for c in self.kept if c != self.ds))
        columns = {"unique_id": list(ids), "ds": self.ds, "y": self.y}
        columns = {key: names for key, names in columns.items() if names}
        source = {"path": path, "columns": columns, "wide": self.column}
        return Config.model_validate({**bare_config(path).model_dump(), "source": source})


def wide_column(table: Table) -> Wide | None:
    """What the header of a table stands for; None where it holds names of columns."""
    names = list(table.profiles)
    periods = [name for name in names if kind_of(name) in ("date", "number")]
    if len(periods) >= LEAST and _are_dates(periods) and not any(p.kind == "date" for p in _others(table, periods)):
        kept = tuple(p.name for p in _others(table, periods) if not _is_total(p.name))
        ds, y = _free("date", kept), _free("sales", kept)
        return Wide("periods", ds, ds, y, kept)
    dates = [p for p in table.profiles.values() if p.kind == "date" and not is_year(p)]
    if len(dates) != 1 or not _are_items(table, dates[0]):
        return None
    moments = [p.name for p in table.profiles.values() if p.kind != "text" and meaning_of(p.name) == "moment"]
    kept = tuple(dict.fromkeys((dates[0].name, *moments)))
    return Wide("items", _free("item", kept), dates[0].name, _free("sales", kept), kept)


def lengthen(table: Table, wide: Wide) -> Table:
    """The table with a row for each cell; raises UserError where a line has not the cells of the header."""
    config = wide.config(table.files[0])
    required = dict.fromkeys((*wide.kept, wide.column, wide.ds, wide.y), "source.columns")
    return group_tables([sample_of(unpivot(config, raw, required)) for raw in table.raw])[0]


def _others(table: Table, names: list[str]) -> list[Profile]:
    return [p for p in table.profiles.values() if p.name not in names]


def _are_dates(names: list[str]) -> bool:
    """Whether the names are different periods."""
    for frequency in (None, *FREQS.values()):
        try:
            dates = read_dates(pl.Series(names), None, frequency).dates
        except DateFormatError:
            continue
        if dates.null_count() == 0 and dates.n_unique() == len(names):
            return True
    return False


def _are_items(table: Table, date: Profile) -> bool:
    """Whether a table with one row per date has a column of numbers for each item, and none for sales."""
    numbers = [p for p in table.profiles.values() if p.kind in ("number", "flag") and not _is_total(p.name)]
    numbers = [p for p in numbers if meaning_of(p.name) != "moment"]
    others = [p for p in table.profiles.values() if p.kind == "text" and meaning_of(p.name) != "moment"]
    sales = find_sales({p.name: p for p in numbers}, ())
    named = bool(sales.column) and sales_rank(sales.column) <= MONEY
    plain = all(meaning_of(p.name) in (None, "product", "shop", "group", "code") for p in numbers)
    once = date.different == date.values.count()
    return len(numbers) >= LEAST and not others and not named and plain and once


def _is_total(name: str) -> bool:
    return bool(pl.Series([name]).str.contains(NAME)[0])


def _free(name: str, taken: tuple[str, ...]) -> str:
    """The name, with a sign behind it where a column is called so already."""
    return f"{name} of row" if fold_name(name) in map(fold_name, taken) else name
