"""The grocery competition's layout: train.csv, items.csv and stores.csv; test.csv with the coming days, if it is there;
transactions.csv, oil.csv and holidays_events.csv, if the config names what they tell.

unique_id is store/item (25/103665). Drivers by the names that a config may use: onpromotion (nothing in the early
lines, which do not tell); holiday, holiday_type, event (none without one) and work_day, by the store's country, state
and city, a moved holiday on the day to which it was moved; transactions (of the store) and oil (the last price told up
to that day), both known only afterwards; static: store, item, family, class, perishable, city, state, type, cluster.

unit_sales below 0 are more returns than sales. Days on which nothing was sold have no line: they are made here, from a
series' first line to the last day of train.csv, with all that is known of the day, and `clean.gaps` says whether sales
were 0 or are unknown. What is not on a line is not on promotion, on days for which the file tells promotions at all.
"""

from __future__ import annotations

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.favorita_holidays import feasts
from forecasting.data.sources.loaded import Loaded
from forecasting.data.sources.long_frame import Layout, assemble, columns, drivers, present
from forecasting.data.sources.readers.dates import dates
from forecasting.data.sources.readers.files import member, needed
from forecasting.data.sources.readers.raw_lines import from_files
from forecasting.data.sources.readers.text import Text, read
from forecasting.data.sources.reference_tables import side, unique_by, with_numbers

IDS = {"store_nbr": "store", "item_nbr": "item"}
STORE = ("city", "state", "type", "cluster")
ITEM = ("family", "class", "perishable")
FEASTS = ("holiday", "holiday_type", "event", "work_day")


def load(config: Config) -> Loaded:
    """All days of all series; raises UserError when a file or a column is missing or freq is not 1d."""
    if config.freq != "1d":
        raise config.fault("freq", f"the favorita layout holds days, not {config.freq}: set freq: 1d")
    train, coming = read(needed(config, "train.csv")), member(config, "test.csv")
    train.require([*IDS, "date", "unit_sales", "onpromotion"])
    texts = [train, *([read(coming)] if coming else [])]
    days = _days(texts, config)
    made = _made(days, config)
    long = _described(pl.concat([days, made], how="diagonal_relaxed"), config)
    present(config, long.columns, "the favorita source")
    long = pl.concat([long, *(t.faulty() for t in texts if t.broken.height)], how="diagonal_relaxed")
    empty = sum(t.empty for t in texts)
    dropped = {"empty_line": empty} if empty else {}
    lines = long.height - made.height + empty
    return Loaded(long.select(columns(config)), lines, from_files, dropped, made=made.height)


def _days(texts: list[Text], config: Config) -> pl.DataFrame:
    """What the lines tell: sales and promotions; coming days have no sales."""
    wanted = [*IDS, "date", "unit_sales", "onpromotion"]
    raw = pl.concat([t.cells([c for c in wanted if c in t.names]) for t in texts], how="diagonal")
    carried = (*IDS, "onpromotion")
    layout = Layout(tuple(IDS), "date", "unit_sales", numeric=frozenset({"onpromotion"}), carried=carried)
    return assemble(raw, layout, config).rename(IDS)


def _made(days: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The days without a line, from each first line on."""
    first, last = config.limits.dates
    sound = days.filter(
        pl.col("fault").is_null() & pl.col("unique_id").is_not_null(), pl.col("ds").is_between(first, last)
    )
    sold = sound.filter(pl.col("y").is_not_null())
    spans = sold.group_by("unique_id", *IDS.values(), maintain_order=True).agg(pl.col("ds").min())
    ds = pl.date_ranges("ds", pl.lit(sold["ds"].max())).alias("ds")
    grid = (
        spans.with_columns(ds).explode("ds").join(sound.select("unique_id", "ds"), on=["unique_id", "ds"], how="anti")
    )
    told = sound.filter(pl.col("onpromotion").is_not_null())["ds"].unique()
    y = 0.0 if config.clean.gaps == "zero" else None
    off = pl.when(pl.col("ds").is_in(told.implode())).then(pl.lit(0, days.schema["onpromotion"]))
    return grid.with_columns(pl.lit(y, pl.Float64).alias("y"), off.alias("onpromotion"), file=pl.lit(None, pl.String))


def _described(days: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds what the other tables tell, of those that the config asks for."""
    asked = set(drivers(config))
    stores = _static(read(needed(config, "stores.csv")), "store_nbr", STORE, ("cluster",))
    days = days.join(stores, on="store", how="left", maintain_order="left")
    if asked & set(ITEM):
        items = _static(read(needed(config, "items.csv")), "item_nbr", ITEM, ("perishable",))
        days = days.join(items, on="item", how="left", maintain_order="left")
    if asked & set(FEASTS):
        found = feasts(read(needed(config, "holidays_events.csv")), stores, config)
        days = days.join(found, on=["store", "ds"], how="left", maintain_order="left")
        days = days.with_columns(pl.col(FEASTS[:3]).fill_null("none"), pl.col("work_day").fill_null(0))
    if "transactions" in asked:
        counted = _by_day(read(needed(config, "transactions.csv")), ("store_nbr",), "transactions", config)
        days = days.join(counted.rename({"store_nbr": "store"}), on=["store", "ds"], how="left", maintain_order="left")
    return _with_oil(days, config) if "oil" in asked else days


def _static(text: Text, key: str, names: tuple[str, ...], numeric: tuple[str, ...]) -> pl.DataFrame:
    """store or item and what is told of it; classes and types are names."""
    frame = with_numbers(unique_by(side(text, [key, *names]), [key]), numeric)
    return frame.select(pl.col(key).alias(IDS[key]), *names)


def _by_day(text: Text, keys: tuple[str, ...], value: str, config: Config) -> pl.DataFrame:
    """The keys, ds and a number of each day."""
    frame = with_numbers(unique_by(side(text, ["date", *keys, value]), ["date", *keys]), [value])
    return frame.select(*keys, value, dates(frame["date"], config).alias("ds")).drop_nulls("ds")


def _with_oil(days: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Adds the oil price that was told last: there are none on weekends and holidays."""
    told = _by_day(read(needed(config, "oil.csv")), (), "dcoilwtico", config).drop_nulls().sort("ds")
    known = days.select("ds").drop_nulls().unique().sort("ds").join_asof(told, on="ds")
    return days.join(known.rename({"dcoilwtico": "oil"}), on="ds", how="left", maintain_order="left")
