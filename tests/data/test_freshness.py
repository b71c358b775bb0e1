"""Freshness: which series have stopped reporting, by hand-made series."""

from datetime import date, timedelta

import polars as pl

from forecasting.config import Config
from forecasting.data.quality.freshness import freshness_messages, measure_freshness

LAST = date(2024, 6, 30)
CONFIG = Config.model_validate(
    {"name": "f", "source": {"kind": "synthetic"}, "freq": "1d", "h": 7, "columns": {"static": ["store"]}}
)


def series(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    """Of unique_id, store, days since the last observed one, observed days in the 100 before."""
    return pl.DataFrame(
        [(i, s, LAST - timedelta(q + 100), LAST - timedelta(q), n) for i, s, q, n in rows],
        schema=["unique_id", "store", "first", "last", "n"],
        orient="row",
    )


def test_only_the_age_is_reported_when_all_series_report():
    freshness = measure_freshness(series(("a", "S", 0, 101), ("b", "S", 3, 101)), CONFIG, LAST + timedelta(2))
    assert (freshness["age"], freshness["living"], freshness["silent"]) == (2, 2, 0)
    assert freshness_messages(freshness) == ["newest sales: 2024-06-30, 2 days old"]


def test_a_store_that_has_stopped_while_others_go_on_is_named():
    rows = series(("a", "S1", 0, 101), ("b", "S2", 9, 101), ("c", "S2", 12, 101), ("old", "S3", 300, 101))
    freshness = measure_freshness(rows, CONFIG, LAST)
    assert (freshness["living"], freshness["silent"], freshness["silent_groups"]) == (3, 2, ["store=S2"])
    assert freshness["silent_series"] == ["b", "c"]
    assert any("store=S2" in line for line in freshness_messages(freshness))


def test_series_that_sell_rarely_are_silent_later():
    """Ten observed days in a hundred: a gap of ten days is usual."""
    assert measure_freshness(series(("a", "S", 0, 101), ("rare", "S", 40, 11)), CONFIG, LAST)["silent"] == 0
    assert measure_freshness(series(("a", "S", 0, 101), ("rare", "S", 60, 11)), CONFIG, LAST)["silent"] == 1


def test_there_is_no_freshness_where_nothing_was_observed():
    empty = series(("a", "S", 0, 1)).with_columns(last=pl.lit(None, pl.Date))
    assert measure_freshness(empty, CONFIG, LAST) == {}
    assert freshness_messages({}) == []
