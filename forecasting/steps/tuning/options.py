"""The options of the step `tune`; light, because the command line imports it to print its help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forecasting.errors import Option, UserError

Metric = Literal["wape", "mase", "rmsse"]


@dataclass(frozen=True)
class TuneOptions:
    """How long to search, by which metric and on how many windows; where trials are kept, and the config to write.

    Raises UserError for a number that leaves nothing to search.
    """

    trials: int = 250
    """Finished trials in all."""
    timeout: float = 600.0
    """Seconds after which no further trial begins."""
    metric: Metric = "wape"
    """The error to minimize."""
    windows: int = 3
    """Number of backtest windows, all before the reported ones."""
    storage: str | None = None
    """Where trials are kept: a folder or a PostgreSQL address; by default next to the tables."""
    out: str | None = None
    """The config to write; NAME.tuned.yaml next to CONFIG if left out."""

    def __post_init__(self) -> None:
        for name, least in (("trials", 1), ("windows", 1)):
            if getattr(self, name) < least:
                raise UserError(f"must be at least {least}", where=Option(name, getattr(self, name)))
        if self.timeout <= 0:
            raise UserError("must be a number of seconds above 0", where=Option("timeout", self.timeout))
