"""Which tables make up a source: `group_tables` takes samples and returns Tables, the likeliest sales first.

Files with the same columns are one table. The table with a date and sales is the source; tables that have some of its
columns, with one row per value of these (and per day), are joined to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from forecasting.data.sources.readers.header import fold_name, kind_of
from forecasting.data.sources.tables.spelling import RawTable
from forecasting.errors import UserError
from forecasting.io import storage
from forecasting.steps.proposal.columns.profiles import Profile, profile
from forecasting.steps.proposal.columns.vocabulary import date_rank, sales_rank
from forecasting.steps.proposal.found.sampling import Sample


@dataclass(frozen=True)
class Table:
    """Files with the same columns, their rows together, and the profiles of the columns by name."""

    files: tuple[str, ...]
    cells: pl.DataFrame
    profiles: Mapping[str, Profile]
    rows: int
    raw: tuple[RawTable, ...] = ()

    @property
    def score(self) -> tuple[bool, int]:
        """How likely it holds the sales: has dates and a number that is called sales; its rows."""
        kinds = [p.kind for p in self.profiles.values()]
        dates = sum(kind_of(name) == "date" for name in self.profiles)
        dated = "date" in kinds or dates > 1 or any(date_rank(name) == 0 for name in self.profiles)
        sold = any(p.kind == "number" and sales_rank(p.name) < 4 for p in self.profiles.values())
        return dated and sold, self.rows if dated else 0


def group_tables(samples: Sequence[Sample]) -> list[Table]:
    """The tables of the samples, the likeliest sales first: files with the same columns in any order are one."""
    groups: dict[frozenset[str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault(frozenset(map(fold_name, sample.cells.columns)), []).append(sample)
    tables = [_table(group) for group in groups.values()]
    return sorted(tables, key=lambda table: table.score, reverse=True)


def _table(group: Sequence[Sample]) -> Table:
    first = group[0].cells.columns
    spelled = {fold_name(name): name for name in first}
    frames = [g.cells.rename({c: spelled[fold_name(c)] for c in g.cells.columns}).select(first) for g in group]
    if len({tuple(frame.dtypes) for frame in frames}) > 1:
        frames = [frame.cast(pl.String) for frame in frames]
    cells = pl.concat(frames)
    profiles = {name: profile(cells[name]) for name in cells.columns}
    return Table(
        tuple(g.file for g in group), cells, profiles, sum(g.rows for g in group), tuple(g.table for g in group)
    )


def place_of(files: Sequence[str], every: Sequence[str], given: Sequence[str]) -> str:
    """The path that holds these files and none of the others; `given` are the places where all were found.

    Raises UserError when no path does.
    """
    if len(files) == 1:
        return files[0]
    if len(given) == 1 and set(files) == set(every):
        return given[0]
    pattern = f"{_common_start(files)}*{_common_start([name[::-1] for name in files])[::-1]}"
    folder = pattern.rpartition("/")[0]
    for place in (folder, pattern):
        if place and {str(f) for f in _files_at(place)} == set(files):
            return place
    raise UserError(
        f"{files[0]} and {len(files) - 1:,} more files are one table, but no folder or pattern holds just these: put "
        "them into a folder of their own"
    )


def _files_at(place: str) -> list[storage.File]:
    return storage.list_files(place) if storage.path_kind(place) == "folder" else storage.glob_files(place)


def _common_start(texts: Sequence[str]) -> str:
    """The characters with which all texts begin."""
    alike = next((i for i, signs in enumerate(zip(*texts, strict=False)) if len(set(signs)) > 1), min(map(len, texts)))
    return texts[0][:alike]
