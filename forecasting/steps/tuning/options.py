"""Options of the step `tune`: TuneOptions has trials, timeout, metric, windows, storage and out.

Imports little, because the command line loads it to print its help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forecasting.errors import Option, UserError

Metric = Literal["wape", "mase", "rmsse"]


@dataclass(frozen=True)
class TuneOptions:
    """Length of the search, metric and number of windows; where trials are stored, and which config to write.

    Raises UserError for a number of trials, windows or seconds that leaves nothing to search.
    """

    trials: int = 250
    """Finished trials in total."""
    timeout: float = 600.0
    """Seconds after which no further trial starts."""
    metric: Metric = "wape"
    """The error to minimize."""
    windows: int = 3
    """Number of backtest windows, all before the reported ones."""
    storage: str | None = None
    """Where trials are stored: a folder or a PostgreSQL address; by default next to the tables."""
    out: str | None = None
    """The config to write; NAME.tuned.yaml next to CONFIG by default."""

    def __post_init__(self) -> None:
        for name, minimum in (("trials", 1), ("windows", 1)):
            if getattr(self, name) < minimum:
                raise UserError(f"must be at least {minimum}", where=Option(name, getattr(self, name)))
        if self.timeout <= 0:
            raise UserError("must be a number of seconds above 0", where=Option("timeout", self.timeout))
