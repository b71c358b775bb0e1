"""Which columns name the series: `find_keys` takes the day of each row and profiles, and returns a KeyChoice.

These are the fewest columns that give one row per series and day. Where no columns do so, the rows are single sales,
which are added up by the columns that name what was sold or where.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.vocabulary import is_code, meaning_of

MOST_KEYS, MOST_CANDIDATES = 4, 10
ROWS_PER_SERIES = 5
"""The least number of rows of a series, on average; fewer where there are few dates."""
REPEATED = 0.002
"""The largest share of rows that have the series and day of another row; those are reported as faults of the file."""
LINES_PER_SERIES = 20
"""The least number of single sales per series, on average."""
NAMES = ("product", "shop", "area", "group", "code")


@dataclass(frozen=True)
class KeyChoice:
    """The columns that name the series, none where there is one series, and whether rows are single sales."""

    columns: tuple[str, ...]
    single_sales: bool = False


def find_keys(days: pl.Series, profiles: Mapping[str, Profile], taken: Sequence[str]) -> KeyChoice:
    """The columns that name the series; those `taken` are the date and the sales."""
    columns = {p.name: p.cells for p in profiles.values() if p.name not in taken and _may_name(p)}
    rows = pl.DataFrame([days.alias(" ds"), *columns.values()]).drop_nulls(" ds")
    counts = {c: rows[c].drop_nulls().n_unique() for c in columns}
    dates = rows[" ds"].n_unique()
    candidates = _candidates(columns, counts, rows.height, dates)
    things = tuple(c for c in candidates if meaning_of(c) in ("product", "shop"))
    for chosen in (things, *_by_size(candidates)) if _repeated(rows, ()) <= REPEATED else _by_size(candidates):
        if _repeated(rows, chosen) <= REPEATED and _long_enough(rows, chosen, dates):
            return KeyChoice(chosen)
    return KeyChoice(_of_single_sales(rows, counts), single_sales=True)


def named_keys(days: pl.Series, profiles: Mapping[str, Profile], columns: tuple[str, ...]) -> KeyChoice:
    """The choice of these columns, which a person made."""
    rows = pl.DataFrame([days.alias(" ds"), *(profiles[c].cells for c in columns)]).drop_nulls(" ds")
    return KeyChoice(columns, single_sales=_repeated(rows, columns) > REPEATED)


def _may_name(found: Profile) -> bool:
    """Whether a column can name series: text, or whole numbers that are called a code or a thing."""
    if found.kind == "text":
        return meaning_of(found.name) != "moment"
    whole = found.kind in ("number", "flag") and found.whole
    return whole and (is_code(found.name) or meaning_of(found.name) in NAMES)


def _candidates(columns: Mapping[str, pl.Series], counts: Mapping[str, int], rows: int, dates: int) -> list[str]:
    """The columns that can be part of a key, the likeliest first."""
    most = max(rows // min(ROWS_PER_SERIES, max(1, dates // 2)), 1)
    fitting = [c for c in columns if 1 < counts[c] <= most and meaning_of(c) not in ("receipt", "place")]
    return sorted(fitting, key=lambda c: (_likelihood(c), counts[c]))[:MOST_CANDIDATES]


def _likelihood(name: str) -> int:
    meaning = meaning_of(name)
    return {"code": 0, "product": 0, "shop": 0, "group": 1, "area": 1}.get(str(meaning), 2)


def _by_size(candidates: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(min(MOST_KEYS, len(candidates)) + 1):
        yield from combinations(candidates, size)


def _repeated(rows: pl.DataFrame, columns: Sequence[str]) -> float:
    """The share of rows that have the key and day of another row."""
    different = int(rows.select(pl.struct(" ds", *columns).n_unique()).item())
    return 1 - different / max(rows.height, 1)


def _long_enough(rows: pl.DataFrame, columns: Sequence[str], dates: int) -> bool:
    """Whether the series have some rows each: keys of single receipts have one."""
    series = rows.select(pl.struct(*columns).n_unique()).item() if columns else 1
    return bool(rows.height / max(series, 1) >= min(ROWS_PER_SERIES, max(1, dates // 2)))


def _of_single_sales(rows: pl.DataFrame, counts: Mapping[str, int]) -> tuple[str, ...]:
    """The columns by which single sales are added up: the finest product and shop that sell often enough, else none."""
    chosen: list[str] = []
    for meanings in (("product", "group", "code"), ("shop",)):
        fitting = [c for c in counts if meaning_of(c) in meanings and counts[c] > 1]
        often = [c for c in fitting if rows.height / counts[c] >= LINES_PER_SERIES]
        best = max(often, key=lambda c: (-meanings.index(str(meaning_of(c))), is_code(c), counts[c]), default=None)
        series = rows.select(pl.struct(*chosen, best).n_unique()).item() if best else 0
        if best and rows.height / series >= LINES_PER_SERIES:
            chosen.append(best)
    return tuple(reversed(chosen))
