"""Steps of a job: `run_step` runs one by name in a session of its own, returns its Outcome, and logs it in `runs`.

Each step is a function of (session, cutoff, force); only here do effects meet logic. A reused outcome is not logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from forecasting.steps.registry import STEPS, Outcome

if TYPE_CHECKING:
    from forecasting.config import Config


def run_step(
    name: str,
    config: Config,
    cutoff: date | None = None,
    force: bool = False,
    options: Mapping[str, Any] | None = None,
) -> Outcome:
    """Run the step of that name (one of STEPS) in a session of its own, and log what it did.

    Raises UserError for what the user can mend.
    """
    from forecasting.steps import run_log
    from forecasting.steps.session import open_session

    step, session = STEPS[name], open_session(config)
    given = step.parse_options(options or {})
    outcome: Outcome = getattr(step.module(), name)(session, cutoff, force=force, **given)
    if outcome.logged and not outcome.reused:  # a run that had nothing to do leaves no trace in the tables
        run_log.record(session.store, outcome.as_dict())
    return outcome
