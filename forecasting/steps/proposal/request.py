"""What a proposal is made for: a Request names the places of a source and the keys that are settled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

DATABASE = re.compile(r"^(?!s3:)[\w+]+://")
VARIABLE = "env:"
"""Stands before the name of an environment variable that holds the address of a database."""


@dataclass(frozen=True)
class Request:
    """Places of files, or one address of a database with a `query`; `settings` are keys of the config, {dotted: value},
    that go before what is found.
    """

    places: tuple[str, ...]
    query: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_database(self) -> bool:
        """Whether the source is a query."""
        return bool(self.query) or any(DATABASE.match(p) or p.startswith(VARIABLE) for p in self.places)

    def with_setting(self, key: str, value: Any) -> Request:
        """The request with one more key settled."""
        return replace(self, settings={**self.settings, key: value})

    def columns(self, key: str) -> tuple[str, ...] | None:
        """The columns that are settled for a key of source.columns; None where they are not."""
        value = self.settings.get(f"source.columns.{key}")
        return None if value is None else tuple(value) if isinstance(value, list | tuple) else (str(value),)
