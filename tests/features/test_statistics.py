"""Statistics of features against slow arithmetic, with nulls, constants, texts and infinite values among them."""

import json
import math
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from forecasting.features import statistics


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    a = rng.normal(1e4, 3, 500)
    columns = {"a": a, "b": 0.5 * a + rng.normal(0, 1, 500), "c": rng.exponential(2, 500), "same": np.full(500, 0.1)}
    holes = {name: np.where(rng.random(500) < 0.2, np.nan, v) for name, v in columns.items() if name != "a"}
    made = pl.DataFrame(columns | holes).fill_nan(None)
    return made.with_columns(
        c=pl.when(pl.int_range(500) == 3).then(math.inf).otherwise("c"), none=pl.lit(None, pl.Float64)
    )


def known(column: pl.Series) -> list[float]:
    return [v for v in column.to_list() if v is not None and math.isfinite(v)]


@pytest.mark.parametrize("name", ["a", "b", "c", "same"])
def test_a_column_is_described_as_by_hand(frame, name):
    told, values = statistics.column_statistics(frame[name]), known(frame[name])
    assert (told["n"], told["nulls"]) == (len(values), 500 - len(values))
    mean = math.fsum(values) / len(values)
    assert told["mean"] == pytest.approx(mean, rel=1e-12)
    assert told["std"] == pytest.approx(
        math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1)), abs=1e-9
    )
    assert (told["min"], told["max"]) == (min(values), max(values))
    for quantile, share in statistics.QUANTILES.items():
        assert told[quantile] == pytest.approx(np.quantile(values, share), rel=1e-12)


def test_a_histogram_holds_every_value_in_its_bin(frame):
    for name in "abc":
        histogram = json.loads(statistics.column_statistics(frame[name])["histogram"])
        edges, values = histogram["edges"], known(frame[name])
        assert (len(edges), edges[0], edges[-1]) == (statistics.BINS + 1, min(values), max(values))
        inside = [sum(lo <= v < hi for v in values) for lo, hi in pairwise(edges)]
        inside[-1] += values.count(max(values))
        assert histogram["counts"] == inside


def test_texts_are_counted_the_most_frequent_first():
    told = statistics.column_statistics(pl.Series("store", ["b", "a", "b", None, "c"]))
    assert (told["n"], told["nulls"]) == (4, 1)
    assert json.loads(told["histogram"]) == {"values": ["b", "a", "c"], "counts": [2, 1, 1]}


def test_nothing_known_is_no_number(frame):
    assert statistics.column_statistics(frame["none"]) == {"feature": "none", "n": 0, "nulls": 500}


@pytest.mark.parametrize("parts", [1, 3])
def test_correlations_are_those_of_the_rows_that_hold_both(frame, parts, monkeypatch):
    monkeypatch.setattr(statistics, "CHUNK", 70)
    names = ["a", "b", "c", "same"]
    means = {n: sum(known(frame[n])) / len(known(frame[n])) for n in names}
    pieces = [frame[i::parts] for i in range(parts)]
    square = statistics.correlations(pieces, means)
    assert square.columns == names
    for i, one in enumerate(names):
        for j, other in enumerate(names):
            both = frame.select(x=one, y=other).filter(pl.all_horizontal(pl.all().is_finite().fill_null(False)))
            if "same" in (one, other):
                assert math.isnan(square[i, j])
            else:
                assert square[i, j] == pytest.approx(np.corrcoef(both["x"], both["y"])[0, 1], abs=1e-9), (one, other)


def test_no_columns_have_no_correlations():
    assert statistics.correlations([], {}).shape == (0, 0)
