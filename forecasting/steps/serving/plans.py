"""Plans of coming days with changes: `plan_with_values` takes single values, `plan_with_edits` edits like `price*=0.9`.

Both take a Served and ids of series and return an EditedPlan: the coming rows as planned and as edited. Nothing is
forecast and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.columns import as_users_write
from forecasting.data.edits import CellEdit, Edit
from forecasting.data.panel import KEY
from forecasting.planning.edit_reach import check_reach
from forecasting.planning.observed_range import warn_outside
from forecasting.planning.response.doubts import warn_of_response
from forecasting.steps.serving.edited import split_edits
from forecasting.steps.serving.served import Served, buckets_of


@dataclass(frozen=True)
class EditedPlan:
    """Coming rows [unique_id, ds, columns of the panel] of some series as `planned`, and the same rows `edited`."""

    planned: pl.DataFrame
    edited: pl.DataFrame

    def changes(self, columns: Iterable[str]) -> tuple[CellEdit, ...]:
        """What is edited in `columns`, as an edit each; none for a column in which every value is as planned."""
        new = {c: self.edited[c].ne_missing(self.planned[c]) for c in columns}
        rows = self.edited.select(*KEY, *new)
        cells = {c: rows.filter(mask).select(*KEY, value=c).drop_nulls() for c, mask in new.items() if mask.any()}
        return tuple(CellEdit.of(column, found) for column, found in cells.items() if found.height)

    def portions(self, ids: pl.Series, size: int) -> list[EditedPlan]:
        """The plan in portions of `size` of the series `ids`, in their order."""
        planned, edited = (in_portions(rows, ids, size) for rows in (self.planned, self.edited))
        return [EditedPlan(*both) for both in zip(planned, edited, strict=True)]


def in_portions(rows: pl.DataFrame, ids: pl.Series, size: int) -> list[pl.DataFrame]:
    """The rows of the first `size` series of `ids`, those of the next ones, and so on; some may be empty."""
    if ids.len() <= size:
        return [rows]
    portion = ids.to_frame("unique_id").with_columns(_portion=pl.int_range(pl.len()) // size)
    numbered = rows.join(portion, on="unique_id", how="inner", maintain_order="left")
    found = numbered.partition_by("_portion", as_dict=True, include_key=False)
    return [found.get((n,), rows.clear()) for n in range(-(-ids.len() // size))]


def planned_rows(served: Served, ids: pl.Series) -> pl.DataFrame:
    """The coming rows of the series as planned."""
    return served.plans(buckets_of(served, ids)).filter(pl.col("unique_id").is_in(ids.implode()))


def plan_with_values(served: Served, ids: pl.Series, values: pl.DataFrame) -> EditedPlan:
    """The plan of the series with `values` [unique_id, ds, known-ahead columns]; null leaves a value as planned."""
    planned = planned_rows(served, ids)
    return EditedPlan(planned, planned.update(values, on=KEY, how="left"))


def plan_with_edits(served: Served, ids: pl.Series, edits: Sequence[Edit]) -> tuple[EditedPlan, tuple[str, ...]]:
    """The plan of the series with edits, which are checked, and sentences about what they do and how far to trust it.

    Raises UserError for an edit of which no row holds a value that it could change.
    """
    planned = edited = planned_rows(served, ids)
    warnings = [*check_reach(edits, planned)]
    for edit in edits:
        edited = edited.with_columns(edit.expr(planned.schema[edit.column]))
    answered, others = split_edits(served.bundle, edits)
    if others:
        warnings += warn_outside(edited, served.observed, [edit.column for edit in others])
    if answered and served.bundle.levers is not None:
        warnings += warn_of_response(planned, edited, served.bundle.levers)
    return EditedPlan(planned, edited), tuple(map(as_users_write, warnings))
