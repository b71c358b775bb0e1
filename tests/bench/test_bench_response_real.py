"""The benchmark of responses on real data sets: its pure parts, on few rows whose answers are reckoned by hand."""

from datetime import date, timedelta
from math import log
from statistics import linear_regression

import polars as pl
import pytest

from benchmarks.response.real_chains import signs_of, some_stores
from benchmarks.response.real_changes import errors, held_out_changes, hold
from benchmarks.response.real_document import Found, text, verdict
from benchmarks.response.real_plans import planned, promotions, usual_prices, wape
from forecasting.config import Config
from forecasting.data.schemas.lever_table import LEVERS

MONDAY = date(2026, 1, 5)
COLUMNS = {
    "known_ahead": ["price", "base", "promo", "display"],
    "static": ["store"],
    "price": "price",
    "promo": "promo",
}
JOB = Config.model_validate({"name": "job", "source": {"path": "a.csv"}, "freq": "1w", "h": 2, "columns": COLUMNS})


def week(number: int) -> date:
    return MONDAY + timedelta(weeks=number)


Week = tuple[int, float | None, float, float]


def rows(unique_id: str, *of: Week) -> pl.DataFrame:
    """Rows of (week, sales, price, promotion); the base price wavers, nothing is displayed."""
    columns = [{"unique_id": unique_id, "ds": week(n), "y": y, "price": p, "promo": f} for n, y, p, f in of]
    flat = pl.DataFrame(columns, schema_overrides={"y": pl.Float64, "price": pl.Float64, "promo": pl.Float64})
    base = pl.Series("base", [2.0 + 0.01 * n for n, *_ in of])
    return flat.with_columns(base, display=pl.lit(0.0), store=pl.lit(unique_id[0]))


def effects(unique_id: str, own: float, pooled: float, changes: int = 9) -> pl.DataFrame:
    """A row of the table `levers` for the price, with a reach that holds every price of these tests."""
    of = {"grain": "series", "unique_id": unique_id, "lever": "price", "column": "price", "kind": "price"}
    of |= {"estimate": pooled, "own_estimate": own, "std_error": 0.1, "changes": changes, "last": 2.0}
    return pl.DataFrame([of | {"reach_low": 0.1, "reach_high": 10.0}], schema=LEVERS)


def test_a_change_is_held_against_the_week_before_and_against_series_that_kept_their_plans() -> None:
    still = [rows(f"b{i}", (4, 10.0, 2.0, 0), (5, 10.0 * factor, 2.01, 0)) for i, factor in enumerate((2, 3, 9))]
    changed = rows("a", (4, 10.0, 2.0, 0), (5, 60.0, 1.0, 0), (7, 5.0, 2.0, 0))  # a week is missing before the last
    found = held_out_changes(pl.concat([changed, *still]), JOB, week(4)).filter(unique_id="a")
    assert found.select("ds", "price_before", "price", "moved", "promoted").rows() == [(week(5), 2.0, 1.0, True, False)]
    assert found["ratio"].item() == pytest.approx(log(60 / 10) - log(3))


@pytest.mark.parametrize("later", [(5, 0.0, 1.0, 0), (5, None, 1.0, 0), (4, 5.0, 1.0, 0)])
def test_weeks_without_sales_and_those_of_the_history_tell_nothing(
    later: tuple[int, float | None, float, float],
) -> None:
    of = rows("a", (later[0] - 1, 10.0, 2.0, 0), later)
    assert held_out_changes(of, JOB, week(4)).is_empty()


def test_errors_are_those_of_each_estimate_and_kind_of_change() -> None:
    """Sales follow an elasticity of -2 on a, so the pooled estimate is right there, and -1 on b, as b itself told."""
    a = rows("a", (0, 10.0, 2.0, 0), (1, 40.0, 1.0, 0))
    b = rows("b", (0, 10.0, 2.0, 0), (1, 20.0, 1.0, 1), (2, 10.0, 2.0, 1))
    table = pl.concat([effects("a", own=-1.0, pooled=-2.0), effects("b", own=-1.0, pooled=-1.5)])
    total = effects("total", own=0.0, pooled=-1.75).with_columns(grain=pl.lit("total"))
    held = hold(held_out_changes(pl.concat([a, b]), JOB, week(0)), pl.concat([table, total]), JOB)
    told = {row["kind"]: row for row in errors(held, ["a", "b"]).iter_rows(named=True)}
    two = log(2)
    assert [told["all"][n] for n in ("changes", "series", "better")] == [3, 2, 0.5]
    assert told["all"]["none"] == pytest.approx((2 * two + two + two) / 3)
    assert told["all"]["one"] == pytest.approx((0.25 + 0.75 + 0.75) * two / 3)
    assert told["all"]["own"] == pytest.approx(two / 3)
    assert told["all"]["pooled"] == pytest.approx((0.5 + 0.5) * two / 3)
    foretold, did = [2.0, 1.5, -1.5], [2.0, 1.0, -1.0]  # in units of log 2
    assert told["all"]["slope"] == pytest.approx(linear_regression(foretold, did).slope)
    assert (told["price alone"]["changes"], told["price and promotion"]["changes"]) == (2, 1)
    assert errors(held, ["a"])["changes"].to_list() == [1, 0, 1]


def test_signs_are_counted_over_series_whose_price_moved_often() -> None:
    table = pl.concat([effects("a", -1.0, -1.2), effects("b", 0.5, -0.1), effects("c", -1.0, -1.0, changes=4)])
    up_and_down = rows("a", *((n, 1.0, 1.0 + n % 2, 0) for n in range(6)))
    wavering = rows("b", *((n, 1.0, 1.0 + 0.01 * (n % 2), 0) for n in range(6)))
    found = signs_of(table, pl.concat([up_and_down, wavering]), "price")
    assert found.rows() == [("any", 2, 2, 0.5, 1.0), ("more than 5%", 1, 1, 1.0, 1.0)]


def test_a_plan_has_the_usual_price_and_no_promotion_for_series_that_go_on() -> None:
    past = rows("a", (0, 9.0, 2.0, 0), (1, 30.0, 1.0, 1), (2, 8.0, 2.2, 0))
    real = rows("a", (3, 40.0, 1.0, 1), (4, 8.0, 2.1, 0))
    ended = rows("b", (1, 5.0, 3.0, 0))
    plan = planned(pl.concat([past, real, ended]), JOB, week(2))
    assert plan.filter(pl.col("ds") <= week(2)).height == 4
    coming = plan.filter(pl.col("ds") > week(2)).select("unique_id", "ds", "y", "price", "promo", "base", "store")
    assert coming.rows() == [("a", week(n), None, 2.1, 0.0, 2.02, "a") for n in (3, 4)]


def test_a_promotion_of_some_of_the_days_of_a_week_is_no_part_of_a_plan() -> None:
    every = rows("a", (0, 9.0, 2.0, 0), (1, 30.0, 1.0, 0.7), (2, 8.0, 1.0, 0.3))
    coming = planned(every, JOB, week(1)).filter(pl.col("ds") > week(1))
    assert coming.select("price", "promo").rows() == [(2.0, 0.0)] * 2


def test_the_usual_price_is_that_of_promotions_where_there_is_nothing_else() -> None:
    always = rows("a", (0, 9.0, 1.0, 1), (1, 9.0, 3.0, 1))
    long_ago = rows("b", (-20, 9.0, 4.0, 0))
    found = usual_prices(pl.concat([always, long_ago]), JOB, week(2))
    assert found.rows() == [("a", 2.0), ("b", 4.0)]


def test_a_promotion_is_a_flag_or_a_price_well_below_the_plan() -> None:
    past = rows("a", (0, 9.0, 2.0, 0))
    for real, expected in ((1.9, True), (1.92, False), (2.5, False)):
        every = pl.concat([past, rows("a", (1, 9.0, real, 0), (2, None, 1.0, 1))])
        found = promotions(every, planned(every, JOB, week(0)), JOB, week(0))
        assert (found["ds"].to_list() == [week(1)]) == expected
    flagged = pl.concat([past, rows("a", (1, 9.0, 2.0, 1))])
    assert promotions(flagged, planned(flagged, JOB, week(0)), JOB, week(0)).rows() == [("a", week(1))]


def test_wape_is_of_all_sales_together() -> None:
    found = wape(pl.DataFrame({"y": [10.0, 30.0], "x": [12.0, 20.0], "z": [10.0, 30.0]}), ["x", "z"])
    assert found == {"x": pytest.approx(12 / 40), "z": 0.0}


def test_some_stores_are_whole() -> None:
    of = pl.DataFrame({"store": ["2", "1", "3", "1", "2"], "n": [0, 1, 2, 3, 4]})
    assert some_stores(of, 2)["n"].to_list() == [1, 2, 3]


def test_a_verdict_names_what_missed() -> None:
    assert verdict({"a": True, "b": False, "c": True}) == "met on a and c, missed on b"


def test_the_chapter_tells_the_figures_and_which_aims_they_meet() -> None:
    signs = pl.DataFrame({"changes": ["any"], "series": [1200], "units": [30], "own": [0.79], "pooled": [1.0]})
    of = {"kind": "all", "changes": 50, "series": 20, "none": 0.9, "one": 0.7, "own": 0.6, "pooled": 0.5, "better": 0.7}
    of |= {"slope": 1.25}
    answer = {"given": "price and promotion", "on": "promotions", "periods": 2000, "series": 40, "weeks": 0.875}
    answer |= {"planned": 0.6, "scenario": 0.5, "boosters": 0.4}
    answer |= {"planned_total": 0.5, "scenario_total": 1.1, "boosters_total": 0.9}
    found = Found("shop", signs, pl.DataFrame([of]), pl.DataFrame([answer]))
    chapter = " ".join(text([found], {"shop": 3}, 10).split())
    assert "| shop | any | 1,200 | 30 | 79% | 100% |" in chapter
    assert "| 0.9000 | 0.7000 | 0.6000 | 0.5000 | 70% | 1.25 |" in chapter
    assert "| promotions (2,000) | 40 | 0.6000 (50%) | 0.5000 (110%) | 0.4000 (90%) | 88% |" in chapter
    assert "before pooling: missed on shop." in chapter
    assert "less than the plan: met on shop. To err less than the boosters there, too, is missed on shop." in chapter
