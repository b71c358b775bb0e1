"""The true effects of the simulated chain, for tests to recover: `true_effects` returns [unique_id, effect, value].

It takes the Options, Items and arrays of the chain and lists levels, uplifts, elasticities, weekdays and holidays; they
are the ones the simulator used, not estimates.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from forecasting.data.sources.simulator import demand_simulator as simulator
from forecasting.data.sources.simulator.demand_simulator import Bools, Floats, Items
from forecasting.data.sources.simulator.options import Options

Effect = tuple[str, str, float]


def true_effects(options: Options, items: Items, base: Floats, alive: Bools) -> pl.DataFrame:
    """[unique_id, effect, value]: unique_id is a series, `store=S1`, `category=drinks` or `total`.

    Logs: promo_log_uplift, price_elasticity, trend_per_year; day_before_holiday, second_day_before_holiday,
    on_holiday, before_closed (total). Factors: weekday_1..weekday_7 (stores). Units a day: level (at the usual price,
    without season), promo_units (what a promotion of all members adds, mean over the observed days).
    """
    past = slice(options.days)
    rows = [
        *_series_effects(options, items),
        *_store_effects(options),
        *_promo_units(options, items, base[past], alive[past]),
        *_chain_effects(),
    ]
    return pl.DataFrame(rows, schema={"unique_id": pl.String, "effect": pl.String, "value": pl.Float64}, orient="row")


def unique_ids(options: Options) -> list[str]:
    """unique_id of every series, store by store: S1/I01, S1/I02, ..."""
    return [f"{store}/{item}" for store in simulator.store_names(options) for item in simulator.item_names(options)]


def _series_effects(options: Options, items: Items) -> Iterator[Effect]:
    level = np.outer(simulator.store_levels(options), items.level).ravel()
    by_item = {"promo_log_uplift": items.uplift, "price_elasticity": items.elasticity, "trend_per_year": items.trend}
    for k, unique_id in enumerate(unique_ids(options)):
        yield unique_id, "level", float(level[k])
        yield from ((unique_id, effect, float(values[k % options.items])) for effect, values in by_item.items())


def _store_effects(options: Options) -> Iterator[Effect]:
    for s, week in enumerate(simulator.weekday_profile(options)):
        yield from ((f"store=S{s + 1}", f"weekday_{d + 1}", float(factor)) for d, factor in enumerate(week))


def _promo_units(options: Options, items: Items, base: Floats, alive: Bools) -> Iterator[Effect]:
    """Mean extra units a day under promotion: of a series over its life, of an aggregate over all days."""
    extra = base * alive * np.expm1(np.tile(items.uplift, options.stores))
    by_series = extra.sum(axis=0) / np.maximum(alive.sum(axis=0), 1)
    yield from (
        (unique_id, "promo_units", float(units))
        for unique_id, units in zip(unique_ids(options), by_series, strict=True)
    )
    members = {"total": np.ones(extra.shape[1], bool)}
    members |= {f"store=S{s + 1}": np.arange(extra.shape[1]) // options.items == s for s in range(options.stores)}
    category = np.tile(np.array(items.category), options.stores)
    members |= {f"category={c}": category == c for c in sorted(set(items.category))}
    yield from ((name, "promo_units", float(extra[:, m].sum(axis=1).mean())) for name, m in members.items())


def _chain_effects() -> Iterator[Effect]:
    yield "total", "day_before_holiday", simulator.DAY_BEFORE
    yield "total", "second_day_before_holiday", simulator.SECOND_BEFORE
    yield "total", "on_holiday", simulator.ON_HOLIDAY
    yield "total", "before_closed", simulator.BEFORE_CLOSED
