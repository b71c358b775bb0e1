"""What an unfinished run of a step has done so far, so that the next one goes on from there when it is killed.

`unfinished_work` takes a Store, the name of a step and the key of its work, and yields Progress: a folder that the next
run with this key finds again, and a run with another key finds empty. `forget_work` empties it, once the work is
published. Nothing here is ever shown: what it holds is only read by the run that goes on.
"""

from __future__ import annotations

import fcntl
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from forecasting.io import files
from forecasting.io.storage import is_remote
from forecasting.services import log
from forecasting.services.store.scratch import scan_frame, scratch_folder, write_frame
from forecasting.services.store.store import Store

T = TypeVar("T")
KEY_FILE = "key"


@dataclass(frozen=True)
class Progress:
    """A folder of finished parts by name: facts (JSON) and frames (Parquet); a part is there as a whole or not at all.

    Facts of a part are written last: where they are, its frames are complete.
    """

    folder: str

    def below(self, name: str) -> Progress:
        """The parts of a part."""
        return Progress(f"{self.folder}/{name}")

    def facts(self, part: str) -> dict[str, Any] | None:
        """The facts of a finished part; None when it is not finished."""
        try:
            found: dict[str, Any] = json.loads(files.read(self.folder, f"{part}.json"))
        except FileNotFoundError:
            return None
        return found

    def keep(self, part: str, facts: dict[str, Any]) -> None:
        """Note that a part is finished, with its facts."""
        files.write(self.folder, f"{part}.json", json.dumps(facts).encode())

    def frame(self, name: str) -> pl.LazyFrame:
        """A frame of a finished part."""
        return scan_frame(self.folder, name)

    def keep_frame(self, name: str, frame: pl.DataFrame) -> None:
        """Write a frame that belongs to a part."""
        write_frame(self.folder, name, frame)

    def get_or_compute(self, name: str, compute: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """The frame that was kept under the name, or else what `compute` returns, which is then kept.

        Such frames are large, often read, and gone with the run: how fast they are read counts more than their size.
        """
        try:
            return pl.read_ipc(BytesIO(files.read(self.folder, f"{name}.arrow"))).rechunk()
        except FileNotFoundError:
            frame, content = compute(), BytesIO()
        frame.write_ipc(content, compression="zstd")
        files.write(self.folder, f"{name}.arrow", content.getvalue())
        return frame

    def read_folder(self, name: str, read: Callable[[Path], T]) -> T:
        """What `read` makes of a folder of a finished part."""
        with tempfile.TemporaryDirectory() as local:
            files.read_folder(self.folder, f"{name}.zip", Path(local))
            return read(Path(local))

    def keep_folder(self, name: str, save: Callable[[Path], None]) -> None:
        """Keep the folder of files that `save` writes and that belongs to a part."""
        with tempfile.TemporaryDirectory() as local:
            save(Path(local))
            files.write_folder(self.folder, f"{name}.zip", Path(local))

    def clear(self) -> None:
        """Forget all parts."""
        files.remove(self.folder)


@contextmanager
def unfinished_work(store: Store, step: str, key: str) -> Iterator[Progress]:
    """What a run of the step with this key has done so far, if the last run of the step had the same key.

    The folder outlives the run, whether it ends well, fails or is killed (see `forget_work`). While another process is
    at the same step of the same job, a run works in a folder of its own that nobody finds again.
    """
    with step_lock(store, step) as is_ours:
        if is_ours:
            yield _opened(last_work(store, step), step, key)
        else:
            with scratch_folder(_home(store)) as folder:  # workers on other machines see it, too
                yield Progress(folder)


def last_work(store: Store, step: str) -> Progress:
    """What the last run of the step has left, whatever its key: for the run that finds out whether it goes on."""
    return Progress(f"{_home(store)}/{step}")


def forget_work(store: Store, step: str) -> None:
    """Forget what a run of the step has done, once it is published or to be done again; not what one at work does."""
    with step_lock(store, step) as is_ours:
        if is_ours:
            last_work(store, step).clear()


@contextmanager
def step_lock(store: Store, step: str) -> Iterator[bool]:
    """Whether no other run is at this step; ours ends with the process, also when it is killed.

    An object store has no such lock: of two runs at once there, the later one forgets what the other has done.
    """
    if is_remote(store.root):
        yield True
        return
    home = Path(_home(store))
    home.mkdir(parents=True, exist_ok=True)
    with (home / f"{step}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _opened(progress: Progress, step: str, key: str) -> Progress:
    if progress.facts(KEY_FILE) == {"key": key}:
        log.event("a run that did not come to its end is continued", step=step)
        return progress
    progress.clear()
    progress.keep(KEY_FILE, {"key": key})
    return progress


def _home(store: Store) -> str:
    return f"{store.root.rstrip('/')}/.unfinished"
