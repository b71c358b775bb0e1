"""Sums of groups in a table of groups and days against those of Polars."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.features.group_sums import TableTotals, sum_groups, tabulate
from forecasting.features.groups import Level, group_label

LEVELS: tuple[Level, ...] = ((), ("store",), ("store", "kind"))


def rows(n: int, seed: int) -> pl.DataFrame:
    """Rows of few stores and kinds, some without a name, in any order."""
    rng = np.random.default_rng(seed)
    names = {"store": ["S1", "S2", None], "kind": ["food", "", None, "fun"]}
    texts = {c: [values[i] for i in rng.integers(0, len(values), n)] for c, values in names.items()}
    days = pl.Series(rng.integers(-3, 40, n), dtype=pl.Int32).cast(pl.Date)
    made = pl.DataFrame(
        texts | {"ds": days, "y": rng.normal(0, 9, n)}, schema_overrides=dict.fromkeys(names, pl.String)
    )
    return made.with_columns(y=pl.when(pl.Series(rng.random(n) < 0.8)).then("y"))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("n", [1, 7, 400])
def test_they_are_those_of_polars(level, n):
    of = rows(n, n)
    for some in (of, of.sort("store", "kind", "ds", nulls_last=True)):
        found = sum_groups(some, level, {"y": pl.col("y"), "n": pl.col("y").is_not_null(), "rows": pl.lit(1)})
        groups = some.group_by(group_label(level).alias("group"), "ds")
        sums = groups.agg(pl.col("y").sum(), n=pl.col("y").count().cast(pl.Int64), rows=pl.len().cast(pl.Int64))
        assert_frame_equal(found, sums.sort("group", "ds"), rel_tol=1e-12, abs_tol=1e-12)


def test_rows_may_lie_in_parts_of_which_one_begins_no_group():
    parts = [rows(9, 1).sort("store", "kind").select("ds", y="y", store=pl.lit("S1"), kind=pl.lit(k)) for k in "aab"]
    found = sum_groups(pl.concat(parts), ("store", "kind"), {"n": pl.lit(1)})
    assert found["group"].unique().sort().to_list() == ["store=S1/kind=a", "store=S1/kind=b"]
    assert found["n"].sum() == 27


@pytest.mark.parametrize("level", LEVELS)
def test_of_no_rows_there_are_no_sums(level):
    found = sum_groups(rows(5, 0).clear(), level, {"y": pl.col("y"), "n": pl.col("y").is_not_null()})
    assert found.is_empty()
    assert found.schema == {"group": pl.String, "ds": pl.Date, "y": pl.Float64, "n": pl.Int64}


def test_days_before_1970_are_days():
    long_ago = pl.DataFrame({"ds": [date(1950, 1, 2), date(1950, 1, 4)], "y": [1.0, 2.0]})
    assert sum_groups(long_ago, (), {"y": pl.col("y")})["ds"].to_list() == long_ago["ds"].to_list()


@pytest.mark.parametrize("level", LEVELS)
def test_totals_of_tables_are_the_table_of_all_rows(level):
    """Parts have other groups and days than those before, and some have no rows."""
    every = rows(300, 9).with_columns(part=pl.Series([min(i // 60, 4) for i in range(300)]))
    every = every.with_columns(ds=pl.col("ds") + pl.duration(days=pl.col("part") % 3 * 50))
    parts = [
        *(part.drop("part") for part in every.partition_by("part", maintain_order=True)),
        every.clear().drop("part"),
    ]
    sums = {"y": pl.col("y"), "n": pl.col("y").is_not_null()}
    for ordered in (parts, parts[::-1]):
        totals = TableTotals[str]()
        for part in ordered:
            totals.add("here", tabulate(part, level, sums))
        assert_frame_equal(totals.frames()["here"], tabulate(every, level, sums).frame(), rel_tol=1e-12, abs_tol=1e-12)


def test_totals_of_no_rows_have_the_columns_of_their_parts():
    totals = TableTotals[str]()
    totals.add("here", tabulate(rows(5, 0).clear(), ("store",), {"y": pl.col("y")}))
    assert totals.frames()["here"].schema == {"group": pl.String, "ds": pl.Date, "rows": pl.Int64, "y": pl.Float64}
