"""Many loads end where one load of the final rows ends, whatever their order; landing folders; earlier loads."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.errors import UserError
from forecasting.steps.ingestion import incremental, rebuild
from forecasting.steps.session import open_session
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


def made(rng: random.Random, days: int = 40, untold: float = 0.1) -> list[Row]:
    """The final state: some series with gaps, a share `untold` of days without a number, plans ahead."""
    rows = []
    for store, item in (("A", "x"), ("A", "y"), ("B", "x"), ("B", "z"), ("C", "x")):
        first, kind = rng.randrange(days - 5), rng.choice("mn")
        for k in range(first, days + 4):
            if rng.random() < 0.25:
                continue
            sold = None if k >= days or rng.random() < untold else float(rng.randrange(9))
            sold = 7000.0 if sold == 8 and rng.random() < 0.1 else sold  # a slip, far from all others
            rows.append((store, item, DAY + timedelta(k), sold, rng.randrange(1, 9) / 4, float(k), kind, ""))
    return rows


def told(rng: random.Random, final: Sequence[Row], until: int) -> list[list[Row]]:
    """The same as loads: rows in any order, some first told wrongly, some (up to a day) that are taken out again."""
    n = rng.randrange(2, 5)
    loads: list[list[Row]] = [[] for _ in range(n)]
    for row in final:
        at = rng.randrange(n)
        loads[at].append(row)
        if at and rng.random() < 0.2 and row[2] < DAY + timedelta(until):
            loads[rng.randrange(at)].append((*row[:3], 77.0, 9.75, 1.0, rng.choice((row[6], "q")), ""))
    keys = {row[:3] for row in final}
    for store, item, k in {(rng.choice("AB"), rng.choice("xy"), rng.randrange(until)) for _ in range(6)}:
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


def assert_alike(one: Job, other: Job) -> None:
    for name, key in TABLES:
        both = [each.table(name).sort(key) for each in (one, other)]
        assert both[0].height > 0
        assert_frame_equal(*both, rel_tol=1e-12, check_column_order=False)


@pytest.mark.parametrize("gaps", ["missing", "zero"])
@pytest.mark.parametrize("seed", range(4))
def test_many_loads_end_where_one_load_of_the_final_rows_ends(seed, gaps, monkeypatch):
    monkeypatch.setattr(incremental, "ROWS_PER_BUCKET", 500_000 if seed % 2 else 9)  # all buckets, or each alone
    rng = random.Random(seed)
    # where gaps are zeros, a planned day that passes without a sale is one, too, and no day without a number
    final = made(rng, untold=0.1 if gaps == "missing" else 0)
    settings = {"clean": {"gaps": gaps}, "store": {"buckets": 3}}
    one, many = job(**settings), job(**settings)
    loads = told(rng, final, until=60 if gaps == "missing" else 40)
    for k, load in enumerate(loads):
        many.run(["ingest"], **{"source.path": write(many.folder / f"{k}.parquet", load), "store.buckets": 3})
    left = {row[:3] for load in loads for row in load}
    one.run(
        ["ingest"],
        **{"source.path": write(one.folder / "all.parquet", [r for r in final if r[:3] in left]), "store.buckets": 3},
    )
    assert_alike(one, many)


def test_an_incremental_load_ends_where_a_rebuild_ends(monkeypatch):
    final = made(random.Random(3))
    new = [row for row in final if row[2] == DAY + timedelta(39)]
    assert len(new) > 1
    narrow = job()
    narrow.run(["ingest"], **{"source.path": write(narrow.folder / "1.parquet", [r for r in final if r not in new])})
    whole = narrow.copy()
    with monkeypatch.context() as patch:
        patch.setattr(rebuild, "rebuild_panel", lambda *_: pytest.fail("the panel was rebuilt"))
        narrow.run(["ingest"], **{"source.path": write(narrow.folder / "2.parquet", new)})
    monkeypatch.setattr(incremental, "update_panel", lambda *_: pytest.fail("an incremental load"))
    monkeypatch.setattr(rebuild, "can_update_incrementally", lambda *_: False)
    whole.run(["ingest"], **{"source.path": write(whole.folder / "2.parquet", new)})
    assert_alike(narrow, whole)


def test_one_new_day_rewrites_no_file_of_the_panel():
    final = made(random.Random(4))
    last = DAY + timedelta(39)
    some = job()
    some.run(["ingest"], **{"source.path": write(some.folder / "1.parquet", [r for r in final if r[2] < last])})
    before = files_of(some)
    day = [row for row in final if row[2] == last]
    facts = some.run(["ingest"], **{"source.path": write(some.folder / "2.parquet", day)})[0].facts
    assert before < files_of(some)
    assert facts["rows_written"] == some.table("series").height  # those that told nothing got their gap


def test_a_day_that_was_planned_leaves_the_files_of_the_past_alone():
    def rows(first: int, sold: int, until: int) -> list[Row]:
        days = [(k, float(k) if k < sold else None) for k in range(first, until)]
        return [("A", item, DAY + timedelta(k), y, 1.0, 1.0, "m", "") for item in "xyz" for k, y in days]

    some, whole = job(store={"buckets": 2}), job(store={"buckets": 2})
    some.run(["ingest"], **{"source.path": write(some.folder / "1.parquet", rows(0, 10, 14))})
    past = {file for file in files_of(some) if "planned=false" in file[0]}
    facts = some.run(["ingest"], **{"source.path": write(some.folder / "2.parquet", rows(10, 11, 15))})[0].facts
    assert facts["rows_written"] == 6, "per series the day that came and the new last planned one"
    added = {file for file in files_of(some) if "planned=false" in file[0]} - past
    assert past < files_of(some)
    assert sum(pl.read_parquet(name).height for name, _ in added) == 3
    ahead = pl.read_delta(str(some.folder / "lake" / "chain" / "panel")).filter("planned")
    assert set(ahead["ds"]) == {DAY + timedelta(k) for k in range(11, 15)}
    assert "planned" not in some.table("panel").columns
    whole.run(["ingest"], **{"source.path": write(whole.folder / "1.parquet", rows(0, 11, 15))})
    assert_alike(some, whole)


def test_a_column_of_a_user_called_planned_keeps_its_values():
    def price_tags(day: int) -> list[Row]:
        return [("A", "x", DAY + timedelta(k), float(k), 2.0 + k, 1.0, "m", "") for k in range(day)]

    columns = {"known_ahead": ["planned"], "known_after": [], "static": [], "price": None}
    source = {"kind": "table", "path": "", "columns": COLUMNS}
    some = job(columns=columns, source=source, levels_of_aggregation=[[]])
    for days in (3, 4):
        path = some.folder / f"{days}.parquet"
        pl.DataFrame(price_tags(days), schema=SCHEMA, orient="row").rename({"price": "planned"}).write_parquet(path)
        some.run(["ingest"], **{"source.path": str(path)})
    assert some.table("panel").sort("ds")["user::planned"].to_list() == [2.0, 3.0, 4.0, 5.0]


def files_of(job: Job) -> set[tuple[str, int]]:
    return {(str(f), f.stat().st_mtime_ns) for f in (job.folder / "lake" / "chain" / "panel").rglob("*.parquet")}


def test_a_deleted_row_is_a_day_that_nobody_told_of_and_the_first_row_is_no_more():
    rows: list[Row] = [("A", "x", DAY + timedelta(k), float(k), 1.0, 1.0, "m", "") for k in range(6)]
    some = job()
    some.run(["ingest"], **{"source.path": write(some.folder / "1.parquet", rows)})
    out = [(*rows[k][:3], None, None, None, None, "x") for k in (0, 3)]
    facts = some.run(["ingest"], **{"source.path": write(some.folder / "2.parquet", out)})[0].facts
    assert (facts["deleted"], facts["aggregated"], facts["dropped"]) == (2, 0, {"deletion": 2})
    panel = some.table("panel").sort("ds")
    assert panel["ds"].min() == DAY + timedelta(1)
    assert panel["y"].to_list() == [1, 2, None, 4, 5]
    assert panel["flag"].to_list()[2] == "filled"
    old = open_session(some.config(data_version=1)).store.scan("panel").collect().sort("ds")
    assert old["y"].to_list() == [0, 1, 2, 3, 4, 5], "the load before still reads it"


def test_the_newest_day_taken_back_ends_the_panel_a_day_earlier():
    rows: list[Row] = [("A", "x", DAY + timedelta(k), float(k), 1.0, 1.0, "m", "") for k in range(4)]
    some = job()
    some.run(["ingest"], **{"source.path": write(some.folder / "1.parquet", rows)})
    facts = some.run(["ingest"], **{"source.path": write(some.folder / "2.parquet", [(*rows[3][:7], "1")])})[0].facts
    assert facts["last"] == str(DAY + timedelta(2))
    assert some.table("panel")["ds"].max() == DAY + timedelta(2)


def test_any_earlier_load_is_read_again_and_nothing_is_loaded_then():
    some = job()
    rows: list[Row] = [("A", "x", DAY + timedelta(k), 1.0, 1.0, 1.0, "m", "") for k in range(3)]
    for k in (1, 2, 3):
        told = some.run(["ingest"], **{"source.path": write(some.folder / f"{k}.parquet", rows[:k])})[0]
        assert told.facts["data_version"] == k
    for k in (1, 2, 3):
        config = some.config(data_version=k)
        store = open_session(config).store
        assert store.scan("panel").collect().height == k == store.scan("groups").collect().height / 4
        assert store.scan("series").collect()["n"].to_list() == [k]
        assert open_session(config).panel.groups().collect().height == 4 * k
    told = some.run(["ingest"], data_version=2)[0]
    assert (told.reused, told.facts["keys"], told.facts["data_version"]) == (True, 2, 2)
    with pytest.raises(UserError, match=r"data_version: there is no load 9 \(the newest is 3\)"):
        open_session(some.config(data_version=9))


def test_a_load_whose_files_are_gone_is_told_in_a_sentence():
    some = job()
    rows: list[Row] = [("A", "x", DAY, 1.0, 1.0, 1.0, "m", "")]
    some.run(["ingest"], **{"source.path": write(some.folder / "1.parquet", rows)})
    gone = files_of(some)
    some.run(["ingest"], **{"source.path": write(some.folder / "2.parquet", [(*rows[0][:3], 2.0, *rows[0][4:])])})
    for name, _ in gone:
        Path(name).unlink()
    with pytest.raises(UserError, match="the files of load 1 are not kept any more"):
        open_session(some.config(data_version=1))
    assert some.table("panel")["y"].to_list() == [2.0]
