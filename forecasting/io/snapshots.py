"""Delta tables, opened for reading."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

__all__ = ["DeltaError", "Snapshot"]


class Snapshot(DeltaTable):
    """A table whose local files Polars finds in a folder with a space or an umlaut, too: it wants them as they are
    called, and deltalake tells them with %20 and the like.
    """

    def file_uris(self, *args: Any, **kwargs: Any) -> list[str]:
        found: list[str] = super().file_uris(*args, **kwargs)
        root = self.table_uri.removeprefix("file://")
        if not self.table_uri.startswith("file://") or "%" not in root:
            return found
        return [unquote(root) + path.removeprefix(root) for path in found]
