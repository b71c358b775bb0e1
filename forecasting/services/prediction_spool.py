"""`Spool`: a local folder of JSON lines, one per served prediction, by date and hour, until they are stored elsewhere.

`append` adds lines and returns when the system has them, so that they survive the end of this process; `take` returns
the files that nobody writes any more, also those of a process that has died; `read_lines` the lines of one.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO
from uuid import uuid4

log = logging.getLogger(__name__)


class Spool:
    """Files `<folder>/date=2026-01-31/hour=09/<id>.jsonl`. Several processes may share a folder: each writes files of
    its own, which are locked as long as it does.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._guard = Lock()
        self._hour = ""
        self._file: IO[bytes] | None = None

    def append(self, lines: Iterable[bytes], at: datetime) -> None:
        """Add lines, each ending in a line feed, to the file of the hour `at` (UTC)."""
        data = b"".join(lines)
        with self._guard:
            hour = f"date={at:%Y-%m-%d}/hour={at:%H}"
            if self._file is None or hour != self._hour:
                self._close()
                self._file, self._hour = _open(self.folder / hour), hour
            self._file.write(data)
            self._file.flush()

    def take(self) -> Iterator[Path]:
        """The files that are complete, the oldest first: those closed by now, and those of processes that have died.

        Each stays locked until the next one is asked for; who has stored its lines deletes it.
        """
        with self._guard:
            self._close()
        for path in sorted(self.folder.glob("date=*/hour=*/*.jsonl"), key=lambda path: (path.parent, path.name)):
            with suppress(FileNotFoundError), path.open("rb") as file:  # another process may have stored it
                if _lock(file) and path.exists():
                    yield path

    def close(self) -> None:
        """Close the file that is being written."""
        with self._guard:
            self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def read_lines(path: Path) -> list[bytes]:
    """The whole lines of a file; what a crash left of the last one, which nobody was answered with, is logged."""
    *lines, rest = path.read_bytes().split(b"\n")
    if rest:
        log.warning("%s ends within a line: %s bytes of it are left out", path, len(rest))
    return lines


def moment() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def _open(folder: Path) -> IO[bytes]:
    """A new file in the folder, locked by this process."""
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{uuid4().hex}.jsonl"
        file = path.open("ab")
        # between open and lock another process may have taken the file for one that was left
        if _lock(file) and path.exists():
            return file
        file.close()


def _lock(file: IO[bytes]) -> bool:
    """Whether this process has locked the file now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
