"""Large tables in parts: read, sorted into portions of series and checked, they are what they are when read at once."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import Config
from forecasting.data import buckets, contracts, sources
from forecasting.data.buckets import Portions, Shelf, Sorting
from forecasting.data.contracts import CheckedLoad
from forecasting.data.sources.readers.text import large_text
from forecasting.errors import UserError
from forecasting.services.store.scratch import keeping

START = date(2024, 1, 1)
SHOPS = ("north", "south", "east", "west")
COLUMNS = {"unique_id": ["shop", "item"], "ds": "day", "y": "sold"}
KEYS = ["unique_id", "ds"]


def days(n: int) -> list[date]:
    return [START + timedelta(k) for k in range(n)]


def sales(n: int = 40) -> pl.DataFrame:
    """[shop, item, day, sold, price, size]: four shops with two items each, day by day."""
    keys = pl.DataFrame({"day": days(n)}).join(pl.DataFrame({"shop": SHOPS}), how="cross")
    rows = keys.join(pl.DataFrame({"item": ["tea", "rye"]}), how="cross").with_row_index("n")
    price, size = 2 + pl.col("n") % 3, pl.when(pl.col("shop") == "north").then(pl.lit("L")).otherwise(pl.lit("S"))
    return rows.select("shop", "item", "day", sold=pl.col("n") % 7 + 1, price=price, size=size)


@pytest.fixture
def both_ways(monkeypatch, tmp_path) -> Callable[[Config], tuple[CheckedLoad, CheckedLoad]]:
    """The load of a source at once, and in parts of about 32 rows that are sorted into small portions."""

    def read(config: Config) -> tuple[CheckedLoad, CheckedLoad]:
        at_once = contracts.check_load(sources.load(config), config)
        monkeypatch.setattr(buckets, "AT_ONCE", 50)
        monkeypatch.setattr(buckets, "ROWS_PER_BUCKET", 60)
        monkeypatch.setattr(large_text, "CHUNK", 900)
        with keeping(str(tmp_path / "shelf")) as keep:
            raw = sources.load(config, Shelf(keep, rows_at_once=32))
            checked = contracts.check_load(raw, config, keep=keep)
            in_parts = CheckedLoad(Portions.of(checked.good), checked.quarantine, checked.repeats, checked.account)
            monkeypatch.undo()
        return at_once, in_parts

    return read


def assert_alike(one: CheckedLoad, other: CheckedLoad) -> None:
    assert one.account == other.account
    assert_frame_equal(one.good.sort(KEYS), other.good.sort(KEYS))
    assert_frame_equal(one.quarantine, other.quarantine)
    assert one.repeats.height == other.repeats.height


def spoilt(**values: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """A change of the cells of row 71, which the third part holds."""
    row = pl.int_range(pl.len()) == 71
    return lambda rows: rows.with_columns(pl.when(row).then(pl.lit(v)).otherwise(c).alias(c) for c, v in values.items())


def with_repeat(rows: pl.DataFrame) -> pl.DataFrame:
    """The second row of the table again as its last one."""
    return pl.concat([rows, rows[1:2]])


def with_conflict(rows: pl.DataFrame) -> pl.DataFrame:
    """The second row again as the last one, with other sales."""
    return pl.concat([rows, rows[1:2].with_columns(sold=pl.lit(99, rows["sold"].dtype))])


def with_total(rows: pl.DataFrame) -> pl.DataFrame:
    """A series that is the sum of the others of its item."""
    of_items = rows.group_by("item", "day", maintain_order=True)
    sums = of_items.agg(pl.lit("Total").alias("shop"), pl.col("sold").sum(), pl.col("price", "size").first())
    return pl.concat([rows, sums.select(rows.columns).cast(dict(rows.schema))])


def by_hour(rows: pl.DataFrame) -> pl.DataFrame:
    """Two rows a day, of morning and evening."""
    day = pl.col("day").cast(pl.Datetime("us"))
    return pl.concat([rows.with_columns(day=day.dt.offset_by(hour)) for hour in ("8h", "20h")])


def as_text(form: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(pl.col("day").dt.strftime(form))


CHANGES: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "as they are": lambda rows: rows,
    "no shop": spoilt(shop=None),
    "no date": spoilt(day=None),
    "no number": lambda rows: spoilt(sold="many")(rows.with_columns(pl.col("sold").cast(pl.String))),
    "infinite": lambda rows: spoilt(price=float("inf"))(rows.with_columns(pl.col("price").cast(pl.Float64))),
    "fraction in one part": lambda rows: spoilt(price=2.5)(rows.with_columns(pl.col("price").cast(pl.Float64))),
    "returns": spoilt(sold=-5),
    "another spelling": spoilt(shop="NORTH"),
    "another size": spoilt(size="XL"),
    "far out": spoilt(price=40_000),
    "far date": spoilt(day=date(2003, 5, 5)),
    "in the future": spoilt(day=date.today() + timedelta(3)),
    "a total in a part": spoilt(day=None, shop="Total", sold=2_000),
    "repeat": with_repeat,
    "conflict": with_conflict,
    "total": with_total,
    "hours": by_hour,
    "dates as text": as_text("%d.%m.%Y"),
    "dates that only the last days make clear": as_text("%m/%d/%Y"),
    "dates and times": as_text("%Y-%m-%d 08:30"),
    "a bad date": lambda rows: spoilt(day="soon")(as_text("%Y-%m-%d")(rows)),
    "numbers with commas": lambda rows: rows.with_columns(pl.format("{},5", "sold").alias("sold")),
    "nothing ahead": lambda rows: rows.with_columns(pl.when(pl.col("day") < days(40)[-3]).then("sold").alias("sold")),
}


KEYS_OF_JOB = {
    "columns": {"known_ahead": ["price"], "price": "price", "static": ["size"]},
    "limits": {"quarantined": 0.2},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_table_in_parts_is_the_table_as_a_whole(change, make_config, tmp_path, both_ways):
    CHANGES[change](sales()).write_parquet(tmp_path / "sales.parquet")
    config = make_config(source={"path": str(tmp_path / "sales.parquet"), "columns": COLUMNS}, **KEYS_OF_JOB)
    at_once, in_parts = both_ways(config)
    assert at_once.account["lines"] == CHANGES[change](sales()).height
    assert_alike(at_once, in_parts)


def written(rows: pl.DataFrame) -> str:
    return rows.write_csv()


TEXTS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "a title": lambda text: f"Sales of our shops\n\n{text}",
    "a mark of UTF-8": lambda text: f"\ufeff{text}",
    "no last newline": lambda text: text.rstrip("\n"),
    "lines of Windows": lambda text: text.replace("\n", "\r\n"),
    "an empty line": lambda text: text.replace("\neast,rye,2024-01-20", "\n\neast,rye,2024-01-20"),
    "a line with too many cells": lambda text: text.replace("east,rye,2024-01-20", "east,rye,rye,2024-01-20"),
    "names over two lines": lambda text: text.replace("north,", '"no\nrth",'),
    "an open quote": lambda text: text.replace("east,rye,2024-01-20", '"east,rye,2024-01-20'),
    "umlauts": lambda text: text.replace("north", "nörd"),
    "umlauts of Windows": lambda text: text.replace("east,rye,2024-01-20", "öst,rye,2024-01-20"),
    "a footer": lambda text: f"{text}\nTotal,,,1280,,\nprinted by the till,,,,,\n",
    "a note in the middle": lambda text: text.replace("east,rye,2024-01-20", "see below,,,,,\neast,rye,2024-01-20"),
    "numbers with points between thousands": lambda text: text.replace(",2024-01-20,", ",2024-01-20,1.00"),
    "other tables' decimal signs": lambda text: text.replace(",2024-01-20,3", ',2024-01-20,"3,5"'),
    "codes of the size": lambda text: text.replace(",L\n", ",007\n").replace(",S\n", ",12\n"),
}


@pytest.mark.parametrize("change", TEXTS)
def test_a_text_in_chunks_is_the_text_as_a_whole(change, make_config, tmp_path, both_ways):
    encoding = "cp1252" if change == "umlauts of Windows" else "utf-8"
    (tmp_path / "sales.csv").write_bytes(TEXTS[change](written(sales())).encode(encoding))
    config = make_config(source={"path": str(tmp_path / "sales.csv"), "columns": COLUMNS}, **KEYS_OF_JOB)
    try:
        at_once, in_parts = both_ways(config)
    except UserError as error:
        with keeping(None) as keep, pytest.raises(UserError, match=re.escape(str(error))):
            sources.load(config, Shelf(keep, rows_at_once=32))
    else:
        assert_alike(at_once, in_parts)


def test_a_large_text_is_read_in_chunks(monkeypatch, make_config, tmp_path):
    (tmp_path / "sales.csv").write_text(written(sales()))
    monkeypatch.setattr(large_text, "CHUNK", 900)
    text = large_text.open_large_text(tmp_path / "sales.csv", [frozenset(["shop"])])
    assert text is not None
    assert text.rows == 320
    assert len(text.parts()) > 5
    assert max(part.rows for part in text.parts()) < 60
    lines = pl.concat([part.cells(["sold"]) for part in text.parts()])["line"].to_list()
    assert lines == list(range(2, 322))
    everything = written(sales()).splitlines()
    assert text.read_again([321, 2, 100]) == [everything[320], everything[1], everything[99]]


def test_a_row_of_a_later_part_keeps_its_file_and_line(make_config, tmp_path, both_ways):
    for n, part in enumerate(sales().iter_slices(100)):
        (spoilt(sold=-1) if n == 2 else CHANGES["as they are"])(part).write_parquet(tmp_path / f"{n}.parquet")
    config = make_config(source={"path": str(tmp_path), "columns": COLUMNS}, clean={"y_min": 0, "below": "quarantine"})
    at_once, in_parts = both_ways(config)
    assert in_parts.quarantine.select("file", "line").row(0) == (str(tmp_path / "2.parquet"), 72)
    assert_alike(at_once, in_parts)


def test_a_doubt_that_no_part_decides_stops_the_load(make_config, tmp_path, both_ways):
    short = sales().filter(pl.col("day").dt.day() < 12).with_columns(pl.col("day").dt.strftime("%d/%m/%Y"))
    short.write_parquet(tmp_path / "sales.parquet")
    config = make_config(source={"path": str(tmp_path / "sales.parquet"), "columns": COLUMNS}, freq="1w")
    with pytest.raises(UserError, match="can mean"):
        sources.load(config)
    with keeping(None) as keep, pytest.raises(UserError, match="can mean"):
        sources.load(config, Shelf(keep, rows_at_once=32))


def test_limits_are_about_the_whole_load(make_config, tmp_path, both_ways):
    rows = sales().with_columns(sold=pl.when(pl.int_range(pl.len()).is_between(64, 79)).then(-1).otherwise("sold"))
    rows.write_parquet(tmp_path / "sales.parquet")
    source, clean = {"path": str(tmp_path / "sales.parquet"), "columns": COLUMNS}, {"y_min": 0, "below": "quarantine"}
    config = make_config(source=source, clean=clean, limits={"quarantined": 0.06})  # half of the third part, 5 % of all
    assert_alike(*both_ways(config))
    strict = make_config(source=source, clean=clean, limits={"quarantined": 0.04})
    with keeping(None) as keep, pytest.raises(UserError, match="16 of 320 rows"):
        contracts.check_load(sources.load(strict, Shelf(keep, rows_at_once=32)), strict, keep=keep)


def test_each_series_lies_in_one_portion(tmp_path):
    with keeping(str(tmp_path / "shelf")) as keep:
        sorting = Sorting(5, keep)
        rows = sales().select(pl.concat_str("shop", "item").alias("unique_id"), "day", "sold")
        rows = rows.with_columns(unique_id=pl.when(pl.col("sold") == 7).then(None).otherwise("unique_id"))
        for part in rows.iter_slices(30):
            sorting.add(part)
        found = sorting.sorted()
        assert len(found) == 5
        places = [set(part["unique_id"].drop_nulls()) for part in found]
        assert sum(map(len, places)) == len(set.union(*places)) == 8
        assert [part["unique_id"].null_count() > 0 for part in found] == [True, False, False, False, False]
        assert_frame_equal(found.whole(), rows, check_row_order=False)


def test_a_column_has_the_type_that_holds_its_values_in_all_parts():
    sorting = Sorting(1, pl.DataFrame.lazy)
    parts = [([1, 0], pl.Int8), ([None, None], pl.Float64), ([7, 8], pl.Int64)]
    for values, kind in parts:
        sorting.add(pl.DataFrame({"unique_id": "a", "stock": pl.Series(values, dtype=kind)}))
    assert sorting.sorted().whole()["stock"].to_list() == [1, 0, None, None, 7, 8]
    assert sorting.sorted().schema["stock"] == pl.Int64


def test_nothing_stays_on_the_shelf(tmp_path):
    shelf: Path = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "left by a killed load").touch()
    with keeping(str(shelf)) as keep:
        assert list(shelf.iterdir()) == []
        assert_frame_equal(keep(sales()).collect(), sales())
    assert not shelf.exists()
