"""Workbooks, archives and sums: written by other programs, and totals by hand."""

import io
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from forecasting.config import Columns
from forecasting.data import sources
from forecasting.data.sources.readers.text.text_table import read_text
from forecasting.data.sources.tables.wide import unpivot
from forecasting.errors import UserError

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(60)]
ROWS = [(d, "tea", 10 + i) for i, d in enumerate(DAYS)]
TOTAL = sum(range(10, 70))
HEADER = ("date", "item", "units")
NAMED = {"unique_id": "item", "ds": "date", "y": "units"}


def workbook(path: Path, **sheets) -> bytes:
    """An .xlsx file: sheet -> rows, whose dates are dates."""
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "dd.mm.yyyy"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for r, row in enumerate(rows):
                for c, cell in enumerate(row):
                    if isinstance(cell, date):
                        sheet.write_datetime(r, c, datetime(cell.year, cell.month, cell.day), day)
                    elif cell is not None:
                        sheet.write(r, c, cell)
    return path.read_bytes()


def text(rows=ROWS, header=HEADER, sign=",") -> str:
    return "\n".join(sign.join(map(str, row)) for row in (header, *rows)) + "\n"


def archive(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, content in files.items():
            z.writestr(name, content)
    return out.getvalue()


def ods(rows) -> bytes:
    """The least that a program of the OpenDocument kind writes."""

    def cell(value):
        if isinstance(value, date):
            return f'<t:table-cell o:value-type="date" o:date-value="{value}"><x:p>{value}</x:p></t:table-cell>'
        if isinstance(value, int):
            return f'<t:table-cell o:value-type="float" o:value="{value}"><x:p>{value}</x:p></t:table-cell>'
        return f'<t:table-cell o:value-type="string"><x:p>{value}</x:p></t:table-cell>'

    body = "".join(f"<t:table-row>{''.join(map(cell, row))}</t:table-row>" for row in rows)
    oasis = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = f'xmlns:o="{oasis}:office:1.0" xmlns:t="{oasis}:table:1.0" xmlns:x="{oasis}:text:1.0"'
    content = f'<o:document-content {spaces}><o:body><o:spreadsheet><t:table t:name="S">{body}</t:table>'
    content += "</o:spreadsheet></o:body></o:document-content>"
    content = content.replace("<o:", "<office:").replace("</o:", "</office:").replace("xmlns:o=", "xmlns:office=")
    content = content.replace("<t:", "<table:").replace("</t:", "</table:").replace("xmlns:t=", "xmlns:table=")
    content = content.replace("<x:", "<text:").replace("</x:", "</text:").replace("xmlns:x=", "xmlns:text=")
    content = content.replace(" o:", " office:").replace(" t:", " table:")
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    files = {"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": manifest}
    return archive(files)


def load(table_config, content, name="sales.csv", **keys):
    return sources.load(table_config(content, name=name, columns=NAMED, **keys))


def said(loaded) -> list[tuple[str, str]]:
    return [(r.harm, r.message.split("/sales.")[-1]) for r in loaded.remarks]


@pytest.mark.parametrize("name", ["sales.xlsx", "sales.csv"])
def test_a_workbook_is_known_by_its_content(table_config, tmp_path, name):
    loaded = load(table_config, workbook(tmp_path / "b.xlsx", One=[HEADER, *ROWS]), name)
    assert loaded.long.select("unique_id", "ds", "y").rows() == [("tea", d, float(n)) for d, _, n in ROWS]
    assert loaded.long["line"].to_list() == list(range(2, 62))
    row = loaded.original_rows(loaded.long[1:2])["row"].item()
    assert row == '{"date": "2024-01-02 00:00:00", "item": "tea", "units": 11.0}'


def test_an_open_document(table_config):
    loaded = load(table_config, ods([HEADER, *ROWS]), "sales.ods")
    assert (loaded.long["y"].sum(), loaded.long["ds"].to_list()) == (TOTAL, DAYS)


def test_titles_gaps_sums_and_notes_of_a_sheet(table_config, tmp_path):
    below = [(), ("Total", None, TOTAL), ("printed by till 4",)]
    rows = [("Sales of the year",), (), HEADER, *ROWS[:5], (), *ROWS[5:], *below]
    loaded = load(table_config, workbook(tmp_path / "b.xlsx", One=rows), "sales.xlsx")
    assert (loaded.lines, loaded.long["y"].sum(), loaded.long["fault"].null_count()) == (64, TOTAL, 60)
    assert dict(loaded.dropped) == {"empty_line": 2, "footer": 1, "total_row": 1}
    assert loaded.long["line"].to_list() == [*range(4, 9), *range(10, 65)]
    assert said(loaded) == [
        ("none", "xlsx: row 1 is no part of the table: the header is row 3"),
        ("none", "xlsx, line 66: is a total of 2,370 and is left out; the rows above add up to that"),
    ]


def test_sheets_are_read_like_files_of_a_folder(table_config, tmp_path):
    other = [("store", "city"), ("1", "Rome")]
    sheets = {"Info": [("till 4",)], "Jan": [HEADER, *ROWS[:31]], "Feb": [("Date ", "ITEM", "Units"), *ROWS[31:]]}
    loaded = load(table_config, workbook(tmp_path / "b.xlsx", **sheets, Stores=other), "sales.xlsx")
    assert (loaded.lines, loaded.long["y"].sum(), dict(loaded.dropped)) == (61, TOTAL, {"other_table": 1})
    assert [file.split("/")[-1] for file in loaded.long["file"].unique(maintain_order=True)] == ["Jan", "Feb"]
    assert [harm for harm, _ in said(loaded)] == ["none", "none"]
    assert "the sheets 'Info' of its workbook hold no table" in said(loaded)[0][1]


def test_a_sheet_with_other_columns_is_refused_or_named(table_config, make_config, tmp_path):
    sheets = {"Jan": [HEADER, *ROWS[:31]], "Feb": [("Datum", "Artikel", "Menge"), *ROWS[31:]]}
    config = table_config(workbook(tmp_path / "b.xlsx", **sheets), name="sales.xlsx", columns=NAMED)
    with pytest.raises(UserError, match=r"sales\.xlsx/Feb has other columns .* its 29 rows would be left out"):
        sources.load(config)
    source = {"path": config.source.path, "columns": NAMED}
    assert sources.load(make_config(source=source | {"sheets": "Jan"})).long["y"].sum() == sum(range(10, 41))
    aliases = {"date": "Datum", "item": "Artikel", "units": "Menge"}
    assert sources.load(make_config(source=source | {"aliases": aliases})).long["y"].sum() == TOTAL
    with pytest.raises(UserError, match="has no sheet 'May'; it has: Jan, Feb"):
        sources.load(make_config(source=source | {"sheets": "May"}))


def test_columns_of_several_types(table_config, tmp_path):
    rows = [*ROWS[:10], (DAYS[10], 7, "n/a"), (DAYS[11], 7.0, "12")]
    loaded = load(table_config, workbook(tmp_path / "b.xlsx", One=[HEADER, *rows]), "sales.xlsx")
    assert loaded.long.tail(2).select("unique_id", "ds", "y").rows() == [("7", DAYS[10], None), ("7", DAYS[11], 12.0)]
    twice = [("date", "units", "item", "units"), (DAYS[0], 1, "tea", 2)]
    with pytest.raises(UserError, match=r"has no column 'units'; it has: date, units \(column 2\), item, units"):
        load(table_config, workbook(tmp_path / "c.xlsx", One=twice), "sales.xlsx")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.xlsx", b"PK\x03\x04rest", "is a damaged or cut off zip file"),
        ("a.xls", b"\xd0\xcf\x11\xe0rest", r"cannot be read as a workbook \("),
        ("a.xls", b"<html><table></table></html>", "is a web page: open it in a spreadsheet"),
        ("a.zip", archive({"readme.md": "hi"}), r"holds no \.csv"),
        ("a.zip", archive({"a.parquet": b"PAR1"}), "is a Parquet file in an archive"),
    ],
)
def test_what_is_no_table_inside(table_config, name, content, sentence):
    with pytest.raises(UserError, match=sentence):
        load(table_config, content, name)


def test_an_archive_is_read_like_a_folder(table_config, tmp_path):
    files = {
        "sales/a.csv": text(ROWS[:20]),
        "sales/b.csv": text(ROWS[20:40], ("Date", "Item", "Units"), ";"),
        "c.xlsx": workbook(tmp_path / "b.xlsx", One=[HEADER, *ROWS[40:]]),
        "__MACOSX/._a.csv": "x",
        "readme.md": "hi",
    }
    loaded = load(table_config, archive(files), "sales.zip")
    assert (loaded.lines, loaded.long["y"].sum()) == (60, TOTAL)
    assert said(loaded) == [("none", "zip/c.xlsx: its archive also holds readme.md, which are no tables and left out")]
    assert loaded.original_rows(loaded.long[25:26])["row"].item() == "2024-01-26;tea;35"


NOTES = {
    "a line": "Made by the till\n",
    "a line with a comma": "Made by the till, 2024\n",
    "lines": "Sales of the shop\n\nAsk Tom before you use them.\n",
    "commas": "Dear all,\nhere are the sales, the costs, and so on.\nGreetings\nTom\n" * 3,
}


@pytest.mark.parametrize("note", NOTES.values(), ids=NOTES)
@pytest.mark.parametrize("name", ["LIESMICH.txt", "zz-readme.txt", "about.csv"])
def test_a_note_in_an_archive_is_left_out_and_named(table_config, tmp_path, note, name):
    more = {name: note, "help.pdf": b"%PDF-1.7\0", "blank.xlsx": workbook(tmp_path / "b.xlsx", One=[("till 4",)])}
    loaded = load(table_config, archive({"sales.csv": text(), **more}), "s.zip")
    assert (loaded.lines, loaded.long["y"].sum(), loaded.long["fault"].null_count()) == (60, TOTAL, 60)
    (remark,) = loaded.remarks
    assert remark.message.endswith("which are no tables and left out")
    assert all(file in remark.message for file in more)
    assert loaded.original_rows(loaded.long[:1])["row"].item() == "2024-01-01,tea,10"


def test_an_archive_of_notes_is_refused_and_so_is_a_broken_table_in_one(table_config):
    with pytest.raises(UserError, match=r"s\.zip/a\.txt: is not a table"):
        load(table_config, archive({"a.txt": NOTES["lines"], "b.txt": NOTES["a line"]}), "s.zip")
    broken = text([(*row, 1) for row in ROWS])
    with pytest.raises(UserError, match=r"s\.zip/b\.csv: is not a table: line 2 has 4 cells, the header has 3"):
        load(table_config, archive({"a.csv": text(), "b.csv": broken}), "s.zip")


def test_many_notes_are_counted(table_config):
    notes = {f"{i}.txt": NOTES["a line"] for i in range(7)}
    (remark,) = load(table_config, archive({"sales.csv": text(), **notes}), "s.zip").remarks
    assert "0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 2 more" in remark.message


# --- sums ------------------------------------------------------------------------------------------------------------


def test_a_sum_below_the_rows_is_compared_with_them(table_config):
    loaded = load(table_config, text() + f"Total,,{TOTAL + 5}\n")
    assert (loaded.long["y"].sum(), dict(loaded.dropped)) == (TOTAL, {"total_row": 1})
    assert said(loaded) == [
        (
            "numbers",
            "csv, line 62: is a total of 2,375 and is left out; the rows above add up to 2,370: look for what is "
            "missing or twice",
        )
    ]


def test_sums_between_the_rows_are_no_sales(table_config):
    lines = text().splitlines()
    lines[32:32] = [f",Summe Januar,{sum(range(10, 41))}"]
    loaded = load(table_config, "\n".join([*lines, f",Gesamt,{TOTAL}"]))
    assert (loaded.long["y"].sum(), dict(loaded.dropped)) == (TOTAL, {"total_row": 2})
    assert said(loaded)[0][0] == "none"


def test_a_series_that_is_the_sum_of_the_others_is_left_out(table_config):
    rows = [(d, item, n) for d, _, n in ROWS for item, n in (("tea", n), ("milk", 2 * n), ("Total", 3 * n))]
    loaded = load(table_config, text(rows))
    assert (loaded.long["y"].sum(), dict(loaded.dropped)) == (3 * TOTAL, {"total_row": 60})
    assert said(loaded) == [("none", "the series 'Total' is the sum of others on 60 of 60 days and is left out")]


def test_a_total_of_each_store(make_config, tmp_path):
    rows = [(d, s, i, sold + k) for d, _, n in ROWS for k, s in enumerate("AB") for i, sold in (("x", n), ("y", 1))]
    sums = [(d, s, "total", n + 1 + 2 * k) for d, _, n in ROWS for k, s in enumerate("AB")]
    (tmp_path / "s.csv").write_text(text([*rows, *sums], ("date", "store", "item", "units")))
    columns = NAMED | {"unique_id": ["store", "item"]}
    loaded = sources.load(make_config(source={"path": str(tmp_path / "s.csv"), "columns": columns}))
    assert dict(loaded.dropped) == {"total_row": 120}
    assert loaded.long["unique_id"].unique().sort().to_list() == ["A/x", "A/y", "B/x", "B/y"]


def test_a_series_called_total_that_is_no_sum_stays_and_is_said(table_config):
    rows = [(d, item, n) for d, _, n in ROWS for item, n in (("tea", n), ("Total Wine", 5), ("Total", 7))]
    loaded = load(table_config, text(rows))
    assert loaded.long["unique_id"].n_unique() == 3
    assert said(loaded)[0][0] == "numbers"
    assert "'Total' is called a total, and is the sum of the other series on 0 of 60 days only" in said(loaded)[0][1]


def test_all_series_of_sums_are_named_or_counted(make_config, tmp_path):
    """Eight stores, each with a total of its two items."""
    rows = [(d, s, i, 1) for d in DAYS for s in "ABCDEFGH" for i in ("x", "y")]
    sums = [(d, s, "total", 2) for d in DAYS for s in "ABCDEFGH"]
    (tmp_path / "s.csv").write_text(text([*rows, *sums], ("date", "store", "item", "units")))
    columns = NAMED | {"unique_id": ["store", "item"]}
    loaded = sources.load(make_config(source={"path": str(tmp_path / "s.csv"), "columns": columns}))
    assert (loaded.long["y"].sum(), dict(loaded.dropped)) == (8 * 2 * 60, {"total_row": 8 * 60})
    assert len(loaded.remarks) == 6
    assert loaded.remarks[-1].message == "3 more series are sums of others and are left out (the last is 'H/total')"


# --- wide tables -----------------------------------------------------------------------------------------------------

ITEMS = {"unique_id": ["store", "item"], "ds": "date", "y": "units"}


def wide_config(make_config, tmp_path, content, wide, columns=ITEMS, **keys):
    (tmp_path / "w.csv").write_text(content)
    return make_config(source={"path": str(tmp_path / "w.csv"), "columns": columns, "wide": wide}, **keys)


def test_items_as_columns(make_config, tmp_path):
    lines = [f"{d};A;{i};{2 * i if i > 9 else ''};{3 * i if i > 9 else i};sunny" for i, d in enumerate(DAYS)]
    content = "\n".join(["date;Store;tea;green tea;Total;weather", *lines, "2024-03-01;A;;;;"])
    loaded = sources.load(wide_config(make_config, tmp_path, content, "item"))
    tea, green = sum(range(60)), 2 * sum(range(10, 60))
    sums = loaded.long.group_by("unique_id").agg(pl.col("y").sum())
    assert dict(sums.iter_rows()) == {"A/tea": tea, "A/green tea": green}
    # 61 days of two items, of which the second had not begun on the first ten; the last day is ahead
    assert (loaded.lines, loaded.long.height, dict(loaded.dropped)) == (122, 112, {"empty_line": 10})
    assert loaded.long.filter(ds=date(2024, 3, 1))["y"].to_list() == [None, None]
    assert said_of(loaded) == [
        ("none", "2 columns are the item of the sales (tea, green tea)"),
        ("none", "the columns weather are left out: they are no item"),
        ("none", f"the column 'Total' is a total of {tea + green:,} and is left out; the others add up to that"),
    ]
    assert loaded.original_rows(loaded.long[:1])["row"].item() == lines[0]


@pytest.mark.parametrize(
    ("cells", "stated", "message"),
    [
        (("1,5", "2,25"), "3,75", "is a total of 225 and is left out; the others add up to that"),
        (("1,5", "2,25"), "3,50", "is a total of 210 and is left out; the others add up to 225: look for what differs"),
        (("1.200,5", "2"), "1.202,5", "is a total of 72,150 and is left out; the others add up to that"),
        (("1,5", "2.25"), "3,75", "its numbers can be read in two ways, so it is not compared"),
    ],
)
def test_a_column_of_sums_is_compared_as_its_numbers_are_written(make_config, tmp_path, cells, stated, message):
    """60 days: 60 * 3.75 = 225, 60 * 3.5 = 210, 60 * 1202.5 = 72150."""
    content = "\n".join(["date;tea;jam;Total", *(";".join((str(d), *cells, stated)) for d in DAYS)]) + "\n"
    config = wide_config(make_config, tmp_path, content, "item", NAMED)
    wide = unpivot(config, read_text(tmp_path / "w.csv"), {"date": "source.columns.ds"})
    assert wide.remarks[-1].message.endswith(message)


def said_of(loaded) -> list[tuple[str, str]]:
    return [(r.harm, r.message.split(": ", 1)[1]) for r in loaded.remarks if r.check in ("files", "totals")]


def test_periods_as_columns(make_config, tmp_path):
    months = [f"{y}-{m:02d}" for y in (2022, 2023) for m in range(1, 13)]
    rows = [["tea", "hot", *range(24), 999], ["milk", "cold", *["1.234,5"] * 23, "", 1]]
    content = "\n".join(";".join(map(str, row)) for row in [["item", "kind", *months, "Sum"], *rows])
    columns = {"unique_id": "item", "ds": "month", "y": "units"}
    config = wide_config(make_config, tmp_path, content, "month", columns, freq="1mo")
    loaded = sources.load(config.model_copy(update={"columns": Columns(static=("kind",))}))
    assert loaded.long.filter(unique_id="tea")["y"].to_list() == [float(n) for n in range(24)]
    assert loaded.long.filter(unique_id="milk")["y"].sum() == pytest.approx(23 * 1234.5)
    assert loaded.long["ds"].unique().sort()[[0, -1]].to_list() == [date(2022, 1, 1), date(2023, 12, 1)]
    assert [harm for harm, message in said_of(loaded) if "'Sum'" in message] == ["numbers"]


def test_a_wide_workbook(make_config, table_config, tmp_path):
    rows = [("Sales by month",), (), ("item", *(date(2024, m, 1) for m in range(1, 13))), ("tea", *range(12))]
    columns = {"unique_id": "item", "ds": "month", "y": "units"}
    path = tmp_path / "b.xlsx"
    workbook(path, One=rows)
    loaded = sources.load(make_config(source={"path": str(path), "columns": columns, "wide": "month"}, freq="1mo"))
    assert loaded.long.select("ds", "y").rows() == [(date(2024, m + 1, 1), float(m)) for m in range(12)]


def test_what_cannot_be_wide(make_config, tmp_path):
    content = "date,store,tea\n2024-01-01,A,1\n2024-01-02,A\n"
    with pytest.raises(UserError, match=r"w\.csv, line 3: has not as many cells as the header"):
        sources.load(wide_config(make_config, tmp_path, content, "item"))
    with pytest.raises(UserError, match=r"source\.wide: weather must be a column of unique_id, or the one of ds"):
        sources.load(wide_config(make_config, tmp_path, content, "weather"))
    with pytest.raises(UserError, match=r"source\.wide: .* has no column of numbers for item"):
        sources.load(wide_config(make_config, tmp_path, "date,store,x\n2024-01-01,A,b\n2024-01-02,A,c\n", "item"))
    with pytest.raises(UserError, match=r"where every period is a column, name the date column in source\.wide"):
        sources.load(wide_config(make_config, tmp_path, "item,2024-01,2024-02\ntea,1,2\nmilk,3,4\n", None))
