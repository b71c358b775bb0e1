"""Further tables through a whole load: into the panel, the quarantine and the facts, and from one night to the next."""

from datetime import date, timedelta

import polars as pl
import pytest

from tests.steps.test_ingest import FIRST, load, panel, table

DAY = date(2024, 1, 1)
DRIVERS = {"known_ahead": ["price", "fair"], "known_after": ["left"], "static": ["size"], "price": "price"}


@pytest.fixture
def job():
    """Sales from the 1st to the 3rd; a price list without an end for store A, an unreadable size for store B."""
    job = table(columns=DRIVERS | {"stock": "left"}, h=3)
    files = {
        "stores": ("store,size", "A,1", "B,2", ",9"),
        "prices": ("store,from,price", f"A,{DAY},1.5", f"A,{DAY + timedelta(4)},1.4"),
        "fairs": ("day,fair", f"{DAY + timedelta(1)},1"),
        "stock": ("store,day,left", f"A,{DAY + timedelta(1)},0", f"A,{DAY},7", f"A,{DAY + timedelta(2)},7"),
    }
    for name, lines in files.items():
        (job.folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return job


def spec(job, name: str, **keys):
    return {f"tables.{name}": {"path": str(job.folder / f"{name}.csv")} | keys}


def tables(job):
    return (
        spec(job, "stores", on="store", columns=["size"])
        | spec(job, "prices", on="store", start="from", columns=["price"])
        | spec(job, "fairs", ds="day", columns=["fair"], missing={"fair": 0})
        | spec(job, "stock", on="store", ds="day", columns=["left"])
    )


def test_tables_end_up_in_the_panel_the_quarantine_and_the_facts(job):
    outcome = load(job, "one.csv", *FIRST, **tables(job))
    rows = panel(job).filter(unique_id="A/x").select("ds", "y", "price", "fair", "left", "size", "flag").rows()
    assert [(d.day, *rest) for d, *rest in rows] == [
        (1, 5, 1.5, 0, 7, 1, "observed"),
        (2, None, 1.5, 1, 0, 1, "out_of_stock"),
        (3, 7, 1.5, 0, 7, 1, "observed"),
        (4, None, 1.5, None, None, 1, "ahead"),
        (5, None, 1.4, None, None, 1, "ahead"),
        (6, None, 1.4, None, None, 1, "ahead"),
    ]
    bad = job.table("quarantine").select("line", "row", "rule", "value").rows()
    assert bad == [(4, ",9", "stores.missing_key", "store=nothing")]
    facts = outcome.facts
    assert facts["lines"] == 3 == facts["aggregated"]
    assert facts["rows_from_tables"] == 4
    prices = facts["tables"]["prices"]
    assert (prices["unmatched"], prices["unmatched_keys"], prices["example"]) == (
        1,
        1,
        f"store=B, ds={DAY + timedelta(1)}",
    )
    assert job.table("series").sort("unique_id")["size"].to_list() == [1, 2]


def test_loading_the_same_once_more_writes_nothing(job):
    load(job, "one.csv", *FIRST, **tables(job))
    before = panel(job)
    assert load(job, "one.csv", *FIRST, **tables(job)).reused
    assert panel(job).equals(before)


@pytest.mark.parametrize(("gaps", "told"), [("zero", (0.0, None, "filled")), ("missing", (None, None, "missing"))])
def test_a_plan_whose_day_has_come_without_a_sale_is_what_a_gap_is(job, gaps, told):
    load(job, "one.csv", *FIRST, **tables(job), **{"clean.gaps": gaps})
    load(job, "two.csv", "B;y;2024-01-05;4;2;9", **tables(job), **{"clean.gaps": gaps})
    rows = panel(job).filter(pl.col("unique_id") == "A/x", pl.col("ds") > date(2024, 1, 3))
    assert rows.select("y", "y_raw", "flag").rows() == [told, told, (None, None, "ahead")]


def test_coming_days_do_not_replace_what_was_sold(job):
    load(job, "new.csv", "A;x;2024-01-05;9;1;9", **tables(job))
    load(job, "old.csv", *FIRST, **tables(job))
    rows = panel(job).filter(pl.col("unique_id") == "A/x", pl.col("y").is_not_null())
    assert rows.select(pl.col("ds").dt.day(), "y").rows() == [(1, 5), (3, 7), (5, 9)]
