"""What a scenario changes beside known-ahead columns: series that are closed, and further public holidays.

`without_words` takes the CellEdits of a plan and returns those of a cut's columns; `added_holidays` finds the holidays,
`by_holidays` puts series with the same ones together, and `with_holidays` returns their Cut with a calendar that has
them. A panel with a column called like a word keeps its meaning (see planning.scenario.words_of).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

import polars as pl

from forecasting.config import Config
from forecasting.data.closures.closures import CLOSED
from forecasting.data.cut import Cut
from forecasting.data.edits import CellEdit
from forecasting.features.calendar.places import holidays_of, places_of_rows
from forecasting.planning.scenario import CLOSING, HOLIDAY, words_of

Schema = Mapping[str, pl.DataType]
Added = frozenset[tuple[date, str]]
"""Day and name of the holidays that are added for a series."""


def without_words(edits: Iterable[CellEdit], schema: Schema) -> tuple[CellEdit, ...]:
    """The edits, of which those that close series set the flag of a frame, and those that add holidays are left out."""
    words, flag = words_of(schema), pl.lit(CLOSED).alias("value")
    kept = [e for e in edits if not (e.column == HOLIDAY and HOLIDAY in words)]
    return tuple(CellEdit.of("flag", e.cells.with_columns(flag)) if e.column == CLOSING else e for e in kept)


def added_holidays(edits: Iterable[CellEdit], schema: Schema) -> dict[str, Added]:
    """The holidays that are added by series, of those that get any.

    >>> cells = pl.DataFrame({"unique_id": ["a"], "ds": [date(2026, 6, 19)], "value": ["Jubilee"]})
    >>> added_holidays([CellEdit.of("holiday", cells)], {})
    {'a': frozenset({(datetime.date(2026, 6, 19), 'Jubilee')})}
    """
    found: defaultdict[str, set[tuple[date, str]]] = defaultdict(set)
    for edit in edits if HOLIDAY in words_of(schema) else ():
        for unique_id, ds, name in edit.cells.iter_rows() if edit.column == HOLIDAY else ():
            found[unique_id].add((ds, name))
    return {unique_id: frozenset(holidays) for unique_id, holidays in found.items()}


def by_holidays(ids: pl.Series, added: Mapping[str, Added]) -> Iterator[tuple[pl.Series, Added]]:
    """The series for which the same holidays are added, and these; no holidays last."""
    groups: defaultdict[Added, list[str]] = defaultdict(list)
    for unique_id in ids:
        groups[added.get(unique_id, frozenset())].append(unique_id)
    for holidays in sorted(groups, key=sorted, reverse=True):
        yield pl.Series("unique_id", groups[holidays], pl.String), holidays


def warn_of_holidays(edited: pl.DataFrame, config: Config) -> list[str]:
    """A sentence about holidays of edited rows that no calendar of their places knows: models have seen none."""
    names = edited[HOLIDAY].drop_nulls().unique().sort()
    places = places_of_rows(config, edited).unique().iter_rows()
    known = sorted({name for place in places for name in holidays_of(*place, config.calendar.further).feasts})
    new = [name for name in names if name not in known]
    if not new:
        return []
    text = f"holiday: models have never seen {', '.join(new)}, only days around it that are free or bridges"
    return [f"{text}. Give it the name of a holiday that it is like: {', '.join(known)}."]


def with_holidays(cut: Cut, added: Added) -> Cut:
    """The cut with these holidays in the calendar of its config, and of that of all series, which models that reconcile
    forecast as well; without any the cut itself.
    """
    if not added:
        return cut
    config = cut.config
    calendar = config.calendar.model_copy(update={"holidays": config.calendar.holidays | dict(added)})
    own, every = config.model_copy(update={"calendar": calendar}), cut.panel.part_of
    panel = replace(cut.panel, config=own, part_of=every and replace(every, config=own))
    return replace(cut, panel=panel).with_shared_frames(cut.shared_frames())
