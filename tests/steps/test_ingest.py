"""From files to the panel: the account, later loads, buckets, and that a second load writes nothing."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.data import sources
from forecasting.steps.ingestion import rebuild
from tests import chain
from tests.chain import LAST, Job, versions

INGEST = ["ingest"]
HEADER = "store;item;day;units;price;left\n"
COLUMNS = {"unique_id": ["store", "item"], "ds": "day", "y": "units"}
DRIVERS = {"known_ahead": ["price"], "known_after": ["left"], "price": "price"}


def table(*lines: str, **keys) -> Job:
    """A job over a small CSV of its own."""
    source = {"kind": "table", "path": "", "columns": COLUMNS}
    defaults = {
        "columns": DRIVERS,
        "future": {},
        "h": 2,
        "levels_of_aggregation": [[], ["store"]],
        "models": ["ladder"],
    }
    job = chain.make(
        chain.sample().head(0), source=source, **(defaults | {"limits": {"quarantined": 0.9, "repeated": 0.9}} | keys)
    )
    write(job, "sales.parquet", *lines)
    return job


def write(job: Job, name: str, *lines: str) -> str:
    (job.folder / "sales.parquet").unlink(missing_ok=True)
    path = job.folder / name.replace(".parquet", ".csv")
    path.write_text(HEADER + "\n".join(lines) + "\n")
    return str(path)


def load(job: Job, name: str, *lines: str, **overrides):
    """Ingest lines from a file of this name."""
    return job.run(INGEST, **{"source.path": write(job, name, *lines)} | overrides)[0]


FIRST = ("A;x;2024-01-01;5;1.5;9", "A;x;2024-01-03;7;1.5;9", "B;y;2024-01-02;1;2;9")


@pytest.fixture
def job() -> Job:
    return table()


def panel(job: Job) -> pl.DataFrame:
    return job.table("panel").sort("unique_id", "ds")


def test_the_account_adds_up_and_the_panel_is_complete(job):
    bad = ("A;x;2024-01-02;many;1.5;9", "B;y;2024-01-03;-4;2;9")
    facts = load(job, "one.csv", *FIRST, *bad, FIRST[0], **{"clean.y_min": 0}).facts
    assert facts["lines"] == 6 == facts["aggregated"] + facts["quarantined"] + facts["duplicates"]
    assert (facts["aggregated"], facts["quarantined"], facts["duplicates"]) == (3, 2, 1)
    assert facts["quarantined_by_rule"] == {"number": 1, "below_y_min": 1}
    # A/x from the 1st, B/y from the 2nd, both to the 3rd
    assert (facts["keys"], facts["observed"], facts["filled"]) == (5, 3, 2)
    assert panel(job)["flag"].to_list() == ["observed", "filled", "observed", "observed", "filled"]
    assert (facts["series"], facts["first"], facts["last"]) == (2, "2024-01-01", "2024-01-03")


def test_the_quarantine_keeps_rows_as_they_came_and_when_they_first_did(job):
    bad = "A;x;2024-01-02;many;1.5;9"
    load(job, "one.csv", *FIRST, bad)
    first = job.table("quarantine")
    assert first.select("line", "row", "rule").row(0) == (5, bad, "number")
    load(job, "one.csv", *FIRST, bad)
    assert_frame_equal(job.table("quarantine"), first)


def test_a_second_file_brings_new_days_and_corrections_and_the_later_one_wins(job):
    load(job, "one.csv", *FIRST)
    facts = load(job, "two.csv", "A;x;2024-01-03;8;1.6;3", "A;x;2024-01-02;6;1.6;3", "A;x;2024-01-05;9;1.7;3").facts
    rows = panel(job).filter(pl.col("unique_id") == "A/x")
    assert rows["y"].to_list() == [5, 6, 8, None, 9]
    assert rows["price"].to_list() == [1.5, 1.6, 1.6, None, 1.7]
    assert rows["flag"].to_list() == ["observed", "observed", "observed", "filled", "observed"]
    other = panel(job).filter(pl.col("unique_id") == "B/y")
    assert other["y"].to_list() == [1, None, None, None], "the series that told nothing new is complete to the new end"
    assert (facts["keys"], facts["observed"], facts["filled"]) == (9, 5, 4)
    assert job.table("series").sort("unique_id")["n"].to_list() == [4, 1]


def test_the_same_files_in_the_other_order_end_with_the_other_number(job):
    load(job, "two.csv", "A;x;2024-01-03;8;1.6;3")
    load(job, "one.csv", *FIRST)
    assert panel(job).filter(pl.col("unique_id") == "A/x")["y"].to_list() == [5, None, 7]


def test_an_older_file_does_not_shorten_the_panel(job):
    load(job, "two.csv", "A;x;2024-02-03;8;1.6;3")
    facts = load(job, "one.csv", *FIRST).facts
    assert facts["last"] == "2024-02-03"
    assert panel(job)["ds"].max().isoformat() == "2024-02-03"


def test_a_plan_becomes_a_sale_when_its_day_has_come(job):
    load(job, "one.csv", *FIRST, "A;x;2024-01-04;;1.1;")
    assert panel(job).filter(pl.col("flag") == "ahead")["price"].to_list() == [1.1]
    load(job, "two.csv", "A;x;2024-01-04;3;1.2;8")
    row = panel(job).filter(pl.col("ds").dt.day() == 4, pl.col("unique_id") == "A/x").row(0, named=True)
    assert (row["y"], row["price"], row["flag"]) == (3.0, 1.2, "observed")


def test_gaps_can_be_zeros_and_a_later_number_replaces_one(job):
    zero = {"clean.gaps": "zero"}
    load(job, "one.csv", *FIRST, **zero)
    assert panel(job).filter(pl.col("unique_id") == "A/x")["y"].to_list() == [5, 0, 7]
    load(job, "two.csv", "A;x;2024-01-02;4;1.6;3", **zero)
    assert panel(job).filter(pl.col("unique_id") == "A/x")["y"].to_list() == [5, 4, 7]
    assert panel(job).filter(pl.col("unique_id") == "B/y")["y"].to_list() == [1, 0]


def test_all_that_came_is_loaded_whatever_the_cutoff(job):
    """Plans lie behind the cutoff; the steps that follow look no further than they may."""
    job.run(INGEST, chain.START, **{"source.path": write(job, "one.csv", *FIRST)})
    assert panel(job).height == 5


def test_decimals_in_a_later_file_fit(job):
    load(job, "one.csv", "A;x;2024-01-01;5;1;9")
    load(job, "two.csv", "A;x;2024-01-02;5.5;1.25;9.5")
    assert panel(job).select("y", "price", "left").rows() == [(5.0, 1.0, 9.0), (5.5, 1.25, 9.5)]


def test_the_sample_is_all_there(ran):
    job, told = ran
    raw, made = chain.sample(), job.table("panel")
    facts = told["ingest"].facts
    assert facts["lines"] == facts["aggregated"] == raw.height
    assert facts["keys"] == made.height == facts["observed"] + facts["filled"]
    both = raw.with_columns(unique_id=pl.concat_str("store", "item", separator="/")).join(made, on=["unique_id", "ds"])
    assert both.height == raw.height
    assert both["y"].equals(both["y_raw"], null_equal=True)
    lost = both.filter(pl.col("y_right").is_null() & pl.col("y").is_not_null())
    assert ((lost["open"] == 0) | (lost["stock"] == 0)).all()
    assert made.filter(pl.col("flag") == "ahead").height == 8 * chain.H
    assert made.filter(pl.col("ds") > LAST)["flag"].unique().to_list() == ["ahead"]


def test_series_and_groups_say_what_is_in_the_panel(ran):
    job, _ = ran
    made = job.table("panel").filter(pl.col("y").is_not_null())
    for row in job.table("series").iter_rows(named=True):
        own = made.filter(pl.col("unique_id") == row["unique_id"])
        assert (row["first"], row["last"], row["n"]) == (own["ds"].min(), own["ds"].max(), own.height)
        assert row["mean"] == pytest.approx(sum(own["y"]) / own.height)
        assert row["zeros"] == pytest.approx(sum(y == 0 for y in own["y"]) / own.height)
    groups = job.table("groups")
    names = {"total", *(f"store=S{i}" for i in (1, 2)), *(f"item=I{i:02d}" for i in (1, 2, 3, 4))}
    assert set(groups["group"]) >= names
    for day in (chain.START, chain.START + timedelta(100), LAST):
        own = made.filter(pl.col("ds") == day, pl.col("store") == "S1")
        told = groups.filter(pl.col("ds") == day, pl.col("group") == "store=S1")
        if own.is_empty():  # nothing was open
            assert told.is_empty()
            continue
        assert told.select("y_sum", "y_count").row(0) == (sum(own["y"]), own.height)
        assert told["price"].item() == pytest.approx(sum(own["price"]) / own.height)


def test_loading_the_same_again_writes_no_version(ran):
    job = ran[0].copy()
    before = versions(job)
    again = job.run(INGEST)[0]
    assert again.reused
    assert again.facts["rows_written"] == 0
    assert versions(job) == before


def test_more_buckets_hold_the_same_rows_and_answer_the_same(monkeypatch):
    """The ladder knows one series at a time; its sums and bounds pool over all of them."""
    monkeypatch.setattr(
        "os.sched_getaffinity", lambda _: {0}
    )  # in this process: other processes are the engine's tests
    settings = {"models": ["ladder"], "backtest": {"windows": 1, "step": chain.H, "calibration": 1}}
    one, many = (chain.make(**settings) for _ in range(2))
    one.run(["ingest", "backtest"])
    many.run(["ingest", "backtest"], **{"store.buckets": 3})
    assert many.table("panel")["bucket"].n_unique() > 1
    for name, key in (("panel", ["unique_id", "ds"]), ("series", ["unique_id"]), ("groups", ["group", "ds"])):
        both = [job.table(name).drop("bucket", strict=False).sort(key) for job in (one, many)]
        assert_frame_equal(*both, rel_tol=1e-12)
    chain.assert_alike(one.table("backtests"), many.table("backtests"))


def test_what_a_load_concludes_about_the_writing_of_columns_reads_later_loads(job, monkeypatch):
    monkeypatch.setattr("forecasting.data.side_tables.joined_data.sources.load", concluding({"units": "1,234.5"}))
    load(job, "one.csv", *FIRST)
    seen = []
    monkeypatch.setattr("forecasting.data.side_tables.joined_data.sources.load", concluding({"day": "%Y"}, seen))
    load(job, "two.csv", "A;x;2024-01-05;8;1.6;3")
    load(job, "two.csv", "A;x;2024-01-05;8;1.6;3")
    first = {"units": "1,234.5", "price": "1234.5"}
    assert seen == [first, first | {"day": "%Y"}]


def concluding(formats, seen=None):
    """A reader that says so about the columns; `seen` collects what it is told about them."""
    read = sources.load

    def load_source(config, shelf=None):
        if seen is not None:
            seen.append(dict(config.stored_formats))
        raw = read(config)
        return replace(raw, formats=sources.merge_formats(raw.formats, {"source": formats}))

    return load_source


def test_a_driver_that_was_stored_as_text_stays_text():
    some = table(columns={"known_ahead": ["price"], "known_after": ["left"]})
    load(some, "one.csv", "A;x;2024-01-01;5;ja;9", "A;x;2024-01-02;5;nein;9", "A;x;2024-01-03;5;halb;9")
    load(some, "two.csv", "A;x;2024-01-04;5;ja;9", "A;x;2024-01-05;5;nein;9")
    assert panel(some)["price"].to_list() == ["ja", "nein", "halb", "ja", "nein"]


def test_the_rows_of_the_published_load_are_not_built_again(job, monkeypatch):
    """A large file that is read a second time, or a run that was killed behind the load."""
    built, build = [], rebuild.rebuild_panel
    monkeypatch.setattr(rebuild, "can_update_incrementally", lambda *_: False)
    monkeypatch.setattr(rebuild, "rebuild_panel", lambda *args: built.append(1) or build(*args))
    load(job, "a.parquet", *FIRST)
    first, before = panel(job), versions(job)
    assert load(job, "a.parquet", *FIRST).reused
    assert (len(built), versions(job)) == (1, before)
    load(job, "a.parquet", *FIRST[:2], "B;y;2024-01-02;4;2;9")
    assert len(built) == 2
    load(job, "a.parquet", *FIRST)
    assert len(built) == 3
    assert_frame_equal(panel(job), first)
    load(job, "a.parquet", *FIRST, **{"clean.gaps": "zero"})
    assert len(built) == 4, "other rules make another panel of the same rows"
    job.run(INGEST, **{"source.path": str(job.folder / "a.csv")}, **{"clean.gaps": "zero"})
    assert len(built) == 4
