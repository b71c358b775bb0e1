"""The list of constants is whole and true, and what chooses them anew never sees what it is scored by."""

import math
from datetime import date

import numpy as np
import polars as pl
import pytest

from benchmarks.constants import document, listed
from benchmarks.constants.listed import KINDS, Entry, find_constants, read_list, value_of, with_values
from benchmarks.constants.replay import (
    MODEL,
    Case,
    add_bounds,
    combine,
    measure_bounds,
    measure_errors,
    older_cases,
    scored_cases,
)
from benchmarks.constants.units import Finding, leave_out
from forecasting.evaluation.ensemble_weights import all_series, fit


def test_every_constant_is_listed_and_every_entry_exists():
    known, code = read_list(), find_constants()
    assert not set(code) - set(known), "list them in benchmarks/constants/constants.yaml, with candidates"
    assert not set(known) - set(code), "they are gone: take them out of benchmarks/constants/constants.yaml"


@pytest.mark.parametrize("name", read_list())
def test_an_entry_holds_the_value_among_its_candidates_and_a_reason_where_it_is_not_replayed(name):
    entry = read_list()[name]
    assert value_of(name) in entry.candidates
    assert len(set(entry.candidates)) == len(entry.candidates)
    assert entry.replayed in KINDS
    if entry.replayed == "no":
        assert entry.why
        assert len(entry.candidates) in (1, 3, 4, 5, 6)
    else:
        assert not entry.why
        assert 3 <= len(entry.candidates) <= 6
        assert "." not in name.partition(":")[2], "values in mappings cannot be set for a replay"


def test_the_walk_finds_numbers_of_all_shapes_and_nothing_else(tmp_path, monkeypatch):
    source = """
import polars as pl
NUMBER, TEXT = 3, "a"
TYPED: float = 0.5
FLAG = True
NODES = (1.0, 2.0)
PARAMS = {"rate": 0.1, "name": "x", "on": True}
PARAMS |= {"more": 2}
HALF = pl.col("a") % 2
class Options:
    years: float = 2.0
    rows: int
    name: str = "a"
def f():
    INNER = 1
"""
    (tmp_path / "made_up_constants.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(listed, "ROOT", tmp_path)
    monkeypatch.setattr(listed, "WATCHED", ("made_up_constants.py",))
    found = {name.partition(":")[2]: value for name, value in find_constants().items()}
    assert found == {
        "NUMBER": 3,
        "TYPED": 0.5,
        "NODES": (1.0, 2.0),
        "PARAMS.rate": 0.1,
        "PARAMS.more": 2,
        "Options.years": 2.0,
    }


def test_values_hold_in_modules_that_import_them_and_are_put_back_even_after_a_fault():
    before, name = all_series.TOTALS, "forecasting.evaluation.ensemble_weights.all_series:TOTALS"

    def fails():
        with with_values({name: 0.7}):
            assert all_series.TOTALS == fit.TOTALS == value_of(name) == 0.7
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert all_series.TOTALS == fit.TOTALS == before


WORSE = "forecasting.evaluation.ensemble_weights.solve:WORSE"


def stored(seed: int, years: range = range(2018, 2022), spread: float = 1.25) -> pl.DataFrame:
    """Rows of two members with independent errors, B's larger than A's, and of their combination; the newest window is
    reported.
    """
    rng, series, h = np.random.default_rng(seed), 60, 6
    parts = []
    for year in years:
        keys = pl.DataFrame(
            {
                "unique_id": np.repeat([f"s{i:02}" for i in range(series)], h),
                "ds": [date(year, month, 1) for _ in range(series) for month in range(1, h + 1)],
                "step": np.tile(np.arange(1, h + 1), series),
            }
        ).with_columns(cutoff=pl.lit(date(year - 1, 12, 1)), reported=pl.lit(year == years[-1]))
        y = 20 + rng.normal(size=series * h)
        for model, size in (("A", 1.0), ("B", spread), (MODEL, 1.0)):
            yhat = y + size * rng.normal(size=series * h)
            parts.append(keys.with_columns(model=pl.lit(model), y=pl.Series(y), yhat=pl.Series(yhat)))
    constant = {"block": 1, "grain": "series", "segment": "smooth/A", "scale": 1.0, "source": "model"}
    constant |= {
        "mase_scale": 1.0,
        "rmsse_scale": 1.0,
        "closed": False,
        "cold_start": False,
        "yhat_min": 0.0,
        "calibration": 2,
    }
    rows = pl.concat(parts).with_columns(pl.lit(v).alias(n) for n, v in constant.items())
    return rows.with_columns(pl.col("step", "block").cast(pl.Int32), q50="yhat")


def chosen(rows, entries=None):
    entries = entries or {WORSE: Entry((0.05, 0.1, 0.3), "weights")}
    return {finding.unit: finding for finding in leave_out(rows, entries)}


def spoiled(rows: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """The rows with forecasts of which nothing good can be learned: B is all noise there, and A errs with it."""
    noise = pl.Series(np.random.default_rng(5).normal(size=rows.height) * 30)
    worse = pl.when(which & (pl.col("model") == "B")).then(pl.col("y") + noise).otherwise("yhat")
    return rows.with_columns(yhat=worse).with_columns(q50="yhat")


def test_a_member_that_helps_though_it_errs_more_is_let_in_where_others_say_so():
    # independent errors of sizes 1 and 1.25: the best mean errs by 1 / sqrt(1 + 1 / 1.25^2) = .78 of the better one
    found = chosen({code: stored(i) for i, code in enumerate(("D1", "D2", "D5"))})
    assert set(found) == {("D1",), ("D2",), ("D5",)}
    for (code,), finding in found.items():
        assert finding.chosen == {WORSE: 0.3}
        assert finding.errors[code]["rmsse"] == pytest.approx(0.78, abs=0.06)
        assert set(finding.bounds[code][0]) == {"cov80", "cov95", "sis80", "sis95"}


def test_what_is_left_out_has_no_say_in_its_own_choice_but_in_that_of_others():
    rows = {"D1": stored(1), "D2": stored(2)}
    # B errs by the sum of A's and its own error, so that letting it in makes all worse
    same = rows["D2"].filter(model="A").select("unique_id", "ds", a=pl.col("yhat") - pl.col("y"))
    extra = rows["D2"].join(same, on=["unique_id", "ds"], maintain_order="left")
    bad = pl.when(pl.col("model") == "B").then(pl.col("y") + pl.col("a") * 1.25).otherwise("yhat")
    spoilt = extra.with_columns(yhat=bad).with_columns(q50="yhat").drop("a")
    before, after = chosen(rows), chosen(rows | {"D2": spoilt})
    assert before[("D2",)].chosen == after[("D2",)].chosen == {WORSE: 0.3}
    assert before[("D1",)].chosen == {WORSE: 0.3}
    assert after[("D1",)].chosen != {WORSE: 0.3}


def test_reported_windows_have_no_say_in_any_choice():
    rows = {"D1": stored(1), "D2": stored(2)}
    other = {code: spoiled(part, pl.col("reported")) for code, part in rows.items()}
    before, after = chosen(rows), chosen(other)
    assert {unit: f.chosen for unit, f in before.items()} == {unit: f.chosen for unit, f in after.items()}
    assert before[("D1",)].errors != after[("D1",)].errors
    for case in older_cases(rows["D1"]):
        assert not case.teach["reported"].any()
        assert not case.judge["reported"].any()
        assert case.teach["ds"].max() <= case.judge["cutoff"].min()


def test_one_older_window_is_split_into_halves_of_its_series_and_none_teaches_nothing():
    first, second = older_cases(stored(1, range(2020, 2022)))
    halves = set(first.teach["unique_id"]), set(first.judge["unique_id"])
    assert not halves[0] & halves[1]
    assert len(halves[0]) == len(halves[1]) == 30
    assert halves == (set(second.judge["unique_id"]), set(second.teach["unique_id"]))
    assert older_cases(stored(1, range(2021, 2022))) == []
    assert chosen({"D1": stored(1, range(2021, 2022)), "D2": stored(2)})[("D2",)].chosen == {}


def test_windows_that_reach_into_the_first_reported_one_are_not_used():
    rows = stored(1)
    late = pl.when(pl.col("cutoff") == date(2019, 12, 1)).then(pl.col("ds").dt.offset_by("9mo")).otherwise("ds")
    used = {case.judge["cutoff"][0] for case in older_cases(rows.with_columns(ds=late))}
    assert used == {date(2018, 12, 1)}


def test_bounds_rest_on_the_newest_windows_alone():
    case = combine(scored_cases(stored(1, range(2016, 2022)))[0])
    wild = pl.when(pl.col("cutoff") < date(2018, 12, 1)).then(pl.col("yhat") + 50).otherwise("yhat")
    spoilt = Case(case.teach.with_columns(yhat=wild), case.judge)
    assert case.teach["cutoff"].n_unique() == 5
    assert add_bounds(case).equals(add_bounds(spoilt))
    assert measure_bounds(add_bounds(case))["cov80"] == pytest.approx(0.8, abs=0.08)


def test_figures_are_those_of_hand_arithmetic():
    rows = pl.DataFrame(
        {
            "unique_id": ["a", "a", "b"], "cutoff": [date(2020, 1, 1)] * 3, "closed": [False] * 3,
            "ds": [date(2020, 2, 1), date(2020, 3, 1), date(2020, 2, 1)], "y": [10.0, 20.0, 30.0],
            "q50": [12.0, 20.0, 24.0], "yhat": [13.0, 16.0, 30.0], "mase_scale": [2.0, 2.0, 3.0],
            "rmsse_scale": [12.5, 12.5, 4.0], "lo-80": [9.0, 21.0, 20.0], "hi-80": [15.0, 25.0, 40.0],
            "lo-95": [0.0] * 3, "hi-95": [50.0] * 3,
        }
    )  # fmt: skip
    errors = measure_errors(rows)
    assert errors["wape"] == pytest.approx(8 / 60)
    assert errors["wape_totals"] == pytest.approx((3 + 4) / 60)
    assert errors["mase"] == pytest.approx((1 / 2 + 6 / 3) / 2)
    assert errors["rmsse"] == pytest.approx((1 + 0) / 2)
    bounds = measure_bounds(rows)
    assert bounds["cov80"] == pytest.approx(2 / 3)
    assert bounds["sis80"] == pytest.approx((6 / 2 + (4 + 10 * 1) / 2 + 20 / 3) / 3)
    assert bounds["cov95"] == 1


def test_ratios_move_by_what_the_chosen_values_do_and_only_where_the_combination_serves():
    factors, plain = (
        {"D1": {"wape": 1.1, "rmsse": 1.0}, "D2": {"wape": 2.0, "rmsse": 2.0}},
        {"first": 0.9, "RMSSE": 0.8},
    )
    found = [Finding((code,), {WORSE: 0.3} if code == "D1" else {}, {code: factors[code]}, {}) for code in factors]
    text = document.text(
        found, dict.fromkeys(factors, plain), {"D1": True, "D2": False}, {"seconds": 1.0, "count": 1, "rows": 1000}
    )
    mean = math.sqrt(0.99 * 0.9)
    assert f"first ratios: plain 0.900, left out {mean:.3f} (+{mean - 0.9:.3f}; at most 0.02 worse: no)" in text
    assert "RMSSE ratios: plain 0.800, left out 0.800 (+0.000; at most 0.02 worse: yes)" in text
    assert "- without D1: WORSE of solve 0.3" in text
    assert "- without D2: none" in text
