"""Contracts: each rule has its rows, the account adds up, and a load that is too bad stops with a sentence."""

from datetime import date, timedelta

import polars as pl
import pytest

from forecasting.config import Clean, Columns, Limits
from forecasting.config import load as load_config
from forecasting.data import contracts, sources
from forecasting.data.schemas import tables
from forecasting.errors import UserError

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(200)]


def rows(n=200, unique_id="a"):
    return [f"{unique_id},{d},{i % 7},2.5" for i, d in enumerate(DAYS[:n])]


def text(lines):
    return "\n".join(["unique_id,ds,y,price", *lines]) + "\n"


def checked(config, **changes):
    config = config.model_copy(update={"columns": Columns(known_ahead=["price"], price="price"), **changes})
    return contracts.check_load(sources.load(config), config)


@pytest.mark.parametrize(
    ("line", "rule", "value"),
    [
        (",2024-01-05,1,2.5", "missing_key", "unique_id=nothing"),
        ("a,,1,2.5", "missing_key", "ds=nothing"),
        ("a,2024-02-30,1,2.5", "date_format", "ds=2024-02-30"),
        ("a,05/01/2024,1,2.5", "date_format", "ds=05/01/2024"),
        ("b,2024-01-05,lots,2.5", "number", "y=lots"),
        ("b,2024-01-05,1,free", "number", "price=free"),
        ("b,2024-01-05,1", "cells", "b,2024-01-05,1"),
        ("b,1024-01-05,1,2.5", "implausible_date", "ds=1024-01-05"),
        ("b,2024-01-05,inf,2.5", "non_finite", "y=inf"),
        ("b,2024-01-05,-3,2.5", "below_y_min", "y=-3.0"),
        ("b,2024-01-05,1,-2.5", "negative_price", "price=-2.5"),
    ],
)
def test_one_bad_row_goes_to_quarantine_as_it_came(table_config, tmp_path, line, rule, value):
    result = checked(table_config(text([*rows(), line, f"c,{DAYS[0]},1,1"])), clean=Clean(y_min=0))
    expected = {"file": str(tmp_path / "sales.csv"), "line": 202, "row": line, "rule": rule, "value": value}
    assert result.quarantine.to_dicts() == [expected]
    assert result.good.height == 201
    balance = {"lines": 202, "aggregated": 201, "quarantined": 1, "duplicates": 0, "dropped": {}}
    assert {name: result.account[name] for name in balance} == balance
    assert len(result.account["remarks"]) == 1
    assert result.good.columns == ["unique_id", "ds", "y", "price"]


def test_a_row_is_blamed_once_for_the_first_of_its_faults(table_config):
    result = checked(table_config(text([*rows(), "b,1024-01-05,-1,-2"])))
    assert result.quarantine["rule"].to_list() == ["implausible_date"]


def test_equal_repeats_are_counted_and_conflicting_ones_are_all_quarantined(table_config):
    twice = rows()[:3]
    clash = [f"a,{DAYS[10]},99,2.5", f"a,{DAYS[10]},98,2.5"]
    result = checked(table_config(text([*rows(), *twice, *twice[:1], *clash])), limits=Limits(quarantined=0.05))
    assert result.repeats.height == 4
    assert result.quarantine.select("line", "rule").rows() == [(n, "conflicting_duplicate") for n in (12, 206, 207)]
    assert result.good.height == 199
    assert DAYS[10] not in result.good["ds"].to_list()
    account = result.account
    assert account["lines"] == 206 == account["aggregated"] + account["quarantined"] + account["duplicates"]


def test_two_days_of_one_month_are_too_many(table_config):
    months = [f"a,20{y}-{m:02d}-15,1,1" for y in range(10, 24) for m in range(1, 13)]
    config = table_config(text([*months, "a,2023-12-20,2,1"]), freq="1mo", limits={"quarantined": 0.05})
    assert checked(config).quarantine["rule"].to_list() == ["several_in_period"] * 2


def test_weeks_start_on_the_usual_weekday(table_config):
    weeks = [f"a,{date(2023, 1, 4) + timedelta(weeks=i)},1,1" for i in range(120)]
    result = checked(table_config(text([*weeks, "b,2023-01-05,1,1"]), freq="1w"))
    assert result.quarantine.select("rule", "value").rows() == [("off_grid", "ds=2023-01-05")]


def test_y_min_is_a_choice(table_config):
    config = table_config(text([*rows(), "b,2024-01-05,-3,1"]))
    assert checked(config).quarantine.is_empty(), "returns count"
    assert checked(config, clean=Clean(y_min=None)).quarantine.is_empty()
    assert checked(config, clean=Clean(below="quarantine")).quarantine["rule"].to_list() == ["below_y_min"]
    assert checked(config, clean=Clean(y_min=-5)).quarantine.is_empty()


def test_too_many_bad_rows_stop_the_run(table_config):
    bad = ["b,2024-01-05,-3,1", "b,2024-01-06,-4,1", "b,2024-01-07,many,1"]
    with pytest.raises(UserError) as stop:
        checked(table_config(text([*rows(100), *bad])), clean=Clean(y_min=0))
    message = str(stop.value)
    assert "limits.quarantined: 3 of 103 rows (2.9%) break a rule and at most 1.0% may" in message
    assert "below_y_min 2 times, first in" in message
    assert "line 102: y=-3.0" in message
    assert "number 1 times" in message
    assert (
        checked(
            table_config(text([*rows(100), *bad])), clean=Clean(y_min=0), limits=Limits(quarantined=0.03)
        ).quarantine.height
        == 3
    )


def test_dates_in_a_format_that_was_not_meant(table_config):
    config = table_config(text(rows()), ds_format="%d.%m.%Y")
    with pytest.raises(UserError, match=r"200 of 200 rows .*date_format 200 times, first in .*line 2: ds=2024-01-01"):
        checked(config)


def test_implausible_dates_stop_the_run(table_config):
    config = table_config(text([f"a,{d.replace(year=24):%Y-%m-%d},1,1".replace("a,24", "a,0024") for d in DAYS[:9]]))
    with pytest.raises(
        UserError, match=r"limits\.dates: all dates of the data \(0024-01-01 to 0024-01-09\) lie outside"
    ):
        checked(config)


def test_old_data_stop_the_run(table_config):
    config = table_config(text(rows()), limits={"max_age": 30})
    loaded = sources.load(config)
    last = DAYS[-1]
    assert contracts.check_load(loaded, config, last + timedelta(days=30)).good.height == 200
    with pytest.raises(UserError, match=rf"limits\.max_age: the newest sales are of {last}, 31 days old"):
        contracts.check_load(loaded, config, last + timedelta(days=31))


def test_no_sales_at_all_stop_the_run(table_config):
    with pytest.raises(UserError, match="no row of the data holds a date and a number sold"):
        checked(table_config(text([f"a,{d},,1" for d in DAYS[:9]])))


def test_a_series_of_three_rows_is_welcome(table_config):
    result = checked(table_config(text([*rows(), *rows(3, "short")])))
    assert result.good.filter(pl.col("unique_id") == "short").height == 3


def test_bad_cells_of_a_wide_line_share_a_quarantine_row(tmp_path, configs):
    (tmp_path / "sales_train_evaluation.csv").write_text(
        "id,d_1,d_2,d_3,d_4\nFOODS_1_001_CA_1_evaluation,2,x,y,5\nFOODS_1_002_CA_1_evaluation,0,-3,2,1\n"
    )
    head = "date,wm_yr_wk,weekday,wday,month,year,d,event_name_1,event_type_1,event_name_2,event_type_2,snap_CA\n"
    calendar = "".join(f"2011-01-{27 + i},11101,Saturday,1,1,2011,d_{i},,,,,1\n" for i in range(1, 5))
    (tmp_path / "calendar.csv").write_text(head + calendar)
    (tmp_path / "sell_prices.csv").write_text("store_id,item_id,wm_yr_wk,sell_price\nCA_1,FOODS_1_001,11101,1.5\n")
    config = load_config(configs / "m5.yaml", {"source.path": str(tmp_path), "limits.quarantined": 0.9})
    result = contracts.check_load(sources.load(config), config)
    assert result.quarantine.select("line", "rule", "value").rows() == [
        (2, "number", "d_2=x and 1 more"),
        (3, "below_y_min", "y=-3.0"),
    ]
    account = {"lines": 8, "aggregated": 4, "quarantined": 3, "duplicates": 0, "dropped": {"not_yet_sold": 1}}
    assert {name: result.account[name] for name in account} == account
    assert result.good["unique_id"].value_counts(sort=True).rows() == [("CA_1/FOODS_1_001", 2), ("CA_1/FOODS_1_002", 2)]


# --- the tables of the program itself --------------------------------------------------------------------------------


@pytest.fixture
def all_tables(configs):
    return tables(load_config(configs / "demo.yaml"), {"price": pl.Float64()})


def test_every_table_has_a_contract_that_its_empty_frame_keeps(all_tables):
    for table in all_tables.values():
        assert contracts.validate_table(table.empty(), table).is_empty()


def test_tables_refuse_what_breaks_their_contract(all_tables):
    table = all_tables["groups"]
    row = {"group": "total", "ds": DAYS[0], "y_sum": 1.0, "y_count": 1, "price": None}
    good = pl.DataFrame([row], schema=table.schema)
    assert contracts.validate_table(good, table).equals(good)
    with pytest.raises(ValueError, match="groups: the key group, ds is not unique"):
        contracts.validate_table(pl.concat([good, good]), table)
    with pytest.raises(ValueError, match="table groups"):
        contracts.validate_table(good.with_columns(ds=pl.lit(None, pl.Date)), table)
    with pytest.raises(ValueError, match="table groups"):
        contracts.validate_table(good.drop("y_sum"), table)


def test_crossed_bounds_are_refused(all_tables):
    table = all_tables["forecasts"]
    wanted = {"unique_id": "a", "ds": DAYS[1], "cutoff": DAYS[0], "model": "m", "version": 1, "step": 1}
    row = pl.DataFrame([{c: wanted.get(c) for c in table.schema}], schema=table.schema)
    straight = row.with_columns(pl.lit(1.0).alias("lo-80"), pl.lit(2.0).alias("hi-80"))
    assert contracts.validate_table(straight, table).height == 1
    with pytest.raises(ValueError, match="bounds_crossed"):
        contracts.validate_table(straight.with_columns(pl.lit(0.5).alias("hi-80")), table)
    with pytest.raises(ValueError, match="step_below_1"):
        contracts.validate_table(straight.with_columns(pl.lit(0, pl.Int32).alias("step")), table)
