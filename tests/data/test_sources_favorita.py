"""The grocery layout, on a small simulated chain whose lines are counted by hand."""

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
import pytest

from forecasting.config import load as load_config
from forecasting.data import contracts, sources
from forecasting.errors import UserError
from tests import favorita
from tests.favorita import COMING, DAYS, FIRST_PROMOTION_DAY, START

LAST = START + timedelta(DAYS - 1)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return favorita.write(tmp_path_factory.mktemp("favorita"))


@pytest.fixture(scope="module")
def config(configs, chain):
    return load_config(configs / "favorita.yaml", {"source.path": str(chain.folder)})


@pytest.fixture(scope="module")
def loaded(config):
    return sources.load(config)


@pytest.fixture(scope="module")
def rows(loaded):
    return {(r["unique_id"], r["ds"]): r for r in loaded.long.iter_rows(named=True)}


def key(line):
    return f"{line['store_nbr']}/{line['item_nbr']}", date.fromisoformat(line["date"])


def test_every_line_is_read_and_days_without_lines_are_generated(chain, loaded, rows, config):
    sales = {key(line): float(line["unit_sales"]) for line in chain.train}
    future = {key(line) for line in chain.test}
    first = {}
    for series, ds in sorted(sales, key=lambda k: k[1]):
        first.setdefault(series, ds)
    days = {(s, f + timedelta(i)) for s, f in first.items() for i in range((LAST - f).days + 1)}
    assert set(rows) == days | future
    assert {k: r["y"] for k, r in rows.items()} == dict.fromkeys(days, 0.0) | dict.fromkeys(future) | sales
    assert min(sales.values()) < 0
    assert loaded.lines == len(chain.train) + len(chain.test)
    assert loaded.generated_rows == len(days) - len(sales)
    account = contracts.check_load(loaded, config).account
    assert (account["lines"], account["aggregated"], account["quarantined"]) == (loaded.lines, loaded.lines, 0)


def test_promotions_are_null_before_the_file_has_them(chain, rows):
    cells = {key(line): line["onpromotion"] for line in (*chain.train, *chain.test)}
    assert set(cells.values()) == {"", "True", "False"}
    for (series, ds), row in rows.items():
        flags = {"True": 1, "False": 0, "": None}
        expected = flags[cells[series, ds]] if (series, ds) in cells else 0 if ds >= FIRST_PROMOTION_DAY else None
        assert row["onpromotion"] == expected


def test_generated_days_have_the_known_ahead_columns_of_others(loaded):
    """No known-ahead column reveals which future days will have a line."""
    made = loaded.long.filter(pl.col("line").is_null() & (pl.col("ds") >= FIRST_PROMOTION_DAY))
    ahead = ["onpromotion", "holiday", "holiday_type", "event", "work_day"]
    assert made.height > 50
    assert made.select(ahead).null_count().sum_horizontal().item() == 0


def on(rows, store, day, *columns):
    return tuple(rows[f"{store}/103665", date.fromisoformat(day)][c] for c in columns)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2016-12-25", ["Navidad"] * 4),
        ("2016-12-26", ["Puente Navidad"] * 4),
        ("2016-12-27", ["none"] * 4),
        ("2017-01-01", ["none"] * 4),  # moved away
        ("2017-01-02", ["Primer dia del ano"] * 4),  # to here
        ("2017-01-05", ["Provincializacion de Pichincha"] * 2 + ["none"] * 2),
        ("2017-01-06", ["Fundacion de Quito"] * 2 + ["none"] * 2),  # Guayaquil's was moved
        ("2017-01-07", ["Fundacion de Quito-1"] * 2 + ["none"] * 2),
        ("2017-01-08", ["Batalla"] * 3 + ["Batalla+Fundacion de Cuenca"]),
    ],
)
def test_holidays_are_those_of_the_store(rows, day, expected):
    assert [on(rows, store, day, "holiday")[0] for store in (1, 2, 3, 4)] == expected


def test_holiday_types_events_and_work_days(rows):
    types = {d: on(rows, 1, d, "holiday_type")[0] for d in ("2016-12-26", "2017-01-02", "2017-01-03", "2017-01-07")}
    assert list(types.values()) == ["Bridge", "Holiday", "none", "Additional"]
    assert on(rows, 4, "2017-01-08", "holiday_type") == ("Holiday",)
    assert on(rows, 3, "2017-01-07", "event", "holiday") == ("Black Friday", "none")
    assert on(rows, 3, "2017-02-03", "event", "holiday") == ("Cyber Monday", "none"), "a future day"
    assert {str(ds) for (_, ds), r in rows.items() if r["work_day"] == 1} == {"2016-12-31"}


def test_oil_is_the_last_published_price(chain, rows):
    last, expected = None, {}
    for i in range(DAYS + COMING):
        last = chain.oil.get(START + timedelta(i)) or last
        expected[START + timedelta(i)] = last
    assert expected[START] is None
    assert {ds: row["oil"] for (_, ds), row in rows.items()} == expected


def test_the_oil_price_of_a_day_does_not_depend_on_later_prices(chain, config, rows, tmp_path):
    """It is known only afterwards, but never from the future."""
    for file in chain.folder.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    kept = [line for line in (tmp_path / "oil.csv").read_text().splitlines() if line < "2017-01-06" or line[0] == "d"]
    (tmp_path / "oil.csv").write_text("\n".join(kept) + "\n")
    source = config.source.model_copy(update={"path": str(tmp_path)})
    early = sources.load(config.model_copy(update={"source": source})).long.filter(pl.col("ds") < date(2017, 1, 6))
    assert early.height
    assert all(rows[r["unique_id"], r["ds"]]["oil"] == r["oil"] for r in early.iter_rows(named=True))


def test_static_columns_and_transactions(rows):
    row = rows["3/105574", LAST]
    assert [row[c] for c in ("store", "item", "city", "state", "type", "cluster")] == [
        *("3", "105574", "Guayaquil", "Guayas", "B"),
        6.0,
    ]
    assert (row["family"], row["class"], row["perishable"]) == ("DAIRY", "2114", 1.0)
    assert row["transactions"] == 300 + LAST.day
    assert rows["3/105574", LAST + timedelta(1)]["transactions"] is None


def test_sales_of_days_without_lines_may_be_unknown(chain, configs, config):
    config = load_config(configs / "favorita.yaml", {"source.path": str(chain.folder), "clean.gaps": "missing"})
    made = sources.load(config).long.filter(pl.col("line").is_null())
    assert made["y"].null_count() == made.height > 50
    assert made["holiday"].null_count() == 0


@pytest.fixture
def spoiled(chain, configs, tmp_path):
    """The chain with changed files (None: removed)."""

    def make(files, **keys):
        for file in chain.folder.iterdir():
            text = files.get(file.name, file.read_text())
            (tmp_path / file.name).write_text(text) if text is not None else None
        return load_config(configs / "favorita.yaml", {"source.path": str(tmp_path)} | keys)

    return make


def test_only_required_files_must_exist(spoiled):
    gone = dict.fromkeys(["oil.csv", "transactions.csv", "holidays_events.csv", "items.csv", "test.csv"])
    config = spoiled(
        gone,
        columns={"known_ahead": ["onpromotion"], "static": ["store", "city"]},
        future={"onpromotion": 0},
        levels_of_aggregation=[["city"]],
    )
    long = sources.load(config).long
    assert long["ds"].max() == LAST
    with pytest.raises(UserError, match=r"holds neither items\.csv nor items\.csv\.gz"):
        sources.load(spoiled(gone))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("stores.csv", "2,Quito", "1,Quito", r"stores.csv, line 3: store_nbr 1 comes twice"),
        (
            "holidays_events.csv",
            "Local,Quito,Fundacion de Quito,",
            "City,Quito,Fundacion de Quito,",
            "line 8: locale is",
        ),
        ("holidays_events.csv", "2016-12-25", "yesterday", "line 2: date is 'yesterday', not a date"),
        ("transactions.csv", "transactions", "visits", "has no column 'transactions'"),
        ("train.csv", "unit_sales", "units", "has no column 'unit_sales'"),
    ],
)
def test_a_fault_in_a_reference_table_names_its_line(chain, spoiled, file, old, new, message):
    text = (chain.folder / file).read_text()
    assert old in text
    with pytest.raises(UserError, match=message):
        sources.load(spoiled({file: text.replace(old, new)}))


def test_other_frequencies_are_refused(spoiled):
    with pytest.raises(UserError, match="freq: the favorita layout holds days"):
        sources.load(spoiled({}, freq="1w"))


def test_bad_lines_are_quarantined_unchanged(chain, spoiled):
    head, *lines = (chain.folder / "train.csv").read_text().splitlines()
    bad = ["9001,2016-12-99,1,96995,3.0,", "9002,2016-12-24,1,96995,three,", "9003,2016-12-24,1"]
    text = "\n".join([head, *lines[:5], *bad, *lines[5:]]) + "\n"
    config = spoiled({"train.csv": text})
    checked = contracts.check_load(sources.load(config), config)
    assert dict(checked.quarantine.select("line", "row").rows()) == dict(zip((7, 8, 9), bad, strict=True))
    assert Counter(checked.quarantine["rule"]) == {"date_format": 1, "number": 1, "cells": 1}
    assert checked.account["lines"] == len(chain.train) + len(chain.test) + 3
    good = checked.good.sort("unique_id", "ds")
    assert all(b - a == timedelta(1) for _, ds in good.group_by("unique_id") for a, b in pairwise(ds["ds"]))
