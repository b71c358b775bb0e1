"""Components of explanations against those of the simulated chain: `components` takes seeds and returns a row for each.

Both are split in the same way, over the days to come: what is compared is what the chain was made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import holidays
import numpy as np
import polars as pl

from forecasting.config import Config
from forecasting.data import sources
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.data.sources.simulator import demand_simulator as simulator
from forecasting.data.sources.simulator.options import Options
from forecasting.planning.decomposition import EFFECTS, decompose, fit_pooled, read_design
from forecasting.planning.explain import split
from forecasting.planning.response.history import learn_levers
from forecasting.steps.explaining.response import with_response

COMPONENTS = ("level", "trend", "season", "holiday", "price", "promotion")
"""The components that the chain has."""
MODEL = "chain"


def job(**options: int) -> Config:
    """The built-in retailer with these options of the simulator."""
    roles = {"price": "price", "promo": "promo", "open": "open", "stock": "stock"}
    columns = {"known_ahead": ["price", "promo", "open"], "known_after": ["stock"], **roles}
    keys = {"name": MODEL, "source": {"kind": "synthetic", "options": options}, "freq": "1d", "h": 28}
    return Config.model_validate(
        keys | {"columns": columns | {"static": ["store", "item", "category"]}, "calendar": {"country": "DE"}}
    )


def components(seeds: Iterable[int], **size: int) -> pl.DataFrame:
    """[component, chains, units, off, correlation] over the chains: the sum of absolute true units, the error as a
    share of it, and the correlation of found and true units. `size` are options of the simulator.
    """
    chains = [_both(job(seed=seed, **size)) for seed in seeds]
    both, made = pl.concat(chains), []
    for name in COMPONENTS:
        true, found = pl.col(f"{name}_true"), pl.col(name)
        size = true.abs().sum()
        told = {"units": size, "off": (found - true).abs().sum() / size, "correlation": pl.corr(found, true)}
        made.append(both.select(component=pl.lit(name), chains=pl.lit(len(chains)), **told))
    return pl.concat(made)


def _both(config: Config) -> pl.DataFrame:
    """[unique_id, ds, COMPONENTS ..., the same with _true] of the days to come on which a series is open."""
    raw = sources.load(config)
    rows = raw.long
    last = rows.filter(pl.col("y").is_not_null())["ds"].max()
    cut = _cut(config, rows, last)
    design = read_design(cut, cut.frame(0))
    history = decompose(design, fit_pooled(design)).filter(pl.col("ds") > last)
    found = with_response(history.select(*KEY, "level", *EFFECTS), learn_levers(cut), cut, design.first_price)
    first = design.keys.filter(pl.Series(design.fitted)).group_by("unique_id").agg(first=pl.col("ds").min())
    facts = design.first_price.join(first, on="unique_id")
    true = _true_logs(config, rows.join(facts, on="unique_id"), raw.true_effects)
    ahead = rows.filter(pl.col("ds") > last, pl.col("open") == 1).select(KEY)
    units = [_in_units(ahead.join(logs, on=KEY)) for logs in (found, true)]
    return units[0].join(units[1], on=KEY, suffix="_true")


def _cut(config: Config, rows: pl.DataFrame, last: date) -> Cut:
    """What is known on the last day with sales."""
    columns = [*KEY, "y", *config.columns.known_ahead, *config.columns.known_after, *config.static_columns]
    panel_rows = fill_gaps(flag_observations(rows.select(columns), config), config, last)
    none = InMemory(pl.DataFrame(schema={"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64}))
    return Cut(Panel(config, InMemory(panel_rows), (0,), none), last, config.h)


def _true_logs(config: Config, rows: pl.DataFrame, effects: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, level, EFFECTS ...] as the chain was made, of rows with the first price and day of their series.

    The season is counted from its mean over a year of open days, which the level bears.
    """
    of = effects.filter(pl.col("effect").is_in(["level", "trend_per_year", "price_elasticity", "promo_log_uplift"]))
    rows = rows.join(of.pivot("effect", index="unique_id", values="value"), on="unique_id")
    rows = rows.join(_calendar(config, effects), on=["ds", "store"])
    options = Options.model_validate(config.source.options)
    amplitude, day = (
        pl.col("category").replace_strict({name: of[i] for name, of in simulator.YEARLY.items()}) for i in (0, 1)
    )
    yearly = amplitude * (2 * np.pi * (pl.col("ds").dt.ordinal_day() - day) / 365.25).cos()
    since = (pl.col("ds") - pl.col("first")).dt.total_days()
    before = (pl.col("first") - pl.lit(options.start)).dt.total_days() / 365.25 * pl.col("trend_per_year")
    rows = rows.with_columns(season=pl.col("season") + yearly)
    year = pl.col("season").filter(pl.col("open") == 1).tail(365).exp().mean().log().over("unique_id")
    prices = dict(zip(simulator.item_names(options), simulator.draw_items(options).price, strict=True))
    usual = pl.col("item").replace_strict(prices)
    at_first_price = pl.col("price_elasticity") * (pl.col("first_price") / usual).log()
    return rows.sort(KEY).select(
        *KEY,
        level=pl.col("level") * (before + at_first_price + year).exp(),
        trend=pl.col("trend_per_year") * since / 365.25,
        season=pl.col("season") - year,
        holiday="holiday",
        opening="opening",
        price=pl.col("price_elasticity") * (pl.col("price") / pl.col("first_price")).log(),
        promotion=pl.col("promo_log_uplift") * pl.col("promo"),
    )


def _calendar(config: Config, effects: pl.DataFrame) -> pl.DataFrame:
    """[ds, store, season, holiday, opening]: weekdays with the day before a weekly closing, public holidays, and the
    day before another closing.
    """
    options = Options.model_validate(config.source.options)
    years = range(options.start.year, options.start.year + 4)
    public = holidays.country_holidays(config.calendar.country, years=years)
    dates, weekday, holiday = simulator.calendar(options, options.days + config.h, public)
    closes = ~simulator.openings(options, weekday, holiday)[1:-1]
    saturday = (weekday[:-2] == 5)[:, None] & (np.arange(options.stores) % 2 == 1)
    profile = np.log(simulator.weekday_profile(options))[:, weekday[:-2]].T
    columns = {
        "season": profile + simulator.BEFORE_CLOSED * saturday,
        "holiday": np.repeat(simulator.holiday_effect(holiday)[:, None], options.stores, axis=1),
        "opening": simulator.BEFORE_CLOSED * (closes & ~saturday),
    }
    days = pl.DataFrame({"ds": dates[:-2]}).join(pl.DataFrame({"store": simulator.store_names(options)}), how="cross")
    return days.with_columns(pl.Series(name, values.ravel()) for name, values in columns.items())


def _in_units(logs: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, ds, COMPONENTS ...] in units, of logarithms with their level."""
    expected = pl.col("level") * pl.sum_horizontal(EFFECTS).exp()
    same = ("yhat", "free", "without_promotion", "without_price", "without_other")
    rows = logs.with_columns(expected.alias(name) for name in same)
    no = pl.lit(value=False)
    return split(rows.with_columns(model=pl.lit(MODEL), closed=no, additive=no)).select(*KEY, *COMPONENTS)
