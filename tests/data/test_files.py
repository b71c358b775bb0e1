"""Files as programs write them: encodings, quotes, titles, headers of several files; totals by hand or by csv."""

import csv
import io
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data import sources
from forecasting.data.sources.readers.text.line_shape import line_shape
from forecasting.data.sources.readers.text.quoting import find_quoting
from forecasting.errors import UserError

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(30)]
ROWS = [f"{d},{i}" for i, d in enumerate(DAYS)]
TOTAL = sum(range(30))
COLUMNS = {"ds": "date", "y": "units"}


def text(*lines: str, end: str = "\n") -> str:
    return end.join(lines) + end


def said(loaded) -> list[str]:
    return [remark.message.split("sales.csv")[-1].lstrip(": ") for remark in loaded.remarks]


# --- encodings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_of_every_kind(table_config, encoding):
    content = text("unique_id,ds,y", *(f"Müsli 100 €,{row}" for row in ROWS)).encode(encoding)
    loaded = sources.load(table_config(content))
    assert loaded.long["unique_id"].unique().to_list() == ["Müsli 100 €"]
    assert (loaded.long["y"].sum(), loaded.remarks) == (TOTAL, ())


def test_windows_1252_is_read_and_said(table_config):
    content = text("unique_id,ds,y", *(f"Müsli 100 €,{row}" for row in ROWS)).encode("cp1252")
    loaded = sources.load(table_config(content))
    assert loaded.long["unique_id"].unique().to_list() == ["Müsli 100 €"]
    assert [remark.harm for remark in loaded.remarks] == ["none"]
    assert said(loaded) == [
        "is not UTF-8 and is read as Windows-1252 (line 2: 'Müsli'); if that is wrong, name its encoding in "
        "source.encoding"
    ]


def test_a_file_of_two_encodings_is_mended_and_said(table_config):
    lines = [f"Müsli,{row}".encode() for row in ROWS]
    lines[7] = lines[7].decode().encode("cp1252")
    loaded = sources.load(table_config(b"\n".join([b"unique_id,ds,y", *lines])))
    assert loaded.long["unique_id"].unique().to_list() == ["Müsli"]
    assert loaded.remarks[0].harm == "numbers"
    assert "1 characters are no UTF-8 (the first in line 9)" in loaded.remarks[0].message


@pytest.mark.parametrize(("encoding", "item"), [("cp1251", "Молоко"), ("shift_jis", "牛乳パン"), ("cp1253", "Γάλα")])
def test_another_script_has_to_be_named(table_config, make_config, encoding, item):
    config = table_config(text("unique_id,ds,y", *(f"{item},{row}" for row in ROWS)).encode(encoding))
    with pytest.raises(UserError, match=r"sales\.csv, line 2: is neither UTF-8 nor Western .*source\.encoding: cp1251"):
        sources.load(config)
    named = make_config(source={"path": config.source.path, "encoding": encoding})
    assert sources.load(named).long["unique_id"].unique().to_list() == [item]


def test_an_encoding_that_is_none_or_does_not_fit(table_config, make_config):
    path = table_config("ds,y\n2024-01-01,é\n".encode("cp1252")).source.path
    with pytest.raises(UserError, match="must be an encoding such as cp1251, and it is 'klingon'"):
        make_config(source={"path": path, "encoding": "klingon"})
    with pytest.raises(UserError, match=r"is not ascii text \(byte 17 does not fit\)"):
        sources.load(make_config(source={"path": path, "encoding": "ascii"}))


def test_zero_bytes_and_old_line_ends(table_config):
    padded = text("ds,y", *ROWS).encode().replace(b",7\n", b",7\x00\n") + b"\x00" * 500
    assert sources.load(table_config(padded)).long["y"].sum() == TOTAL
    assert sources.load(table_config(text("ds,y", *ROWS, end="\r") + "\n")).long["y"].sum() == TOTAL
    with pytest.raises(UserError, match="holds binary data"):
        sources.load(table_config(b"ds,y\n" + b"\x00\x01\x02\x03" * 50 + b"\n"))


# --- quotes ----------------------------------------------------------------------------------------------------------


def test_a_quoted_cell_may_hold_line_breaks(table_config):
    notes = {3: '"call\nback"', 4: '"say ""no""\n\n, twice"', 9: '""'}
    lines = text("date,units,note", *(f"{row},{notes.get(i, '')}" for i, row in enumerate(ROWS)))
    loaded = sources.load(table_config(lines, columns=COLUMNS))
    assert (loaded.lines, loaded.long["y"].sum(), loaded.long["fault"].null_count()) == (30, TOTAL, 30)
    # row 4 is two lines lower than if each were one line: one more break above, two within its own cell below it
    assert loaded.long["line"].to_list() == [2, 3, 4, 5, 7, *range(10, 35)]
    original = loaded.original_rows(loaded.long[3:5])["row"].to_list()
    assert original == [f"{ROWS[3]},{notes[3]}", f"{ROWS[4]},{notes[4]}"]


def test_an_inch_mark_is_a_character(table_config):
    lines = text("unique_id,ds,y", *(f"{size},{row}" for row in ROWS for size in ('27" screen', '"24"" pipe"', '5"')))
    loaded = sources.load(table_config(lines))
    assert loaded.long["unique_id"].unique().sort().to_list() == ['24" pipe', '27" screen', '5"']
    assert loaded.long["y"].sum() == 3 * TOTAL


def test_a_quote_that_nobody_closes_spoils_its_line_alone(table_config):
    lines = [f"a,{row},x" for row in ROWS]
    lines[5] = f'"a,{ROWS[5]},x'
    lines[20] = f'a,{ROWS[20]},"x"'
    loaded = sources.load(table_config(text("unique_id,ds,y,note", *lines)))
    assert loaded.long.drop_nulls("fault").select("line", "fault").rows() == [(7, "quotes")]
    assert loaded.long["y"].sum() == TOTAL - 5
    assert loaded.lines == 30


def test_two_stray_quotes_do_not_swallow_what_lies_between(table_config):
    lines = [f"{row},note" for row in ROWS]
    lines[4], lines[9] = f'{ROWS[4]},"', f'{ROWS[9]},"'
    loaded = sources.load(table_config(text("date,units,note", *lines), columns=COLUMNS))
    assert loaded.long.drop_nulls("fault").select("line", "fault").rows() == [(6, "quotes"), (11, "quotes")]
    assert loaded.long["y"].sum() == TOTAL - 4 - 9


CELLS = st.text(alphabet='ab,"\n é', max_size=6)


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8))
def test_the_shape_of_well_written_text_is_that_of_pythons_csv(rows):
    """What Python writes is understood: as many records, with three cells, whatever is in them."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    body = out.getvalue().encode()
    quoting = find_quoting(body, ",")
    ends = [i for i, byte in enumerate(body) if byte == 10 and not quoting.inside[i]]
    assert len(ends) == len(rows)
    assert (len(quoting.odd), len(quoting.literal), len(quoting.unreadable)) == (0, 0, 0)
    shape = line_shape(body, ",", 3)
    if len(shape.ends) == len(rows):  # fewer doubts than lines that would be rows by themselves
        assert shape.cells.tolist() == [3] * len(rows)
        assert shape.well_quoted.all()
        starts = np.cumsum([0, *(sum(cell.count("\n") for cell in row) + 1 for row in rows)])[:-1]
        assert shape.lines.tolist() == starts.tolist()


# --- where the table begins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "line"),
    [
        (["Sales by day, branch 4", "printed 01.06.2024", ""], 4),
        (["Report,Sales", "Printed,2024-06-01"], 3),
        (["a", "b,c,d,e,f", "", "g"], 5),
    ],
)
def test_titles_above_the_header_are_said(table_config, above, line):
    loaded = sources.load(table_config(text(*above, "date,units", *ROWS), columns=COLUMNS))
    assert (loaded.long["y"].sum(), loaded.lines, loaded.long["line"][0]) == (TOTAL, 30, line + 1)
    assert said(loaded)[0].endswith(f"the header is line {line}")
    assert [remark.harm for remark in loaded.remarks] == ["none"]


def test_a_header_of_unknown_names_is_above_the_first_row(table_config):
    loaded = sources.load(table_config(text("Sales of the year", "", "week,sold", *ROWS)))
    assert (loaded.long["y"].sum(), loaded.lines) == (TOTAL, 30)
    loaded = sources.load(table_config(text("week,sold", "not,yet", *ROWS)))
    assert loaded.long.drop_nulls("fault")["line"].to_list() == [2], "a bad first row is no header"


@pytest.mark.parametrize(("line", "sign"), [("sep=;", ";"), ('"sep=;"', ";"), ("SEP=|", "|"), ("sep=\t", "\t")])
def test_the_line_that_tells_excel_the_delimiter(table_config, line, sign):
    lines = text(line, f"date{sign}units", *(row.replace(",", sign) for row in ROWS), end="\r\n")
    loaded = sources.load(table_config(lines, columns=COLUMNS))
    assert (loaded.long["y"].sum(), loaded.long["line"][0], loaded.remarks) == (TOTAL, 3, ())


def test_the_delimiter_is_the_one_that_makes_dates_and_numbers(table_config):
    rows = [f"{d};{i},5" for i, d in enumerate(DAYS)]
    assert sources.load(table_config(text("ds;y", *rows))).long["y"].sum() == TOTAL + 15
    rows = [f"a;b|c|{d}|{i}" for i, d in enumerate(DAYS)]
    loaded = sources.load(table_config(text("unique_id|note|ds|y", *rows)))
    assert loaded.long["unique_id"].unique().to_list() == ["a;b"]


def test_only_a_used_name_that_comes_twice_is_refused(table_config):
    lines = text("date,time,units,time,", *(f"{d},10:00,{i},10:01,x" for i, d in enumerate(DAYS)))
    assert sources.load(table_config(lines, columns=COLUMNS)).long["y"].sum() == TOTAL
    with pytest.raises(UserError, match="two columns of the header are called 'time': rename one"):
        sources.load(table_config(lines, columns={"unique_id": "time"} | COLUMNS))


def test_delimiters_at_the_end_of_lines(table_config):
    assert sources.load(table_config(text("ds,y", *(f"{row},," for row in ROWS)))).long["y"].sum() == TOTAL
    assert sources.load(table_config(text("ds,y,,", *ROWS))).long["y"].sum() == TOTAL


def test_numbers_of_rows_may_have_no_name(table_config):
    numbered = [f"{i},{row}" for i, row in enumerate(ROWS, 1)]
    assert sources.load(table_config(text("ds,y", *numbered))).long["y"].sum() == TOTAL
    with pytest.raises(UserError, match="line 2 has 3 cells, the header has 2"):
        sources.load(table_config(text("ds,y", *(f"a{row}" for row in numbered))))


def test_a_header_between_the_rows_is_no_row(table_config):
    loaded = sources.load(table_config(text("date,units", *ROWS[:9], "date,units", *ROWS[9:]), columns=COLUMNS))
    assert (loaded.long["y"].sum(), dict(loaded.dropped), loaded.lines) == (TOTAL, {"repeated_header": 1}, 31)


# --- several files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def folder_config(make_config, tmp_path):
    """The config of a folder of files: name -> text."""

    def make(files, columns=COLUMNS, **source):
        (tmp_path / "in").mkdir(exist_ok=True)
        for name, content in files.items():
            (tmp_path / "in" / name).write_text(content)
        return make_config(source={"path": str(tmp_path / "in"), "columns": columns} | source)

    return make


def test_headers_of_several_files_differ_in_case_spaces_and_order(folder_config):
    files = {
        "a.csv": text("date,units", *ROWS[:10]),
        "b.csv": text(" Date , UNITS", *ROWS[10:20]),
        "c.csv": text("Units;Date", *(f"{i};{d}" for i, d in list(enumerate(DAYS))[20:])),
    }
    loaded = sources.load(folder_config(files))
    assert (loaded.long["y"].sum(), loaded.lines, loaded.remarks) == (TOTAL, 30, ())


def test_a_header_in_another_language_is_refused_with_the_way_out(folder_config):
    files = {"a.csv": text("date,units", *ROWS[:10]), "b.csv": text("Datum,Menge", *ROWS[10:])}
    with pytest.raises(UserError, match=r"b\.csv has other columns .*\(Datum, Menge\): its 20 rows .*source\.aliases"):
        sources.load(folder_config(files))
    loaded = sources.load(folder_config(files, aliases={"date": "datum", "units": ["Qté", "Menge"]}))
    assert (loaded.long["y"].sum(), loaded.lines) == (TOTAL, 30)


def test_a_small_file_with_other_columns_is_left_out_and_said(folder_config):
    files = {"a.csv": text("date,units", *ROWS), "b.csv": text("Datum,Menge", "2024-03-01,7")}
    files["stores.csv"] = text("store,city", "1,Rome", "2,Oslo")
    loaded = sources.load(folder_config(files))
    assert (loaded.long["y"].sum(), dict(loaded.dropped), loaded.lines) == (TOTAL, {"other_table": 3}, 33)
    assert [remark.harm for remark in loaded.remarks] == ["numbers", "none"]
    assert (
        "b.csv has other columns than the source (Datum, Menge): its 1 rows are left out" in loaded.remarks[0].message
    )
    assert "stores.csv is another table (its columns are store, city)" in loaded.remarks[1].message


def test_two_columns_that_can_both_be_meant(table_config):
    with pytest.raises(UserError, match="the columns 'Units' and 'UNITS' can both be 'units'"):
        sources.load(table_config("date,Units,UNITS\n2024-01-01,1,2\n", columns=COLUMNS))
    loaded = sources.load(table_config("date,units,UNITS\n2024-01-01,1,2\n", columns=COLUMNS))
    assert loaded.long["y"].to_list() == [1.0]


def test_side_tables_find_their_columns_too(make_config, tmp_path):
    (tmp_path / "sales.csv").write_text(text("ds,y", *ROWS))
    (tmp_path / "prices.csv").write_text(text("Price list 2024", "", "DAY;Price", "2024-01-01;2.5"))
    tables = {"prices": {"path": str(tmp_path / "prices.csv"), "start": "day", "columns": ["price"]}}
    roles = {"known_ahead": ["price"], "price": "price"}
    from forecasting.data.side_tables import load_with_side_tables

    loaded = load_with_side_tables(
        make_config(source={"path": str(tmp_path / "sales.csv")}, tables=tables, columns=roles)
    )
    assert loaded.long["price"].to_list() == [2.5] * 30
    assert [r.message.split("/")[-1][:22] for r in loaded.remarks] == ["prices.csv: line 1 is "]
    assert isinstance(loaded.long, pl.DataFrame)
