"""What is done, in order: each step is one function of (session, cutoff); the only room where effects meet logic."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from importlib import import_module
from typing import Any

from forecasting.config import Config

STEPS = ("ingest", "backtest", "train", "predict", "monitor")


@dataclass(frozen=True)
class Outcome:
    """What a step did: `facts` as plain JSON values; `reused` when nothing had to be done."""

    step: str
    facts: dict[str, Any]
    reused: bool = False

    def as_dict(self) -> dict[str, Any]:
        """step, facts and reused by their names."""
        return asdict(self)


def run_step(name: str, config: Config, cutoff: date | None = None, force: bool = False, **options: Any) -> Outcome:
    """Run the step of that name (one of STEPS, or tune) in a session of its own, and log what it did.

    Raises UserError for what the user can mend.
    """
    from forecasting.steps import run_log
    from forecasting.steps.session import open_session

    session = open_session(config)
    step = getattr(import_module(f"forecasting.steps.{name}"), name)
    outcome: Outcome = step(session, cutoff, force=force, **options)
    if not outcome.reused:  # a run that had nothing to do leaves no trace in the tables
        run_log.record(session.store, outcome.as_dict())
    return outcome
