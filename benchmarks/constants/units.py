"""Units of data sets that are left out together: `leave_out` chooses constants without a unit, and judges them on it.

It takes rows of windows.parquet by code and returns a Finding for each unit: the chosen values, and what they do to the
errors and to the coverage of the reported windows of the unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmarks.constants import choose
from benchmarks.constants.choose import Replays, Values
from benchmarks.constants.listed import Entry
from benchmarks.constants.replay import measure_bounds, measure_errors, older_cases, scored_cases

UNITS = (("D1",), ("D2",), ("D3", "D4"), ("D5",), ("D6",), ("D7",), ("D8",), ("D9",))
"""Data sets of one source are alike, so that they are left out together."""


@dataclass(frozen=True)
class Finding:
    """What was chosen without a unit where it is not today's value, and by code the `errors` of the reported windows
    as multiples of those with today's values, and the `bounds` with today's and with the chosen values.
    """

    unit: tuple[str, ...]
    chosen: dict[str, Any]
    errors: dict[str, dict[str, float]]
    bounds: dict[str, tuple[dict[str, float], dict[str, float]]]


def leave_out(rows: Mapping[str, pl.DataFrame], entries: Mapping[str, Entry]) -> Iterator[Finding]:
    """A Finding for each unit of which there are rows."""
    kinds = {name: entry.replayed for name, entry in entries.items()}
    older = {code: Replays(older_cases(rows[code]), kinds) for code in sorted(rows)}
    for unit in units_of(sorted(rows)):
        values = choose.choose([one for code, one in older.items() if code not in unit], entries)
        scored = {code: Replays(scored_cases(rows[code]), kinds) for code in unit}
        yield judge(unit, scored, values, choose.today(entries))


def units_of(codes: Sequence[str]) -> list[tuple[str, ...]]:
    """The units with those of their codes that are selected; a code that is in no unit is one of its own.

    >>> units_of(["D1", "D4", "D12"])
    [('D1',), ('D4',), ('D12',)]
    """
    known = [tuple(code for code in unit if code in codes) for unit in UNITS]
    others = [(code,) for code in codes if all(code not in unit for unit in UNITS)]
    return [unit for unit in (*known, *others) if unit]


def judge(unit: tuple[str, ...], scored: Mapping[str, Replays], values: Values, plain: Values) -> Finding:
    """What the values do to the reported windows; 1 and no bounds where nothing that is older could teach them."""
    errors: dict[str, dict[str, float]] = {}
    bounds = {}
    for code, one in scored.items():
        if not one.cases:
            errors[code] = {}
            continue
        before, after = (one.scored_rows("bounds", v) for v in (plain, values))
        old, new = measure_errors(before), measure_errors(after)
        errors[code] = {name: new[name] / old[name] for name in old if old[name] > 0}
        bounds[code] = measure_bounds(before), measure_bounds(after)
    chosen = {name: value for name, value in values.items() if value != plain[name]}
    return Finding(unit, chosen, errors, bounds)
