"""The text of a proposed config: `render` takes keys with values and comments by dotted key, and returns YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

WIDTH = 118
SECTIONS = ("source", "columns", "clean", "tables", "calendar", "future")
"""Keys whose own keys stand on lines of their own."""


def render(values: Mapping[str, Any], comments: Mapping[str, str], heading: Sequence[str]) -> str:
    """YAML of nested `values` with a comment beside or above each key of `comments`, below the lines of a heading."""
    lines = [*(f"# {line}".rstrip() for line in heading), *_lines(values, comments, ())]
    return "\n".join(lines) + "\n"


def _lines(values: Mapping[str, Any], comments: Mapping[str, str], above: tuple[str, ...]) -> Iterator[str]:
    indent = "  " * len(above)
    for name, value in values.items():
        path = (*above, name)
        comment = comments.get(".".join(path), "")
        if isinstance(value, Mapping) and value and (name in SECTIONS if not above else above == ("tables",)):
            yield from _with_comment(f"{indent}{_key(name)}:", comment, indent)
            yield from _lines(value, comments, path)
        else:
            yield from _with_comment(f"{indent}{_key(name)}: {_inline(value)}", comment, indent)


def _with_comment(line: str, comment: str, indent: str) -> Iterator[str]:
    """A line with its comment behind it, or above where both together are too long."""
    beside = f"{line}    # {comment}"
    if not comment or len(beside) <= WIDTH:
        yield beside if comment else line
        return
    yield from (f"{indent}# {part}" for part in _wrapped(comment, WIDTH - len(indent) - 2))
    yield line


def _wrapped(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + len(word) + 1 > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line


def _key(name: str) -> str:
    return name if name.isidentifier() else _inline(name)


def _inline(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, tuple):
        value = list(value)
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=100_000, allow_unicode=True)
    return str(text).strip().removesuffix("\n...").strip()
