"""The answer for one row: `answer_one` takes a series, a day and values, and returns a frame of one row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from forecasting.data.panel import KEY
from forecasting.errors import Option, UserError
from forecasting.steps.serving.answers import answer_shared
from forecasting.steps.serving.requested_rows import check_rows, column_names
from forecasting.steps.serving.served import Served


def answer_one(
    served: Served, unique_id: str, ds: date, values: Mapping[str, object], challenger: Served | None = None
) -> pl.DataFrame:
    """The one row of `answer_rows` for a series and a day, by the challenger where its share falls on it.

    Raises UserError, which names the field: unique_id, ds, or values.<column>.
    """
    try:
        names = column_names(served, values)
    except UserError as error:
        raise _in_values(error) from None
    texts = {names[name]: _text(value) for name, value in values.items()}
    requested = pl.DataFrame([{"row": 0, "unique_id": unique_id, "ds": ds.isoformat()} | texts])
    row = pl.concat(list(answer_shared(served, challenger, check_rows(served, requested))))
    field, fault = row.select("field", "fault").row(0)
    if fault is not None:
        raise UserError(fault, where=Option(field if field in KEY else f"values.{field}"))
    return row


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _in_values(error: UserError) -> UserError:
    name = error.where.name if isinstance(error.where, Option) else ""
    return UserError(error.what, where=Option(f"values.{name}"))
