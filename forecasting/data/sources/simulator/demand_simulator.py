"""Parts of a simulated retail chain: functions from Options to arrays (prices, promotions, stock-outs, `demand`).

Arrays are days x items, stores or series; a series is one item in one store, stores first. `simulate_chain` (module
`retail_chain`) puts them together. Each thing that happens in time has its own generator and is drawn day by day (week
by week, ...), so a longer run repeats the days of a shorter one; only a run below 584 days may launch its new items
earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecasting.data.sources.simulator.options import Options

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CATEGORIES = ("bakery", "drinks", "fresh", "household")
YEARLY = {"bakery": (0.05, 340), "drinks": (0.35, 200), "fresh": (0.15, 160), "household": (0.08, 80)}
"""Category -> amplitude (log) of its yearly season, and the day of the year of the peak."""
UPLIFT = {"bakery": 0.40, "drinks": 0.70, "fresh": 0.50, "household": 0.60}
"""Category -> mean promotion uplift (log)."""
WEEK = (0.86, 0.84, 0.88, 0.95, 1.15, 1.32, 1.00)
"""Sales by weekday, Monday first, mean 1."""
PRICE_STEPS = (0.85, 0.92, 1.0, 1.0, 1.0, 1.08, 1.15)
DAY_BEFORE, SECOND_BEFORE, ON_HOLIDAY = 0.35, 0.15, -0.40
"""Log effects of a public holiday: on the day before, two days before, and on the day itself where a store is open."""
BEFORE_CLOSED = 0.15
"""Log effect of the day before a day on which the store is closed."""
LIFE = 730
"""Items are launched and ended within this many days, however long the run."""


@dataclass(frozen=True)
class Items:
    """One value per item: category, level (units a day), trend (log, a year), price elasticity, promotion uplift (log),
    usual price, and the days of launch (`first`) and end (`last`).
    """

    category: list[str]
    level: Floats
    trend: Floats
    elasticity: Floats
    uplift: Floats
    price: Floats
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def draw_items(options: Options) -> Items:
    """Draw the items: a tenth is launched during the run, a twentieth ends, three in twenty sell rarely."""
    rng, n = options.rng("items"), options.items
    category = [CATEGORIES[i % len(CATEGORIES)] for i in range(n)]
    order = rng.permutation(n)
    new, ended, rare = order[: n // 10], order[n // 10 : n // 10 + n // 20], order[-(3 * n // 20) or n :]
    level = rng.lognormal(np.log(11), 0.6, n)
    level[rare] = rng.uniform(0.15, 0.5, len(rare))
    first, last = np.zeros(n, np.int64), np.full(n, np.iinfo(np.int64).max)
    first[new] = np.minimum(rng.uniform(0.1, 0.4, len(new)) * LIFE, options.days // 2)
    last[ended] = rng.uniform(0.5, 0.9, len(ended)) * LIFE
    mean = np.array([UPLIFT[c] for c in category])
    uplift = np.full(n, options.promo_uplift) if options.promo_uplift is not None else rng.normal(mean, 0.08)
    price = np.floor(rng.lognormal(1.2, 0.6, n) * 10) / 10 + 0.39
    return Items(category, level, rng.normal(0.03, 0.08, n), rng.uniform(-2.2, -0.8, n), uplift, price, first, last)


def store_names(options: Options) -> list[str]:
    """The names of the stores: S1, S2, ..."""
    return [f"S{i + 1}" for i in range(options.stores)]


def item_names(options: Options) -> list[str]:
    """The names of the items, all of one width: I01, I02, ..."""
    first, last = options.first_item + 1, options.first_item + options.items
    width = max(2, len(str(last)))
    return [f"I{i:0{width}d}" for i in range(first, last + 1)]


def store_levels(options: Options) -> Floats:
    """Sales level of each store as a factor, about 1."""
    return options.rng("stores").lognormal(0, 0.35, options.stores)


def weekday_profile(options: Options) -> Floats:
    """Sales factor of each store (rows) by weekday (columns), mean 1."""
    week = np.array(WEEK) * options.rng("week").normal(1, 0.05, (options.stores, 7))
    return np.asarray(week / week.mean(axis=1, keepdims=True))


def shelf_prices(options: Options, items: Items, days: int) -> Floats:
    """Shelf price by day and item: from one block of 28 days to the next, one item in four draws another price step."""
    rng, blocks = options.rng("prices"), -(-days // 28)
    draws = rng.random((blocks, 2, options.items))
    step = np.ones((blocks, options.items))
    for b in range(1, blocks):
        chosen = np.array(PRICE_STEPS)[(draws[b, 1] * len(PRICE_STEPS)).astype(int)]
        step[b] = np.where(draws[b, 0] < 0.25, chosen, step[b - 1])
    return np.round(np.repeat(step, 28, axis=0)[:days] * items.price, 2)


def promotions(options: Options, days: int) -> Bools:
    """Whether a series is on promotion, by day and series."""
    if options.promos == "chain":
        blocks = options.rng("chain").random(-(-days // 3)) < 0.3
        return np.repeat(np.repeat(blocks, 3)[:days, None], options.stores * options.items, axis=1)
    weeks = -(-(days + 6) // 7)
    on = options.rng("promo weeks").random((weeks, 1, options.items)) < 0.12
    participates = options.rng("promo stores").random((weeks, options.stores, options.items)) < 0.85
    by_week = (on & participates).reshape(weeks, -1)
    return np.repeat(by_week, 7, axis=0)[options.start.weekday() : options.start.weekday() + days]


def calendar(options: Options, days: int, public_holidays: Any) -> tuple[list[date], NDArray[np.int64], Bools]:
    """The dates of `days` days and two more, their weekdays (Monday 0), and whether each is a public holiday."""
    dates = [options.start + timedelta(days=i) for i in range(days + 2)]
    return dates, np.array([d.weekday() for d in dates]), np.array([d in public_holidays for d in dates])


def openings(options: Options, weekday: NDArray[np.int64], holiday: Bools) -> Bools:
    """Open flag by day and store: every second store closes on Sundays, four in five on public holidays."""
    store = np.arange(options.stores)
    sunday = (weekday == 6)[:, None] & (store % 2 == 1)
    return np.asarray(~(sunday | holiday[:, None] & (store % 5 != 0)))


def holiday_effect(holiday: Bools) -> Floats:
    """Log effect of public holidays by day, for all days but the last two of `holiday`."""
    today, after, second = holiday[:-2], holiday[1:-1], holiday[2:]
    before, second_before = after & ~today, second & ~after & ~today
    return np.asarray(ON_HOLIDAY * today + DAY_BEFORE * before + SECOND_BEFORE * second_before)


def yearly_effect(options: Options, items: Items, dates: list[date]) -> Floats:
    """Log effect of the time of year by day and item."""
    day = np.array([d.timetuple().tm_yday for d in dates])[:, None]
    amplitude, peak = np.array([YEARLY[c] for c in items.category]).T
    return np.asarray(options.yearly * amplitude * np.cos(2 * np.pi * (day - peak) / 365.25))


def stock_outs(options: Options, days: int) -> Bools:
    """Whether a series is out of stock, by day and series: runs of two to five days."""
    draws = options.rng("stock-outs").random((days, 2, options.stores * options.items))
    begins, length = draws[:, 0] < 0.006, 2 + (draws[:, 1] * 4).astype(int)
    out = np.zeros(begins.shape, bool)
    for back in range(min(5, days)):
        out[back:] |= (begins & (length > back))[: days - back]
    return out


def demand(options: Options, mean: Floats) -> Floats:
    """Units sold for a mean, by day and series: Poisson, or negative binomial with the configured noise."""
    from scipy.stats import nbinom, poisson

    quantile = options.rng("demand").random(mean.shape)
    if not options.noise:
        return np.asarray(poisson.ppf(quantile, mean))
    size = 1 / options.noise
    return np.asarray(nbinom.ppf(quantile, size, size / (size + mean)))
