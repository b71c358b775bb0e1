"""Many loads end where one load of the final rows ends, whatever their order; landing folders; earlier loads."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.errors import UserError
from forecasting.steps.context import open_panel, open_store
from forecasting.steps.loading import panel as loading
from tests import chain
from tests.chain import Job

DAY = date(2024, 1, 1)
COLUMNS = {"unique_id": ["store", "item"], "ds": "day", "y": "units", "deleted": "gone"}
ROLES = {"known_ahead": ["price"], "known_after": ["left"], "static": ["kind"], "price": "price"}
SETTINGS = {
    "source": {"kind": "table", "path": "", "columns": COLUMNS},
    "columns": ROLES, "future": {}, "h": 2, "levels_of_aggregation": [[], ["store"]], "models": ["ladder"],
    "limits": {"quarantined": 0.9},
}  # fmt: skip
Row = tuple[str, str, date, float | None, float, float, str, str]
SCHEMA = {
    "store": pl.String, "item": pl.String, "day": pl.Date, "units": pl.Float64,
    "price": pl.Float64, "left": pl.Float64, "kind": pl.String, "gone": pl.String,
}  # fmt: skip
TABLES = (("panel", ["unique_id", "ds"]), ("series", ["unique_id"]), ("groups", ["group", "ds"]))


def made(rng: random.Random, days: int = 40) -> list[Row]:
    """The final state: some series with gaps, days without a number, plans ahead."""
    rows = []
    for store, item in (("A", "x"), ("A", "y"), ("B", "x"), ("B", "z"), ("C", "x")):
        first, kind = rng.randrange(days - 5), rng.choice("mn")
        for k in range(first, days + 4):
            if rng.random() < 0.25:
                continue
            sold = None if k >= days or rng.random() < 0.1 else float(rng.randrange(9))
            rows.append((store, item, DAY + timedelta(k), sold, rng.randrange(1, 9) / 4, float(k), kind, ""))
    return rows


def told(rng: random.Random, final: Sequence[Row]) -> list[list[Row]]:
    """The same as loads: rows in any order, some first told wrongly, some that are taken out again."""
    n = rng.randrange(2, 7)
    loads: list[list[Row]] = [[] for _ in range(n)]
    for row in final:
        at = rng.randrange(n)
        loads[at].append(row)
        if at and rng.random() < 0.2:
            loads[rng.randrange(at)].append((*row[:3], 77.0, 9.75, 1.0, rng.choice((row[6], "q")), ""))
    keys = {row[:3] for row in final}
    for store, item, k in {(rng.choice("AB"), rng.choice("xy"), rng.randrange(60)) for _ in range(6)}:
        day = DAY + timedelta(k)
        if (store, item, day) not in keys:
            at = rng.randrange(1, n)
            loads[rng.randrange(at)].append((store, item, day, 5.0, 1.0, 1.0, "q", ""))
            loads[at].append((store, item, day, None, 1.0, 1.0, "q", "yes"))
    return [load for load in loads if any(row[3] is not None for row in load)] if loads else loads


def write(path: Path, rows: Sequence[Row]) -> str:
    pl.DataFrame(rows, schema=SCHEMA, orient="row").write_parquet(path)
    return str(path)


def job(**settings) -> Job:
    return chain.make(chain.sample().head(0), **(SETTINGS | settings))


def alike(one: Job, other: Job) -> None:
    for name, key in TABLES:
        both = [each.table(name).sort(key) for each in (one, other)]
        assert both[0].height > 0
        assert_frame_equal(*both, rel_tol=1e-12, check_column_order=False)


@pytest.mark.parametrize("gaps", ["missing", "zero"])
@pytest.mark.parametrize("seed", range(6))
def test_many_loads_end_where_one_load_of_the_final_rows_ends(seed, gaps):
    rng = random.Random(seed)
    final = made(rng)
    settings = {"clean": {"gaps": gaps}, "store": {"buckets": 3}}
    one, many = job(**settings), job(**settings)
    loads = told(rng, final)
    for k, load in enumerate(loads):
        many.run(["ingest"], **{"source.path": write(many.folder / f"{k}.parquet", load), "store.buckets": 3})
    left = {row[:3] for load in loads for row in load}
    one.run(
        ["ingest"],
        **{"source.path": write(one.folder / "all.parquet", [r for r in final if r[:3] in left]), "store.buckets": 3},
    )
    alike(one, many)
