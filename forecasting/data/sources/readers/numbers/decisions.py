"""Conclusions from Evidence: `decide_decimal` returns the decimal sign of a column, `decide_unit` its unit.

Where the cells contradict each other they raise a NumberFormatError. `mark_of` returns the word for 1 of a column whose
empty cells are 0, `holds_flags` whether its words are those for yes and no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from forecasting.data.sources.readers.numbers.anatomy import (
    COMMA,
    COMMA_OR_THOUSANDS,
    POINT,
    POINT_OR_THOUSANDS,
    WHOLE,
)
from forecasting.data.sources.readers.numbers.evidence import Count, Evidence
from forecasting.data.sources.readers.numbers.words import MARKS, NO, YES, YES_OR_NO

FEW = 0.02
"""Largest share of cells that may be written otherwise than the rest: bad cells, and no doubt about the column."""


@dataclass(eq=False)
class NumberFormatError(Exception):
    """Two cells of a column that do not go together, because of their `signs` or their `units`."""

    first: str
    second: str
    reason: Literal["signs", "units"]


def decide_decimal(evidence: Evidence) -> str | None:
    """The decimal sign that the cells alone tell, `.` or `,`; None where they do not, see `is_doubtful`.

    Raises NumberFormatError where both signs are used as decimal signs, or both may part thousands.
    """
    kinds = evidence.kinds
    certain = {sign: kinds[kind] for kind, sign in ((POINT, "."), (COMMA, ",")) if kind in kinds}
    if certain:
        return _most_frequent(certain, "signs")
    doubtful = {sign: kinds[kind] for sign, kind in _DOUBTFUL.items() if kind in kinds}
    if not doubtful:
        return None
    sign = _most_frequent(doubtful, "signs")
    parts_thousands = evidence.hundreds.cells and not evidence.above.cells
    return _OTHER[sign] if parts_thousands else None


_DOUBTFUL = {".": POINT_OR_THOUSANDS, ",": COMMA_OR_THOUSANDS}
_OTHER = {".": ",", ",": "."}


def is_doubtful(evidence: Evidence) -> bool:
    """Whether the number of a cell depends on the decimal sign, and the cells do not tell it."""
    return evidence.count(*_DOUBTFUL.values()) > 0 and decide_decimal(evidence) is None


def decide_unit(evidence: Evidence) -> str:
    """The currency sign or code of the column as written, % or nothing.

    Raises NumberFormatError for several currencies, and for numbers with and without percent sign.
    """
    units = {code: count for code, count in evidence.units.items() if code or "%" in evidence.units}
    return _most_frequent(units, "units") if units else ""


def _most_frequent(counts: Mapping[str, Count], reason: Literal["signs", "units"]) -> str:
    """The key of nearly all cells; raises NumberFormatError when there is another of more than a FEW."""
    ordered = sorted(counts, key=lambda key: -counts[key].cells)
    others = sum(counts[key].cells for key in ordered[1:])
    if others > FEW * counts[ordered[0]].cells:
        raise NumberFormatError(counts[ordered[0]].example, counts[ordered[1]].example, reason)
    return ordered[0]


def holds_flags(evidence: Evidence) -> bool:
    """Whether a column without a role holds nothing but the words of one pair for yes and no.

    Single letters have to come in pairs, and a mark such as x with empty cells.
    """
    words, numbers = evidence.words, set(evidence.kinds) - {"word"}
    if not words or numbers:
        return False
    if words <= set(MARKS):
        return evidence.empty
    pairs = [pair for pair in YES_OR_NO if words <= set(pair)]
    return any(words == set(pair) or len("".join(pair)) > 2 for pair in pairs)


def mark_of(evidence: Evidence) -> str:
    """The word for 1 of a column that has no word for 0, whose empty cells mean 0; empty where there is one."""
    positive = evidence.words & YES
    other = evidence.words & NO or evidence.count(WHOLE, POINT, COMMA)
    return min(positive) if positive and evidence.empty and not other else ""
