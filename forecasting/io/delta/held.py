"""Snapshots that this process holds open, for reading: `held` opens a table again only after it had a commit.

To open a table reads its whole log, which takes as long as to read some ten thousand rows; a step that walks buckets,
and a server that answers, would do it again and again. What is held is shared by all threads, so nobody writes with it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import NamedTuple

from forecasting.io.delta.snapshots import Snapshot
from forecasting.io.storage import is_remote

MOST = 64
"""So many snapshots are held, those that were read last."""

Mark = tuple[int, int, int]
"""By which the file of a commit is known: its inode, time and size."""


class _Held(NamedTuple):
    snapshot: Snapshot
    newest: int
    mark: Mark


_snapshots: OrderedDict[Hashable, _Held] = OrderedDict()
_lock = Lock()


def held(uri: str, key: Hashable, find: Callable[[], tuple[Snapshot | None, int]]) -> Snapshot | None:
    """What `find` returned for this table and key, as long as the table has had no commit since, else what it returns
    now: a snapshot, and the newest version of the table. Tables on an object store are always opened again.
    """
    if is_remote(uri):
        return find()[0]
    with _lock:
        known = _snapshots.get((uri, key))
    if known is None or _mark(uri, known.newest) != known.mark or _mark(uri, known.newest + 1) is not None:
        snapshot, newest = find()
        mark = None if snapshot is None else _mark(uri, newest)
        if snapshot is None or mark is None:
            return snapshot
        known = _Held(snapshot, newest, mark)
    with _lock:
        _snapshots[uri, key] = known
        _snapshots.move_to_end((uri, key))
        while len(_snapshots) > MOST:
            _snapshots.popitem(last=False)
    return known.snapshot


def _mark(uri: str, version: int) -> Mark | None:
    """That of the commit which made this version; None where there is no file of it."""
    try:
        found = os.stat(f"{uri}/_delta_log/{version:020d}.json")
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
