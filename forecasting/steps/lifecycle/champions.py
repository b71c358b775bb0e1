"""Who forecasts: `promote` and `rollback` take a Session and a reason, and change the champion version by hand.

`crown` carries out any promotion in the registry, that of the gate included, and keeps when, by whom, why and instead
of which version. `list_promotions` returns these entries, `challenger_of` the version that is scored beside the
champion. Nothing is forecast here: the next forecast is the new champion's.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from forecasting.errors import Option, UserError
from forecasting.services import log
from forecasting.services.tracking.registry import Registry
from forecasting.steps.forecasting import bundles
from forecasting.steps.session import Session

How = Literal["gate", "hand", "rollback"]
"""By which way a version became champion: it won after its training, a person chose it, a person went back to it."""
TAG = "champion/"
"""Tags of a version that begin with this hold its promotions, one each: they are added, and never changed."""


@dataclass(frozen=True)
class Promotion:
    """That a version became champion: at (UTC, ISO), how, by whom, why, and which version was champion before."""

    version: int
    at: str
    how: How
    by: str
    reason: str
    before: int | None


def promote(session: Session, version: int, reason: str) -> Promotion:
    """Make a version champion; the one before becomes the challenger, so that it is scored beside.

    Raises UserError when it is champion already, when there is no such version, when its files are not what was
    registered or do not fit the data, and without a reason.
    """
    return _change(session, version, reason, "hand")


def rollback(session: Session, reason: str) -> Promotion:
    """Make the version champion again that the present one has replaced; raises UserError when there was none."""
    registry = session.registry
    now = registry.aliased_version("champion")
    won = [p for p in list_promotions(registry) if p.version == now and p.how != "rollback"]
    before = won[0].before if won else None
    if before is None:
        raise UserError(
            "there is no champion to go back to" if now is None else f"version {now} has replaced no other champion",
            where=session.config.name,
            mend="choose one of the registered versions yourself",
        )
    return _change(session, before, reason, "rollback")


def crown(registry: Registry, version: int, how: How, reason: str, by: str) -> Promotion:
    """Make the version champion and note it in the registry; one that is champion already gets no second entry."""
    before, at = registry.aliased_version("champion"), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    promotion = Promotion(version, at, how, by, reason, before)
    if before != version:
        entry = {key: value for key, value in asdict(promotion).items() if key not in ("version", "at")}
        registry.tag_version(version, TAG + at, json.dumps(entry))
        registry.set_alias("champion", version)
    return promotion


def list_promotions(registry: Registry) -> list[Promotion]:
    """All promotions of all versions, the newest first."""
    rows = registry.versions().select("version", "tags").iter_rows()
    found = [
        Promotion(version, key.removeprefix(TAG), **json.loads(text))
        for version, tags in rows
        for key, text in json.loads(tags).items()
        if key.startswith(TAG)
    ]
    return sorted(found, key=lambda p: p.at, reverse=True)


def challenger_of(registry: Registry) -> int | None:
    """The version that was not promoted and is scored beside the champion; None where there is none."""
    challenger = registry.aliased_version("challenger")
    return None if challenger == registry.aliased_version("champion") else challenger


def _change(session: Session, version: int, reason: str, how: How) -> Promotion:
    """Check the version, then make it champion and the one before challenger."""
    session.require("admin")
    registry = session.registry
    if not reason.strip():
        raise UserError("must say why, for those who look at the registry later", where=Option("reason"))
    if registry.aliased_version("champion") == version:
        raise UserError(f"version {version} is the champion already", where=session.config.name)
    bundles.served_by(session, bundles.fetch(registry, version), version)
    promotion = crown(registry, version, how, " ".join(reason.split()), session.user)
    if promotion.before is not None:
        registry.set_alias("challenger", promotion.before)
    log.event("champion changed", version=version, how=how, before=promotion.before, by=session.user)
    return promotion
