"""How the dates of a column are written: `infer_ways` takes plain text and perhaps the frequency; it returns Ways.

FAMILIES lists the writings that are recognised, those together that look alike. Of these the one that reads most cells
is taken; where several read as many to other dates, the frequency decides, and if it does not, DateFormatError tells
both readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast

import polars as pl

from forecasting.data.sources.readers.dates.writings import EXCEL, UNIX, Writing, writing_of
from forecasting.frequency import Frequency

MONTHS, YEARS = ("month", "quarter", "year"), ("year",)
FAMILIES: tuple[tuple[str, ...], ...] = (
    ("%Y-%m-%d",),
    ("%Y%m%d", "%d%m%Y", "%m%d%Y"),
    ("%d/%m/%Y", "%m/%d/%Y"),
    ("%d/%m/%y", "%m/%d/%y", "%y/%m/%d"),
    ("%d %b %Y",),
    ("%b %d %Y",),
    ("%Y %b %d",),
    ("%d %b %y",),
    ("%b %d %y",),
    ("%b %Y",),
    ("%Y %b",),
    ("%b %y",),
    ("%Y-%m", "%Y-%V"),
    ("%m/%Y", "%V/%Y"),
    ("%Y%m", "%Y%V", "%y%m%d", "%d%m%y", "%m%d%y"),
    ("%m/%y",),
    ("%G-W%V-%u",),
    ("%GW%V%u",),
    ("%G-W%V",),
    ("W%V %G",),
    ("W%V %g",),
    ("%Y-Q%q",),
    ("Q%q %Y",),
    ("%qQ %Y",),
    ("Q%q %y",),
    ("%qQ %y",),
    ("%Y",),
    (EXCEL,),
    (UNIX,),
)
"""Formats of source.ds_format, those in one tuple that cells can fit at the same time; the likelier ones come first."""
ONLY: Mapping[str, tuple[str, ...]] = {"%b %y": MONTHS, "%m/%y": MONTHS, "%Y": YEARS}
"""Formats that are taken only for periods of these units: Jan 24 can be a day as well, and 2024 a number."""
DOTTED = r"^\d{1,2}\.\d{1,2}\.\d{2,4}$"
"""Points stand between day, month and year, in this order, wherever dates are written so."""
COMPLETE, GAPPED = 0.6, 0.5
"""A reading in which this share of the periods has a row is complete; one with less than half of that is not meant."""
FEW = 0.02
"""Cells that can mean two dates do not stop a load when they are so few among those that are certain."""


@dataclass(frozen=True)
class Way:
    """One way in which cells are written: its format, how many distinct cells, one of them as it came and its day.

    `rivals` are other formats that read these cells as well, each with the date of the example; they were ruled out by
    the frequency. `in_doubt` tells whether cells in this way can be read in another one in principle.
    """

    format: str
    cells: int
    example: str
    day: date
    rivals: tuple[tuple[str, date], ...] = ()
    in_doubt: bool = False


@dataclass(eq=False)
class DateFormatError(Exception):
    """The cells of a column, such as `example`, fit no date format, or several `readings` (format and date).

    With a `known` format there is one reading, which contradicts it.
    """

    column: str
    example: str
    readings: tuple[tuple[str, date], ...] = ()
    known: str | None = None


def infer_ways(
    plain: pl.Series, frequency: Frequency | None, known: str | None = None
) -> tuple[pl.Series, tuple[Way, ...]]:
    """The dates of distinct plain cells, null where one is written in no known way, and how they are written.

    Where several ways fit, the format that is `known` from earlier cells is taken, else the frequency decides. Raises
    DateFormatError when none is a date, when cells can be read to different dates, or when they contradict the known
    format. A few such cells among many that are certain are null.
    """
    dates = pl.Series(plain.name, [None], dtype=pl.Date).new_from_index(0, len(plain))
    ways: list[Way] = []
    doubts: list[tuple[int, DateFormatError]] = []
    for formats in FAMILIES:
        if ways and not dates.null_count():
            break
        readings = {f: _writing(f).parse(plain) for f in formats if _is_meant(f, frequency)}
        try:
            for way in _ways_of(plain, readings, frequency, known):
                ways.append(way)
                dates = dates.to_frame("d").select(pl.coalesce("d", readings[way.format])).to_series()
        except DateFormatError as error:
            doubts.append((max(len(r) - r.null_count() for r in readings.values()), error))
    certain = sum(way.cells for way in ways)
    for cells, doubt in doubts:
        if cells > FEW * certain:
            raise doubt
    if not ways:
        raise DateFormatError(plain.name, plain[0] if len(plain) else "")
    return dates.alias(plain.name), tuple(sorted(ways, key=lambda way: -way.cells))


def _writing(ds_format: str) -> Writing:
    writing = writing_of(ds_format)
    assert writing, f"{ds_format} is a writing"
    return writing


def _is_meant(ds_format: str, frequency: Frequency | None) -> bool:
    return ds_format not in ONLY or (frequency is not None and frequency.unit in ONLY[ds_format])


def _ways_of(
    plain: pl.Series, readings: Mapping[str, pl.Series], frequency: Frequency | None, known: str | None
) -> Iterator[Way]:
    """The best of readings of cells that look alike; nothing when no cell is written so."""
    counts = {f: len(dates) - dates.null_count() for f, dates in readings.items()}
    most = max(counts.values(), default=0)
    if not most:
        return
    best = [f for f in readings if counts[f] == most]
    best = [f for i, f in enumerate(best) if not any(readings[f].equals(readings[other]) for other in best[:i])]
    example = _telling_cell([readings[f] for f in best])
    options = tuple((f, cast(date, readings[f][example])) for f in best)
    chosen = [f for f in best if f == known] or best
    if known is not None and known in readings and known not in chosen:
        example = int((readings[best[0]].is_not_null() & readings[known].is_null()).arg_max() or 0)
        raise DateFormatError(plain.name, plain[example], ((best[0], readings[best[0]][example]),), known)
    if len(chosen) > 1:
        chosen = _fitting({f: readings[f] for f in best}, frequency)
    if len(chosen) > 1 and plain.filter(readings[best[0]].is_not_null()).str.contains(DOTTED).all():
        chosen = best[:1]
    if len(chosen) > 1:
        raise DateFormatError(plain.name, plain[example], options)
    rivals = tuple(option for option in options if option[0] != chosen[0] and known != chosen[0])
    yield Way(chosen[0], most, plain[example], dict(options)[chosen[0]], rivals, len(readings) > 1)


def _telling_cell(readings: Sequence[pl.Series]) -> int:
    """The place of a cell that shows how readings differ, else of the first that can be read."""
    first, *others = readings
    for other in others:
        differ = (first != other).fill_null(value=False)
        if differ.any():
            return int(differ.arg_max() or 0)
    return int(first.is_not_null().arg_max() or 0)


def _fitting(readings: Mapping[str, pl.Series], frequency: Frequency | None) -> list[str]:
    """The formats whose dates can be those of the frequency: one per period at the same place, or day after day.

    A number behind a year is a week only where periods are weeks.
    """
    formats = [f for f in readings if "%V" not in f or (frequency is not None and frequency.unit == "week")]
    if frequency is None or len(formats) == 1:
        return formats
    shares = {f: frequency.coverage(readings[f].drop_nulls().unique().sort()) for f in formats}
    most = max(shares.values())
    return [f for f, share in shares.items() if most < COMPLETE or share > GAPPED * most]
