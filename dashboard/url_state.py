"""The query string as the state of a page: `decode` returns {field: value}, `encode` the string of such a state.

Both take the page's QueryFields. Unknown keys and unreadable values are dropped, and `unread` says which values these
are; defaults are not written.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlencode


@dataclass(frozen=True)
class QueryField:
    """One key of the query string; `parse` turns its text into a value and raises ValueError where it cannot."""

    name: str
    default: Any = None
    parse: Callable[[str], Any] = str
    many: bool = False

    def value(self, texts: list[str]) -> Any:
        """The value of the field, or its default when none of the texts can be read."""
        values = [value for value, wrong in map(self._try_parse, texts) if not wrong]
        if self.many:
            return values or self.default
        return values[0] if values else self.default

    def unread(self, texts: list[str]) -> list[str]:
        """The texts that cannot be read, each with its key and the reason, if there is one."""
        tried = [(text, self._try_parse(text)[1]) for text in texts]
        return [f"{self.name} {text!r}{f' ({why})' if why != text else ''}" for text, why in tried if why]

    def _try_parse(self, text: str) -> tuple[Any, str]:
        """The value, or None and what is wrong with the text."""
        try:
            return self.parse(text), ""
        except ValueError as error:
            return None, str(error) or text


def iso_date(text: str) -> str:
    """A date as ISO text; raises ValueError for any other text."""
    return date.fromisoformat(text).isoformat()


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser that accepts these texts only."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return parse


def decode(fields: Iterable[QueryField], query: str | Mapping[str, Any]) -> dict[str, Any]:
    """The state in a query string (or in Dash's parsed one), with a value for every field."""
    texts: dict[str, Any] = dict(parse_qs(query.lstrip("?"))) if isinstance(query, str) else dict(query)
    return {f.name: f.value(_as_texts(texts.get(f.name))) for f in fields}


def unread(fields: Iterable[QueryField], query: Mapping[str, Any]) -> list[str]:
    """What a parsed query string says and nobody can read, as texts: a link that was cut off or written by hand."""
    return [text for field in fields for text in field.unread(_as_texts(query.get(field.name)))]


def encode(fields: Iterable[QueryField], values: Mapping[str, Any]) -> str:
    """The query string of a state, "" when all is at its default; fields keep their order so that links compare."""
    pairs = {f.name: values.get(f.name) for f in fields if values.get(f.name) not in (f.default, None, "", [])}
    return f"?{urlencode(pairs, doseq=True)}" if pairs else ""


def _as_texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, list | tuple) else [str(value)]
