"""Plans of coming days with changes: `plan_with_values` takes single values, `plan_with_edits` edits like `price*=0.9`.

Both take a Served and ids of series and return an EditedPlan: the coming rows as planned and as edited. Nothing is
forecast and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_

import polars as pl

from forecasting.columns import as_users_write
from forecasting.data.edits import CellEdit, Edit
from forecasting.data.panel import KEY, is_shut
from forecasting.planning.edit_reach import check_reach
from forecasting.planning.observed_range import warn_outside
from forecasting.planning.response.doubts import describe_doubts, doubts_of_response, no_doubts
from forecasting.planning.scenario import CLOSING, HOLIDAY, words_of
from forecasting.planning.words import warn_of_holidays
from forecasting.steps.serving.edited import split_edits
from forecasting.steps.serving.served import Served, buckets_of, rows_of, usual_rows


@dataclass(frozen=True)
class EditedPlan:
    """Coming rows [unique_id, ds, columns of the panel] of some series as `planned`, and the same rows `edited`;
    `doubts` (see planning/response/doubts) say why the answer for a series rests on little.
    """

    planned: pl.DataFrame
    edited: pl.DataFrame
    doubts: pl.DataFrame = field(default_factory=no_doubts)

    def where_changed(self, columns: Iterable[str]) -> EditedPlan:
        """The rows in which any of these columns is edited."""
        new = reduce(or_, (self.edited[c].ne_missing(self.planned[c]) for c in columns))
        return EditedPlan(self.planned.filter(new), self.edited.filter(new))

    def changes(self, columns: Iterable[str]) -> tuple[CellEdit, ...]:
        """What is edited in `columns`, as an edit each; none for a column in which every value is as planned."""
        new = {c: self.edited[c].ne_missing(self.planned[c]) for c in columns}
        rows = self.edited.select(*KEY, *new)
        cells = {c: rows.filter(mask).select(*KEY, value=c).drop_nulls() for c, mask in new.items() if mask.any()}
        return tuple(CellEdit.of(column, found) for column, found in cells.items() if found.height)

    @property
    def changed(self) -> pl.Series:
        """Whether any value of a row is edited."""
        differ = [self.planned[c].ne_missing(self.edited[c]) for c in self.planned.columns]
        return pl.DataFrame(differ).select(pl.any_horizontal(pl.all())).to_series().rename("changed")

    def of(self, ids: pl.Series) -> EditedPlan:
        """The rows of these series, without doubts."""
        mine = pl.col("unique_id").is_in(ids.implode())
        return EditedPlan(self.planned.filter(mine), self.edited.filter(mine))

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
    """The coming rows of the series as planned, with the words of a scenario: CLOSING, 1 where nothing can be sold,
    else 0, and HOLIDAY, null.
    """
    rows = rows_of(served.plans(buckets_of(served, ids)), ids)
    shut = is_shut(served.job.config).fill_null(value=False).cast(pl.Int8)
    words = {CLOSING: shut, HOLIDAY: pl.lit(None, pl.String)}
    return rows.with_columns(words[word].alias(word) for word in words_of(served.job.panel.schema))


def plan_with_values(served: Served, ids: pl.Series, values: pl.DataFrame) -> EditedPlan:
    """The plan of the series with `values` [unique_id, ds, known-ahead columns]; null leaves a value as planned."""
    planned = planned_rows(served, ids)
    return EditedPlan(planned, planned.update(values, on=KEY, how="left"))


def plan_with_edits(served: Served, ids: pl.Series, edits: Sequence[Edit]) -> tuple[EditedPlan, tuple[str, ...]]:
    """The plan of the series with edits, which are checked, and sentences about what they do and how far to trust it.

    Raises UserError for an edit of which no row holds a value that it could change.
    """
    plan, notes = apply_edits(planned_rows(served, ids), edits, served.job.config.columns.price)
    doubted, more = doubt_plan(served, plan, edits)
    return doubted, (*notes, *more)


def apply_edits(planned: pl.DataFrame, edits: Sequence[Edit], price: str | None) -> tuple[EditedPlan, tuple[str, ...]]:
    """The planned rows with edits, which are checked, and sentences about those that reach some rows only; `price` is
    the column of the price.

    Raises UserError for an edit of which no row holds a value that it could change.
    """
    notes, edited = check_reach(edits, planned, price), planned
    for edit in edits:
        edited = edited.with_columns(edit.expr(planned.schema[edit.column]))
    return EditedPlan(planned, edited), tuple(map(as_users_write, notes))


def doubt_plan(served: Served, plan: EditedPlan, edits: Sequence[Edit]) -> tuple[EditedPlan, tuple[str, ...]]:
    """The plan with what is doubtful about the answer to it, and sentences about how far to trust it."""
    answered, others = split_edits(served.bundle, edits)
    warnings: list[str] = []
    if others:
        warnings += warn_outside(plan.edited, served.observed, [edit.column for edit in others])
        is_word = HOLIDAY in words_of(served.job.panel.schema)
        warnings += warn_of_holidays(plan.edited, served.job.config) if is_word else []
    if answered and served.bundle.levers is not None:
        levers = [edit.column for edit in answered]
        usual = at_usual(served, plan, levers)
        plan = replace(plan, doubts=doubts_of_response(usual.planned, usual.edited, served.bundle.levers))
        warnings += [*_told_of_usual(plan, levers), *describe_doubts(plan.doubts)]
    return plan, tuple(map(as_users_write, warnings))


def at_usual(served: Served, plan: EditedPlan, columns: Iterable[str]) -> EditedPlan:
    """The plan with the usual values of the columns on the rows for which none is known: at these a forecast is made
    that knows none, so these are what an edit of such a row is compared with.
    """
    unknown = [c for c in dict.fromkeys(columns) if plan.planned[c].null_count()]
    if not unknown:
        return plan
    ids = plan.planned.select(pl.col("unique_id").unique()).to_series()
    usual = pl.concat([usual_rows(served, bucket) for bucket in buckets_of(served, ids)]).select(*KEY, *unknown)
    found = plan.planned.select(*KEY).join(usual, on=KEY, how="left", maintain_order="left")
    ends = (f.with_columns(pl.coalesce(c, found[c]).alias(c) for c in unknown) for f in (plan.planned, plan.edited))
    return replace(plan, planned=next(ends), edited=next(ends))


def _told_of_usual(plan: EditedPlan, columns: Iterable[str]) -> list[str]:
    """Sentences about columns that are set where no value was known."""
    notes = []
    for column in dict.fromkeys(columns):
        new = plan.planned[column].is_null() & plan.edited[column].is_not_null()
        if new.any():
            notes.append(
                f"no {column} is planned on {int(new.sum()):,} of {new.len():,} rows: what is set there is compared "
                "with the usual value, at which they are forecast."
            )
    return notes
