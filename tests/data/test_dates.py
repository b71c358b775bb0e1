"""Dates as people write them: every way is read, given formats read what they mean, doubt is told with both sides."""

from datetime import date, datetime, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecasting.data import contracts, sources
from forecasting.data.sources.readers.dates import DateFormatError, minutes_of_day, read_dates
from forecasting.data.sources.readers.header import kind_of
from forecasting.errors import UserError
from forecasting.frequency import FREQS
from forecasting.remarks import remark_facts

DAYS = [date(2024, 1, 1) + timedelta(i) for i in range(60)]
WEEKS = [date(2023, 1, 2) + timedelta(7 * i) for i in range(60)]
MONTHS = [date(2019 + i // 12, i % 12 + 1, 1) for i in range(48)]
QUARTERS = [date(2010 + i // 4, i % 4 * 3 + 1, 1) for i in range(40)]
YEARS = [date(1990 + i, 1, 1) for i in range(30)]
DATES = {"1d": DAYS, "1w": WEEKS, "1mo": MONTHS, "1q": QUARTERS, "1y": YEARS}
MONTH_NAMES = {
    "English": "January February March April May June July August September October November December",
    "German": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "French": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "Spanish": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "Italian": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "Dutch": "januari februari maart april mei juni juli augustus september oktober november december",
    "Portuguese": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
EPOCH, EXCEL = date(1970, 1, 1), date(1899, 12, 30)

WRITTEN = {
    "1d": [
        "{d}",
        "{d}T00:00:00Z",
        "{d} 00:00:00.000000000",
        " {d} ",
        "{d:%Y/%m/%d}",
        "{d.month}/{d.day}/{d.year}",
        "{d.month}/{d.day}/{d.year} 12:00:00 AM",
        "{d:%m/%d/%y}",
        "{d:%d-%m-%Y}",
        "{d:%d/%m/%Y} 9h30",
        "{d:%m/%d/%Y} 3 PM",
        "{d.day}.{d.month}.{d.year}",
        "{d:%d.%m.%y}",
        "{d:%y-%m-%d}",
        "{d:%Y%m%d}",
        "{d:%Y%m%d}.0",
        "{d:%Y%m%d}120500",
        "{d:%d%m%Y}",
        "{d:%y%m%d}",
        "{d:%b %d, %Y}",
        "{d:%d-%b-%y}",
        "{d:%Y-%b-%d}",
        "{d:%A, %d %B %Y}",
        "{d:%a %d/%m/%Y}",
        "{iso[0]}-W{iso[1]:02}-{iso[2]}",
        "{iso[0]}W{iso[1]:02}{iso[2]}",
        "{excel}",
        "{excel}.0",
        "{excel}.75",
        "{unix}",
        "{unix}000",
    ],
    "1w": [
        "{iso[0]}-W{iso[1]:02}",
        "{iso[0]}W{iso[1]:02}",
        "{iso[0]}-{iso[1]:02}",
        "{iso[0]}{iso[1]:02}",
        "{iso[1]}/{iso[0]}",
        "KW {iso[1]} {iso[0]}",
        "KW{iso[1]:02}/{short}",
        "Week {iso[1]}, {iso[0]}",
        "{iso[0]} KW {iso[1]}",
        "S{iso[1]:02}-{iso[0]}",
        "{d:%d/%m/%Y}",
    ],
    "1mo": [
        "{d:%Y-%m}",
        "{d:%Y%m}",
        "{d:%m/%Y}",
        "{d:%m/%y}",
        "{d:%b %Y}",
        "{d:%b-%y}",
        "{d:%Y %B}",
        "{d:%d/%m/%Y}",
        "{d:%m/%d/%Y} 00:00",
        "{d:%d/%m/%y}",
        "{excel}",
    ],
    "1q": [
        "{d.year}-Q{q}",
        "{d.year}Q{q}",
        "Q{q} {d.year}",
        "{q}Q{d:%y}",
        "T{q}-{d.year}",
        "{q}. Quartal {d.year}",
        "Q{q}/{d:%y}",
        "{d:%m/%d/%Y}",
    ],
    "1y": ["{d.year}", "{d.year}.0", "{d:%d/%m/%Y}"],
}


def written(day: date, way: str) -> str:
    iso = day.isocalendar()
    more = {"iso": iso, "short": f"{iso[0] % 100:02}", "q": (day.month + 2) // 3}
    return way.format(d=day, excel=(day - EXCEL).days, unix=(day - EPOCH).days * 86400, **more)


def cells(texts, name="when"):
    return pl.Series(name, texts)


@pytest.mark.parametrize(("freq", "way"), [(freq, way) for freq, ways in WRITTEN.items() for way in ways])
def test_every_way_is_read_and_so_is_the_format_that_is_concluded(freq, way):
    text = cells([written(day, way) for day in DATES[freq]])
    reading = read_dates(text, None, FREQS[freq])
    assert reading.dates.to_list() == DATES[freq]
    for found in reading.ways:
        assert read_dates(text, found.format).dates.to_list() == DATES[freq]
    assert len(reading.ways) <= 1


@pytest.mark.parametrize("language", MONTH_NAMES)
@pytest.mark.parametrize("ds_format", [None, "%d %B %Y"])
def test_names_of_months(language, ds_format):
    names = MONTH_NAMES[language].split()
    for name in (lambda m: names[m - 1], lambda m: names[m - 1].upper()):
        text = cells([f"{d.day}. {name(d.month)} {d.year}" for d in MONTHS])
        assert read_dates(text, ds_format).dates.to_list() == MONTHS
        monthly = cells([f"{name(d.month)} {d.year}" for d in MONTHS])
        assert read_dates(monthly, "%B %Y" if ds_format else None).dates.to_list() == MONTHS


def test_filling_words_and_weekdays():
    text = cells(
        ["Lunes, 1 de enero de 2024", "mar. 2 janv. 2024", "3rd of January 2024", "jeudi 25/01/2024", "Fr 05.01.24"]
    )
    assert [d.day for d in read_dates(text, None).dates] == [1, 2, 3, 25, 5]


def test_two_separators_in_one_order():
    text = cells([f"{d:%d/%m/%Y}" if d.day % 2 else f"{d:%d-%m-%Y}" for d in DAYS])
    assert read_dates(text, None).dates.to_list() == DAYS
    assert read_dates(text, "%d/%m/%Y").dates.to_list() == DAYS


@pytest.mark.parametrize(
    ("ds_format", "cell", "day"),
    [
        ("%d/%m/%Y", "01/03/2020 00:00", date(2020, 3, 1)),
        ("%m/%d/%Y", "01/03/2020 00:00", date(2020, 1, 3)),
        ("%d/%m/%Y %H:%M", "01/03/2020", date(2020, 3, 1)),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-01-31T23:30:00+02:00", date(2024, 1, 31)),
        ("%G-W%V-%u", "2024-W07-1", date(2024, 2, 12)),
        ("%G-W%V", "2024-W07", date(2024, 2, 12)),
        ("%G%V", "202407", date(2024, 2, 12)),
        ("%Y-W%W-%w", "2024-W07-1", date(2024, 2, 12)),
        ("%Y %W %a", "2024 07 Mon", date(2024, 2, 12)),
        ("%G-W%V-%a", "2024-W07-Mon", date(2024, 2, 12)),
        ("%Y-%j", "2024-043", date(2024, 2, 12)),
        ("%Y-Q%q", "2024-Q2", date(2024, 4, 1)),
        ("%b %Y", "März 2024", date(2024, 3, 1)),
        ("%A, %d. %B %Y", "Montag, 12. Februar 2024", date(2024, 2, 12)),
        ("excel", "45334", date(2024, 2, 12)),
        ("unix", "1707696000", date(2024, 2, 12)),
        ("%d.%m.%Y", "2024-02-12", None),
        ("%d/%m/%Y", "02/30/2024", None),
        ("%G-W%V", "2023-W53", None),
    ],
)
def test_a_given_format_reads_what_it_means(ds_format, cell, day):
    assert read_dates(cells([cell]), ds_format).dates.to_list() == [day]


@pytest.mark.parametrize(
    ("text", "freq"),
    [
        ([f"{m}/{m + 1}/2024" for m in range(1, 12)], "1d"),
        ([f"{m}/{m + 1}/24 00:00" for m in range(1, 12)], "1d"),
        (["01/03/2024", "01/04/2024"], "1q"),
        (["01022024", "03042024"], "1d"),
    ],
)
def test_doubt_is_told_with_both_readings_and_each_suggestion_works(text, freq):
    with pytest.raises(DateFormatError) as doubt:
        read_dates(cells(text), None, FREQS[freq])
    error = doubt.value
    assert len(error.readings) == 2
    for ds_format, day in error.readings:
        dates = read_dates(cells(text), ds_format).dates
        assert dates.null_count() == 0
        assert dates[text.index(error.example)] == day


def test_the_frequency_decides_a_doubt():
    def ways(days, freq):
        reading = read_dates(cells([f"{d:%d/%m/%Y}" for d in days]), None, FREQS[freq])
        assert reading.dates.to_list() == days
        return reading.ways[0].rivals

    assert ways(MONTHS, "1mo")[0][0] == "%m/%d/%Y"
    assert ways([date(2024, m, 1) for m in range(1, 13)], "1mo")
    days_as_months = cells([f"{d:%m/%d/%Y}" for d in DAYS[:12]])
    assert read_dates(days_as_months, None, FREQS["1d"]).dates.to_list() == DAYS[:12]
    with pytest.raises(DateFormatError):
        read_dates(days_as_months, None)  # without a rhythm, as events are, nothing decides
    weeks = [date(2024, 1, 2) + timedelta(7 * i) for i in range(60)]
    weeks = [d for d in weeks if d.day <= 12]
    assert ways(weeks, "1w")


def test_a_number_of_a_month_is_a_week_where_periods_are_weeks():
    text = cells([f"2024{n:02}" for n in range(1, 13)])
    assert read_dates(text, None, FREQS["1w"]).dates.to_list() == [
        date.fromisocalendar(2024, n, 1) for n in range(1, 13)
    ]
    assert read_dates(text, None, FREQS["1mo"]).dates.to_list() == [date(2024, n, 1) for n in range(1, 13)]


def test_what_is_known_of_earlier_cells_decides_and_is_not_contradicted():
    text = cells([f"{m}/{m + 1}/2024" for m in range(1, 12)])
    assert read_dates(text, None, None, "%m/%d/%Y").dates[0] == date(2024, 1, 2)
    assert read_dates(text, None, None, "%d/%m/%Y").dates[0] == date(2024, 2, 1)
    with pytest.raises(DateFormatError) as error:
        read_dates(cells(["1/31/2024", "2/1/2024"]), None, None, "%d/%m/%Y")
    assert (error.value.known, error.value.readings) == ("%d/%m/%Y", (("%m/%d/%Y", date(2024, 1, 31)),))


def test_few_cells_in_doubt_do_not_stop_the_others():
    text = cells([*map(str, DAYS), "3/4/2024"])
    assert read_dates(text, None).dates.to_list() == [*DAYS, None]


@pytest.mark.parametrize(
    ("cell", "minutes"),
    [
        ("2024-01-01 04:30", 270),
        ("1/1/2024 9:05 PM", 1265),
        ("1/1/2024 12:05 AM", 5),
        ("01.01.24 7 Uhr", 420),
        ("2024-01-01T23:59:59+02:00", 1439),
        ("2024-01-01", 0),
        ("1 PM", 0),
        ("1/1/2024 3pm", 900),
    ],
)
def test_the_time_of_day(cell, minutes):
    assert minutes_of_day(cells([cell])).to_list() == [minutes]


@pytest.mark.parametrize("cell", ["2024-01-31", "31.01.2024", "Jan 2024", "2024-01", "20240131", "1/31/2024"])
def test_cells_of_a_header_that_are_dates(cell):
    assert kind_of(cell) == "date"


@pytest.mark.parametrize("cell", ["date", "Week", "sales 2024", "march", "45292", "2024", "", "x1"])
def test_cells_of_a_header_that_are_names(cell):
    assert kind_of(cell) != "date"


# --- as a source -----------------------------------------------------------------------------------------------------


def csv(days, header="ds,y"):
    return header + "\n" + "".join(f"{day},{i + 1}\n" for i, day in enumerate(days))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "UTC", "Asia/Tokyo", None])
def test_typed_times_are_those_on_the_clock_of_their_zone(zone, make_config, tmp_path):
    local = [datetime(d.year, d.month, d.day) for d in DAYS]
    times = pl.Series("ds", local).dt.replace_time_zone(zone)
    pq.write_table(pl.DataFrame([times, pl.Series("y", range(60))]).to_arrow(), tmp_path / "s.parquet")
    config = make_config(source={"path": str(tmp_path / "s.parquet")})
    assert sources.load(config).long["ds"].to_list() == DAYS


@pytest.mark.parametrize("kind", [pa.int64(), pa.int32(), pa.float64()])
@pytest.mark.parametrize("number", [lambda d: int(f"{d:%Y%m%d}"), lambda d: (d - EXCEL).days])
def test_typed_numbers_are_dates(kind, number, make_config, tmp_path):
    table = pa.table({"ds": pa.array([number(d) for d in DAYS]).cast(kind), "y": list(range(60))})
    pq.write_table(table, tmp_path / "s.parquet")
    loaded = sources.load(make_config(source={"path": str(tmp_path / "s.parquet")}))
    assert loaded.long["ds"].to_list() == DAYS


@pytest.mark.parametrize(
    ("freq", "header", "rows", "dates"),
    [
        ("1w", "year,week", [d.isocalendar()[:2] for d in WEEKS], WEEKS),
        ("1w", "Jahr,KW", [d.isocalendar()[:2] for d in WEEKS], WEEKS),
        ("1w", "p,q", [(d.isocalendar()[1], d.isocalendar()[0]) for d in WEEKS], WEEKS),
        ("1mo", "year,month", [(d.year, d.month) for d in MONTHS], MONTHS),
        ("1mo", "p,q", [(d.year, d.month) for d in MONTHS], MONTHS),
        ("1mo", "year,name", [(d.year, f"{d:%B}") for d in MONTHS], MONTHS),
        ("1q", "year,quarter", [(d.year, f"Q{(d.month + 2) // 3}") for d in QUARTERS], QUARTERS),
        ("1d", "date,time", [(f"{d:%d/%m/%Y}", "08:00") for d in DAYS], DAYS),
        ("1d", "date,hour", [(d, 8) for d in DAYS], DAYS),
    ],
)
def test_dates_in_two_columns(freq, header, rows, dates, table_config):
    columns = {"ds": header.split(","), "y": "y"}
    text = f"{header},y\n" + "".join(f"{a},{b},1\n" for a, b in rows)
    assert sources.load(table_config(text, columns=columns, freq=freq)).long["ds"].to_list() == dates


def test_year_month_and_day_in_three_columns(table_config):
    text = "d,m,year,y\n" + "".join(f"{d.day},{d.month},{d.year},1\n" for d in DAYS)
    with pytest.raises(UserError, match=r"source\.columns\.ds: it is not clear what the columns d, m, year hold"):
        sources.load(table_config(text, columns={"ds": ["d", "m", "year"], "y": "y"}))
    named = sources.load(
        table_config(text.replace("d,m", "day,month"), columns={"ds": ["day", "month", "year"], "y": "y"})
    )
    assert named.long["ds"].to_list() == DAYS


def test_two_columns_that_can_be_weeks_or_months_are_refused(table_config):
    text = "a,b,y\n" + "".join(f"2024,{n},1\n" for n in range(1, 13))
    with pytest.raises(UserError, match=r"source\.columns\.ds: it is not clear .*a year and a week, month or quarter"):
        sources.load(table_config(text, columns={"ds": ["a", "b"], "y": "y"}))


def test_what_is_not_plain_is_said(table_config):
    def told(text, **keys):
        remarks = remark_facts(sources.load(table_config(text, **keys)).remarks)
        return [(remark["check"], remark["harm"], remark["message"]) for remark in remarks]

    assert told(csv(DAYS)) == []
    assert told(csv(f"{d:%d.%m.%Y}" for d in DAYS)) == []
    ((_, harm, message),) = told(csv((d - EXCEL).days for d in DAYS))
    assert harm == "none"
    assert message.startswith("numbers like '45292' in the column 'ds' are read as days that a spreadsheet counts")
    ((_, harm, message),) = told(csv(f"{d:%d/%m/%Y} 00:00" for d in MONTHS), freq="1mo")
    assert harm == "none"
    assert "which fits freq: 1mo, and not as" in message
    assert "(source.ds_format: '%m/%d/%Y')" in message
    ((_, harm, message),) = told(csv([*(f"{d:%d.%m.%Y}" for d in DAYS[:20]), *DAYS[20:]]))
    assert harm == "numbers"
    assert "written in 2 ways: 40 like '2024-01-21' (2024-01-21), 20 like '01.01.2024' (2024-01-01)" in message


def test_the_order_that_one_load_has_found_reads_the_next(table_config):
    first = sources.load(table_config(csv(f"{d:%d/%m/%Y}" for d in DAYS)))
    assert list(first.formats["source"].values()) == ["%d/%m/%Y"]
    next_days = csv(["01/03/2024", "02/03/2024"])
    config = table_config(next_days).with_stored_formats(first.formats)
    assert sources.load(config).long["ds"].to_list() == [date(2024, 3, 1), date(2024, 3, 2)]
    config = table_config(csv(["03/15/2024"])).with_stored_formats(first.formats)
    with pytest.raises(
        UserError, match=r"read by '%d/%m/%Y' in earlier loads, and '03/15/2024' can only be '%m/%d/%Y'"
    ):
        sources.load(config)


def test_years_alone_say_what_is_missing(table_config):
    with pytest.raises(UserError, match=r"it holds '2000'\): name all columns .*source\.columns\.ds: \[year, month\]"):
        sources.load(table_config(csv(range(2000, 2020)), freq="1mo"))


@pytest.mark.parametrize("typed", [True, False])
def test_midnights_in_utc_are_named_and_read_on_the_clock_of_the_shop(typed, make_config, tmp_path):
    """A program has written the midnights of Berlin in UTC: 23:00 in winter, 22:00 in summer, of the day before."""
    local = pl.Series("ds", [datetime(2024, 3, 1) + timedelta(i) for i in range(60)])
    times = local.dt.replace_time_zone("Europe/Berlin").dt.convert_time_zone("UTC")
    times = times if typed else times.dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    file = tmp_path / "s.parquet"
    pl.DataFrame([times, pl.Series("y", range(60))]).write_parquet(file)
    raw = sources.load(make_config(source={"path": str(file)}))
    (told,) = remark_facts(raw.remarks)
    assert told["message"].startswith("all times in the column 'ds' are 22:00 or 23:00 in UTC")
    raw = sources.load(make_config(source={"path": str(file), "time_zone": "Europe/Berlin"}))
    assert (raw.long["ds"].to_list(), raw.remarks) == (local.dt.date().to_list(), ())


def test_a_time_zone_is_one_that_exists(make_config):
    with pytest.raises(UserError, match=r"source\.time_zone: 'Berlin' is no time zone"):
        make_config(source={"path": "s.csv", "time_zone": "Berlin"})


def test_receipts_with_the_time_in_a_column_of_its_own(make_config, tmp_path):
    file = tmp_path / "r.csv"
    lines = [f"{d:%d/%m/%Y},{hour:02}:15,tea,1" for d in DAYS for hour in (1, 9, 17)]
    file.write_text("date,time,item,n\n" + "\n".join(lines) + "\n")
    columns = {"unique_id": "item", "ds": ["date", "time"], "y": "n"}
    source = {"kind": "transactions", "path": str(file), "columns": columns, "day_starts": "04:00"}
    sold = dict(sources.load(make_config(source=source)).long.select("ds", "y").iter_rows())
    assert sold == {DAYS[0] - timedelta(1): 1.0, **dict.fromkeys(DAYS[:-1], 3.0), DAYS[-1]: 2.0}


# --- weeks that a year does not have ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}-W{:02}", "{}{:02}", "{}-{:02}", "KW {1:02}/{0}", "Week {1}, {0}"])
def test_a_week_53_of_a_year_with_52_is_named_as_such(table_config, form):
    """2020 has 53 ISO weeks, 2023 has 52."""
    weeks = [date(2019, 12, 30) + timedelta(7 * i) for i in range(208)]
    cells = [form.format(*d.isocalendar()[:2]) for d in weeks]
    rows = [f'"{cell}",1' for cell in (*cells, form.format(2023, 53))]
    config = table_config("week,y\n" + "\n".join(rows) + "\n", columns={"ds": "week", "y": "y"}, freq="1w")
    raw = sources.load(config)
    assert raw.long["ds"].to_list() == [*weeks, None]
    assert raw.long["fault"].to_list() == [None] * 208 + ["missing_week"]
    strict = config.model_copy(update={"limits": config.limits.model_copy(update={"quarantined": 0.0})})
    with pytest.raises(UserError, match=r"missing_week 1 times, .*line 210: week=.*\(this year has 52 ISO weeks") as e:
        contracts.check_load(raw, strict)
    assert "ds_format" not in str(e.value)


@pytest.mark.parametrize(
    ("ds_format", "freq", "cells", "bad", "fault"),
    [
        ("%G-W%V", "1w", ["2023-W52"], "2023-W53", "missing_week"),
        ("%G-W%V", "1w", ["2023-W52"], "2023-W54", "date_format"),
        ("%G-W%V-%u", "1d", ["2023-W52-1"], "2023-W53-2", "missing_week"),
        (None, "1d", ["2023-W52-1", "2023-W52-2"], "2023-W53-2", "missing_week"),
        (None, "1mo", ["2023-11", "2023-12"], "2023-53", "date_format"),
        ("%Y-%m-%d", "1w", ["2023-12-25"], "2023-W53", "date_format"),
    ],
)
def test_other_cells_that_are_no_date_are_no_weeks(table_config, ds_format, freq, cells, bad, fault):
    text = "\n".join(["ds,y", *(f"{cell},1" for cell in (*cells, bad))]) + "\n"
    assert sources.load(table_config(text, ds_format=ds_format, freq=freq)).long["fault"].to_list()[-1] == fault
