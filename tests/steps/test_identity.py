"""What a series is called: no two meet, whatever their names hold, and no name is written in two ways unsaid."""

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import Job

SOURCE = {"kind": "table", "columns": {"unique_id": ["store", "item"], "ds": "date", "y": "units"}}
PLAIN = {"columns": {}, "future": {}, "calendar": {}, "h": 7, "models": ["ladder"], "levels_of_aggregation": [[]]}


def days(n: int, **columns) -> pl.DataFrame:
    """`n` days from 2024-01-01 with these values in every row."""
    ds = [date(2024, 1, 1) + timedelta(i) for i in range(n)]
    return pl.DataFrame({"date": ds}).with_columns(**{c: pl.lit(v) for c, v in columns.items()})


def mall() -> Job:
    """Two items whose names and stores, joined with a slash, read the same; on different days, and on one together."""
    first = days(30, store="Mall A/B", item="Coke", units=30)
    second = days(40, store="Mall A", item="B/Coke", units=90).tail(11)
    return chain.make(pl.concat([first, second]), source=SOURCE, **PLAIN)


def test_a_slash_in_a_name_is_not_the_slash_between_names():
    job = mall()
    facts = job.run(["ingest"])[0].facts
    assert (facts["quarantined"], facts["series"]) == (0, 2)
    series = job.table("series").select("unique_id", "store", "item", sold=pl.col("n") * pl.col("mean"))
    assert series.sort("store").rows() == [
        (r"Mall A/B\/Coke", "Mall A", "B/Coke", 11 * 90.0),
        (r"Mall A\/B/Coke", "Mall A/B", "Coke", 30 * 30.0),
    ]


def test_series_that_an_earlier_version_named_by_slashes_alone_are_refused():
    job = mall()
    job.run(["ingest"])
    store = open_session(job.config()).store
    old = pl.concat_str("store", "item", separator="/")
    store.replace("series", store.scan("series").collect().head(1).with_columns(unique_id=old))
    store.replace(
        "loads", store.scan("loads").collect().with_columns(series=pl.lit(store.newest_snapshot("series").version()))
    )
    with pytest.raises(
        UserError, match=r"unique_id: the stored series 'Mall A/B/Coke' was named by an earlier version"
    ):
        job.run(["ingest"])


def written(*names: str, **keys) -> Job:
    """A job of one id column with ten days of 1 unit a day for each of these names."""
    source = {"kind": "table", "columns": {"unique_id": "item", "ds": "date", "y": "units"}} | keys
    return chain.make(pl.concat([days(10, item=name, units=1) for name in names]), source=source, **PLAIN)


def remarks(facts: dict) -> list[str]:
    return [remark["message"] for remark in facts["remarks"] if remark["check"] == "names"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("00123", "123"),
        ("Tea", "tea"),
        ("7.0", "7"),
        ("green  tea", "green tea"),
        ("a\u00a0b", "a b"),
        ("é", "e\u0301"),
    ],
)
def test_a_name_in_two_spellings_is_told_and_not_merged(first, second):
    facts = written(first, second, "other").run(["ingest"])[0].facts
    assert facts["series"] == 3
    (message,) = remarks(facts)
    assert f"{first!r} (10 rows, 33.3% of the sales)" in message
    assert f"{second!r} (10 rows, 33.3% of the sales)" in message
    assert "source.ids: folded" in message


def test_different_names_are_no_spellings():
    assert not remarks(written("1", "10", "tea", "teas", "0", "00a").run(["ingest"])[0].facts)


def test_folded_names_are_one_series():
    job = written("00123", "Green\u00a0Tea", ids="folded")
    facts = job.run(["ingest"])[0].facts
    assert not remarks(facts)
    assert sorted(job.table("series")["unique_id"]) == ["123", "green tea"]


def test_a_spelling_of_an_earlier_load_is_told():
    job = written("00123")
    job.run(["ingest"])
    days(10, item="123", units=1).write_parquet(job.folder / "sales.parquet")
    (message,) = remarks(job.run(["ingest"])[0].facts)
    assert "'00123' (10 rows, 50.0% of the sales) and '123' (10 rows, 50.0% of the sales)" in message


def test_a_store_of_names_as_written_is_not_folded_halfway():
    job = written("00123")
    job.run(["ingest"])
    with pytest.raises(
        UserError, match=r"source\.ids: the stored series are named as they were written, such as '00123'"
    ):
        job.run(["ingest"], **{"source.ids": "folded"})
