"""A draft: new versions of several tables that stay invisible until a row, committed last, names them.

`begin_draft` takes a Store and the published versions of its tables, and returns a Draft, a Store to write through.
Delta commits one table at a time. A draft starts from the versions that the last published load names: what another
draft has left behind unpublished (its process was killed, or it was overtaken) is taken back first. Each of its commits
lands right behind the one before or not at all: when two drafts work on the same tables at once, one of them finds a
commit of a foreign writer and raises `Overtaken`. In a local folder `exclusive_load` makes them wait for each other.
There the panel, whose buckets are written one by one, may keep what a killed draft has left, for one that goes on.
"""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from forecasting.errors import UserError
from forecasting.io.delta import commits, snapshots
from forecasting.io.delta.snapshots import Snapshot
from forecasting.io.storage import is_remote
from forecasting.services import log
from forecasting.services.store.store import Store
from forecasting.services.store.unfinished import Progress, last_work, step_lock

STEP, PANEL, LEFT = "ingest", "panel", "draft"
"""The step whose tables are drafted, the table that goes on bucket by bucket, and what a draft notes of itself."""
ABANDONED_AFTER = 60.0
"""Where there is no lock: after so many seconds without a commit the writer of unpublished commits counts as dead."""


class Overtaken(Exception):
    """Another draft works on the same tables: start again from what it publishes."""


@dataclass(frozen=True)
class Draft(Store):
    """Tables on their way to new versions; `base` holds their published versions (None: empty).

    `start` holds the version at which each existing table is when the draft begins.
    """

    base: Mapping[str, int | None] = field(default_factory=dict)
    start: dict[str, int] = field(default_factory=dict)

    def written_versions(self) -> dict[str, int | None]:
        """The version of every table of the base: the published one where nothing was written."""
        newest = {name: self.newest_snapshot(name) for name in self.base}
        return {
            name: self.base[name]
            if snapshot is None or snapshot.version() == self.start.get(name)
            else snapshot.version()
            for name, snapshot in newest.items()
        }

    def newest_snapshot(self, name: str, /) -> Snapshot | None:
        """As of a Store; raises Overtaken when the newest commit of a table of the base is another writer's."""
        newest = super().newest_snapshot(name)
        if name not in self.base or newest is None or newest.version() == self.start.get(name):
            return newest
        if snapshots.last_commit(newest)[0] != self.writer:
            raise Overtaken(name)
        return newest


def begin_draft(store: Store, base: Mapping[str, int | None]) -> Draft:
    """A draft on top of the versions `base`; raises Overtaken when another one seems to be at work.

    What a killed draft on the same base has written of the panel stays, and reads as published (by a pin) until
    `continue_panel` or `take_back_panel` decides about it.
    """
    left = _left_behind(store, base)
    draft = Draft(store.root, store.tables, writer=left["writer"] if left else uuid.uuid4().hex, base=base)
    for name, version in base.items():
        newest = Store.newest_snapshot(draft, name)
        if newest is None:
            continue
        if left and name == PANEL and not _holds_published(newest, version) and _is_by(newest, left["writer"]):
            draft.start.update({PANEL: left["start"]} if left["start"] is not None else {})
            draft = replace(draft, pins={PANEL: version})
            continue
        _take_back_unpublished(draft, name, newest, version)
    return draft


def continue_panel(draft: Draft, progress: Progress) -> Draft:
    """The draft with the panel as the killed one has left it, if that left `progress`, else with the published one."""
    if progress.facts(LEFT) is None:
        draft = _published_panel(draft)
        left = {"base": draft.base[PANEL], "writer": draft.writer, "start": draft.start.get(PANEL)}
        progress.keep(LEFT, left)
    return replace(draft, pins={})


def take_back_panel(draft: Draft) -> Draft:
    """The draft with the published panel, whatever a killed one has left."""
    if PANEL in draft.pins:
        last_work(draft, STEP).clear()
    return _published_panel(draft)


def _published_panel(draft: Draft) -> Draft:
    newest = Store.newest_snapshot(draft, PANEL)
    if PANEL in draft.pins and newest is not None:
        _take_back_unpublished(draft, PANEL, newest, draft.base[PANEL])
    return replace(draft, pins={})


def _left_behind(store: Store, base: Mapping[str, int | None]) -> dict[str, Any] | None:
    """Who wrote at the panel last, on the same base, and its version at the time; None where drafts have no lock."""
    with step_lock(store, STEP) as is_free:
        left = last_work(store, STEP).facts(LEFT) if is_free and not is_remote(store.root) else None
    return left if left and left["base"] == base[PANEL] else None


def _is_by(newest: Snapshot, writer: str) -> bool:
    return snapshots.last_commit(newest)[0] == writer


def _take_back_unpublished(draft: Draft, name: str, newest: Snapshot, published: int | None) -> None:
    """Restore the published content, and note in `draft.start` at which version the table then is."""
    if _holds_published(newest, published):
        draft.start[name] = newest.version()
        return
    if is_remote(draft.root) and snapshots.last_commit(newest)[1] < ABANDONED_AFTER:
        raise Overtaken(name)
    log.event("a load that was never finished is taken back", table=name)
    if name == PANEL and PANEL not in draft.pins:
        last_work(draft, STEP).clear()  # before its rows are gone: no bucket may count as done without them
    draft.start[name] = newest.version() + 1
    try:
        commits.restore(newest, published, draft.writer)
    except commits.CommitFailedError as error:
        raise Overtaken(name) from error


def _holds_published(newest: Snapshot, published: int | None) -> bool:
    return not newest.file_uris() if published is None else snapshots.content_version(newest) == published


@contextmanager
def exclusive_load(root: str) -> Iterator[None]:
    """One load at a time in a local folder: wait until no other process loads there.

    The lock ends with the process, also when it is killed. An object store has no such lock; there drafts find out by
    their commits. Raises UserError when the folder cannot be written.
    """
    if is_remote(root):
        yield
        return
    with _lock_file(root) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.event("another load is at work: waiting for it to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_file(root: str) -> IO[str]:
    try:
        Path(root).mkdir(parents=True, exist_ok=True)
        return Path(root, ".loading").open("w")
    except OSError as error:
        raise UserError(
            f"The tables in {root} cannot be written ({error.strerror or error}): "
            "store.root must be a folder that you may write to, or s3://..."
        ) from error
