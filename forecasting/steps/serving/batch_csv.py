"""A CSV file of rows to be forecast: `open_batch` reads it and yields the answers in its order, `csv_lines` as text.

The first line names the columns: unique_id, ds, and perhaps known-ahead columns, as people call them. A line that
cannot be read gets a fault, and so does a row that is wrong; all others are answered.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from typing import IO

import polars as pl

from forecasting.data.panel import KEY
from forecasting.data.schemas import interval_columns
from forecasting.errors import Option, UserError
from forecasting.steps.serving.answers import answer_shared, shape_answers
from forecasting.steps.serving.requested_rows import check_rows, column_names
from forecasting.steps.serving.served import Served

MOST_ROWS = 1_000_000
NAMES = {"yhat": "mean", "q50": "median", "fault": "error"}
"""What the columns of an answer are called in the file."""
KEYS = {"row": pl.Int64, "unique_id": pl.String, "ds": pl.Date}


def open_batch(served: Served, file: IO[bytes], challenger: Served | None = None) -> Iterator[pl.DataFrame]:
    """Parts of the answer, in the order of the lines: [row, unique_id, ds, yhat, ..., field, fault]; `row` is the line.

    The file is read before this returns: raises UserError where it is no UTF-8, has no header, a column that a row may
    not give, or more than MOST_ROWS rows. The values that it gives hold together. The challenger answers its share.
    """
    requested = check_rows(served, _read(served, file))
    return _in_order(requested["row"], answer_shared(served, challenger, requested))


def csv_lines(rows: pl.DataFrame, served: Served) -> str:
    """The rows as lines of CSV, without the header."""
    return _columns(rows, served).write_csv(include_header=False)


def csv_header(served: Served) -> str:
    """The first line of an answer."""
    return _columns(shape_answers(served, pl.DataFrame(schema=KEYS)), served).write_csv()


def _columns(rows: pl.DataFrame, served: Served) -> pl.DataFrame:
    """The columns of an answer as they are called in the file."""
    bounds = interval_columns(served.config.level)
    answered = pl.when(pl.col("yhat").is_not_null())  # a line that is wrong was answered by nobody
    named = rows.with_columns(answered.then(c).alias(c) for c in ("version", "answered_by")).rename(
        NAMES | {"row": "line"}
    )
    columns = ["line", *KEY, "mean", "median", *bounds, "price", "revenue", "model", "version"]
    return named.select(*columns, "answered_by", "source", "fallback", "error")


def _read(served: Served, file: IO[bytes]) -> pl.DataFrame:
    """[row, unique_id, ds, known-ahead columns, field, fault] as texts, one row per line with anything in it."""
    _check_encoding(file)
    lines = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
    header = [name.strip() for name in next(lines, [])]
    names = _header(served, header)
    numbers: list[int] = []
    cells: list[list[str]] = []
    faults: list[str | None] = []
    for number, fields in _numbered(lines):
        if len(numbers) >= MOST_ROWS:
            raise UserError(f"the file has more than {MOST_ROWS:,} rows: send it in parts", where=Option("body"))
        wrong = isinstance(fields, str) or len(fields) != len(names)
        numbers.append(number)
        cells.append([""] * len(names) if wrong else list(fields))
        faults.append(_shape_fault(fields, len(names)) if wrong else None)
    schema = dict.fromkeys(names, pl.String)
    texts = pl.DataFrame(cells, schema=schema, orient="row") if cells else pl.DataFrame(schema=schema)
    fault = pl.Series("fault", faults, pl.String)
    field = pl.when(fault.is_not_null()).then(pl.lit("line"))
    return texts.with_columns(pl.Series("row", numbers, pl.Int64), fault, field=field)


def _header(served: Served, header: list[str]) -> list[str]:
    """The panel's columns that the header names."""
    if not any(header):
        raise UserError("there is no first line that names the columns, like unique_id,ds", where=Option("body"))
    known = column_names(served, header)
    names = [known[name] for name in header]
    lacking = [key for key in KEY if key not in names]
    if lacking:
        raise UserError(f"the first line names no column {lacking[0]}", where=Option(lacking[0]))
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError("the first line names it twice", where=Option(twice[0]))
    return names


def _numbered(lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str] | str]]:
    """The lines with their numbers, empty ones left out; a text in place of one that cannot be read, which ends it."""
    number = 2
    try:
        for fields in lines:
            if any(fields):
                yield number, fields
            number = lines.line_num + 1  # type: ignore[attr-defined]
    except csv.Error as error:
        yield number, f"nothing can be read from here on: {error}"


def _shape_fault(fields: list[str] | str, expected: int) -> str:
    return fields if isinstance(fields, str) else f"the line has {len(fields)} fields, the first one {expected}"


def _check_encoding(file: IO[bytes]) -> None:
    decoder, number = codecs.getincrementaldecoder("utf-8")(), 1
    for line in file:
        try:
            decoder.decode(line)
        except UnicodeDecodeError:
            raise UserError(f"line {number} is not UTF-8: save the file as UTF-8", where=Option("body")) from None
        number += 1
    file.seek(0)


def _in_order(rows: pl.Series, parts: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The parts put together again so that they come in the order of `rows`, each as soon as it can."""
    waiting: list[pl.DataFrame] = []
    order = pl.DataFrame({"row": rows, "_at": pl.int_range(rows.len(), eager=True)})
    sent = 0
    for part in parts:
        waiting.append(part.join(order, on="row", how="left"))
        held = pl.concat(waiting).sort("_at")
        ready = held.filter(pl.col("_at") == pl.int_range(pl.len()) + sent)
        if ready.height:
            sent += ready.height
            yield ready.drop("_at")
        waiting = [held.slice(ready.height)]
