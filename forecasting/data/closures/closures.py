"""Coming periods in which nothing can be sold, as known on a cutoff: `Closures` marks them in the rows of a cut.

A Closures takes the config, the cutoff and references to the sums of groups and to the newest rows of all series. Its
`mark` takes the rows of a cut (history and future) and returns them with `flag` closed or ended in future rows; filled
rows of the past on closed phases are flagged closed, too, with y null. `phases` returns the rhythm behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.closures.cycles import cycles_of, named_phases
from forecasting.data.closures.ended import ENDED, ended_series
from forecasting.data.closures.rhythm import PHASES, closed_phases
from forecasting.features.groups import group_label, levels

Frame = Callable[[], pl.DataFrame]
"""A reference to a frame, read when it is needed."""
ID = "unique_id"
CLOSED = "closed"
"""The flag of rows in closed periods; models forecast 0 there."""


@dataclass(frozen=True)
class Closures:
    """The rules by which periods are closed and series have ended, as known on `cutoff`.

    `groups` gives the closed phases of groups [id, cycle, phase] (see `closed_groups`), `newest` counts all series by
    the day of their newest row [ds, n].
    """

    config: Config
    cutoff: date
    groups: Frame
    newest: Frame

    def mark(self, rows: pl.DataFrame, planned: pl.Series) -> pl.DataFrame:
        """The rows (complete on the calendar, columns of the panel) with y and `flag` as the module describes.

        A row whose columns.open is known stays as it is, unless its series has ended; the series in `planned` have not:
        rows for coming periods came with the data.
        """
        is_future = pl.col("ds") > self.cutoff
        history, at = rows.filter(~is_future), rows.select(self._undecided(rows).arg_true()).to_series()
        undecided = rows[at]
        phases, ended = self.phases(history, undecided[ID].unique()), self.ended(history, planned)
        if phases.is_empty() and ended.is_empty():
            return rows
        closed = pl.lit(
            pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True).scatter(at, self.is_closed(undecided, phases))
        )
        past = ~is_future & closed
        gone = is_future & pl.col(ID).is_in(ended[ID].implode())
        shut = past | (is_future & closed)
        flag = pl.when(gone).then(pl.lit(ENDED)).when(shut).then(pl.lit(CLOSED)).otherwise("flag")
        return rows.with_columns(y=pl.when(~past).then("y"), flag=flag)

    def _undecided(self, rows: pl.DataFrame) -> pl.Expr:
        """The rows that the rhythm may close: coming and filled ones, where columns.open says nothing."""
        coming, open_column = (pl.col("ds") > self.cutoff) | (pl.col("flag") == "filled"), self.config.columns.open
        return coming & pl.col(open_column).is_null() if open_column in rows.columns else coming

    def phases(self, history: pl.DataFrame, among: pl.Series | None = None) -> pl.DataFrame:
        """[unique_id, cycle, phase]: the closed phases of the series in these rows, each by its own rhythm (of ids
        `among` these, where they are given) or that of a group; where calendar.closed lists them, the same for all.
        """
        listed = self.config.calendar.closed
        if listed is not None:
            named = [(cycle, phase) for cycle, phases in named_phases(listed).items() for phase in phases]
            frame = pl.DataFrame(named, {c: PHASES[c] for c in ("cycle", "phase")}, orient="row")
            return history.select(ID).unique().join(frame, how="cross")
        if self.config.clean.closed == "as_told":
            return pl.DataFrame(schema=PHASES).rename({"id": ID})
        came = pl.col("y_raw").is_not_null() & (pl.col("flag") != CLOSED)
        gaps = history.filter(~came.fill_null(value=True))[ID].unique()
        gaps = gaps if among is None else gaps.filter(gaps.is_in(among.implode()))
        gappy = history.lazy().filter(came, pl.col(ID).is_in(gaps.implode())).select(ID, "ds").collect()
        own = closed_phases(gappy.select("ds", id=ID), self.config.frequency).rename({"id": ID})
        return pl.concat([own, self._phases_of_groups(history)]).unique()

    def _phases_of_groups(self, history: pl.DataFrame) -> pl.DataFrame:
        """[unique_id, cycle, phase]: in what the groups of each series are closed."""
        closed = self.groups()
        if closed.is_empty():
            return closed.rename({"id": ID})
        labels = [group_label(level) for level in levels(self.config, history.schema)]
        homes = history.group_by(ID).last().select(ID, id=pl.concat_list(labels)).explode("id")
        return homes.join(closed, on="id").select(ID, "cycle", "phase")

    def is_closed(self, rows: pl.DataFrame, phases: pl.DataFrame) -> pl.Series:
        """Per row, whether it lies in a closed phase of its series and columns.open is empty there."""
        key, found = rows.select(ID, "ds"), pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
        for cycle in cycles_of(self.config.frequency):
            mine = phases.filter(pl.col("cycle") == cycle.name).select(ID, "phase", closed=pl.lit(value=True))
            if mine.height:
                at = key.with_columns(phase=cycle.phase)
                joined = at.join(mine, on=[ID, "phase"], how="left", maintain_order="left")
                found |= joined["closed"].fill_null(value=False)
        open_column = self.config.columns.open
        return found & rows[open_column].is_null() if open_column in rows.columns else found

    def ended(self, history: pl.DataFrame, planned: pl.Series) -> pl.DataFrame:
        """[unique_id]: the series of these rows up to the cutoff that have ended, and are not `planned` on."""
        if self.config.clean.ended == "never":
            return pl.DataFrame(schema={ID: pl.String})
        unplanned = history.filter(~pl.col(ID).is_in(planned.implode()))
        return ended_series(unplanned, self.newest, self.config, self.cutoff)


def closed_groups(groups: pl.DataFrame, config: Config, cutoff: date) -> pl.DataFrame:
    """[id, cycle, phase]: the phases in which groups of series are closed, of rows of the table `groups`.

    With clean.gaps zero a period in which nothing at all was sold counts as one without rows.
    """
    if groups.is_empty():  # aggregates belong to no group
        return pl.DataFrame(schema=PHASES)
    sold = (pl.col("y_sum") != 0) if config.clean.gaps == "zero" else (pl.col("y_count") > 0)
    days = groups.filter(sold, pl.col("ds") <= cutoff).select("ds", id="group")
    periods = config.frequency.steps(pl.col("ds").min(), pl.col("ds").max()) + 1
    gappy = days.group_by("id").agg(_gaps=periods > pl.len()).filter("_gaps")
    return closed_phases(days.join(gappy, on="id", how="semi"), config.frequency)
