"""Long tables: layouts, formats, and every way in which a file can be no table."""

import csv
import gzip
import json
from datetime import date, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.columns import column_name
from forecasting.config import Columns
from forecasting.config import load as load_config
from forecasting.data import sources
from forecasting.errors import UserError

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(20)]
NAMED = {"unique_id": ["store", "item"], "ds": "day", "y": "units"}


def csv_of(rows, header="ds,y", sep=",", end="\n"):
    return end.join([header, *(sep.join(map(str, row)) for row in rows)]) + end


def plain():
    return csv_of((d, i) for i, d in enumerate(DAYS))


# --- what is read ----------------------------------------------------------------------------------------------------


def test_champagne_as_it_is(configs, shared):
    config = load_config(configs / "champagne.yaml", {"source.path": str(shared / "champagne")})
    loaded = sources.load(config)
    with next((shared / "champagne").glob("*.csv")).open(newline="") as f:
        raw = [(month, float(sales)) for month, sales in list(csv.reader(f))[1:] if sales]
    assert loaded.long.select(pl.col("ds").dt.strftime("%Y-%m"), "y").rows() == raw
    assert (loaded.long.height, loaded.lines) == (105, 107)
    assert dict(loaded.dropped) == {"empty_line": 1, "footer": 1}
    assert loaded.long["unique_id"].unique().to_list() == ["champagne"]


def test_breakfast_totals_by_pyarrow(configs, shared):
    config = load_config(configs / "breakfast_frat.yaml", {"source.path": str(shared / "breakfast_frat")})
    loaded = sources.load(config)
    raw = pq.read_table(shared / "breakfast_frat" / "sales_weekly.parquet")
    assert loaded.long.height == raw.num_rows == 524_950
    assert loaded.long["y"].sum() == pytest.approx(sum(v for v in raw["y"].to_pylist()))
    assert loaded.long["price"].null_count() == raw["price"].null_count == 23
    assert loaded.long["feature"].sum() == sum(raw["feature"].to_pylist())
    assert loaded.long["unique_id"].to_list() == raw["unique_id"].to_pylist()
    rows = sum(pq.read_metadata(shared / "breakfast_frat" / f"{t}.parquet").num_rows for t in ("stores", "products"))
    assert dict(loaded.dropped) == {"other_table": rows}
    assert loaded.lines == raw.num_rows + rows


def test_two_columns_need_no_names(table_config):
    loaded = sources.load(table_config(csv_of(((d, 5) for d in DAYS), header="Week,Units sold")))
    assert loaded.long["ds"].to_list() == DAYS
    assert loaded.long["unique_id"].unique().to_list() == ["job"]


def test_three_columns_by_name(table_config):
    loaded = sources.load(table_config("y,unique_id,ds\n1,a,2024-01-01\n2,b,2024-01-01\n"))
    assert loaded.long.select("unique_id", "y").rows() == [("a", 1.0), ("b", 2.0)]


def test_several_id_columns_and_drivers(table_config):
    text = "store,item,day,units,price,promo,kind,code\n7,x,2024-01-01,1,2.5,yes,hot,007\n7,y,2024-01-01,,,no,,012\n"
    columns = {"known_ahead": ["price", "promo", "kind", "code"], "price": "price", "promo": "promo"}
    long = sources.load(_with_roles(table_config(text, columns=NAMED), columns)).long
    assert long["unique_id"].to_list() == ["7/x", "7/y"]
    assert long.select("store", "item").rows() == [("7", "x"), ("7", "y")]
    assert long.select("y", "price", "promo", "kind", "code").rows() == [
        (1.0, 2.5, 1, "hot", "007"),
        (None, None, 0, None, "012"),
    ]
    assert long.schema["promo"] == pl.Int8
    assert long["fault"].null_count() == 2


def _with_roles(config, roles):
    return config.model_copy(update={"columns": Columns(**roles)})


@pytest.mark.parametrize(
    "cells",
    [
        ["2024-01-05", "2024-01-06"],
        ["2024-01-05 00:00:00", "2024-01-06 00:00:00"],
        ["2024-01-05T00:00:00", "2024-01-06T10:00:00Z"],
        ["2024/1/5", "2024/1/6"],
        ["5.1.2024", "06.01.2024"],
        ["20240105", "20240106"],
    ],
)
def test_date_formats_inferred_from_the_pattern(table_config, cells):
    long = sources.load(table_config(csv_of((c, 1) for c in cells))).long
    assert long["ds"].to_list() == [date(2024, 1, 5), date(2024, 1, 6)]


def test_slash_dates_decided_by_the_values(table_config):
    american = csv_of((f"{d.month}/{d.day}/{d.year}", 1) for d in DAYS)
    european = csv_of((f"{d.day}/{d.month}/{d.year}", 1) for d in DAYS)
    assert sources.load(table_config(american)).long["ds"].to_list() == DAYS
    assert sources.load(table_config(european)).long["ds"].to_list() == DAYS


def test_ambiguous_slash_dates_are_refused(table_config):
    text = csv_of((f"{m}/{m + 1}/2024", 1) for m in range(1, 12))
    with pytest.raises(UserError, match=r"job.yaml.*source\.ds_format.*day/month or month/day.*%m/%d/%Y"):
        sources.load(table_config(text))
    given = sources.load(table_config(text, ds_format="%m/%d/%Y"))
    assert given.long["ds"].to_list() == [date(2024, m, m + 1) for m in range(1, 12)]


def test_months_start_on_their_first_day(table_config):
    long = sources.load(table_config("month,y\n2024-01-31,1\n2024-02-29,2\n", freq="1mo")).long
    assert long["ds"].to_list() == [date(2024, 1, 1), date(2024, 2, 1)]
    long = sources.load(table_config("month,y\nJan 2024,1\nFeb 2024,2\n", freq="1mo", ds_format="%b %Y")).long
    assert long["ds"].to_list() == [date(2024, 1, 1), date(2024, 2, 1)]


def test_semicolons_and_decimal_commas(table_config):
    assert sources.load(table_config("ds;y\n2024-01-01;1.234,5\n2024-01-02;7\n")).long["y"].to_list() == [1234.5, 7.0]
    assert sources.load(table_config("ds;y\n2024-01-01;1.5\n2024-01-02;7\n")).long["y"].to_list() == [1.5, 7.0]
    with pytest.raises(UserError, match=r"points and commas mean different things in the column 'y'"):
        sources.load(table_config("ds;y\n2024-01-01;1,5\n2024-01-02;1.5\n"))


def test_bom_crlf_tabs_quotes_and_gz(table_config):
    expected = sources.load(table_config(plain())).long.drop("file")
    tabs = csv_of(((f'"{d}"', i) for i, d in enumerate(DAYS)), header="ds\ty", sep="\t", end="\r\n")
    for content, name in [
        (b"\xef\xbb\xbf" + plain().encode(), "a.csv"),
        (tabs, "a.tsv"),
        (gzip.compress(plain().encode()), "a.csv.gz"),
        (plain().rstrip("\n"), "b.csv"),
    ]:
        assert sources.load(table_config(content, name=name)).long.drop("file").equals(expected)


def test_quoted_delimiters_are_cells(table_config):
    text = 'unique_id,ds,y\n"a, b",2024-01-01,1\n"say ""c""",2024-01-01,2\n'
    assert sources.load(table_config(text)).long["unique_id"].to_list() == ["a, b", 'say "c"']


def test_folder_and_glob(table_config, tmp_path):
    (tmp_path / "in").mkdir()
    for part, days in enumerate([DAYS[:10], DAYS[10:]]):
        (tmp_path / "in" / f"part{part}.csv").write_text(csv_of((d, 1) for d in days))
    config = table_config("")
    for path in (tmp_path / "in", tmp_path / "in" / "part*.csv"):
        source = config.source.model_copy(update={"path": str(path)})
        long = sources.load(config.model_copy(update={"source": source})).long
        assert long["ds"].to_list() == DAYS
        assert long["line"].to_list() == [*range(2, 12), *range(2, 12)]


def test_parquet_types(table_config, tmp_path):
    when = pa.array([f"2024-01-0{i}T00:00:00" for i in (1, 2)]).cast(pa.timestamp("ns"))
    table = pa.table({"unique_id": [1.0, 2.0], "ds": when, "y": pa.array([1, 2], pa.int32()), "promo": [True, False]})
    pq.write_table(table, tmp_path / "s.parquet")
    config = table_config((tmp_path / "s.parquet").read_bytes(), name="s.parquet")
    loaded = sources.load(_with_roles(config, {"known_ahead": ["promo"]}))
    assert loaded.long.select("unique_id", "ds", "y", "promo", "line").rows() == [
        ("1", date(2024, 1, 1), 1.0, 1, 1),
        ("2", date(2024, 1, 2), 2.0, 0, 2),
    ]
    row = json.loads(loaded.original_rows(loaded.long.tail(1))["row"].item())
    assert row == {"unique_id": 2.0, "ds": "2024-01-02 00:00:00", "y": 2, "promo": False}


# --- rows that cannot be read, with their lines ----------------------------------------------------------------------


def test_bad_cells_keep_their_physical_line(table_config):
    lines = plain().splitlines()
    lines.insert(3, "")  # line 4 is empty: all below move down
    lines[6], lines[8], lines[10] = "2024-13-01,5", "2024-01-07,many", "2024-01-09,1,2"
    lines[12] = '2024-01-11,5"'
    loaded = sources.load(table_config("\n".join([*lines, "", "Source: the till"])))
    bad = loaded.long.drop_nulls("fault").sort("line")
    assert bad.select("line", "fault", "fault_value").rows() == [
        (7, "date_format", "ds=2024-13-01"),
        (9, "number", "y=many"),
        (11, "cells", "2024-01-09,1,2"),
        (13, "number", 'y=5"'),
    ]
    assert dict(loaded.dropped) == {"empty_line": 2, "footer": 1}
    assert loaded.lines == 20 + 3 == loaded.long.height + 3
    assert loaded.original_rows(bad)["row"].to_list() == [lines[n] for n in (6, 8, 10, 12)]


def test_a_cut_last_line_is_no_footer(table_config):
    loaded = sources.load(table_config(plain() + "2024-01-"))
    assert loaded.long.drop_nulls("fault").select("line", "fault").rows() == [(22, "cells")]


def test_future_days_have_no_sales_and_no_fault(table_config):
    loaded = sources.load(table_config(plain() + "2024-01-21,\n2024-01-22,NA\n"))
    assert loaded.long["y"].tail(2).to_list() == [None, None]
    assert loaded.long["fault"].null_count() == 22


# --- files that are no table, with their errors ----------------------------------------------------------------------

PROSE = "Once upon a time, there was a shop.\nIt sold bread, butter, and, now and then, jam.\nIt was small.\n" * 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", r"sales\.csv: is empty"),
        ("\n\n", r"sales\.csv: is empty"),
        ("ds,y\n", "holds a header and no rows"),
        ("A text without any table\nin it\n", "is not a table: no comma, semicolon or tab"),
        (PROSE, "is not a table: no comma, semicolon or tab parts its lines into columns"),
        ("ds,y,z\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n", "line 2 has 2 cells, the header has 3"),
        ("2024-01-01,1\n2024-01-02,2\n", r"first line holds data \('2024-01-01'\), not names"),
        ("ds,y\nyesterday,1\ntoday,2\n", r"source\.ds_format: no date is recognised in the column 'ds'"),
        ("a,b,c\n1,2,3\n", r"source\.columns: .* has the columns a, b, c: name which is which"),
        ("ds,ds\n2024-01-01,1\n", "two columns of the header are called 'ds'"),
        ('ds,y\n2024-01-01,"1\n2\n', r'line 2 and most have a quote \("\) that does not enclose'),
        ("ds,y\n".encode("utf-16"), "holds a header and no rows"),
        (b"\x89PNG\x00\x00", "holds binary data"),
        (gzip.compress(plain().encode(), mtime=0)[:40], "damaged or cut off gzip"),
        (b"\x1f\x8bnonsense", "damaged or cut off gzip"),
    ],
)
def test_no_table(table_config, content, sentence):
    with pytest.raises(UserError, match=sentence):
        sources.load(table_config(content))


def test_damaged_parquet(table_config):
    with pytest.raises(UserError, match=r"p\.parquet: cannot be read as a Parquet file"):
        sources.load(table_config(b"PAR1 and no more", name="p.parquet"))


def test_missing_path_folder_and_column(table_config, make_config, tmp_path):
    with pytest.raises(UserError, match=r"job\.yaml, line 2: source\.path: is missing"):
        sources.load(make_config())
    with pytest.raises(UserError, match=r"source\.path: there is no file or folder .*nowhere"):
        sources.load(make_config(source={"kind": "table", "path": str(tmp_path / "nowhere")}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty holds no \.csv"):
        sources.load(make_config(source={"kind": "table", "path": str(tmp_path / "empty")}))
    with pytest.raises(UserError, match=r"source\.columns\.y: .*has no column 'units'; it has: ds, y"):
        sources.load(table_config(plain(), columns={"ds": "ds", "y": "units"}))
    with pytest.raises(UserError, match=r"source\.columns\.date: is not a key"):
        sources.load(table_config(plain(), columns={"date": "ds", "y": "y"}))
    with pytest.raises(UserError, match=r"columns\.known_ahead: .*has no column 'price'; it has: ds, y"):
        sources.load(_with_roles(table_config(plain()), {"known_ahead": ["price"]}))


def test_a_column_called_like_one_of_the_program_is_set_apart(table_config):
    config = _with_roles(table_config("ds,y,line\n2024-01-01,1,3\n"), {"known_ahead": ["line"]})
    assert sources.load(config).long.select("line", column_name("line")).row(0) == (2, 3)


def test_an_unknown_kind_lists_the_sources(make_config):
    kinds = "favorita, m5, rossmann, sql, synthetic, table, transactions"
    with pytest.raises(UserError, match=rf"source\.kind: 'sap' is not a source; there are {kinds}"):
        sources.load(make_config(source={"kind": "sap"}))


JUNK = st.text(alphabet=',;"\t 0159-./aé', max_size=14)


@given(junk=st.lists(st.tuples(st.integers(0, 20), JUNK), max_size=12))
def test_the_counts_of_lines_add_up_whatever_is_between_the_rows(tmp_path_factory, root, junk):
    """Every line is a row, a row with a fault, or dropped by a name; good rows never change; else one sentence."""
    lines = [f"{d},{i}" for i, d in enumerate(DAYS)]
    for place, line in junk:
        lines.insert(place, line)
    file = tmp_path_factory.mktemp("junk") / "sales.csv"
    file.write_text("\n".join(["ds,y", *lines]), newline="")
    config = load_config(root / "configs" / "champagne.yaml", {"source.path": str(file), "freq": "1d"})
    try:
        loaded = sources.load(config)
    except UserError as e:
        message = str(e)
    else:
        message = ""
    if message:
        assert "not a table" in message
        return
    physical = file.read_text().removesuffix("\n").split("\n")
    original = loaded.original_rows(loaded.long)
    assert loaded.lines + original["row"].str.count_matches("\n").sum() == len(physical) - 1
    sound = loaded.long.filter(pl.col("fault").is_null() & pl.col("y").is_not_null())
    assert set(zip(DAYS, map(float, range(20)), strict=True)) <= set(sound.select("ds", "y").rows())
    for line, row in original.select("line", "row").iter_rows():
        assert row.split("\n") == physical[line - 1 :][: row.count("\n") + 1]
