"""Invoice lines: small ones counted by hand, real ones by a reader of another library."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecasting.config import load as load_config
from forecasting.data import contracts, sources
from forecasting.errors import UserError

HEADER = "invoice,item,when,units,price,customer\n"
COLUMNS = {"unique_id": "item", "ds": "when", "y": "units"}
AFTER = {"known_after": ["unit_price", "revenue", "returned", "invoices", "lines"]}
ALL = {"invoice": "invoice", "price": "price"}


@pytest.fixture
def receipts(tmp_path, make_config):
    """The config of lines below HEADER, with the options given."""

    def make(lines, options=ALL, columns=AFTER, ds_format=None, **keys):
        file = tmp_path / "lines.csv"
        file.write_text(HEADER + lines)
        source = {"kind": "transactions", "path": str(file), "columns": COLUMNS, "options": options}
        clean = keys.pop("clean", {"below": "zero"})
        return make_config(source=source | {"ds_format": ds_format}, columns=columns, clean=clean, **keys)

    return make


def rows(config, *columns):
    long = sources.load(config).long
    return sorted(long.select("unique_id", pl.col("ds").cast(pl.String), "y", *columns).rows())


LINES = """\
1,apple,2024-05-01 09:00,3,2.00,a
1,apple,2024-05-01 09:00,3,2.00,a
2,apple,2024-05-01 17:30,2,1.00,b
C3,apple,2024-05-02 08:00,-4,2.00,a
4,pear,2024-05-01 08:00,1,5.00,a
5,pear,2024-05-03 08:00,2,,b
"""


def test_lines_are_added_up_by_day_with_price_and_revenue(receipts):
    got = rows(receipts(LINES), "unit_price", "revenue", "returned", "invoices", "lines")
    assert got == [
        ("apple", "2024-05-01", 8.0, 14 / 8, 14.0, 0.0, 2, 3),
        ("apple", "2024-05-02", -4.0, None, -8.0, 4.0, 1, 1),
        ("pear", "2024-05-01", 1.0, 5.0, 5.0, 0.0, 1, 1),
        ("pear", "2024-05-03", 2.0, None, 0.0, 0.0, 1, 1),
    ]


@pytest.mark.parametrize(
    ("options", "apple", "dropped"),
    [
        ({"returns": "net"}, {"2024-05-01": 8, "2024-05-02": -4}, {}),
        ({"returns": "separate"}, {"2024-05-01": 8, "2024-05-02": 0}, {}),
        ({"returns": "drop"}, {"2024-05-01": 8}, {"return": 1}),
        ({"cancelled": "C"}, {"2024-05-01": 8, "2024-05-02": -4}, {}),
        ({"cancelled": "C", "cancellations": "drop"}, {"2024-05-01": 8}, {"cancelled": 1}),
        ({"repeats": "drop"}, {"2024-05-01": 5, "2024-05-02": -4}, {"repeat": 1}),
        ({"no_goods": ["p.*r"]}, {"2024-05-01": 8, "2024-05-02": -4}, {"no_goods": 2}),
        ({"no_goods": ["p", "ear"]}, {"2024-05-01": 8, "2024-05-02": -4}, {}),
        ({"min_lines": 3}, {"2024-05-01": 8, "2024-05-02": -4}, {"rare_item": 2}),
    ],
)
def test_options_choose_which_lines_count(receipts, options, apple, dropped):
    config = receipts(LINES, ALL | options)
    loaded = sources.load(config)
    got = {str(ds): y for item, ds, y in loaded.long.select("unique_id", "ds", "y").rows() if item == "apple"}
    assert got == apple
    assert loaded.dropped == dropped
    account = contracts.check_load(loaded, config).account
    assert account["lines"] == 6 == account["aggregated"] + sum(dropped.values())


def test_a_credit_note_in_positive_numbers_is_subtracted(receipts):
    lines = "1,a,2024-05-01,5,1,x\nC2,a,2024-05-01,2,1,x\n"
    assert rows(receipts(lines, ALL | {"cancelled": "C"}), "returned") == [("a", "2024-05-01", 3.0, 2.0)]


def test_free_lines_lower_the_mean_price_or_are_dropped(receipts):
    lines = "1,a,2024-05-01,5,2,x\n2,a,2024-05-01,5,0,x\n"
    assert rows(receipts(lines), "unit_price") == [("a", "2024-05-01", 10.0, 1.0)]
    config = receipts(lines, ALL | {"free": "drop"})
    assert rows(config, "unit_price") == [("a", "2024-05-01", 5.0, 2.0)]
    assert sources.load(config).dropped == {"free": 1}


def test_spelling_of_codes(receipts):
    lines = "1,85a,2024-05-01,5,2,x\n2,85A,2024-05-01,1,2,x\n"
    assert len(rows(receipts(lines))) == 2
    assert rows(receipts(lines, {"case": "upper"}, columns={})) == [("85A", "2024-05-01", 6.0)]


def test_numbers_of_invoices_are_names(receipts):
    """Nearly all look like numbers, and those of credit notes do not: they are no bad cells."""
    lines = "".join(f"{i},a,2024-05-01,1,1,x\n" for i in range(50)) + "C9,a,2024-05-01,-2,1,x\n"
    assert rows(receipts(lines), "invoices") == [("a", "2024-05-01", 48.0, 51)]


def test_static_columns_hold_the_most_frequent_value(receipts):
    lines = "1,a,2024-05-01,1,1,x\n2,a,2024-05-02,1,1,y\n3,a,2024-05-03,1,1,y\n4,b,2024-05-03,1,1,\n"
    config = receipts(lines, columns={"static": ["customer"]})
    assert rows(config, "customer") == [
        ("a", "2024-05-01", 1.0, "y"),
        ("a", "2024-05-02", 1.0, "y"),
        ("a", "2024-05-03", 1.0, "y"),
        ("b", "2024-05-03", 1.0, None),
    ]


# --- Bad lines -------------------------------------------------------------------------------------------------------

BAD = """\
1,apple,2024-05-01,3,2.00,a
2,,2024-05-01,3,2.00,a
3,apple,31.31.2024,3,2.00,a
4,apple,2024-05-01,many,2.00,a
5,apple,2024-05-01,,2.00,a
6,apple,2024-05-01,3,-2.00,a
7,apple,1024-05-01,3,2.00,a
8,apple,2024-05-01,3
9,apple,2024-05-01,inf,2.00,a
10,apple,,1,2.00,a

11,apple,2024-05-01,4,2.00,a
"""


def test_only_the_bad_line_is_quarantined(receipts):
    config = receipts(BAD, limits={"quarantined": 0.9})
    checked = contracts.check_load(sources.load(config), config)
    assert checked.good.select("unique_id", "y").rows() == [("apple", 7.0)]
    raw = (HEADER + BAD).splitlines()
    assert {line: (rule, row) for line, rule, row in checked.quarantine.select("line", "rule", "row").rows()} == {
        3: ("missing_key", raw[2]),
        4: ("date_format", raw[3]),
        5: ("number", raw[4]),
        6: ("missing_quantity", raw[5]),
        7: ("negative_price", raw[6]),
        8: ("implausible_date", raw[7]),
        9: ("cells", raw[8]),
        10: ("non_finite", raw[9]),
        11: ("missing_key", raw[10]),
    }
    account = checked.account
    assert (account["lines"], account["aggregated"], account["quarantined"]) == (12, 2, 9)
    assert account["dropped"] == {"empty_line": 1}


def test_a_negative_period_sends_each_of_its_lines_to_quarantine(receipts):
    lines = "1,a,2024-05-01,1,1,x\n2,a,2024-05-01,-3,1,x\n3,a,2024-05-02,4,1,x\n"
    config = receipts(lines, clean={"below": "quarantine"}, limits={"quarantined": 0.9})
    checked = contracts.check_load(sources.load(config), config)
    assert checked.good["y"].to_list() == [4.0]
    assert checked.quarantine.select("line", "rule", "value").sort("line").rows() == [
        (2, "below_y_min", "y=-2.0 in all"),
        (3, "below_y_min", "y=-2.0 in all"),
    ]
    assert (checked.account["aggregated"], checked.account["quarantined"]) == (1, 2)


def test_the_share_of_bad_lines_counts_lines_not_rows(receipts):
    """200 lines make one row: two bad lines are one in a hundred, not two in three."""
    lines = "".join(f"{i},a,2024-05-01,1,1,x\n" for i in range(198)) + "x,a,2024-05-01,?,1,x\nx,a,nothing,1,1,x\n"
    config = receipts(lines, limits={"quarantined": 0.01})
    assert contracts.check_load(sources.load(config), config).account["quarantined"] == 2


# --- Periods ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("week", "weekday"), [("monday", 0), ("thursday", 3), ("sunday", 6)])
def test_weeks_begin_on_the_configured_weekday(receipts, week, weekday):
    days = [date(2024, 4, 1) + timedelta(i) for i in range(35)]
    lines = "".join(f"{i},a,{d},1,1,x\n" for i, d in enumerate(days))
    got = sources.load(receipts(lines, ALL | {"week": week}, freq="1w")).long
    assert set(got["ds"].dt.weekday()) == {weekday + 1}
    first = {d - timedelta((d.weekday() - weekday) % 7) for d in days}
    assert dict(got.select("ds", "y").rows()) == {f: sum(f <= d < f + timedelta(7) for d in days) for f in first}


def test_months_begin_on_their_first_day(receipts):
    lines = "1,a,2024-01-31,1,1,x\n2,a,2024-02-01,2,1,x\n3,a,2024-02-29,4,1,x\n"
    assert rows(receipts(lines, freq="1mo")) == [("a", "2024-01-01", 1.0), ("a", "2024-02-01", 6.0)]


def test_the_first_and_last_weeks_are_partial_when_they_miss_a_trading_day(receipts):
    """Lines from Wednesday 3 to Saturday 27 April, never on a Sunday: the first week lacks two days, the last none."""
    days = [d for i in range(25) if (d := date(2024, 4, 3) + timedelta(i)).weekday() != 6]
    lines = "".join(f"{i},a,{d},1,1,x\n" for i, d in enumerate(days))
    config = receipts(lines, ALL | {"partial": "drop"}, freq="1w")
    assert rows(config) == [("a", "2024-04-08", 6.0), ("a", "2024-04-15", 6.0), ("a", "2024-04-22", 6.0)]
    assert sources.load(config).dropped == {"partial_period": 4}
    monthly = receipts(lines, ALL | {"partial": "drop"}, freq="1mo")
    assert sources.load(monthly).dropped == {"partial_period": len(days)}


# --- Time zones ------------------------------------------------------------------------------------------------------

TIMES = """\
1,a,2024-01-15T23:30:00Z,1,1,x
2,a,2024-01-15T23:30:00+02:00,2,1,x
3,a,2024-07-15 23:30:00-0100,4,1,x
4,a,2024-01-15 23:30:00,8,1,x
5,a,2024-01-16,16,1,x
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # Madrid is an hour ahead of UTC in winter, two in summer; naive times are local ones.
        ({"time_zone": "Europe/Madrid"}, {"2024-01-16": 1 + 16, "2024-01-15": 2 + 8, "2024-07-16": 4}),
        (
            {"time_zone": "Europe/Madrid", "stored_in": "UTC"},
            {"2024-01-16": 1 + 8 + 16, "2024-01-15": 2, "2024-07-16": 4},
        ),
        (
            {"time_zone": "America/Lima", "stored_in": "UTC"},
            {"2024-01-15": 1 + 2 + 8, "2024-01-16": 16, "2024-07-15": 4},
        ),
    ],
)
def test_days_are_those_of_the_time_zone(receipts, options, expected):
    got = rows(receipts(TIMES, ALL | options))
    assert {ds: y for _, ds, y in got} == expected


def test_a_format_with_an_offset_and_one_without(receipts):
    lines = "1,a,15/01/24 23:30 +0000,1,1,x\n2,a,15/01/24 22:30 +0000,2,1,x\n3,a,soon,2,1,x\n"
    config = receipts(lines, {"time_zone": "Europe/Madrid"}, {}, ds_format="%d/%m/%y %H:%M %z")
    long = sources.load(config).long
    assert long.filter(pl.col("fault").is_null()).select(pl.col("ds").cast(pl.String), "y").rows() == [
        ("2024-01-15", 2.0),
        ("2024-01-16", 1.0),
    ]
    assert long["fault_value"].drop_nulls().to_list() == ["when=soon"]
    lines = "1,a,31/03/24 02:30,1,1,x\n2,a,31/03/24 23:30,2,1,x\n"  # half past two did not exist in Madrid that day
    config = receipts(lines, {"time_zone": "UTC", "stored_in": "Europe/Madrid"}, {}, ds_format="%d/%m/%y %H:%M")
    assert rows(config) == [("a", "2024-03-31", 3.0)]


@pytest.mark.parametrize("zoned", [None, "UTC"])
def test_times_of_a_parquet_file(tmp_path, make_config, zoned):
    when = pl.Series([datetime(2024, 1, 15, 23, 30), datetime(2024, 1, 15, 1)]).dt.replace_time_zone(zoned)
    file = tmp_path / "lines.parquet"
    pl.DataFrame({"item": ["a", "a"], "when": when, "units": [1, 2]}).write_parquet(file)

    def days(**options):
        source = {"kind": "transactions", "path": str(file), "columns": COLUMNS, "options": options}
        return [(str(ds), y) for ds, y in sources.load(make_config(source=source)).long.select("ds", "y").rows()]

    assert days() == [("2024-01-15", 3.0)]
    assert days(time_zone="Europe/Madrid", stored_in="UTC") == [("2024-01-15", 2.0), ("2024-01-16", 1.0)]
    assert days(time_zone="Europe/Madrid") == (days() if zoned is None else [("2024-01-15", 2.0), ("2024-01-16", 1.0)])


# --- Options that do not fit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "columns", "key", "message"),
    [
        ({"retuns": "net"}, {}, "source.options.retuns", "is not an option; there are invoice, price,"),
        ({"returns": "no"}, {}, "source.options.returns", "should be 'net', 'separate' or 'drop'"),
        ({"time_zone": "Mars/Base"}, {}, "source.options.time_zone", "is no time zone"),
        ({"no_goods": ["POST", "("]}, {}, "source.options.no_goods.1", "is no regular expression"),
        ({"stored_in": "UTC"}, {}, "source.options.stored_in", "needs source.options.time_zone"),
        ({"free": "drop"}, {}, "source.options.free", "needs source.options.price"),
        ({"cancelled": "C"}, {}, "source.options.cancelled", "needs source.options.invoice"),
        ({"repeats": "drop"}, {}, "source.options.repeats", "needs source.options.invoice"),
        ({"price": "cost"}, {}, "source.options.price", "has no column 'cost'"),
        ({}, {"known_after": ["revenue"]}, "columns.known_after", "needs source.options.price"),
        (ALL, {"known_ahead": ["unit_price"]}, "columns.known_ahead", "known only after the sale"),
        (ALL, {"known_after": ["customer"]}, "columns.known_after", "cannot be added up"),
    ],
)
def test_options_and_drivers_that_do_not_fit_are_refused(receipts, options, columns, key, message):
    with pytest.raises(UserError, match=message) as error:
        sources.load(receipts(LINES, options, columns))
    assert key in str(error.value)


@pytest.mark.parametrize("option", [{"partial": "drop"}, {"min_lines": 2}])
def test_options_that_need_all_lines_are_refused_with_new_files(receipts, option):
    config = receipts(LINES, option, {})
    source = config.source.model_copy(update={"reads": "new_files"})
    with pytest.raises(UserError, match=f"source.options.{next(iter(option))}: needs all lines"):
        sources.load(config.model_copy(update={"source": source}))


# --- Any lines at all ------------------------------------------------------------------------------------------------

LINE = st.tuples(
    st.sampled_from(["1", "2", "C3", "C4"]),
    st.sampled_from(["a", "b", "POST", ""]),
    st.dates(date(2024, 1, 1), date(2024, 2, 20)),
    st.one_of(st.integers(-5, 9).map(str), st.just(""), st.just("?")),
    st.sampled_from(["0", "1.5", "2", ""]),
)
CHOICES = st.fixed_dictionaries(
    {
        "returns": st.sampled_from(["net", "separate", "drop"]),
        "cancellations": st.sampled_from(["subtract", "drop"]),
        "free": st.sampled_from(["keep", "drop"]),
        "repeats": st.sampled_from(["keep", "drop"]),
        "partial": st.sampled_from(["keep", "drop"]),
    }
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINE, min_size=1, max_size=30), CHOICES, st.sampled_from(["1d", "1w", "1mo"]), st.booleans())
def test_every_line_is_counted_once(receipts, lines, choices, freq, quarantine):
    text = "".join(f"{','.join([i, item, str(d), y, price])},x\n" for i, item, d, y, price in lines)
    clean = {"below": "quarantine" if quarantine else "zero"}
    options = ALL | choices | {"cancelled": "C", "no_goods": ["POST"]}
    loaded = sources.load(receipts(text, options, clean=clean, freq=freq))
    assert loaded.lines == len(lines) == loaded.long.height + loaded.merged_lines + sum(loaded.dropped.values())
    good = loaded.long.filter(pl.col("fault").is_null())
    assert not good.select("unique_id", "ds").is_duplicated().any()
    if quarantine or choices["returns"] != "net":
        assert (good["y"] >= 0).all()


# --- The web shop ----------------------------------------------------------------------------------------------------

NO_GOODS = {"POST", "DOT", "M", "C2", "S", "D", "AMAZONFEE", "BANK CHARGES"}


@pytest.fixture(scope="module")
def invoices(shared):
    import pyarrow.parquet

    return pyarrow.parquet.read_table(shared / "online_retail" / "invoice_lines.parquet").to_pylist()


@pytest.fixture(scope="module")
def shop(configs, shared):
    path = str(shared / "online_retail" / "invoice_lines.parquet")
    config = load_config(configs / "online_retail.yaml", {"source.path": path})
    return config, sources.load(config)


def test_the_web_shop_by_hand(shop, invoices):
    config, loaded = shop
    units, money, sold, dropped = Counter(), defaultdict(float), defaultdict(lambda: [0, 0.0]), Counter()
    for r in invoices:
        item = r["StockCode"].upper()
        day = datetime.strptime(r["InvoiceDate"], "%m/%d/%y %H:%M").date()
        monday = day - timedelta(day.weekday())
        if item in NO_GOODS or item.startswith("GIFT_"):
            dropped["no_goods"] += 1
        elif r["UnitPrice"] == 0:
            dropped["free"] += 1
        elif monday == date(2010, 11, 29):
            dropped["partial_period"] += 1
        else:
            units[item, monday] += r["Quantity"]
            money[item, monday] += r["Quantity"] * r["UnitPrice"]
            if r["Quantity"] > 0:
                sold[item, monday][0] += r["Quantity"]
                sold[item, monday][1] += r["Quantity"] * r["UnitPrice"]
    assert loaded.dropped == dropped
    ours = {(r["unique_id"], r["ds"]): r for r in loaded.long.iter_rows(named=True)}
    assert {k: r["y"] for k, r in ours.items()} == units
    assert {k: r["revenue"] for k, r in ours.items()} == pytest.approx(money)
    prices = {k: m / n for k, (n, m) in sold.items()}
    assert {k: r["unit_price"] for k, r in ours.items() if r["unit_price"] is not None} == pytest.approx(prices)
    account = contracts.check_load(loaded, config).account
    assert account["lines"] == len(invoices) == 240_007
    assert account["aggregated"] == len(invoices) - dropped.total()
    assert min(units.values()) < 0, "returns of a week go beyond its sales somewhere, and are not lost"


def test_an_original_line_of_the_web_shop(shop, invoices):
    _, loaded = shop
    row = loaded.long.row(777, named=True)
    original = loaded.original_rows(loaded.long.slice(777, 1))["row"].item()
    assert invoices[row["line"] - 1]["StockCode"].upper() == row["unique_id"]
    assert invoices[row["line"] - 1]["InvoiceNo"] in original
