"""The made-up retail chain: what moves its sales, drawn from a seed.

Everything that happens in time is drawn day by day (week by week, month by month) from generators of its own, so a
longer run repeats the days of a shorter one: new days arrive, old ones do not change. Arrays are days x items or
days x series; a series is one item in one store, stores first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CATEGORIES = ("bakery", "drinks", "fresh", "household")
YEARLY = {"bakery": (0.05, 340), "drinks": (0.35, 200), "fresh": (0.15, 160), "household": (0.08, 80)}
"""Yearly swing (log) of a category and the day of the year of its height."""
UPLIFT = {"bakery": 0.40, "drinks": 0.70, "fresh": 0.50, "household": 0.60}
"""Mean promotion uplift (log) of a category."""
WEEK = (0.86, 0.84, 0.88, 0.95, 1.15, 1.32, 1.00)
"""Sales by weekday, Monday first, mean 1."""
PRICE_STEPS = (0.85, 0.92, 1.0, 1.0, 1.0, 1.08, 1.15)
DAY_BEFORE, SECOND_BEFORE, ON_HOLIDAY = 0.35, 0.15, -0.40
"""Log effects of a public holiday: the day before, two days before, the day itself where a store is open."""
BEFORE_CLOSED = 0.15
"""Log effect of the day before a day on which the store is closed."""
LIFE = 730
"""Launches and ends of items are laid out over this many days, however long the run."""


class Dirt(BaseModel):
    """How much dirt is planted: outliers and gaps in days, closed weeks of stores, stock-outs in runs of days.

    Drawn for the whole run: other than the chain itself, a longer run has its dirt in other places.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outliers: int = Field(default=0, ge=0)
    gaps: int = Field(default=0, ge=0)
    closed_weeks: int = Field(default=0, ge=0)
    stock_outs: int = Field(default=0, ge=0)


class Options(BaseModel):
    """What source.options may hold for the synthetic source.

    `promo_uplift` (log) gives every item the same promotion effect; `promos: chain` puts all items of all stores on
    promotion on the same, random days (`item`: each item has its own weeks); `noise` is the variance beyond Poisson
    (variance = mean + noise * mean^2); `yearly` multiplies the yearly swings; `dirt` is planted on top.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stores: int = Field(default=5, ge=1, le=10_000)
    items: int = Field(default=20, ge=1, le=100_000)
    days: int = Field(default=730, ge=1, le=20_000)
    start: date = date(2024, 1, 1)
    seed: int = Field(default=7, ge=0)
    promos: Literal["item", "chain"] = "item"
    promo_uplift: float | None = Field(default=None, ge=0, le=2)
    noise: float = Field(default=0.05, ge=0, le=2)
    yearly: float = Field(default=1.0, ge=0, le=3)
    dirt: Dirt = Dirt()

    def rng(self, *about: str) -> np.random.Generator:
        """A generator for one matter, independent of all others."""
        return np.random.default_rng([self.seed, crc32(" ".join(about).encode())])


@dataclass(frozen=True)
class Items:
    """Per item: category, level (units a day), log trend a year, elasticity, log promotion uplift, price, life."""

    category: list[str]
    level: Floats
    trend: Floats
    elasticity: Floats
    uplift: Floats
    price: Floats
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def items(o: Options) -> Items:
    """Draw the range: a tenth of the items is launched later, a twentieth ends, three in twenty sell rarely."""
    rng, n = o.rng("items"), o.items
    category = [CATEGORIES[i % len(CATEGORIES)] for i in range(n)]
    order = rng.permutation(n)
    new, old, rare = order[: n // 10], order[n // 10 : n // 10 + n // 20], order[-(3 * n // 20) or n :]
    level = rng.lognormal(np.log(11), 0.6, n)
    level[rare] = rng.uniform(0.15, 0.5, len(rare))
    first, last = np.zeros(n, np.int64), np.full(n, np.iinfo(np.int64).max)
    first[new] = np.minimum(rng.uniform(0.1, 0.4, len(new)) * LIFE, o.days // 2)
    last[old] = rng.uniform(0.5, 0.9, len(old)) * LIFE
    mean = np.array([UPLIFT[c] for c in category])
    uplift = np.full(n, o.promo_uplift) if o.promo_uplift is not None else rng.normal(mean, 0.08)
    price = np.floor(rng.lognormal(1.2, 0.6, n) * 10) / 10 + 0.39
    return Items(category, level, rng.normal(0.03, 0.08, n), rng.uniform(-2.2, -0.8, n), uplift, price, first, last)


def store_names(o: Options) -> list[str]:
    """S1, S2, ..."""
    return [f"S{i + 1}" for i in range(o.stores)]


def item_names(o: Options) -> list[str]:
    """I01, I02, ...: of one width."""
    width = max(2, len(str(o.items)))
    return [f"I{i + 1:0{width}d}" for i in range(o.items)]


def store_levels(o: Options) -> Floats:
    """Size of each store against the mean one."""
    return o.rng("stores").lognormal(0, 0.35, o.stores)


def weekday_profile(o: Options) -> Floats:
    """Sales factor of each store (rows) by weekday (columns), mean 1."""
    week = np.array(WEEK) * o.rng("week").normal(1, 0.05, (o.stores, 7))
    return np.asarray(week / week.mean(axis=1, keepdims=True))


def prices(o: Options, range_: Items, days: int) -> Floats:
    """Shelf price by day and item: in every fourth block of 28 days an item moves to another step of its price."""
    rng, blocks = o.rng("prices"), -(-days // 28)
    draws = rng.random((blocks, 2, o.items))
    step = np.ones((blocks, o.items))
    for b in range(1, blocks):
        chosen = np.array(PRICE_STEPS)[(draws[b, 1] * len(PRICE_STEPS)).astype(int)]
        step[b] = np.where(draws[b, 0] < 0.25, chosen, step[b - 1])
    return np.round(np.repeat(step, 28, axis=0)[:days] * range_.price, 2)


def promotions(o: Options, days: int) -> Bools:
    """Promotion flag by day and series."""
    if o.promos == "chain":
        blocks = o.rng("chain").random(-(-days // 3)) < 0.3
        return np.repeat(np.repeat(blocks, 3)[:days, None], o.stores * o.items, axis=1)
    weeks = -(-(days + 6) // 7)
    on = o.rng("promo weeks").random((weeks, 1, o.items)) < 0.12
    takes_part = o.rng("promo stores").random((weeks, o.stores, o.items)) < 0.85
    by_week = (on & takes_part).reshape(weeks, -1)
    return np.repeat(by_week, 7, axis=0)[o.start.weekday() : o.start.weekday() + days]


def calendar(o: Options, days: int, holiday: Any) -> tuple[list[date], NDArray[np.int64], Bools]:
    """The dates, their weekdays (Monday 0), and whether each is a public holiday; two days longer than `days`."""
    dates = [o.start + timedelta(days=i) for i in range(days + 2)]
    return dates, np.array([d.weekday() for d in dates]), np.array([d in holiday for d in dates])


def openings(o: Options, weekday: NDArray[np.int64], holiday: Bools) -> Bools:
    """Open flag by day and store: every second store rests on Sundays, all but every fifth on public holidays."""
    store = np.arange(o.stores)
    sunday = (weekday == 6)[:, None] & (store % 2 == 1)
    return np.asarray(~(sunday | holiday[:, None] & (store % 5 != 0)))


def holiday_effect(holiday: Bools) -> Floats:
    """Log effect of public holidays by day, for all days but the last two of `holiday`."""
    today, after, second = holiday[:-2], holiday[1:-1], holiday[2:]
    before, second_before = after & ~today, second & ~after & ~today
    return np.asarray(ON_HOLIDAY * today + DAY_BEFORE * before + SECOND_BEFORE * second_before)


def yearly_effect(o: Options, range_: Items, dates: list[date]) -> Floats:
    """Log effect of the time of year by day and item."""
    day = np.array([d.timetuple().tm_yday for d in dates])[:, None]
    swing, height = np.array([YEARLY[c] for c in range_.category]).T
    return np.asarray(o.yearly * swing * np.cos(2 * np.pi * (day - height) / 365.25))


def stock_outs(o: Options, days: int) -> Bools:
    """Whether a series is out of stock, by day and series: runs of two to five days."""
    draws = o.rng("stock-outs").random((days, 2, o.stores * o.items))
    begins, length = draws[:, 0] < 0.006, 2 + (draws[:, 1] * 4).astype(int)
    out = np.zeros(begins.shape, bool)
    for back in range(min(5, days)):
        out[back:] |= (begins & (length > back))[: days - back]
    return out


def demand(o: Options, mean: Floats) -> Floats:
    """Units sold for a mean: Poisson, or negative binomial with the configured noise."""
    from scipy.stats import nbinom, poisson

    chance = o.rng("demand").random(mean.shape)
    if not o.noise:
        return np.asarray(poisson.ppf(chance, mean))
    size = 1 / o.noise
    return np.asarray(nbinom.ppf(chance, size, size / (size + mean)))
