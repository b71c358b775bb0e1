"""Whether the job is to be trained again out of turn: `decide_retraining` returns the event and its reason, or None.

It takes what was found and the last training; who runs the flows carries it out. The rule is the section `retrain` of
the config. `reason_for_training` tells a training which event it answers, so that the registry keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from forecasting.steps import identity
from forecasting.steps.alerts import Finding
from forecasting.steps.queries.status import read_run_facts
from forecasting.steps.session import Session

RETRAINED = "retrained_for"
"""The tag of a version that holds why it was trained out of turn."""


def decide_retraining(session: Session, at: date, findings: Sequence[Finding]) -> dict[str, Any] | None:
    """{event, reason, after} of the first event that the config wants a training for; `after` is the last version.

    None where nothing has happened, where the last training has not been given `retrain.wait` days of new data, and
    before the first training.
    """
    trained = read_run_facts(session, "train")
    if not trained:
        return None
    rule = session.config.retrain
    age = (at - date.fromisoformat(trained["cutoff"])).days
    for event, reason in _events(session, trained, age, findings):
        if event in rule.on and (event == "recipe" or age >= rule.wait):
            return {"event": event, "reason": reason, "after": trained["version"], "cutoff": str(at)}
    return None


def _events(
    session: Session, trained: dict[str, Any], age: int, findings: Sequence[Finding]
) -> Iterator[tuple[str, str]]:
    """(event, reason) of all that has happened."""
    for kind in ("damage", "coverage"):
        yield from ((kind, f"{kind}: {f.message}") for f in findings if f.kind == kind)
    if trained["recipe"] != identity.recipe_of(session.config):
        yield "recipe", "recipe: the config asks for another recipe than was trained"
    if age >= session.config.retrain.every:
        yield "calendar", f"calendar: the last training knows the sales up to {trained['cutoff']}, {age} days ago"


def reason_for_training(session: Session) -> str | None:
    """The reason of the event that a training now answers; None where it is trained in turn."""
    decided = read_run_facts(session, "monitor").get("retrain")
    trained = read_run_facts(session, "train")
    if decided and trained and decided["after"] == trained["version"]:
        return str(decided["reason"])
    return None
