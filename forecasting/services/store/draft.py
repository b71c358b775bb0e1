"""A draft of several tables that nobody sees until a row, committed last, names their versions.

Delta commits one table at a time. A draft starts from the versions that the last published load names: what another
one has left behind unpublished (it was killed, or is overtaken) is taken back first. Each of its commits lands right
behind the one before, or not at all: of two drafts at work on the same tables one finds a commit that is not its own
and is told (`Overtaken`), whatever happens in between. In a local folder `turn` lets them work one after the other.
"""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from forecasting.errors import UserError
from forecasting.io import delta
from forecasting.services import log
from forecasting.services.store.store import Store

QUIET = 60.0
"""Without a lock, so many seconds without a commit tell that whoever left unpublished commits is gone."""


class Overtaken(Exception):
    """Another draft is at work on the same tables: start again from what it publishes."""


@dataclass(frozen=True)
class Draft(Store):
    """The tables of `base` (their published versions, None: nothing) on their way to the next ones."""

    base: Mapping[str, int | None] = field(default_factory=dict)
    begun: dict[str, int] = field(default_factory=dict)

    def written(self) -> dict[str, int | None]:
        """The version of every table of the base: the published one where nothing was written."""
        now = {name: self.newest_snapshot(name) for name in self.base}
        return {
            name: self.base[name] if tip is None or tip.version() == self.begun.get(name) else tip.version()
            for name, tip in now.items()
        }

    def newest_snapshot(self, name: str, /) -> DeltaTable | None:
        tip = super().newest_snapshot(name)
        if name not in self.base or tip is None or tip.version() == self.begun.get(name):
            return tip
        if delta.signature(tip)[0] != self.writer:
            raise Overtaken(name)
        return tip


def draft(store: Store, base: Mapping[str, int | None]) -> Draft:
    """A draft on top of the versions `base`; raises Overtaken when another one seems to be at work."""
    made = Draft(store.root, store.tables, writer=uuid.uuid4().hex, base=base)
    for name, version in base.items():
        tip = Store.newest_snapshot(made, name)
        if tip is not None:
            _settle(made, name, tip, version)
    return made


def _settle(made: Draft, name: str, tip: DeltaTable, version: int | None) -> None:
    """Take back what was never published."""
    clean = not tip.file_uris() if version is None else delta.data_version(tip) == version
    if clean:
        made.begun[name] = tip.version()
        return
    if "://" in made.root and delta.signature(tip)[1] < QUIET:
        raise Overtaken(name)
    log.event("a load that was never finished is taken back", table=name)
    made.begun[name] = tip.version() + 1
    try:
        delta.reset(tip, version, made.writer)
    except CommitFailedError as error:
        raise Overtaken(name) from error


def _lock(root: str) -> IO[str]:
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        return Path(root, ".loading").open("w")
    except OSError as error:
        raise UserError(
            f"The tables in {root} cannot be written ({error.strerror or error}): "
            "store.root must be a folder that you may write to, or s3://..."
        ) from error


@contextmanager
def turn(root: str) -> Iterator[None]:
    """One load at a time in a local folder: wait until no other process loads there. Ends with the process, even when
    it is killed. On an object store there is no such lock, and drafts find out by their commits.
    """
    if "://" in root:
        yield
        return
    with _lock(root) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.event("another load is at work: waiting for it to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
