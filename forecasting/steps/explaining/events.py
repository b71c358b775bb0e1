"""Past promotions and price changes of a job: `past_events` takes a Session and a SeriesFilter and returns PastEvents.

It walks the buckets of the panel, decomposes their series and measures each event against what was to be expected
without it. Series of a market tell about each other, so all are measured, whichever are chosen, and a process keeps
what it has measured of the newest few loads. No model and no forecast is needed, and nothing is stored.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import collect_each
from forecasting.data.cache import Cache
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, Panel
from forecasting.data.windows import resolve_cutoff
from forecasting.features.base import SERIES
from forecasting.planning import events as planning
from forecasting.planning.column_names import condition_over_panel
from forecasting.planning.decomposition import Pooled, decompose, read_design
from forecasting.planning.market import market_columns
from forecasting.planning.response.spillover import tell_spillovers
from forecasting.planning.scenario import check_condition, condition
from forecasting.steps.explaining.explain import EVERY
from forecasting.steps.explaining.vintage import pooled_effects
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.scenario.selection import no_such_series
from forecasting.steps.session import Session

HELD_BYTES = 100_000_000
"""The size of the measured events that a process keeps."""
_HELD = Cache(HELD_BYTES)


@dataclass(frozen=True)
class PastEvents:
    """`rows` (see planning.events.COLUMNS): one per event, by series and day. `sentence` sums them up, with what the
    response model has found of promotions on the whole, and `warnings` say what they leave out.
    """

    rows: pl.DataFrame
    sentence: str
    warnings: tuple[str, ...] = ()


def past_events(session: Session, series: SeriesFilter = EVERY, cutoff: date | None = None) -> PastEvents:
    """The events of the last two years up to `cutoff` (None: the newest day) of `series`.

    Raises UserError when the config names neither a price nor a promotion, for a condition that is none, and where no
    series meets it.
    """
    config, panel = session.config, session.panel
    if not (config.columns.price or config.columns.promo):
        raise config.fault("columns", "events are promotions and changes of price: name a column in promo or price")
    where = condition_over_panel(series.where, config)
    check_condition(where, panel.schema)
    at = resolve_cutoff(panel, cutoff)
    chosen = None if series == EVERY else _chosen(panel, replace(series, where=where), at)
    rows = _HELD.get_or_compute(_key(session, at), partial(_measure_all, session, at))
    if chosen is not None:
        rows = rows.join(chosen, on=SERIES, how="semi", maintain_order="left")
    warnings = []
    if not config.columns.cost and rows.height:
        warnings.append(
            "no cost is known: units and revenue only. Name the column of the cost of a unit in columns.cost."
        )
    return PastEvents(rows, " ".join([_sentence(rows), *tell_spillovers(_newest_levers(session))]), tuple(warnings))


def are_events_held(session: Session, cutoff: date | None = None) -> bool:
    """Whether this process has measured the events already, so that `past_events` answers at once."""
    return _key(session, resolve_cutoff(session.panel, cutoff)) in _HELD


def _key(session: Session, cutoff: date) -> Hashable:
    return session.store.root, session.store.load, repr(session.config), cutoff


def _chosen(panel: Panel, series: SeriesFilter, cutoff: date) -> pl.DataFrame:
    """[unique_id] of the series of which any row by the cutoff meets the condition; raises UserError without any."""
    met = condition(series.condition) & (pl.col("ds") <= cutoff)
    parts = [panel.scan(bucket).filter(met).select(SERIES).unique() for bucket in panel.buckets]
    found = pl.concat(collect_each(parts))
    if found.is_empty():
        raise no_such_series(panel.config.name, series)
    return found


def _measure_all(session: Session, cutoff: date) -> pl.DataFrame:
    """The events of all series."""
    config, panel = session.config, session.panel
    cut = Cut(panel, cutoff, config.h)
    worker = partial(_bucket_events, cut, pooled_effects(cut), market_columns(config, panel.schema))
    parts = list(panel.engine.map(worker, panel.buckets))
    near, _ = reaches(config)
    return planning.finish(planning.add_halo(pl.concat(p for p, _ in parts), pl.concat(d for _, d in parts), near))


def _newest_levers(session: Session) -> pl.DataFrame:
    """The table `levers` of the newest training."""
    every = session.store.scan("levers").collect()
    return every.filter(pl.col("version") == pl.col("version").max())


def reaches(config: Config) -> tuple[int, int]:
    """Periods around an event that tell its level, and those after it in which a dip is looked for."""
    windows = config.frequency.windows
    return windows[min(1, len(windows) - 1)], windows[0]


def _bucket_events(cut: Cut, pooled: Pooled, market: Sequence[str], bucket: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The measured events of a bucket, and its part of the days of all markets."""
    config, (near, after) = cut.config, reaches(cut.config)
    frame = cut.frame(bucket).filter(pl.col("ds") <= cut.cutoff)
    design = read_design(cut, frame)
    history = planning.read_history(design, decompose(design, pooled), pooled.noise, after)
    columns = {"price": config.columns.price, "cost": config.columns.cost}
    values = [_number(frame, column).alias(name) for name, column in columns.items()]
    rows = design.keys.join(
        frame.select(*KEY, *values, planning.market_label(market)), on=KEY, how="left", maintain_order="left"
    ).with_columns(promo=pl.Series(design.promo))
    days = planning.market_days(rows, history)
    found = planning.find_events(rows, config.season)
    found = planning.measure(found, history, near, after)
    return _with_values(found, rows), days


def _number(frame: pl.DataFrame, column: str | None) -> pl.Expr:
    there = column is not None and column in frame.columns and frame.schema[column].is_numeric()
    return pl.col(str(column)).cast(pl.Float64) if there else pl.lit(None, pl.Float64)


def _with_values(events: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """The events with their market, and the mean price and cost of their days."""
    spans = events.select("first", "last").with_row_index("_event")
    days = spans.with_columns(_row=pl.int_ranges("first", pl.col("last") + 1)).explode("_row")
    held = rows.select(planning.MARKET, "price", "cost").with_columns(_row=pl.int_range(pl.len()))
    means = days.join(held, on="_row", how="left").group_by("_event", maintain_order=True).agg(
        pl.col(planning.MARKET).first(), pl.col("price", "cost").mean()
    )  # fmt: skip
    return pl.concat([events, means.sort("_event").drop("_event")], how="horizontal")


def _sentence(rows: pl.DataFrame) -> str:
    """How many events there were, and what they are associated with together."""
    if rows.is_empty():
        return "no promotion and no change of price in the last two years."
    texts = []
    for kind, name in (("promotion", "promotions"), ("price", "changes of price")):
        part = rows.filter(kind=kind)
        if part.height:
            sold, due, dip = (float(part[c].sum()) for c in ("uplift", "baseline", "dip"))
            texts.append(
                f"{part.height:,} {name} are associated with {sold:+,.0f} units on {due:,.0f}, and {dip:+,.0f} after"
            )
    return "; ".join(texts) + "."
