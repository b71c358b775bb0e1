"""How long a step of a deployed job may take: `time_limit(step, config)` is a block that is left when its time is over.

A step that hangs, on a database that never answers say, would else hold the only place of its deployment for ever.
What is stopped is as good as killed: nothing half done is read, and the next run goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect import runtime
from prefect.utilities.timeout import timeout

from forecasting.config import Config
from forecasting.steps.registry import STEPS


class _TimeIsOver(TimeoutError):
    """No other timeout is taken for that of the step."""


@contextmanager
def time_limit(step: str, config: Config) -> Iterator[None]:
    """Raise UserError in the block once it has taken the hours of the config, or else those of the registry.

    Runs that no deployment has started have no limit: who types a command can stop it.
    """
    hours = config.schedules.hours.get(step, STEPS[step].hours)
    try:
        with timeout(hours * 3600 if runtime.deployment.id else None, _TimeIsOver):
            yield
    except _TimeIsOver:
        stopped = f"{step} has taken {hours:g} hours and was stopped"
        rest = (
            "nothing half done is published, and the next run goes on where it stopped. Look at its log for what it was"
        )
        sentence = f"{stopped}; {rest} waiting for, or allow it more hours"
        raise config.fault(f"schedules.hours.{step}", sentence) from None
