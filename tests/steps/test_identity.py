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
