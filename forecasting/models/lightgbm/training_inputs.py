"""Inputs of training rows on their way into bins: `InputParts` takes arrays part by part and returns their Dataset.

They are the most that a training holds: four bytes a value, where bins take one. Where they would be more than
IN_MEMORY they go to a temporary file, from which LightGBM reads some thousand rows at a time; the bins are the same.
`estimate_memory` says in bytes what the training of one block holds at most.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import lightgbm

IN_MEMORY = 256 * 2**20
"""Bytes of inputs of a block that are held in memory."""
BATCH = 8192
"""Rows that are read from a file at a time."""
FACTS, OWN, TARGET = 44, 52, 24
"""Bytes that a training row takes beside its inputs: ds, y, zero, level and the label; while boosters are trained on it
target, weight, score, gradient, hessian, and its number in the sample of a tree; while they are trained on other parts,
target, weight and the number of its part."""

SAMPLE = 16
"""Bytes that LightGBM takes for each value of the rows by which it finds the borders of bins."""
SAMPLED, SAMPLED_OF_MANY, MANY = 200_000, 100_000, 500_000
"""How many rows these are, and how many of more than MANY rows: still hundreds for each bin, for less time. LightGBM
warns of fewer than 100,000."""

Inputs = NDArray[np.float32]


def estimate_memory(rows: int, width: int, parts: int = 1) -> int:
    """Bytes that the training on so many rows of so many inputs holds at its peak: while inputs are binned, or while
    boosters are trained on one of the parts, at a change-over on two. What Python, the frames of a bucket and the cache
    of a cut hold comes on top.

    >>> estimate_memory(4_000_000, 60) // 10**6, estimate_memory(4_000_000, 60, parts=8) // 10**6
    (624, 624)
    """
    inputs, bins = rows * width * 4, rows * width
    held = inputs if inputs <= IN_MEMORY else BATCH * width * 8
    sample = min(rows, _sampled(rows)) * width * SAMPLE
    trained = rows * OWN if parts == 1 else rows * TARGET + 2 * rows // parts * (width + OWN)
    return rows * FACTS + max(held + sample, held + bins, bins + trained)


def _sampled(rows: int) -> int:
    return SAMPLED_OF_MANY if rows > MANY else SAMPLED


def exceed_memory(rows: int, width: int) -> bool:
    """Whether the inputs of so many rows are more than are held in memory."""
    return rows * width * 4 > IN_MEMORY


class InputParts:
    """Arrays (rows, width), each given once and in order, all of them read once, by `dataset`.

    `rows` is about how many there will be; more than IN_MEMORY bytes of them are kept in a file until then.
    """

    def __init__(self, rows: int, width: int) -> None:
        self.width, self.length = width, 0
        self._arrays: list[Inputs] = []
        self._file = tempfile.TemporaryFile() if exceed_memory(rows, width) else None  # noqa: SIM115  see dataset

    def add(self, part: Inputs) -> None:
        """Take the next rows."""
        self.length += len(part)
        if self._file:
            self._file.write(np.ascontiguousarray(part).data)
        elif len(part):
            self._arrays.append(part)

    def dataset(self, y: NDArray[Any], categories: Sequence[int], params: Mapping[str, Any]) -> lightgbm.Dataset:
        """The bins of all rows, whose inputs are let go; those at the places `categories` are names, not numbers."""
        import lightgbm

        lightgbm.Sequence.register(_Rows)
        stored = _Rows(self._file, self.length, self.width) if self._file else self._arrays
        inputs: Any = stored if self.length else np.empty((0, self.width), np.float32)
        sampled = {"bin_construct_sample_cnt": _sampled(self.length)} | dict(params)
        # by position: LightGBM refuses some names (a[0]) and alters others ("school holiday")
        bins = lightgbm.Dataset(inputs, y, categorical_feature=list(categories), params=sampled)
        if self.length:
            bins.construct()
        self._arrays = []
        if self._file:
            self._file.close()
        return bins


@dataclass(frozen=True)
class _Rows:
    """The rows of a file for LightGBM, which reads single ones for the borders of bins, then all of them in batches."""

    file: IO[bytes]
    length: int
    width: int
    batch_size: int = BATCH

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> NDArray[Any]:
        several = isinstance(index, slice)
        first, last = (index.start, min(index.stop, self.length)) if several else (int(index), int(index) + 1)
        self.file.seek(first * self.width * 4)
        read = np.frombuffer(self.file.read((last - first) * self.width * 4), np.float32)
        return read.reshape(-1, self.width) if several else read.astype(np.float64)
