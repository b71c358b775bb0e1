"""What is done, in order: each step is one function of (config, cutoff); the only rooms where effects meet logic."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from importlib import import_module
from typing import Any

from forecasting.config import Config

STEPS = ("ingest", "backtest", "train", "predict", "monitor")


@dataclass(frozen=True)
class Outcome:
    """What a step has to tell: `facts` as plain JSON values; `reused` when nothing had to be done."""

    step: str
    facts: dict[str, Any]
    reused: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def run_step(name: str, config: Config, cutoff: date | None = None, force: bool = False, **asked: Any) -> Outcome:
    """Run the step of that name (one of STEPS, or tune); raises UserError for what the user can mend."""
    from forecasting.steps.run_log import record

    outcome: Outcome = getattr(import_module(f"forecasting.steps.{name}"), name)(config, cutoff, force=force, **asked)
    if not outcome.reused:  # a run that had nothing to do leaves no trace in the tables
        record(config, outcome)
    return outcome
