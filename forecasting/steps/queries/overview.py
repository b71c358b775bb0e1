"""Four numbers, the last periods, and the series that weigh most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.schemas import AGGREGATES
from forecasting.services.store.vintages import published_vintages, scan_published
from forecasting.steps.queries.lines import Line, history
from forecasting.steps.queries.status import status
from forecasting.steps.session import open_store

CONTEXT = 13
"""Periods of context beside the forecast: a quarter of weeks."""


@dataclass(frozen=True)
class Change:
    """The next h periods against the same periods a year before, over the series that were there then."""

    forecast: float
    last_year: float
    matched: int
    series: int

    @property
    def share(self) -> float | None:
        """Relative change; None when last year's sum is 0."""
        return self.forecast / self.last_year - 1 if self.last_year else None


@dataclass(frozen=True)
class Kpis:
    """Scores of the champion over all reported backtest windows, all series together; None where not scored."""

    model: str | None
    wape: float | None
    ladder: float | None
    bias: float | None
    coverage: float | None
    level: int
    total: float | None
    change: Change | None


def kpis(config: Config) -> Kpis:
    """The four numbers of the overview."""
    now = status(config)
    scores = _scores(config, now.champion)
    wape, skill, level = scores.get("wape"), scores.get("skill"), min(config.level)
    ladder = wape / (1 - skill) if wape is not None and skill is not None and skill < 1 else None
    total, change = _next(config, now.cutoff) if now.cutoff else (None, None)
    bias, coverage = scores.get("bias"), scores.get(f"coverage-{level}")
    return Kpis(now.champion, wape, ladder, bias, coverage, level, total, change)


def _scores(config: Config, model: str | None) -> dict[str, float]:
    everything = (pl.col("segment") == "all") & (pl.col("horizon") == "all") & pl.col("cutoff").is_null()
    rows = open_store(config).scan("scores").filter(everything & (pl.col("model") == pl.lit(model)))
    # scores of earlier recipes stay in the table: the vintage says which one it rests on
    recipe = _recipe(config)
    found = rows.filter((pl.col("grain") == "series") & (pl.col("recipe") == recipe if recipe else pl.lit(value=True)))
    return dict(found.select("metric", "value").collect().iter_rows())


def _recipe(config: Config) -> str | None:
    newest = published_vintages(open_store(config)).head(1)
    return str(newest["recipe"].item()) if newest.height else None


def _next(config: Config, cutoff: date) -> tuple[float | None, Change | None]:
    """The total forecast of the newest vintage, and its change on a year before."""
    ahead = _by_series(config, cutoff)
    if ahead.is_empty():
        return None, None
    both = ahead.filter(pl.col("last_year").is_not_null())
    total, matched, before = (float(c.sum()) for c in (ahead["yhat"], both["yhat"], both["last_year"]))
    return total, Change(matched, before, both.height, ahead.height) if both.height else None


def _by_series(config: Config, cutoff: date) -> pl.DataFrame:
    """[unique_id, yhat, last_year]: the champion over the horizon of the newest vintage.

    last_year sums the same periods a year before; null for a series without a row for every one of them. Periods in
    which nothing was observed (closed, say) count as nothing sold, as their forecast does.
    """
    store, frequency = open_store(config), config.frequency
    version, champion = published_vintages(store).select("version", "champion").row(0)
    rows = scan_published(store, "forecasts", cutoff=cutoff)
    rows = rows.filter(pl.col("version") == version, pl.col("model") == champion, pl.col("grain") == "series")
    ahead = rows.group_by("unique_id").agg(pl.col("yhat").sum(), n=pl.len())
    first, last = (frequency.shift(cutoff, step - frequency.year) for step in (1, config.h))
    before = store.scan("panel").filter(pl.col("ds").is_between(first, last) & (pl.col("flag") != "ahead"))
    before = before.group_by("unique_id").agg(_last_year=pl.col("y").sum(), _n=pl.len(), _seen=pl.col("y").count())
    full = (pl.col("_n") >= pl.col("n")) & (pl.col("_seen") > 0)
    joined = ahead.join(before, on="unique_id", how="left")
    return joined.select("unique_id", "yhat", last_year=pl.when(full).then("_last_year")).collect()


def top_series(config: Config, n: int = 10) -> pl.DataFrame:
    """The `n` series with the largest forecast: [unique_id, yhat, last_year, price, value], by value when priced.

    price is the last one known, value = yhat * price (both null without a price column); all sums are over the horizon.
    """
    cutoff = status(config).cutoff
    if cutoff is None:
        return pl.DataFrame()
    rows = _by_series(config, cutoff).join(_last_prices(config, cutoff), on="unique_id", how="left")
    rows = rows.with_columns(value=pl.col("yhat") * pl.col("price"))
    order = "value" if rows["value"].count() else "yhat"
    return rows.sort(order, "unique_id", descending=[True, False], nulls_last=True).head(n)


def _last_prices(config: Config, cutoff: date) -> pl.DataFrame:
    column = config.columns.price
    if column is None:
        return pl.DataFrame(schema={"unique_id": pl.String, "price": pl.Float64})
    start = config.frequency.shift(cutoff, -config.frequency.level_window)
    rows = open_store(config).scan("panel").filter(pl.col("ds").is_between(start, cutoff))
    priced = rows.drop_nulls(column).group_by("unique_id").agg(price=pl.col(column).sort_by("ds").last())
    return priced.with_columns(pl.col("price").cast(pl.Float64)).collect()


def recent(config: Config) -> pl.DataFrame:
    """[end, y, last_year]: total units of the last 13 weeks (of the last 13 periods for weeks and months).

    A week is seven days that end with the last observed one; last_year is the same span a year before, null where the
    history does not reach.
    """
    last = status(config).through
    if last is None:
        return pl.DataFrame(schema={"end": pl.Date, "y": pl.Float64, "last_year": pl.Float64})
    days = history(config, Line("total", "group", buckets=(AGGREGATES,))).select("ds", "y")
    span = max(1, 7 // config.frequency.days)
    spans = _spans(config, days, last, span)
    before = _spans(config, days, config.frequency.shift(last, -config.frequency.year), span)
    paired = spans.join(before.select("k", last_year="y"), on="k", how="left")
    return paired.sort("k", descending=True).select("end", "y", "last_year")


def _spans(config: Config, days: pl.DataFrame, last: date, span: int) -> pl.DataFrame:
    """[k, end, y] of the whole spans 0..12 that end `span * k` periods before `last`."""
    k = config.frequency.steps(pl.col("ds"), pl.lit(last)) // span
    inside = days.filter(pl.col("ds") <= last).with_columns(k=k).filter(pl.col("k") < CONTEXT)
    reach = config.frequency.steps(pl.lit(days["ds"].min()), pl.lit(last)) + 1
    whole = inside.filter((pl.col("k") + 1) * span <= reach).group_by("k").agg(pl.col("y").sum())
    return whole.with_columns(end=config.frequency.offset(pl.lit(last), -span * pl.col("k")))
