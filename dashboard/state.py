"""The query string is a page's state: fields to a string and back, unknown keys and impossible values left out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlencode


@dataclass(frozen=True)
class Field:
    """One key of the query string; `read` turns its text into a value and raises ValueError for a text it cannot be."""

    name: str
    default: Any = None
    read: Callable[[str], Any] = str
    many: bool = False

    def value(self, texts: list[str]) -> Any:
        """The value, or the default when no text is left that can be read."""
        values = [v for v in map(self._try, texts) if v is not None]
        if self.many:
            return values or self.default
        return values[0] if values else self.default

    def _try(self, text: str) -> Any:
        try:
            return self.read(text)
        except ValueError:
            return None


def iso(text: str) -> str:
    """A date as ISO text; raises ValueError when it is none."""
    return date.fromisoformat(text).isoformat()


def one_of(*choices: str) -> Callable[[str], str]:
    """A reader that takes these texts only."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return read


def decode(fields: Iterable[Field], query: str | Mapping[str, Any]) -> dict[str, Any]:
    """The state in a query string (or Dash's parsed one); every field has a value afterwards."""
    texts: dict[str, Any] = dict(parse_qs(query.lstrip("?"))) if isinstance(query, str) else dict(query)
    return {f.name: f.value(_texts(texts.get(f.name))) for f in fields}


def encode(fields: Iterable[Field], values: Mapping[str, Any]) -> str:
    """The query string of a state, "" when all is at its default; fields keep their order so that links compare."""
    pairs = {f.name: values.get(f.name) for f in fields if values.get(f.name) not in (f.default, None, "", [])}
    return f"?{urlencode(pairs, doseq=True)}" if pairs else ""


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
