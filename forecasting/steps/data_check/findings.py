"""Findings of a data check: a Finding has the verdict and message of one contract, a DataCheck holds all of them.

`check_limit` takes a function that raises UserError when its limit is broken, and returns a Finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from forecasting.errors import UserError
from forecasting.remarks import HARMS, Harm

OK, WARNING, FAILED = "ok", "warning", "failed"


@dataclass(frozen=True)
class Finding:
    """The result of one check: its verdict (ok, warning or failed), a message with the reason, and the harm it does."""

    check: str
    verdict: str
    message: str
    harm: Harm = "numbers"


@dataclass(frozen=True)
class DataCheck:
    """All findings, the counts of lines by what becomes of them, and one row per series.

    `series` is empty where the data could not be read.
    """

    findings: tuple[Finding, ...]
    account: dict[str, Any]
    series: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """[check, verdict, message]: one row per finding."""
        return pl.DataFrame([vars(finding) for finding in self.findings]).drop("harm")

    def to_mend(self) -> list[Finding]:
        """What is not ok, the most harmful first: what failed, then what makes numbers wrong, then forecasts worse."""
        order = (FAILED, WARNING)
        bad = [finding for finding in self.findings if finding.verdict != OK]
        return sorted(bad, key=lambda finding: (order.index(finding.verdict), HARMS.index(finding.harm)))


def check_limit(name: str, message: str, limit: Callable[[], None]) -> Finding:
    """A finding: failed with the error's message when `limit` raises UserError, else ok with `message`."""
    try:
        limit()
    except UserError as error:
        return Finding(name, FAILED, str(error))
    return Finding(name, OK, message)
