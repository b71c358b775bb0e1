"""Memory that a process holds although nothing uses it: `release_free_memory` gives it back to the system."""

from __future__ import annotations

import ctypes
import sys


def release_free_memory() -> None:
    """Give back what was freed, for other processes: after a training glibc keeps hundreds of megabytes for itself."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
