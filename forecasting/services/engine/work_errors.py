"""Errors of the work on one item: `errors_name(item)` is a context, in which a failure becomes a WorkError naming it.

A UserError passes as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from forecasting.errors import UserError


class WorkError(RuntimeError):
    """An error in the work on one item: the message names the item, and `__cause__` is the original error."""


@contextmanager
def errors_name(item: object) -> Iterator[None]:
    """Raises WorkError, naming the item, for an error in the block; a UserError is passed on as it is."""
    try:
        yield
    except UserError:
        raise
    except BrokenProcessPool as error:
        raise WorkError(
            f"a worker process died at or near {item!r:.200}, most often because memory ran out: try fewer workers"
        ) from error
    except Exception as error:
        raise WorkError(f"{item!r:.200}: {type(error).__name__}: {error}") from error
