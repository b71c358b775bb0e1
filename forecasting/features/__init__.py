"""All features of a job: `Features.exprs` returns them as one list of expressions for a frame that `prepare` returns.

The same list serves training, backtest, forecast and scenario. A frame is rows [unique_id, ds, y, columns of the
panel] of a cut (what was known on a cutoff, future rows included). It is prepared once, whatever the leads of its rows;
a Lead says how many periods back a row may use sales. Columns of text are no features here: models encode them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import cast

import polars as pl

from forecasting.columns import NAMESPACE, column_name
from forecasting.config import Config
from forecasting.features import calendar, drivers, elasticity, groups, peers, sales
from forecasting.features.base import PLACE, Context, Feature, Lead
from forecasting.features.looked_up import Days, LookedUp, days_looked_up, longest_window, place_history
from forecasting.sorted_rows import place_in_series

__all__ = ["Feature", "Features", "GroupData"]

ZERO = "_zero"
"""The column of the value from which targets and sales features are counted, 0 where these are no changes."""
AHEAD = "steps_ahead"
"""The feature that holds the lead itself."""


@dataclass(frozen=True)
class GroupData:
    """Data about the groups of series that a cut provides: `sums` are rows of the table `groups` up to the cutoff,
    `peer_means` the same-day means of all series of a group (see peers.mean_by_group), future days included; None
    where the panel has no column to compare.
    """

    sums: pl.DataFrame
    peer_means: pl.DataFrame | None


@dataclass(frozen=True)
class Features:
    """The features of a job: `schema` are the types of the panel's columns, `levels` the groupings with priors,
    `target` what models learn (see sales.unit).
    """

    config: Config
    schema: Mapping[str, pl.DataType]
    levels: tuple[groups.Level, ...]
    target: str = "level"

    def all(self, lead: Lead) -> list[Feature]:
        """Every numeric feature for rows that may use sales at least their lead back."""
        context = self._context
        dates = calendar.features(context, lead, sales.unit(context, lead))
        past = [*sales.features(context, lead), *drivers.features(context, lead)]
        past += elasticity.features(context, lead)
        made = [*dates, *past, *peers.features(context), *groups.features(self.levels, lead)]
        made.append(Feature(AHEAD, lead.periods))
        return self._set_apart(made)

    def _set_apart(self, features: list[Feature]) -> list[Feature]:
        """The features under names that no other and no column of a user has; that column itself keeps its name."""
        planned = {c for c in self.config.columns.known_ahead if c in self.schema and self.schema[c].is_numeric()}
        taken, apart = {c for c in self.schema if column_name(c) == c or c.startswith(NAMESPACE)}, []
        for feature in features:
            name = feature.name
            own = name in planned and feature.rises_with == name
            while not own and name in taken:
                name += "_"
            taken.add(name)
            planned.discard(name)
            apart.append(replace(feature, name=name))
        return apart

    @property
    def listed(self) -> list[Feature]:
        """All features in their order; names and `rises_with` depend on no lead."""
        return self.all(Lead.of(1))

    @property
    def names(self) -> list[str]:
        """The names of all features in their order."""
        return [f.name for f in self.listed]

    def exprs(self, lead: Lead) -> list[pl.Expr]:
        """The features as Float32 columns, and ZERO and `level`, the scale of target and sales features, as Float64.

        A feature is null on rows where the value that it needs is hidden.
        """
        context, scale = self._context, sales.unit(self._context, lead)
        zero = pl.lit(0.0) if scale.zero is None else scale.zero
        columns = [_unless_hidden(f, context).cast(pl.Float32).alias(f.name) for f in self.all(lead)]
        return [*columns, zero.alias(ZERO), scale.size.alias("level")]

    @property
    def _context(self) -> Context:
        return Context(self.config, self.schema, self.target)

    def lookback(self, lead: int) -> int:
        """Periods of history that a row needs."""
        return max(f.lookback for f in self.all(Lead.of(lead)))

    def prepare(self, frame: pl.DataFrame, group_data: GroupData, most: int) -> pl.DataFrame:
        """The frame (rows sorted by unique_id and ds) with the columns that `exprs` reads in addition to the panel's,
        for leads of `most` at most: those of `add_history` and of `describe_rows`.
        """
        return self.describe_rows(self._add_history(frame, group_data, most), group_data, most).rechunk()

    def _add_history(self, frame: pl.DataFrame, group_data: GroupData, most: int) -> pl.DataFrame:
        """The frame with the columns that take all rows of a series, and are mostly looked up on other rows than those
        that have features: what is known on each day (sales, drivers, elasticity, events), priors of groups.

        Models of either target learn from them.
        """
        context = replace(self._context, target=sales.CHANGE)
        frame = self._add_long_history(frame, most)
        lines = [elasticity.lines(frame, window) for window in elasticity.windows(context)]
        # lazily, as many columns have parts in common
        frame = frame.lazy().with_columns(self._history(context, group_data)).collect()
        frame = pl.concat([frame, *lines], how="horizontal_extend")
        frame = self._add_priors(frame, group_data, most) if self.levels else frame
        return frame.rechunk()  # or each look-up of a column would align the parts of all

    def look_up(self, frame: pl.DataFrame, group_data: GroupData, most: int, cutoff: date) -> LookedUp:
        """What the rows of the `most` periods after `cutoff` look up: the frame, and the columns of what is known on
        each day, on those days alone that they look up (hundreds are between them).
        """
        if self.target == sales.CHANGE:  # it looks up means of other days as well
            return LookedUp(self._add_history(frame, group_data, most))
        frame = self._add_long_history(frame, most).rechunk()
        near, *years_before = days_looked_up(self.config.frequency, cutoff, most)
        known = [self._known_lately(frame, near, group_data, most)]
        yearly = sales.yearly_columns(self._context)
        known += [self._known(frame, days, longest_window(self.config.frequency), yearly) for days in years_before]
        return place_history(frame, (near, *years_before), known)

    def _known_lately(self, frame: pl.DataFrame, days: Days, group_data: GroupData, most: int) -> pl.DataFrame:
        """The columns of all that is known on the days from the forecast on, by row of them."""
        context, f = self._context, self.config.frequency
        there = pl.col("ds").is_between(*days)
        parts = [self._known(frame, days, longest_window(f), self._history(context, group_data))]
        parts += [elasticity.lines_on(days, frame, window, f) for window in elasticity.windows(context)]
        known = pl.concat(parts, how="horizontal_extend")
        if not self.levels:
            return known
        rows = frame.filter(there)
        return self._add_priors(rows.hstack(known), group_data, most).select(pl.exclude(rows.columns))

    def _known(self, frame: pl.DataFrame, days: Days, window: int, columns: Sequence[pl.Expr]) -> pl.DataFrame:
        """These columns, which look back a window, on some days, by row of them."""
        first = self.config.frequency.shift(days[0], -window)
        rows = frame.lazy().filter(pl.col("ds").is_between(first, days[1])).select("ds", *columns).collect()
        return rows.filter(pl.col("ds").is_between(*days)).drop("ds")

    def _add_long_history(self, frame: pl.DataFrame, most: int) -> pl.DataFrame:
        """The frame with the columns that look back over years, or are read on other days than what is known by then,
        and the place of each row in its series.
        """
        context = self._context
        frame = calendar.add_recurrence_lag(frame, self.config, most)
        added = [place_in_series(frame).alias(PLACE), sales.long_column(context), *elasticity.log_price(context)]
        return frame.with_columns(added)

    def _history(self, context: Context, group_data: GroupData) -> list[pl.Expr]:
        """The columns of what is known on each day by the sales and drivers up to then."""
        compared = [] if group_data.peer_means is None else peers.value_columns(context)
        return [*compared, *sales.history_columns(context), *drivers.history_columns(context)]

    def describe_rows(self, rows: pl.DataFrame, group_data: GroupData, most: int) -> pl.DataFrame:
        """Rows with their history and the columns that say something of a row itself, and are read nowhere else: they
        are looked up by date (calendar) or joined by group (peers).
        """
        rows = calendar.add_calendar_columns(rows, self.config, most)
        return peers.compare_with_peers(rows, group_data.peer_means, self._context)

    def _add_priors(self, frame: pl.DataFrame, group_data: GroupData, most: int) -> pl.DataFrame:
        end = cast(date, frame["ds"].max() or date.min)  # the frame may have no rows
        priors = groups.priors(group_data.sums, self.config, most, end)
        for level in self.levels:
            names = [f"_{name}" for name in groups.prior_names(groups.grain(level))]
            joined = priors.rename(dict(zip(groups.PRIORS, names, strict=True)) | {"group": "_group"})
            frame = frame.with_columns(groups.group_label(level).alias("_group"))
            frame = frame.join(joined, on=["_group", "ds"], how="left", maintain_order="left")
        return frame.drop("_group")


def _unless_hidden(feature: Feature, context: Context) -> pl.Expr:
    hidden = context.hidden(feature.needs)
    return feature.expr if hidden is None else pl.when(~hidden).then(feature.expr)
