"""Features of the job's events (a table of days and names): distance, shares, and sales on the same event before.

`add_event_columns` takes rows of the panel and events [table, place, ds, name] and returns the rows with columns
event_*; `features` lists them. Events are looked up by date (and place), as holidays are: a row at the end of the
horizon sees the events after it just as a row of the past does. Distances and codes end FAR days from an event.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from forecasting.config import Config
from forecasting.features.base import Feature, Lead, Unit
from forecasting.features.calendar.places import event_code
from forecasting.features.joined_names import join_names
from forecasting.frequency import Frequency

FAR = 30
"""Days from an event after which nearer or farther makes no difference."""
EVERYWHERE = ""
SCHEMA = pl.Schema({"table": pl.String, "place": pl.String, "ds": pl.Date, "name": pl.String})
"""One row per table of events, place (the values of its `on` columns with slashes, EVERYWHERE for all) and day."""
DS, EVENT = pl.col("ds"), pl.col("code")


def place_of(on: tuple[str, ...]) -> pl.Expr:
    """The place of a row: its values of the columns `on`; EVERYWHERE where one is missing."""
    return join_names(on).fill_null(EVERYWHERE) if on else pl.lit(EVERYWHERE)


def feature_name(table: str, name: str) -> str:
    """The column name of a feature of a table of events."""
    return f"event_{table}_{name}"


def add_event_columns(frame: pl.DataFrame, events: pl.DataFrame, config: Config) -> pl.DataFrame:
    """The rows of `frame`, in their order, with the feature columns of all tables of events; `events` has SCHEMA."""
    for table, spec in config.calendar.events.items():
        placed = bool(spec.on) and set(spec.on) <= set(frame.columns)  # aggregates have no places
        frame = frame.with_columns(place_of(spec.on).alias("_place")) if placed else frame
        on = ["_place", "ds"] if placed else ["ds"]
        needed = frame.select(on).unique().with_columns(() if placed else pl.lit(EVERYWHERE).alias("_place"))
        features = _features_by_day(events.filter(pl.col("table") == table), needed, config.frequency)
        names = config.frequency.events
        features = features.select(*on, *(pl.col(n).cast(pl.Float32).alias(feature_name(table, n)) for n in names))
        frame = frame.join(features, on=on, how="left", maintain_order="left")
    return frame.drop("_place", strict=False)


def _features_by_day(events: pl.DataFrame, needed: pl.DataFrame, frequency: Frequency) -> pl.DataFrame:
    """[_place, ds, features ...]: one row per place of `needed` and day between its first and its last."""
    places = needed.select("_place").unique()
    everywhere = events.filter(pl.col("place") == EVERYWHERE).join(places, how="cross")
    here = events.join(places, left_on="place", right_on="_place").with_columns(_place="place")
    both = pl.concat([everywhere.select("_place", "ds", "name"), here.select("_place", "ds", "name")])
    named = both.group_by("_place", "ds").agg(pl.col("name").unique().sort().str.join("+"))
    texts = named["name"].unique()
    codes = dict(zip(texts, map(event_code, texts), strict=True))
    named = named.with_columns(code=pl.col("name").replace_strict(codes, return_dtype=pl.Int32))
    named = _days_of_events(named.sort("_place", "ds"))
    days = _days_around(needed["ds"], max(2 * FAR, frequency.days))
    grid = places.join(days, how="cross").join(named, on=["_place", "ds"], how="left")
    return grid.sort("_place", "ds").with_columns(**_features(frequency))


def _days_of_events(named: pl.DataFrame) -> pl.DataFrame:
    """The rows with `day`: 1 on the first day of an event, 2 on the next, as long as the name stays."""
    new = (EVENT.shift(1) != EVENT) | (DS.diff().dt.total_days() != 1)
    run = new.fill_null(value=True).over("_place").cum_sum()
    return named.with_columns(run=run).with_columns(day=pl.int_range(1, pl.len() + 1).over("run"))


def _days_around(ds: pl.Series, days: int) -> pl.DataFrame:
    """[ds]: all days from so many before the first to as many after the last, which covers the periods of both."""
    reach = pl.duration(days=days)
    ends = ds.to_frame("ds").select(first=DS.min() - reach, last=DS.max() + reach).drop_nulls()
    return ends.select(ds=pl.date_ranges("first", "last")).explode("ds")


def _features(frequency: Frequency) -> Mapping[str, pl.Expr]:
    """All features by name; Frequency.events lists those of a frequency."""
    today = EVENT.is_not_null()
    feast, share = pl.when(today).then(DS), today.cast(pl.Float64)
    ahead, behind = feast.backward_fill() - DS, DS - feast.forward_fill()
    made = {
        "next": ahead.dt.total_days().fill_null(FAR).clip(0, FAR),
        "last": behind.dt.total_days().fill_null(FAR).clip(0, FAR),
        "next_code": EVENT.backward_fill(limit=FAR - 1).fill_null(0),
        "last_code": EVENT.forward_fill(limit=FAR - 1).fill_null(0),
        "before": EVENT.forward_fill(limit=6).fill_null(0),
        "after": EVENT.backward_fill(limit=6).fill_null(0),
        "share_before": share.rolling_mean(7),
        "share_after": share.reverse().rolling_mean(7).reverse(),
    }
    here = {name: expr.over("_place") for name, expr in made.items()}
    period = ("_place", frequency.floor(DS))
    here |= {"share": share.mean().over(period), "code": EVENT.drop_nulls().first().over(period).fill_null(0)}
    return here | {"today": EVENT.fill_null(0), "day": pl.col("day").fill_null(0)}


def add_recurrence_lag(frame: pl.DataFrame, config: Config, lead: int) -> pl.DataFrame:
    """The rows, in their order, with a column again_lag per table of events.

    It holds the periods back to the same period (the first, the second, ...) of the same event's newest occurrence that
    is at least `lead` periods ago; null where that is too long ago or there is none.
    """
    f = config.frequency
    for table, spec in config.calendar.events.items() if _mark(f) else ():
        on = [c for c in spec.on if c in frame.columns]
        days = _periods_of_events(frame, table, on, f)
        same = [*on, "_code", "_day"]
        old = days.with_columns(_then=DS).sort("_then")
        new = days.with_columns(_by=DS - pl.duration(days=lead * f.days)).sort("_by")
        found = new.join_asof(
            old.drop("ds"), left_on="_by", right_on="_then", by=same, strategy="backward", check_sortedness=False
        )
        lag = f.steps(pl.col("_then"), DS)
        found = found.select(
            *on,
            "ds",
            pl.when(lag <= longest_recurrence(config, lead)).then(lag).alias(feature_name(table, "again_lag")),
        )
        frame = frame.join(found, on=[*on, "ds"], how="left", maintain_order="left", nulls_equal=True)
    return frame


def _mark(frequency: Frequency) -> str | None:
    """The feature that names the event of a period, where an event can be of another period in another year."""
    return next((name for name in ("today", "after", "code") if name in frequency.events), None)


def _periods_of_events(frame: pl.DataFrame, table: str, on: list[str], frequency: Frequency) -> pl.DataFrame:
    """[*on, ds, _code, _day]: the periods of `frame` with an event, its code, and which of its periods each is."""
    code = pl.col(feature_name(table, str(_mark(frequency)))).alias("_code")
    if "day" in frequency.events:
        day = pl.col(feature_name(table, "day")).alias("_day")
        return frame.select(*on, "ds", code, day).filter(pl.col("_code") > 0).unique()
    periods = frame.select(*on, "ds", code).filter(pl.col("_code") > 0).unique().sort(*on, "ds", nulls_last=True)
    goes_on = [pl.col(c).eq_missing(pl.col(c).shift(1)) for c in (*on, "_code")]
    goes_on += [frequency.steps(DS.shift(1), DS).fill_null(0) == 1]
    run = (~pl.all_horizontal(goes_on)).cum_sum()
    return periods.with_columns(_run=run).select(*on, "ds", "_code", _day=pl.int_range(1, pl.len() + 1).over("_run"))


def longest_recurrence(config: Config, lead: int) -> int:
    """Periods after which an earlier occurrence of an event is ignored: two years beyond the lead."""
    return lead + 2 * config.frequency.year


def features(config: Config, unit: Unit, lead: Lead) -> list[Feature]:
    """The columns of `add_event_columns`, and sales in the same period of the same event before, on a scale."""
    tables, names = config.calendar.events, config.frequency.events
    looked_up = [Feature(feature_name(t, n), pl.col(feature_name(t, n))) for t in tables for n in names]
    if not _mark(config.frequency):
        return looked_up
    lookback = max(longest_recurrence(config, lead.most), unit.lookback)
    sold = {t: unit.of(lead.lag_by(pl.col("y"), pl.col(feature_name(t, "again_lag")))) for t in tables}
    return [*looked_up, *(Feature(feature_name(t, "again"), expr, lookback) for t, expr in sold.items())]
