"""Sums of series against sums in plain Python."""

from collections import defaultdict
from datetime import date, timedelta
from statistics import median

import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.aggregates import aggregate_cut, group_sums
from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import InMemory, Panel

START, N, H = date(2024, 1, 1), 30, 5
LEVELS = ((), ("store",), ("store", "kind"))


NO_SUMS = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64})


@pytest.fixture(scope="module")
def config() -> Config:
    columns = {"known_ahead": ["price", "event"], "static": ["store", "kind"], "price": "price"}
    models = ["ladder", {"stats": {"class": "AutoARIMA", "on": "aggregates"}}]
    return Config.model_validate(
        {"name": "x", "source": {}, "freq": "1d", "h": H, "columns": columns, "models": models}
    )


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Three series with holes in sales and prices; one is in a store without a kind."""
    made = []
    for name, store, kind, k in (("a", "S1", "food", 1), ("b", "S1", None, 2), ("c", "S2", "food", 3)):
        for i in range(N + H):
            y = None if i >= N or (i * k) % 7 == 0 else float(i * k)
            price = None if (i + k) % 5 == 0 else float(k + i % 3)
            made.append((name, START + timedelta(i), y, y, "observed", price, "fair", store, kind))
    names = ["unique_id", "ds", "y", "y_raw", "flag", "price", "event", "store", "kind"]
    return pl.DataFrame(made, names, orient="row", infer_schema_length=None)


def split(rows: pl.DataFrame, config: Config) -> Panel:
    """The rows spread over two buckets."""
    parts = [rows.filter(pl.col("unique_id") != "b"), rows.filter(pl.col("unique_id") == "b")]
    return Panel(config, lambda bucket: parts[bucket].lazy(), (0, 1), InMemory(NO_SUMS))


def members(row: dict) -> list[str]:
    return ["total", f"store={row['store']}", f"store={row['store']}/kind={row['kind'] or 'none'}"]


def test_groups_hold_sum_and_count_of_what_was_observed_and_the_mean_price(config, rows):
    sold, prices = defaultdict(list), defaultdict(list)
    for row in rows.iter_rows(named=True):
        for group in members(row) if row["y"] is not None else ():
            sold[group, row["ds"]].append(row["y"])
            prices[group, row["ds"]] += [row["price"]] if row["price"] is not None else []
    made = group_sums(rows, config, LEVELS)
    assert made.height == len(sold)
    for group, ds, y, n, price in made.select("group", "ds", "y_sum", "y_count", "price").iter_rows():
        assert (y, n) == (sum(sold[group, ds]), len(sold[group, ds]))
        values = prices[group, ds]
        assert price == (pytest.approx(sum(values) / len(values)) if values else None)


def test_an_aggregated_cut_sums_sales_averages_prices_and_knows_no_future_sale(config, rows):
    cutoff = START + timedelta(N - 1)
    frame = aggregate_cut(Cut(split(rows, config), cutoff, H), LEVELS).frame(0)
    sold, prices, newest = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in rows.sort("unique_id", "ds").iter_rows(named=True):
        price = row["price"]
        if row["ds"] <= cutoff and price is not None:
            newest[row["unique_id"]].append(price)
        elif row["ds"] > cutoff and price is None and newest[row["unique_id"]]:  # nobody knows it yet
            price = median(newest[row["unique_id"]][-7:])
        for group in members(row):
            sold[group, row["ds"]] += [row["y"]] if row["y"] is not None and row["ds"] <= cutoff else []
            prices[group, row["ds"]] += [price] if price is not None else []
    assert frame.height == len(prices)
    assert "event" not in frame.columns, "texts have no mean"
    for name, ds, y, price in frame.select("unique_id", "ds", "y", "price").iter_rows():
        assert y == (sum(sold[name, ds]) if sold[name, ds] else None), (name, ds)
        values = prices[name, ds]
        assert price == (pytest.approx(sum(values) / len(values)) if values else None), (name, ds)


def test_drivers_are_averaged_only_where_a_model_reads_them(config, rows):
    unread = config.model_copy(update={"models": config.models[:1]})
    frames = [
        aggregate_cut(Cut(split(rows, c), START + timedelta(N - 1), H), LEVELS).frame(0) for c in (config, unread)
    ]
    assert "price" in frames[0].columns
    assert frames[1].equals(frames[0].drop("price"))


def test_an_edit_of_one_series_reaches_its_aggregates(config, rows):
    cutoff, first = START + timedelta(N - 1), START + timedelta(N)
    edit = Edit("price", "=", 100.0, first, first, "unique_id = 'c'")
    plain, edited = (aggregate_cut(Cut(split(rows, config), cutoff, H, e), LEVELS).frame(0) for e in ((), (edit,)))
    moved = plain.join(edited, on=["unique_id", "ds"]).filter(pl.col("price").ne_missing(pl.col("price_right")))
    assert set(moved["unique_id"]) == {"total", "store=S2", "store=S2/kind=food"}
    assert set(moved["ds"]) == {first}


def test_the_walk_for_aggregates_keeps_the_means_of_peers_as_a_walk_of_its_own_finds_them(config, rows):
    by_level = config.model_copy(update={"levels_of_aggregation": LEVELS})
    cutoff = START + timedelta(N - 1)
    walked, alone = Cut(split(rows, by_level), cutoff, H), Cut(split(rows, by_level), cutoff, H)
    aggregate_cut(walked, LEVELS)
    means, every = walked.shared_frames()["peer means of coming days"], alone.group_data.peer_means
    assert means.height > 0
    assert means.equals(alone.coming_group_data.peer_means)
    assert means.equals(every.filter(pl.col("ds") > cutoff))
    day, prices = START + timedelta(N), rows.filter(ds=START + timedelta(N), store="S1")["price"].drop_nulls()
    assert means.filter(group="store=S1", ds=day)["_price"].item() == pytest.approx(prices.mean())
