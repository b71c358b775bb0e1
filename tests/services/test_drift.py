"""Drift against formulas worked out with numpy and scipy, and against columns that are odd."""

import os
import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from scipy import stats

from forecasting.services.drift import TABLE, measure_drift


def one(reference, current, **options):
    """Method, score, threshold and verdict for one column."""
    frames = (pl.DataFrame({"x": values}, strict=False) for values in (reference, current))
    report = measure_drift(*frames, {"x": "data"}, **options)
    return report.table.row(0, named=True)


def shares(*counts):
    return [name for name, count in zip("abcd", counts, strict=True) for _ in range(count)]


def test_small_numbers_are_judged_by_kolmogorov_smirnov():
    rng = np.random.default_rng(1)
    reference, current = rng.normal(0, 1, 400), rng.normal(0.25, 1, 300)
    row = one(reference, current)
    grid = np.sort(np.concatenate([reference, current]))
    below = [np.searchsorted(np.sort(sample), grid, side="right") / len(sample) for sample in (reference, current)]
    statistic = np.abs(below[0] - below[1]).max()
    assert row["method"] == "K-S p-value"
    assert row["score"] == pytest.approx(stats.ks_2samp(reference, current).pvalue)
    assert row["score"] == pytest.approx(stats.kstwo.sf(statistic, round(400 * 300 / 700)), rel=0.05)  # asymptotic
    assert row["drifted"] is True
    assert row["threshold"] == 0.05


def test_many_numbers_are_judged_by_wasserstein_in_standard_deviations():
    """The worked example [1, 2, 3, 4] against [2, 3, 4, 5]: 0.894427; spread a little to be numbers, not categories."""
    noise = np.linspace(-1e-6, 1e-6, 500)
    reference = np.concatenate([value + noise for value in (1, 2, 3, 4)])
    row = one(reference, reference + 1)
    assert row["method"] == "Wasserstein distance / std"
    assert row["score"] == pytest.approx(0.894427, abs=1e-5)
    assert row["score"] == pytest.approx(np.abs(np.sort(reference) - np.sort(reference + 1)).mean() / reference.std())
    assert (row["threshold"], row["drifted"]) == (0.1, True)


def test_many_categories_are_judged_by_the_population_stability_index():
    """The worked example: a quarter each against 40, 30, 20 and 10 %: 0.228217."""
    row = one(shares(500, 500, 500, 500), shares(800, 600, 400, 200))
    expected = sum((p - q) * np.log(p / q) for p, q in zip([0.25] * 4, [0.4, 0.3, 0.2, 0.1], strict=True))
    assert row["method"] == "population stability index"
    assert row["score"] == pytest.approx(expected)
    assert row["score"] == pytest.approx(0.228217, abs=1e-6)
    assert (row["threshold"], row["drifted"]) == (0.1, True)


def test_few_categories_are_judged_by_chi_square():
    row = one(shares(100, 100, 100, 100), shares(60, 50, 45, 45))
    statistic = sum((seen - 50) ** 2 / 50 for seen in (60, 50, 45, 45))
    assert row["method"] == "chi-square p-value"
    assert row["score"] == pytest.approx(stats.chi2.sf(statistic, 3))
    assert row["drifted"] is False


def test_a_flag_is_judged_by_the_z_test_of_two_shares():
    row = one([True] * 50 + [False] * 150, [True] * 90 + [False] * 110)
    pooled = 140 / 400
    z = (90 / 200 - 50 / 200) / np.sqrt(pooled * (1 - pooled) * (2 / 200))
    assert row["method"] == "Z-test p-value"
    assert row["score"] == pytest.approx(2 * stats.norm.sf(z))
    assert row["drifted"] is True


def test_equal_samples_do_not_drift():
    rng = np.random.default_rng(2)
    frame = pl.DataFrame({"y": rng.gamma(2, 3, 3_000), "promo": rng.integers(0, 2, 3_000)})
    report = measure_drift(frame, frame, {"y": "target", "promo": "data"})
    assert report.table["drifted"].to_list() == [False, False]
    assert report.table["score"].to_list() == [0.0, 0.0]
    assert report.share == 0.0


def test_nulls_and_infinities_are_left_out():
    rng = np.random.default_rng(3)
    reference, current = rng.normal(0, 1, 1_500), rng.normal(0.3, 1, 1_200)
    clean = one(reference, current)
    spoilt = one([*reference, None, float("nan"), float("inf")], [None] * 700 + [*current, float("-inf")])
    assert spoilt["score"] == pytest.approx(clean["score"])


def test_every_odd_column_gets_its_row():
    n = 1_200
    days = pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 1, 1) + pl.duration(days=n - 1), eager=True)
    reference = pl.DataFrame(
        {
            "constant": [1.0] * n,
            "moved constant": [1.0] * n,
            "all null": pl.Series([None] * n, dtype=pl.Float64),
            "lost": np.arange(n, dtype=float),
            "null type": [None] * n,
            "flag": [True, False] * (n // 2),
            "text": ["a", "b", "c"] * (n // 3),
            "new word": ["a", "b"] * (n // 2),
            "turned to text": np.arange(n),
            "day": days,
        }
    )
    current = reference.head(600).with_columns(
        pl.lit(7.0).alias("moved constant"),
        pl.lit(None, pl.Float64).alias("lost"),
        pl.lit("z").alias("new word"),
        pl.col("turned to text").cast(pl.String),
    )
    report = measure_drift(reference, current, dict.fromkeys([*reference.columns, "absent"], "data"))
    rows = {row["column"]: (row["method"], row["score"] is None, row["drifted"]) for row in report.table.to_dicts()}
    assert report.table.schema == TABLE
    assert rows == {
        "constant": ("constant", True, False),
        "moved constant": ("population stability index", False, True),
        "all null": ("no values", True, False),
        "lost": ("no values", True, True),
        "null type": ("no values", True, False),
        "flag": ("population stability index", False, False),
        "text": ("population stability index", False, False),
        "new word": ("population stability index", False, True),
        "turned to text": ("population stability index", False, rows["turned to text"][2]),
        "day": ("Wasserstein distance / std", False, True),
        "absent": ("no values", True, False),
    }
    assert report.share == pytest.approx(report.table["drifted"].sum() / 11)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows(rows):
    reference = pl.DataFrame({"y": [1.0, 2.0][:rows], "s": ["a", "b"][:rows]}, schema={"y": pl.Float64, "s": pl.String})
    current = pl.DataFrame({"y": np.arange(50.0), "s": ["a"] * 50})
    for one_way in ((reference, current), (current, reference), (reference, reference)):
        report = measure_drift(*one_way, {"y": "target", "s": "data"})
        assert report.table["column"].to_list() == ["y", "s"]
        assert report.html.lstrip().startswith("<")


def test_the_sample_is_bounded_and_repeatable():
    rng = np.random.default_rng(4)
    reference, current = rng.normal(0, 1, 5_000), rng.normal(0.1, 1, 5_000)
    first = one(reference, current, sample=1_100, seed=5)
    assert first == one(reference, current, sample=1_100, seed=5) != one(reference, current, sample=1_100, seed=6)
    assert one(reference, current, sample=1_000)["method"] == "K-S p-value"  # no more than the sample was looked at


def test_the_kinds_and_the_share_are_told():
    rng = np.random.default_rng(5)
    reference = pl.DataFrame({name: rng.normal(0, 1, 1_500) for name in ("y", "price", "yhat")})
    current = reference.with_columns(pl.col("y") + 1, pl.col("yhat") + 1)
    report = measure_drift(reference, current, {"y": "target", "price": "data", "yhat": "prediction"})
    assert report.table.select("column", "kind", "drifted").rows() == [
        ("y", "target", True),
        ("price", "data", False),
        ("yhat", "prediction", True),
    ]
    assert report.share == pytest.approx(2 / 3)


def test_the_page_names_the_columns_and_loads_nothing_from_outside():
    rng = np.random.default_rng(6)
    frame = pl.DataFrame({"unit_price": rng.normal(5, 1, 1_500), "promo": rng.integers(0, 2, 1_500)})
    page = measure_drift(
        frame, frame.with_columns(pl.col("unit_price") * 2), {"unit_price": "data", "promo": "data"}
    ).html
    assert "unit_price" in page
    assert "promo" in page
    loads = (
        r"<(?:script|link|img|iframe|source|object|embed)\b[^>]{0,300}?(?:src|href|data)\s*=\s*[\"']?\s*(?:https?:)?//"
    )
    assert re.findall(loads, page, re.IGNORECASE) == []
    assert re.findall(r"(?:url\(|@import)\s*[\"']?\s*(?:https?:)?//", page) == []
    assert re.findall(loads, "<script defer src='https://example.org/x.js'>") != []  # the expression can find one


def test_nothing_to_compare_still_gives_a_page():
    report = measure_drift(pl.DataFrame({"y": [1.0]}), pl.DataFrame({"y": [1.0]}), {})
    assert (report.share, report.table.schema, report.table.height) == (0.0, TABLE, 0)
    assert "nothing could be compared" in report.html


def test_importing_the_door_does_not_import_evidently():
    code = "import sys, forecasting.services.drift; sys.exit('evidently' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


def test_the_page_draws_what_has_changed_most_and_the_table_holds_all():
    rng = np.random.default_rng(7)
    shifts = {"a": 0.0, "b": 2.0, "c": 0.05, "d": 0.5, "y": 0.0}
    reference = pl.DataFrame({name: rng.normal(0, 1, 1_500) for name in shifts})
    current = pl.DataFrame({name: rng.normal(shift, 1, 1_500) for name, shift in shifts.items()})
    kinds = dict.fromkeys("abcd", "data") | {"y": "target"}
    few, whole = (measure_drift(reference, current, kinds, most=most) for most in (3, 20))
    assert set(few.not_drawn) == {"a", "c"}, "the target is always drawn"
    assert whole.not_drawn == ()
    assert few.table.equals(whole.table)
    assert len(few.html) < len(whole.html)


def test_a_page_of_twenty_columns_has_less_than_five_megabytes():
    rng = np.random.default_rng(8)
    names = [f"x{n}" for n in range(20)]
    reference, current = (pl.DataFrame({name: rng.normal(0, 1e-6, 20_000) for name in names}) for _ in range(2))
    assert len(measure_drift(reference, current, dict.fromkeys(names, "data")).html.encode()) < 5_000_000
