"""What is known of coming days, by series and step, and what a cut at an older day may see of it."""

from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import Config
from forecasting.data.aggregates import group_sums
from forecasting.data.cut import Cut
from forecasting.data.known_ahead import fill_unknown
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.features.base import hidden_mark

H, DAYS = 4, 60
START = date(2024, 1, 1)
LAST = START + timedelta(DAYS - 1)
PRICES = {"a": 1.0, "b": 2.0, "c": 3.0}


def config(**keys) -> Config:
    columns = {"known_ahead": ["price", "promo", "event"], "price": "price"}
    return Config.model_validate({"name": "x", "source": {}, "freq": "1d", "h": H, "columns": columns} | keys)


def rows(known: dict[str, int], **ahead: pl.Expr) -> pl.DataFrame:
    """Days of every series, and H planned ones, on which the price of a series is known for so many steps."""
    days = pl.DataFrame({"ds": [START + timedelta(i) for i in range(DAYS + H)]})
    every = pl.DataFrame({"unique_id": list(PRICES), "price": list(PRICES.values())}).join(days, how="cross")
    step = (pl.col("ds") - pl.lit(LAST)).dt.total_days()
    reach = pl.col("unique_id").replace_strict(known, return_dtype=pl.Int64)
    return every.with_columns(
        y=pl.when(step <= 0).then(10.0),
        price=pl.when(step <= reach).then(pl.col("price") + pl.col("ds").dt.ordinal_day() / 100),
        promo=pl.lit(0.0),
        event=pl.when(pl.col("ds").dt.day() == 15).then(pl.lit("fair")),
    ).with_columns(**ahead)


def cut(table: pl.DataFrame, job: Config, cutoff: date = LAST) -> Cut:
    panel = fill_gaps(flag_observations(table, job), job, LAST)
    return Cut(Panel(job, InMemory(panel), (0,), InMemory(group_sums(panel, job, [()]))), cutoff, H)


def coming(at: Cut) -> pl.DataFrame:
    return at.frame(0).filter(pl.col("ds") > at.cutoff)


def prices(at: Cut) -> dict[str, list[bool]]:
    """Per series whether a price is known on each of the coming days."""
    seen = coming(at).group_by("unique_id", maintain_order=True).agg(pl.col("price").is_not_null())
    return dict(seen.iter_rows())


PARTS = {"a": 4, "b": 2, "c": 0}
SEEN = {"a": [True] * 4, "b": [True, True, False, False], "c": [False] * 4}


def test_what_is_known_tonight_is_counted_by_column_and_by_series_and_step():
    known = cut(rows(PARTS), config()).panel.known_ahead
    assert known.newest == LAST
    assert known.counts == {"price": (6, 12), "promo": (12, 12), "event": (12, 12)}
    assert known.columns == ("price",)
    hidden = known.series.join(known.patterns, on="_pattern").sort("unique_id", "_step")
    assert hidden.group_by("unique_id", maintain_order=True).agg(~pl.col("price")).rows() == list(SEEN.items())
    assert known.columns_hidden(1, 1) == ("price",)


@pytest.mark.parametrize("back", [1, 3, 20])
def test_a_past_day_knew_as_much_as_tonight_series_by_series(back):
    assert prices(cut(rows(PARTS), config(), LAST - timedelta(back))) == SEEN
    assert prices(cut(rows(PARTS), config())) == SEEN


def test_recorded_values_are_all_seen_where_the_config_says_so():
    job = config(backtest={"known_ahead": "recorded"})
    assert prices(cut(rows(PARTS), job, LAST - timedelta(20))) == dict.fromkeys("abc", [True] * 4)


def test_where_everything_is_known_a_cut_is_the_same_in_both_ways():
    one, other = (
        cut(rows(dict.fromkeys("abc", 4)), config(backtest={"known_ahead": mode}), LAST - timedelta(20))
        for mode in ("as_served", "recorded")
    )
    assert one.served is None
    assert_frame_equal(one.frame(0), other.frame(0))


def test_an_empty_cell_of_a_rare_mark_is_no_gap_but_a_missing_row_is_one():
    """An event is named on two days of sixty: nothing is named on the coming ones."""
    some = rows(dict.fromkeys("abc", 4)).filter((pl.col("ds") <= LAST + timedelta(2)) | (pl.col("unique_id") != "c"))
    known = cut(some, config()).panel.known_ahead
    assert known.counts["event"] == (10, 12)
    assert "event" in known.columns


def test_gaps_like_those_of_the_past_hide_nothing():
    """Every other price is missing, before tonight and after."""
    odd = pl.when(pl.col("ds").dt.ordinal_day() % 2 == 0).then("price")
    known = cut(rows(dict.fromkeys("abc", 4), price=odd), config()).panel.known_ahead
    assert known.counts["price"] == (6, 12)
    assert known.columns == ()


def test_a_rule_of_future_is_replayed_with_what_was_known():
    """The last price of the day, not the one that was recorded afterwards."""
    at = cut(rows(PARTS), config(future={"price": "last"}), cutoff := LAST - timedelta(20))
    last = at.frame(0).filter(pl.col("ds") == cutoff).select("unique_id", last="price")
    future = coming(at).join(last, on="unique_id")
    assert future.filter(pl.col("unique_id") == "c").select((pl.col("price") == pl.col("last")).all()).item()
    own = future.filter(pl.col("unique_id") == "a").sort("ds")["price"].to_list()
    assert own == pytest.approx([1.0 + (cutoff + timedelta(k)).timetuple().tm_yday / 100 for k in range(1, 5)])


def test_series_without_coming_rows_of_their_own_share_the_patterns_of_the_others():
    """Forty that sold until a month ago, of whose plans tonight says nothing: half are known, as of the others."""
    old = [
        rows({**PARTS, "a": 4})
        .filter(pl.col("unique_id") == "a", pl.col("ds") < LAST - timedelta(30))
        .with_columns(unique_id=pl.lit(f"old{i}"))
        for i in range(40)
    ]
    two = rows(PARTS).filter(pl.col("unique_id") != "b")
    at = cut(pl.concat([two, *old]), config(), LAST - timedelta(40))
    seen = [all(values) for name, values in prices(at).items() if name.startswith("old")]
    assert len(seen) == 40
    assert 10 <= sum(seen) <= 30


def test_marks_follow_the_step_and_leave_rows_without_one():
    at = cut(rows(PARTS), config())
    frame = at.frame(0).filter(pl.col("ds") <= LAST)
    step = pl.when(pl.col("ds") > LAST - timedelta(8)).then((pl.col("ds").dt.ordinal_day() % 4 + 1).cast(pl.Int32))
    marked = at.served.mark(frame, step, ["price"]).with_columns(step=step)
    assert marked.drop(hidden_mark("price"), "step").equals(frame)
    for name, step, hidden in marked.select("unique_id", "step", hidden_mark("price")).iter_rows():
        assert hidden == (step is not None and not SEEN[name][step - 1])


def test_the_usual_value_is_the_median_of_new_numbers_the_share_of_a_flag_and_the_frequent_text():
    days = [START + timedelta(i) for i in range(6)]
    frame = pl.DataFrame(
        {
            "unique_id": ["a"] * 6 + ["b"] * 6,
            "ds": days * 2,
            "price": [1.0, 5.0, 3.0, None, None, 7.0] + [None] * 6,
            "promo": [0.0, 1.0, 0.0, 0.0, None, 1.0] * 2,
            "event": ["x", "y", "x", None, None, "y"] * 2,
        }
    )
    filled = fill_unknown(frame, ["price", "promo", "event"], config(), days[3])
    assert filled["price"].to_list() == [1.0, 5.0, 3.0, None, 3.0, 7.0] + [None] * 6
    assert filled["promo"].to_list() == [0.0, 1.0, 0.0, 0.0, 0.25, 1.0] * 2
    assert filled["event"].to_list() == ["x", "y", "x", None, "x", "y"] * 2
