"""A series against those beside it: slow arithmetic, buckets that add up, coming days and scenarios."""

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import Config
from forecasting.data.aggregates import aggregate_cut, group_sums
from forecasting.data.buckets import bucket_of
from forecasting.data.cut import COMING_PEER_MEANS, PEER_MEANS, Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import InMemory, Panel
from forecasting.features import peers
from forecasting.features.base import Context
from forecasting.models.lightgbm.training_rows import Matrix, features_at

START, N = date(2024, 1, 1), 40
AT = START + timedelta(days=29)


def config(**keys) -> Config:
    columns = {"known_ahead": ["price", "promo"], "static": ["store", "kind"], "price": "price", "promo": "promo"}
    base = {"name": "x", "source": {}, "freq": "1d", "h": 10, "columns": columns}
    return Config.model_validate(base | {"levels_of_aggregation": [[], ["store"], ["kind"]]} | keys)


def rows() -> pl.DataFrame:
    """Eight series of two stores and two kinds; prices and promotions differ by series and day, some are unknown."""
    parts = []
    for i in range(8):
        days = [START + timedelta(days=k) for k in range(N)]
        parts.append(
            pl.DataFrame(
                {
                    "unique_id": f"s{i}",
                    "ds": days,
                    "y": [float((i + 3 * k) % 7) if d <= AT else None for k, d in enumerate(days)],
                    "price": [None if (i, k % 9) == (2, 4) else 1.0 + i + (i * k) % 5 for k in range(N)],
                    "promo": [float((i * k) % 4 == 0) for k in range(N)],
                    "store": f"S{i % 2}",
                    "kind": f"K{i // 4}",
                    "flag": "observed",
                }
            )
        )
    whole = pl.concat(parts)
    return whole.with_columns(y_raw=pl.col("y"))


def cut(buckets: int = 1, edits: tuple[Edit, ...] = (), **keys) -> Cut:
    c, frame = config(**keys), rows()
    frame = frame.with_columns(bucket_of(frame["unique_id"], buckets))
    groups = group_sums(frame.drop("bucket"), c, ((), ("store",), ("kind",)))
    return Cut(
        Panel(c, lambda b: frame.lazy().filter(pl.col("bucket") == b), tuple(range(buckets)), InMemory(groups)),
        AT,
        10,
        edits,
    )


def matrix(at: Cut, lead: int = 7) -> pl.DataFrame:
    made = Matrix(features_at(at), {})
    parts = [made.with_features(at, at.frame(b), lead) for b in at.panel.buckets]
    return pl.concat(parts).sort("unique_id", "ds")


@pytest.mark.parametrize("level", [("store",), ("kind",), ("store", "kind")])
def test_each_value_is_compared_with_the_mean_of_its_group(level):
    at, name = cut(), "/".join(level)
    frame = at.frame(0).to_dicts()
    got = {(r["unique_id"], r["ds"]): r for r in matrix(at).to_dicts()}
    for row in frame[::7]:
        near = [r for r in frame if r["ds"] == row["ds"] and all(r[c] == row[c] for c in level)]
        prices = [r["price"] for r in near if r["price"] is not None]
        said = got[row["unique_id"], row["ds"]]
        wanted = None if row["price"] is None else row["price"] / (sum(prices) / len(prices))
        assert said[f"{name}_peers_price"] == (None if wanted is None else pytest.approx(wanted, rel=1e-6))
        promos = [r["promo"] for r in near]
        assert said[f"{name}_peers_promo"] == pytest.approx(row["promo"] - sum(promos) / len(promos), abs=1e-6)


def test_series_of_one_group_may_lie_in_several_buckets():
    names = [c for c in matrix(cut()).columns if "_peers_" in c and c[0] != "_"]
    assert len(names) == 9
    one, three = matrix(cut()), matrix(cut(buckets=3))
    assert one.select("unique_id", "ds", *names).equals(three.select("unique_id", "ds", *names))


def test_a_scenario_is_seen_by_peer_series():
    """Cutting one price changes what its neighbours' prices are held against, on the days of the change alone."""
    first, last = AT + timedelta(days=2), AT + timedelta(days=3)
    before, after = matrix(cut()), matrix(cut(edits=(Edit("price", "*=", 0.5, first, last, "unique_id = 's0'"),)))
    differs = before["store_peers_price"].ne_missing(after["store_peers_price"])
    changed = before.filter(differs)
    assert set(changed["ds"]) == {first, last}
    assert set(changed["unique_id"]) == {"s0", "s2", "s4", "s6"}


def test_nothing_of_sales_is_read():
    at = cut()
    context = Context(at.config, dict(at.frame(0).schema))
    spoilt = at.frame(0).with_columns(y=pl.lit(1e9), y_raw=pl.lit(1e9))
    before, after = (peers.mean_by_group([peers.sum_by_group(f, context)]) for f in (at.frame(0), spoilt))
    assert after.equals(before)


def test_without_groups_or_columns_there_are_none():
    assert not [c for c in matrix(cut(levels_of_aggregation=[[]])).columns if "_peers_" in c]
    bare = {"known_ahead": ["price", "promo"], "static": ["store", "kind"]}
    assert not [c for c in matrix(cut(columns=bare)).columns if "_peers_" in c]


@pytest.mark.parametrize("after", [None, date.min])
def test_a_walk_over_the_buckets_leaves_the_same_means_with_the_cut(after):
    walked, alone = cut(buckets=3), cut(buckets=3)
    aggregate_cut(walked, walked.config.levels_of_aggregation, after)
    left = walked.shared_frames()
    assert set(left) & {PEER_MEANS, COMING_PEER_MEANS} == {COMING_PEER_MEANS} | ({PEER_MEANS} if after else set())
    assert_frame_equal(left[COMING_PEER_MEANS], alone.coming_group_data.peer_means)
    assert_frame_equal(walked.group_data.peer_means, alone.group_data.peer_means)


def test_columns_of_a_prepared_frame_are_stored_in_one_piece():
    at = cut()  # a frame whose columns have other pieces is copied whole at each look-up of one
    made, rows_of_cut, data = features_at(at), at.frame(0), at.group_data
    known = made.look_up(rows_of_cut, data, 10, at.cutoff)
    for frame in (rows_of_cut, known.frame, known.history, made.prepare(rows_of_cut, data, 10)):
        assert {frame[c].n_chunks() for c in frame.columns} == {1}


def test_sums_after_a_day_are_those_of_all_days():
    """A discount compares a price with those of the periods before it, also of days that are not asked for."""
    c, days = config(), pl.date_range(START, START + timedelta(days=299), eager=True)
    series = [("a", "S1", 2.0), ("b", "S1", 3.0), ("c", "S2", 5.0)]
    frame = pl.concat(
        pl.DataFrame({"unique_id": name, "ds": days, "store": store, "kind": "K"}).with_columns(
            price=base + pl.int_range(300) % 13 / 10, promo=(pl.int_range(300) % 5 == 0).cast(pl.Float64)
        )
        for name, store, base in series
    )
    context, after = Context(c, dict(frame.schema)), START + timedelta(days=280)
    every, near = (peers.sum_by_group(frame, context, day).sort("group", "ds") for day in (date.min, after))
    assert near.height < every.height
    assert_frame_equal(near, every.filter(pl.col("ds") > after))
