"""Remarks: what the user of a load or a run should know, one sentence each, and the harm that it may do.

`Remark` holds one; `remark_facts` takes remarks and returns them as JSON values for the facts of a step, the most
harmful first and none twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from forecasting.columns import as_users_write

Harm = Literal["numbers", "forecast", "none"]
HARMS: tuple[Harm, ...] = ("numbers", "forecast", "none")
"""Kinds of harm, the worst first: numbers may be wrong or left out; forecasts suffer; or none, it only says how
something was understood."""


@dataclass(frozen=True)
class Remark:
    """One sentence about a load or a run: what is remarkable, where, and how to mend it.

    `check` names what was looked at (files, numbers, dates, rhythm, ...), as the findings of a data check do.
    """

    check: str
    message: str
    harm: Harm = "numbers"


def remark_facts(remarks: Iterable[Remark]) -> list[dict[str, str]]:
    """The remarks as dicts {check, message, harm}, the most harmful first; equal ones once."""
    ordered = sorted(dict.fromkeys(remarks), key=lambda remark: HARMS.index(remark.harm))
    return [asdict(remark) | {"message": as_users_write(remark.message)} for remark in ordered]
