"""Numbers as people write them: what the cells of a column tell, what is refused, and what a load remembers."""

import re
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.data import contracts, sources
from forecasting.data.side_tables import load_with_side_tables
from forecasting.data.sources.readers.numbers import (
    NumberFormat,
    decide_decimal,
    evidence_of,
    format_like,
    is_doubtful,
    parse_numbers,
)
from forecasting.errors import UserError

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(400)]


@pytest.fixture
def read(tmp_path, make_config):
    """RawData of a file with this text; source keys by name, `columns` are the roles of drivers."""

    def load(text: str, *, stored=None, columns=None, tables=None, name="sales.csv", clean=None, **source):
        (tmp_path / name).write_text(text)
        source = {"path": str(tmp_path / name), "columns": {"ds": "day", "y": "units"}} | source
        config = make_config(source=source, columns=columns or {}, tables=tables or {}, clean=clean or {})
        return load_with_side_tables(config.with_stored_formats(stored or {}))

    return load


def column(*cells: str, sep: str = ";") -> str:
    """A file of a row per cell; a cell with the delimiter is quoted."""
    quoted = [f'"{cell}"' if sep in cell else cell for cell in cells]
    return "\n".join([f"day{sep}units", *(f"{d}{sep}{c}" for d, c in zip(DAYS, quoted, strict=False))]) + "\n"


def rows(header: str, *lines: str) -> str:
    return "\n".join([f"day;{header}", *(f"{d};{line}" for d, line in zip(DAYS, lines, strict=False))]) + "\n"


@pytest.mark.parametrize(
    ("cells", "sep", "numbers"),
    [
        (["880", "940", "1,000", "1,060"], ";", [880, 940, 1000, 1060]),
        (["950", "1.200"], ";", [950, 1200]),
        (["950", "1.200"], ",", [950, 1200]),
        (["300", "540", "1,450"], ",", [300, 540, 1450]),
        (["1,450", "2,100"], ",", [1450, 2100]),
        (["1.250", "2.125"], ",", [1.25, 2.125]),
        (["147,50", "12,00"], "\t", [147.5, 12]),
        (["147,50", "12,00"], ",", [147.5, 12]),
        (["1,18,000", "99,000"], ";", [118000, 99000]),
        (["1,234,567", "2,500"], ";", [1234567, 2500]),
        (["1.234,5", "2.500"], ";", [1234.5, 2500]),
        (["0,125", "1,250"], ";", [0.125, 1.25]),
        (["1 180", "1\u202f250,5", "1\u00a0300"], ";", [1180, 1250.5, 1300]),
        (["1'180.-", "1’250.50"], ";", [1180, 1250.5]),
        (["$1180", "$ 1,250.50", "USD 7"], ";", [1180, 1250.5, 7]),
        (["147,50 €", "1.200 €", "3,- EUR"], ";", [147.5, 1200, 3]),
        (["(118)", "118-", "−118", "- 118", "+118"], ";", [-118, -118, -118, -118, 118]),
        (["5", "-", "–", "#N/A", "n/a", "NaN", "null", ""], ";", [5, *[None] * 7]),
        (["1,5E+03", "2,5"], ";", [1500, 2.5]),
    ],
)  # fmt: skip
def test_what_the_cells_tell_is_read(read, cells, sep, numbers):
    long = read(column(*cells, sep=sep)).long
    assert long["y"].to_list() == numbers
    assert long["fault"].null_count() == len(cells)


@pytest.mark.parametrize(
    ("cells", "sep", "message"),
    [
        (["1,180", "1,210"], ";", r"'1,180' \(.*, line 2\).* can mean 1180 or 1\.18.*\{units: '1,234\.5'\}"),
        (["1.180", "1.210"], "\t", r"'1\.180' .* can mean 1180 or 1\.18.*\{units: '1\.234,5'\}"),
        (["1180", "1,250"], ";", "can mean 1250 or 1.25"),
        (["2", "1,250"], ";", "can mean 1250 or 1.25"),
        (["1,5", "3,5", "2.5"], ";", r"mean different things .*'1,5' \(.*, line 2\) and '2\.5' \(.*, line 4\)"),
        (["1,500", "2.500"], ";", "mean different things"),
        (["$5", "€6"], ";", r"different units, '\$5' .* and '€6'"),
        (["12%", "0.2"], ";", "different units"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_both(read, cells, sep, message):
    with pytest.raises(UserError, match=message):
        read(column(*cells, sep=sep))


def test_the_other_columns_of_the_file_decide_a_doubt(read):
    raw = read(rows("units;price", "1.180;2,50", "1.210;2,40"), columns={"known_ahead": "price"})
    assert raw.long["y"].to_list() == [1180, 1210]
    raw = read(rows("units;price", "1.180;2.50", "1.210;2.40"), columns={"known_ahead": "price"})
    assert raw.long["y"].to_list() == [1.18, 1.21]
    assert any("'1.180' is read as 1.18" in remark.message for remark in raw.remarks)


def test_columns_of_a_file_may_differ_when_each_tells_its_own(read):
    raw = read(rows("units;price", "880;2,50", "1,180;2,40"), columns={"known_ahead": "price", "price": "price"})
    assert raw.long.select("y", "price").rows() == [(880, 2.5), (1180, 2.4)]


def test_a_few_cells_of_the_other_kind_are_bad_cells(read):
    raw = read(column(*["2,5"] * 200, "1.5", "$ 3,5"))
    bad = raw.long.filter(pl.col("fault") == "number")
    assert bad["fault_value"].to_list() == ["units=1.5"]
    raw = read(column(*["$2.5"] * 200, "€1.5"))
    assert raw.long.filter(pl.col("fault") == "number")["fault_value"].to_list() == ["units=€1.5"]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("ja", "nein", ""), [1, 0, None]),
        (("Y", "N", "Y"), [1, 0, 1]),
        (("x", "", "X"), [1, 0, 1]),
        (("oui", "", "oui"), [1, 0, 1]),
        (("wahr", "falsch", "falsch"), [1, 0, 0]),
        (("true", "false", ""), [1, 0, None]),
        (("10%", "12,5 %", "0"), [0.1, 0.125, 0]),
        (("S", "M", "no"), ["S", "M", "no"]),
        (("n", "n", ""), ["n", "n", None]),
        (("x", "x", "x"), ["x", "x", "x"]),
    ],
)
def test_drivers_without_a_role(read, cells, values):
    long = read(rows("units;offer", *(f"5;{cell}" for cell in cells)), columns={"known_ahead": "offer"}).long
    assert long["offer"].to_list() == values
    assert long["fault"].null_count() == 3
    if set(values) <= {0, 1, None}:
        assert long.schema["offer"] == pl.Int8


def test_promotions_and_openings_know_words_and_a_mark_and_sales_do_not(read):
    roles = {"known_ahead": ["promo", "open"], "promo": "promo", "open": "open"}
    long = read(rows("units;promo;open", "5;x;s", "6;;n", "x;x;s"), columns=roles).long
    assert long["promo"].to_list() == [1, 0, 1]
    assert long["open"].to_list() == [1, 0, 1]
    assert long["fault_value"].to_list() == [None, None, "units=x"]


def test_static_columns_keep_the_names_of_their_groups(read):
    text = rows("units;class;organic;share;size;area", "5;$5;ja;10%;1.5;2,5", "6;€7;nein;20%;2,5;3,5")
    long = read(text, columns={"static": ["class", "organic", "share", "size", "area"]}).long
    assert long.select("class", "organic", "share", "size", "area").row(0) == ("$5", "ja", "10%", "1.5", 2.5)


def test_decimals_that_may_be_thousands_are_a_warning(read):
    (remark,) = read(column("1.250", "2.125", sep=",")).remarks
    assert remark.harm == "numbers"
    assert "if '1.250' is 1250, say so by source.format: {units: '1.234,5'}" in remark.message
    (remark,) = read(column("1,250", "2,125", sep=",")).remarks
    assert remark.harm == "none"


def test_what_was_concluded_is_told_and_plain_numbers_need_no_word(read):
    assert read(column("5", "7.5", sep=",")).remarks == ()
    messages = [remark.message for remark in read(column("880", "1,060", "(5)", "-", "$4.50")).remarks]
    assert len(messages) == 1
    for part in (
        "units: '1,060' is read as 1060 (commas between thousands)",
        "'(5)' is read as -5",
        "'-' (1 times) is read as no value",
        "'$4.50' is read as 4.5 (in USD)",
    ):
        assert part in messages[0]


def test_a_later_load_is_read_as_the_first_one(read):
    first = read(column("880", "1,060"))
    assert first.formats == {"source": {"units": "1,234.5"}}
    assert read(column("1,180"), stored=first.formats).long["y"].to_list() == [1180]
    with pytest.raises(UserError, match=r"like 1,234\.5 before, and now it holds '2,50' .*line 2\), .* 1\.234,5"):
        read(column("2,50"), stored=first.formats)
    dollars = read(column("$5", "$6")).formats
    assert dollars == {"source": {"units": "1234 USD"}}
    assert read(column("$5,50"), stored=dollars).long["y"].to_list() == [5.5]
    with pytest.raises(UserError, match="like 1234 USD before, and now it holds '€7'"):
        read(column("€7"), stored=dollars)
    marks = read(rows("units;offer", "5;x", "6;"), columns={"known_ahead": "offer"}).formats
    later = read(rows("units;offer", "5;", "6;"), columns={"known_ahead": "offer"}, stored=marks)
    assert later.long["offer"].to_list() == [0, 0]


def test_the_config_decides_against_cells_and_earlier_loads(read):
    stored = {"source": {"units": "1,234.5"}}
    assert read(column("1,180"), format="1.234,5", stored=stored).long["y"].to_list() == [1.18]
    assert read(column("1,180"), format={"units": "1,234.5"}).long["y"].to_list() == [1180]
    raw = read(column("1.5", "2,5"), format={"units": "1.234,5"})
    assert raw.long["y"].to_list() == [None, 2.5]
    assert raw.long["fault"].to_list() == ["number", None]
    names = read(rows("units;fit", "5;36", "6;38"), columns={"known_ahead": "fit"}, format={"fit": "text"})
    assert names.long["fit"].to_list() == ["36", "38"]
    with pytest.raises(UserError, match=r"source\.format\.units: '1,234' does not tell"):
        read(column("1,180"), format={"units": "1,234"})


def test_a_side_table_has_its_own_numbers(read, tmp_path):
    (tmp_path / "prices.csv").write_text("day;p\n2024-01-01;1.180\n2024-01-02;1.210\n")
    table = {"path": str(tmp_path / "prices.csv"), "ds": "day", "columns": {"price": "p"}}
    roles = {"known_ahead": "price", "price": "price"}
    with pytest.raises(UserError, match=r"tables\.prices\.format: {p: '1\.234,5'}"):
        read(column("5", "6"), columns=roles, tables={"prices": table})
    raw = read(column("5", "6"), columns=roles, tables={"prices": table | {"format": {"p": "1.234,5"}}})
    assert raw.long["price"].to_list() == [1180, 1210]
    assert raw.formats["tables.prices"] == {"p": "1.234,5"}
    assert [r.message for r in raw.remarks] == ["table prices, p: '1.180' is read as 1180 (points between thousands)"]


def test_nan_of_a_typed_table_is_no_value_and_infinity_a_fault(read, tmp_path, make_config):
    frame = pl.DataFrame({"day": DAYS[:3], "units": [1.0, float("nan"), float("inf")]})
    frame.write_parquet(tmp_path / "s.parquet")
    config = make_config(source={"path": str(tmp_path / "s.parquet"), "columns": {"ds": "day", "y": "units"}})
    assert sources.load(config).long["y"].to_list() == [1, None, float("inf")]


@pytest.mark.parametrize("column", ["ds", "y", "size"])
@pytest.mark.parametrize(
    ("cell", "kind"), [(["a"], "lists or structures"), ({"a": 1}, "lists or structures"), (timedelta(1), "lengths of")]
)
def test_a_cell_of_a_typed_table_is_one_value(column, cell, kind, tmp_path, make_config):
    cells = {"ds": date(2024, 1, 1), "y": 1.0, "size": "S"} | {column: cell}
    pl.DataFrame({c: [value] for c, value in cells.items()}).write_parquet(tmp_path / "s.parquet")
    source = {"path": str(tmp_path / "s.parquet"), "columns": {"ds": "ds", "y": "y"}}
    with pytest.raises(UserError, match=f"the column {column} holds {kind}.*one name, number or date"):
        sources.load(make_config(source=source, columns={"static": ["size"]}))


def test_a_refusal_of_unreadable_numbers_names_the_way_out(read, make_config, tmp_path):
    text = column("5", "about 7", "12 kg", "6")
    (tmp_path / "sales.csv").write_text(text)
    config = make_config(source={"path": str(tmp_path / "sales.csv"), "columns": {"ds": "day", "y": "units"}})
    with pytest.raises(UserError, match=r"units=about 7 \(.*source\.format"):
        contracts.check_load(sources.load(config), config)


EXAMPLES = ("1,234.5", "1.234,5", "1 234,5", "1'234.5", "1234.5", "1234,5 €", "1234.5 %", "1234")


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_format_and_its_example_are_one(example):
    assert str(format_like(example)) == example
    assert format_like(str(format_like(example))) == format_like(example)


def test_plain_cells_and_written_ones_agree():
    """The quick way and the careful one read the same."""
    plain = pl.Series("y", [f"{i / 8:.3f}" for i in range(5000)])
    written = pl.Series("y", [f"{i / 8:,.3f}".translate(str.maketrans(",.", ".,")) for i in range(5000)])
    read, bad = parse_numbers(written, NumberFormat(","))
    assert not bad.any()
    assert read.to_list() == parse_numbers(plain)[0].to_list()


STYLES = st.sampled_from([(",", "."), (".", ","), ("\u202f", ","), ("'", "."), ("", ","), ("", ".")])
NUMBERS = st.lists(st.integers(-9_999_999, 9_999_999), min_size=1, max_size=30)


@given(NUMBERS, STYLES, st.sampled_from([0, 1, 2, 3]), st.sampled_from(["-{}", "({})", "{}-", "−{} €"]))
def test_what_is_written_in_any_style_is_read_back_or_in_doubt(numbers, style, digits, minus):
    """Against Python's own format: no number becomes another one."""
    thousands, decimal = style
    signs = str.maketrans({",": thousands, ".": decimal})
    values = [number / 10**digits for number in numbers]
    written = [f"{abs(value):,.{digits}f}".translate(signs) for value in values]
    cells = pl.Series([minus.format(text) if value < 0 else text for text, value in zip(written, values, strict=True)])
    evidence = evidence_of(cells)
    if is_doubtful(evidence):
        assert all(re.search(r"^\d+$|^\d{1,3}[.,]\d{3}$", text) for text in written), "one number tells the sign"
        return
    read, bad = parse_numbers(cells, NumberFormat(decide_decimal(evidence) or ""))
    assert not bad.any()
    assert read.to_list() == pytest.approx(values)
