"""Invoice or receipt lines, added up to one row per series and period. A table like any other, read line by line.

config.source.columns names the item (or store and item), the time and the quantity of a line. Drivers by the names that
a config may use, all of them known only afterwards: unit_price (mean of what was paid, weighted by quantity), revenue,
returned (units that came back), invoices and lines (how many); static: any column of the file, its most frequent value
per series. A period without a line has no row: `clean.gaps: zero` says that nothing was sold then. More returns than
sales make a period negative: `clean.below` says what becomes of it (quarantine: its lines go there, each by itself).

A line that cannot be read goes to the quarantine before anything is added up. Lines that do not count are dropped by
these names: no_goods, cancelled, free, repeat, return, rare_item, partial_period.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.layouts import table
from forecasting.data.sources.loaded import Loaded
from forecasting.data.sources.long_frame import Layout, columns, drivers, names
from forecasting.data.sources.options import checked
from forecasting.data.sources.readers.local_days import local_days
from forecasting.data.sources.receipts.lines import broken, left_out, summed, usual
from forecasting.data.sources.receipts.options import COMPUTED, Options, fits


def load(config: Config) -> Loaded:
    """The sums of the lines; raises UserError for options and drivers that do not fit, and what a table raises."""
    o = checked(config, Options)
    fits(config, o, drivers(config))
    read = table.read(_by_line(config), _taken(config, o))
    lines = broken(read.long, config, o)
    bad = lines.filter(pl.col("fault").is_not_null())
    counted, dropped = left_out(lines.filter(pl.col("fault").is_null()), config, o)
    sums, forbidden = summed(counted, config, o)
    for column in _statics(config):
        sums = sums.join(usual(counted, column), on="unique_id", how="left", maintain_order="left")
    long = pl.concat([sums, bad, forbidden], how="diagonal_relaxed").select(columns(config))
    merged = counted.height - forbidden.height - sums.height
    return Loaded(long, read.lines, read.rows, {**read.dropped, **dropped}, merged=merged)


def _by_line(config: Config) -> Config:
    """The config by which single lines are read: days as `_prepared` leaves them, and no options of a table."""
    source = config.source.model_copy(update={"options": {}, "ds_format": "%Y-%m-%d"})
    return config.model_copy(update={"source": source, "freq": "1d"})


def _statics(config: Config) -> dict[str, str]:
    return {column: key for column, key in drivers(config).items() if column not in COMPUTED}


def _taken(config: Config, o: Options) -> table.Taken:
    named = {"source.options.invoice": o.invoice, "source.options.price": o.price}
    taken = _statics(config) | {column: key for key, column in named.items() if column}
    numbers, texts = (frozenset(filter(None, [column])) for column in (o.price, o.invoice))
    return table.Taken(taken, numbers, texts, lambda raw, meant: _prepared(raw, meant, config, o))


def _prepared(raw: pl.DataFrame, meant: Layout, config: Config, o: Options) -> pl.DataFrame:
    """Times as local days, and codes of items in one spelling."""
    raw = raw.with_columns(local_days(raw[meant.ds], config, o.time_zone, o.stored_in))
    return raw if o.case == "keep" else raw.with_columns(names(raw[c]).str.to_uppercase() for c in meant.ids)
