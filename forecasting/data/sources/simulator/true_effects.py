"""What the made-up chain knows of itself: the true effects, for tests to recover."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from forecasting.data.sources.simulator import demand_simulator as market
from forecasting.data.sources.simulator.demand_simulator import Bools, Floats, Items, Options

Effect = tuple[str, str, float]


def truth(o: Options, range_: Items, base: Floats, alive: Bools) -> pl.DataFrame:
    """unique_id (a series, `store=S1`, `category=drinks` or `total`), effect, value.

    Logs: promo_log_uplift, price_elasticity, trend_per_year; day_before_holiday, second_day_before_holiday,
    on_holiday, before_closed (total). Factors: weekday_1..weekday_7 (stores). Units a day: level (at the usual price,
    without season), promo_units (what a promotion of all members adds, mean over the observed days).
    """
    rows = [*_series(o, range_), *_stores(o), *_promo_units(o, range_, base[: o.days], alive[: o.days]), *_chain()]
    return pl.DataFrame(rows, schema={"unique_id": pl.String, "effect": pl.String, "value": pl.Float64}, orient="row")


def ids(o: Options) -> list[str]:
    """unique_id of every series: stores first, then items."""
    return [f"{store}/{item}" for store in market.store_names(o) for item in market.item_names(o)]


def _series(o: Options, r: Items) -> Iterator[Effect]:
    level = np.outer(market.store_levels(o), r.level).ravel()
    own = {"promo_log_uplift": r.uplift, "price_elasticity": r.elasticity, "trend_per_year": r.trend}
    for k, unique_id in enumerate(ids(o)):
        yield unique_id, "level", float(level[k])
        yield from ((unique_id, effect, float(values[k % o.items])) for effect, values in own.items())


def _stores(o: Options) -> Iterator[Effect]:
    for s, week in enumerate(market.weekday_profile(o)):
        yield from ((f"store=S{s + 1}", f"weekday_{d + 1}", float(factor)) for d, factor in enumerate(week))


def _promo_units(o: Options, r: Items, base: Floats, alive: Bools) -> Iterator[Effect]:
    """Mean extra units a day under promotion: of a series over its life, of a group over all days."""
    extra = base * alive * np.expm1(np.tile(r.uplift, o.stores))
    own = extra.sum(axis=0) / np.maximum(alive.sum(axis=0), 1)
    yield from ((unique_id, "promo_units", float(v)) for unique_id, v in zip(ids(o), own, strict=True))
    groups = {"total": np.ones(extra.shape[1], bool)}
    groups |= {f"store=S{s + 1}": np.arange(extra.shape[1]) // o.items == s for s in range(o.stores)}
    category = np.tile(np.array(r.category), o.stores)
    groups |= {f"category={c}": category == c for c in sorted(set(r.category))}
    yield from ((name, "promo_units", float(extra[:, m].sum(axis=1).mean())) for name, m in groups.items())


def _chain() -> Iterator[Effect]:
    yield "total", "day_before_holiday", market.DAY_BEFORE
    yield "total", "second_day_before_holiday", market.SECOND_BEFORE
    yield "total", "on_holiday", market.ON_HOLIDAY
    yield "total", "before_closed", market.BEFORE_CLOSED
