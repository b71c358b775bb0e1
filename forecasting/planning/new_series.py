"""New series of a scenario: `split_new` parts edits that list one from the others, `read_new` reads one of them.

A NewSeries is listed on some days, like a series that is there. `new_rows` takes the planned rows of that series and
returns those of the new one, in which its name counts as far as it tells more (see `own_values`). Nothing is forecast.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.edits import Edit, format_change
from forecasting.errors import UserError
from forecasting.features.joined_names import split_names
from forecasting.planning.scenario import LIKE, NEW


@dataclass(frozen=True)
class NewSeries:
    """A series that is sold on the days start..end of a scenario alone, and the series that it is like."""

    unique_id: str
    like: str
    start: date
    end: date


def split_new(edits: Iterable[Edit], schema: Mapping[str, pl.DataType]) -> tuple[list[Edit], list[Edit]]:
    """The edits that list new series, and the others; a panel with a column of this name keeps its meaning.

    >>> day = date(2026, 1, 5)
    >>> new, others = split_new([Edit("new", "=", "I9 like I1", day, day), Edit("promo", "=", 1, day, day)], {})
    >>> [edit.value for edit in new], [edit.value for edit in others]
    (['I9 like I1'], [1])
    """
    parts: tuple[list[Edit], list[Edit]] = [], []
    for edit in edits:
        parts[edit.column != NEW or NEW in schema].append(edit)
    return parts


def read_new(edit: Edit, known: Collection[str]) -> NewSeries:
    """The series that a checked edit lists; `known` are the ids that are there.

    Raises UserError where the series that it is like is not there, and where the new one is.

    >>> day = date(2026, 1, 5)
    >>> read_new(Edit("new", "=", "S1/I99 like S1/I13", day, day), {"S1/I13"}).like
    'S1/I13'
    """
    change, text = format_change(edit), str(edit.value)
    places = [i for i in range(len(text)) if text.startswith(LIKE, i)]
    pairs = [(text[:i].strip(), text[i + len(LIKE) :].strip()) for i in places]  # names may hold the word as well
    new, like = next((pair for pair in pairs if pair[1] in known), pairs[0])
    if not new or like not in known:
        raise UserError(f"change {change!r}: it cannot be like {like}, which is not known")
    if new in known:
        raise UserError(f"change {change!r}: {new} is there already; give the new series another name")
    return NewSeries(new, like, edit.start, edit.end)


def own_values(new: NewSeries, series: pl.DataFrame, config: Config) -> dict[str, str]:
    """The static values of a new series that differ from those of the one that it is like, by their columns.

    `series` [unique_id, static columns] holds all that are there. The parts of its name are the values of the id
    columns; what one of these decides in all series (the region of a store, the category of an item) is that of the
    series with the same part. Raises UserError for a name of other parts than the id columns.
    """
    ids = config.id_columns
    if not ids:
        return {}
    names = split_names(new.unique_id)
    if len(names) != len(ids) or not all(names):
        raise UserError(
            f"new series {new.unique_id}: a name has {', '.join(ids)} with a slash between them, as {new.like} has"
        )
    named = dict(zip(ids, names, strict=True))
    like = series.row(by_predicate=pl.col("unique_id") == new.like, named=True)
    moved = {column: name for column, name in named.items() if name != like[column]}
    others = [c for c in series.columns if c not in ("unique_id", *ids)]
    for column, name in tuple(moved.items()):
        same = series.filter(pl.col(column) == name)
        decides = [] if same.is_empty() else [c for c in others if _is_decided(series, c, column)]
        moved |= {c: values[0] for c in decides if (values := same[c].drop_nulls()).len()}
    return moved


def _is_decided(series: pl.DataFrame, column: str, by: str) -> bool:
    """Whether all series with the same value in `by` have the same one in `column`."""
    counts = series.drop_nulls(column).group_by(by).agg(n=pl.col(column).n_unique())
    return bool((counts["n"] <= 1).all())


def new_rows(new: NewSeries, planned: pl.DataFrame, values: Mapping[str, str]) -> pl.DataFrame:
    """The planned rows of a new series on its days: those of the one that it is like, with static `values` of its own.

    >>> planned = pl.DataFrame({"unique_id": "I1", "ds": [date(2026, 1, 5), date(2026, 1, 6)], "price": 2.0})
    >>> new_rows(NewSeries("I9", "I1", date(2026, 1, 6), date(2026, 1, 9)), planned, {}).rows()
    [('I9', datetime.date(2026, 1, 6), 2.0)]
    """
    rows = planned.filter(pl.col("ds").is_between(new.start, new.end))
    own = {"unique_id": new.unique_id, **values}
    return rows.with_columns(pl.lit(value).cast(planned.schema[c]).alias(c) for c, value in own.items())
