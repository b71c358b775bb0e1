"""Rows finer than a period: added up where they are regular, and nothing is lost or invented without a word."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from forecasting.config import Columns
from forecasting.data import contracts, sources
from forecasting.errors import UserError

START = datetime(2024, 1, 1)
HOURS = [START + timedelta(hours=i) for i in range(24 * 40)]
DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(200)]
FIRSTS = [date(2010 + i // 12, i % 12 + 1, 1) for i in range(120)]


def csv(rows, header="ds,y"):
    return "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"


def load(config):
    raw = sources.load(config)
    checked = contracts.check_load(raw, config)
    return checked.good.sort("unique_id", "ds"), checked.account, [r["message"] for r in checked.account["remarks"]]


def test_hours_become_days(table_config):
    rows = [(f"{t:%d/%m/%Y %H:%M}", t.hour + t.day) for t in HOURS]
    good, account, told = load(table_config(csv(rows)))
    assert good["y"].to_list() == [sum(range(24)) + 24 * d.day for d in DAYS[:40]]
    assert (account["lines"], account["aggregated"]) == (960, 960)
    assert told == [
        "there is a row per time of day: 960 rows were added up to 40, one per series and day "
        "(a day begins at 00:00, source.day_starts)"
    ]


def test_typed_hours_become_days(make_config, tmp_path):
    table = pl.DataFrame({"ds": HOURS, "y": [1.0] * len(HOURS)})
    for zone in (None, "Europe/Berlin"):
        local = table.with_columns(pl.col("ds").dt.replace_time_zone(zone))
        local.write_parquet(tmp_path / "s.parquet")
        good, _, _ = load(make_config(source={"path": str(tmp_path / "s.parquet")}))
        assert good["y"].to_list() == [24.0] * 40


def test_a_day_that_starts_at_four(table_config, make_config, tmp_path):
    """A bar sells from 18:00 to 3:00; the nights count to the day on which they began."""
    nights = [START + timedelta(days=d, hours=h) for d in range(30) for h in range(18, 28)]
    file = tmp_path / "bar.csv"
    file.write_text(csv((t, t.hour) for t in nights))
    good, account, _ = load(make_config(source={"path": str(file), "day_starts": "04:00"}))
    assert good["ds"].to_list() == DAYS[:30]
    assert good["y"].to_list() == [18 + 19 + 20 + 21 + 22 + 23 + 0 + 1 + 2 + 3] * 30
    assert account["aggregated"] == 300


@pytest.mark.parametrize("starts", ["4", "24:00", "4 am"])
def test_a_start_of_the_day_is_a_time(starts, make_config):
    with pytest.raises(UserError, match=r"source\.day_starts"):
        make_config(source={"path": "s.csv", "day_starts": starts})


def test_drivers_by_their_roles(table_config):
    rows = [
        (t, 1, 2.0 + (t.hour >= 12), int(t.hour == 3), 3, 50 - t.hour, "hot" if t.hour > 20 else "mild", t.hour / 2)
        for t in HOURS
    ]
    columns = {
        "known_ahead": ["price", "promo", "weather", "warmth"],
        "known_after": ["visitors", "stock"],
        "price": "price",
        "promo": "promo",
        "stock": "stock",
    }
    text = csv(rows, "ds,y,price,promo,visitors,stock,weather,warmth")
    config = table_config(text, columns={"ds": "ds", "y": "y"})
    good, _, (told,) = load(config.model_copy(update={"columns": Columns(**columns)}))
    day = good.select("y", "price", "promo", "visitors", "stock", "weather", "warmth").row(0)
    assert day == (24.0, 2.5, 1, 72, 27.0, "hot", 5.75)
    assert told.endswith("; visitors: sum; price, warmth: mean; promo: highest value; weather, stock: last value")


@pytest.mark.parametrize(
    ("freq", "days", "periods", "left"),
    [
        ("1w", DAYS[:196], [7.0] * 28, 0),
        ("1w", DAYS, [7.0] * 28, 4),
        ("1w", [d for d in DAYS[:196] if d.weekday() < 5], [5.0] * 28, 0),
        ("1mo", DAYS[:182], [31.0, 29.0, 31.0, 30.0, 31.0, 30.0], 0),
        ("1mo", DAYS[3:190], [29.0, 31.0, 30.0, 31.0, 30.0], 28 + 8),
        ("1q", FIRSTS, [3.0] * 40, 0),
        ("1q", FIRSTS[1:], [3.0] * 39, 2),
        ("1y", FIRSTS[:119], [12.0] * 9, 11),
        ("1y", [d for d in FIRSTS if d.month in (1, 4, 7, 10)], [4.0] * 10, 0),
        ("1q", [date(2022, 1, 1) + timedelta(i) for i in range(365)], [90.0, 91.0, 92.0, 92.0], 0),
    ],
)
def test_days_and_months_become_longer_periods(freq, days, periods, left, table_config):
    good, account, told = load(table_config(csv((d, 1) for d in days), freq=freq))
    assert good["y"].to_list() == periods
    assert account["lines"] == len(days) == sum(periods) + left
    assert account["dropped"] == ({"unfinished_period": left} if left else {})
    assert any(f"rows with {left} in all ({left} rows) are left out" in message for message in told) == bool(left)


def test_hours_become_weeks(table_config):
    good, account, told = load(table_config(csv((t, 1) for t in HOURS[: 24 * 38]), freq="1w"))
    assert good["y"].to_list() == [168.0] * 5
    assert account["dropped"] == {"unfinished_period": 72}
    assert "the week of 2024-02-05: rows with 72 in all (72 rows)" in told[0]


def test_a_last_day_that_is_not_over_is_left_out_and_named(table_config):
    good, account, told = load(table_config(csv((t, 2) for t in HOURS[:-10])))
    assert good["y"].to_list() == [48.0] * 39
    assert account["dropped"] == {"unfinished_period": 14}
    assert "the day of 2024-02-09: rows with 28 in all (14 rows) are left out until they do" in told[0]


def test_short_days_of_a_shop_are_whole_days(table_config):
    open_hours = [t for t in HOURS if 8 <= t.hour < (14 if t.weekday() == 5 else 20) and t.weekday() < 6]
    good, _, told = load(table_config(csv((t, 1) for t in open_hours if t < datetime(2024, 2, 4))))
    assert good.filter(pl.col("ds").dt.weekday() == 6)["y"].unique().to_list() == [6.0]
    assert len(told) == 1


def test_a_day_with_missing_hours_is_named(table_config):
    good, _, told = load(table_config(csv((t, 1) for t in HOURS if t.date() != DAYS[5] or t.hour > 15)))
    assert good["y"][5] == 8.0
    assert "1 of 40 sums hold fewer rows than most, such as job in the day of 2024-01-06 (8 of 24 rows" in told[0]


def test_an_hour_twice_counts_once_and_a_contradicted_one_does_not(table_config):
    rows = [(t, 1) for t in HOURS]
    good, account, told = load(table_config(csv([*rows, *rows[:3], (HOURS[5], 7)])))
    assert good["y"].sum() == 960 - 1
    assert any("3 rows repeat an earlier row" in m and "sales of 3 are not counted" in m for m in told)
    assert account["dropped"] == {"repeat": 3}
    assert account["quarantined"] == 2


def test_series_are_kept_apart_and_one_that_began_later_is_whole(table_config):
    rows = [("a", t, 1) for t in HOURS] + [("b", t, 2) for t in HOURS[240:]]
    columns = {"unique_id": "shop", "ds": "ds", "y": "y"}
    good, _, _ = load(table_config(csv(rows, "shop,ds,y"), columns=columns))
    assert good.group_by("unique_id").agg(pl.col("y").sum(), pl.len()).sort("unique_id").rows() == [
        ("a", 960.0, 40),
        ("b", 1440.0, 30),
    ]


@pytest.mark.parametrize(
    ("freq", "moments"),
    [
        ("1d", [f"{t} {hour}:{minute:02}" for t in DAYS[:30] for hour, minute in ((9, 1), (9, 44), (17, 2))]),
        ("1mo", DAYS[::3]),
        ("1mo", DAYS[::7]),
        ("1q", DAYS[::7]),
    ],
)
def test_what_is_not_regular_is_refused_with_the_way_out(freq, moments, table_config):
    with pytest.raises(UserError, match=r"several_in_period .*is freq right\?.*source\.kind: transactions"):
        load(table_config(csv((m, 1) for m in moments), freq=freq))


def test_one_date_among_months_is_no_reason_to_add_up(table_config):
    rows = [(d, 1) for d in FIRSTS] + [("2015-03-17", 5)]
    config = table_config(csv(rows), freq="1mo", limits={"quarantined": 0.05})
    good, account, _ = load(config)
    assert (account["quarantined"], good.height) == (2, 119)


def test_files_of_a_landing_folder_are_not_added_up(make_config, tmp_path):
    """A later file replaces the rows of an earlier one: a day that two files tell of would be half of itself."""
    (tmp_path / "a.csv").write_text(csv((t, 1) for t in HOURS))
    config = make_config(source={"path": str(tmp_path / "*.csv"), "reads": "new_files"})
    with pytest.raises(UserError, match="several_in_period 960 times"):
        load(config)


# --- dates far from all others ---------------------------------------------------------------------------------------


def test_a_date_a_century_ago_is_left_out_and_named(table_config, tmp_path):
    text = csv([*((d, 1) for d in DAYS), ("1924-03-05", 12)])
    good, account, remarks = load(table_config(text))
    (told,) = (message for message in remarks if "is dated" in message)
    assert (good.height, account["quarantined"]) == (200, 1)
    assert told.startswith(f"{tmp_path / 'sales.csv'}, line 202: job is dated 1924-03-05, 99 years before all other")
    assert "left out (12 in all)" in told
    span = told[told.index("[") + 1 : told.index("]")].split(", ")
    kept, account, told = load(table_config(text, limits={"dates": span}))
    assert (kept["y"].sum(), account["quarantined"], told) == (212, 0, [])


def test_a_date_far_ahead_is_named_and_its_sales_are_set_aside(table_config):
    good, account, remarks = load(table_config(csv([*((d, 1) for d in DAYS), ("2092-03-05", 12)])))
    (told,) = (message for message in remarks if "is dated" in message)
    assert (good["y"].sum(), account["quarantined"]) == (200, 1)
    assert "job is dated 2092-03-05, 67 years after all other dates: sales in the future (12 in all)" in told


def test_one_sale_two_years_after_all_others_makes_no_years_of_gaps(table_config):
    """In the past, so that no rule on the future sees it: forecasts would begin two years late."""
    days = [date(2018, 1, 1) + timedelta(i) for i in range(120)]
    text = csv([*((d, 1) for d in days), ("2020-06-01", 12)])
    good, account, remarks = load(table_config(text))
    (told,) = (message for message in remarks if "is dated" in message)
    assert (good["ds"].max(), account["quarantined"]) == (days[-1], 1)
    assert "job is dated 2020-06-01, 2 years after all other dates: such rows are left out (12 in all)" in told
    span = told[told.index("[") + 1 : told.index("]")].split(", ")
    kept, account, told = load(table_config(text, limits={"dates": span}))
    assert (kept["y"].sum(), account["quarantined"], told) == (132, 0, [])


def test_a_sale_every_two_years_is_not_far_from_the_others(table_config):
    days = [date(1996, 1, 1) + timedelta(731 * i) for i in range(12)] + [date(2016, 2, 1)]
    good, _, told = load(table_config(csv((d, 1) for d in days), limits={}))
    assert (good.height, told) == (13, [])


def test_a_long_history_with_a_gap_is_no_mistake(table_config):
    days = [date(2015, 1, 1) + timedelta(i) for i in range(50)] + DAYS
    good, _, told = load(table_config(csv((d, 1) for d in days)))
    assert (good.height, told) == (250, [])
