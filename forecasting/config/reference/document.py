"""The reference of all config keys: `reference` returns the Markdown of docs/CONFIG.md, made from the declarations.

It takes nothing and writes no file. `sections` yields the sections below a model with their dotted paths.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from forecasting.config.declarations import CHANGES, Section
from forecasting.config.keys import Keys

FILE = "docs/CONFIG.md"

NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any value"}

HEAD = f"""# Config keys

Made from the declarations in `forecasting/config/keys.py` and `forecasting/config/sections/` by
`python -m forecasting.config.reference > {FILE}`; a test compares them. Unknown keys are errors. `docs/DATA.md` and
`docs/MODELS.md` have examples.

A change of a top-level key changes
"""


def reference() -> str:
    """The text of docs/CONFIG.md: what a change means, the top-level keys, then one table per section."""
    meanings = "".join(f"- **{name}**: {meaning};\n" for name, meaning in CHANGES.items())
    parts = [HEAD, meanings.removesuffix(";\n") + ".", "", "## Top-level keys", ""]
    parts += _table("| key | type | default | changes | description |", map(_top_level_row, Keys.model_fields.items()))
    for path, section in sections("", Keys):
        intro = (section.__doc__ or "").strip()
        parts += ["", f"## `{path}`", "", intro, ""]
        parts += _table("| key | type | default | description |", map(_row, section.model_fields.items()))
    return "\n".join(parts) + "\n"


def _table(head: str, rows: Iterator[str]) -> list[str]:
    return [head, "|---" * (head.count("|") - 1) + "|", *rows]


def _top_level_row(item: tuple[str, FieldInfo]) -> str:
    name, field = item
    return _cells(
        f"`{name}`", type_text(field.annotation), default_text(field), ", ".join(Keys.changes_of(name)), _text(field)
    )


def _row(item: tuple[str, FieldInfo]) -> str:
    name, field = item
    return _cells(f"`{name}`", type_text(field.annotation), default_text(field), _text(field))


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _text(field: FieldInfo) -> str:
    return field.description or ""


def default_text(field: FieldInfo) -> str:
    """The default as YAML writes it; `-` for a section, whose keys have their own."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel) or (isinstance(value, tuple) and any(isinstance(v, BaseModel) for v in value)):
        return "-"
    return f"`{json.dumps(value, default=str)}`"


def type_text(kind: Any) -> str:
    """A type in words: `text`, `whole number`, `list of whole number`, `one of a, b`, `section`."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return type_text(inner[0])
    if origin is Literal:
        return "one of " * (len(inner) > 1) + ", ".join(f"`{value}`" for value in inner)
    if origin in (Union, types.UnionType):
        names = [type_text(part) for part in inner if part is not type(None)]
        return " or ".join(names + ["null"] * (type(None) in inner))
    if origin is tuple:
        return f"list of {type_text(inner[0])}" if inner[1:] == (...,) else f"[{', '.join(map(type_text, inner))}]"
    if origin is dict:
        return f"mapping of name to {type_text(inner[1])}"
    if isinstance(kind, type) and issubclass(kind, Section):
        return "section"
    return NAMES.get(kind, str(getattr(kind, "__name__", kind)))


def sections(path: str, parent: type[BaseModel]) -> Iterator[tuple[str, type[Section]]]:
    """The sections below a model with their dotted paths, depth first."""
    for name, field in parent.model_fields.items():
        for section in _inner_sections(field.annotation):
            many = {dict: ".<name>", tuple: "[]"}.get(get_origin(field.annotation), "")  # type: ignore[arg-type]
            below = f"{path}.{name}{many}".lstrip(".")
            yield below, section
            yield from sections(below, section)


def _inner_sections(kind: Any) -> list[type[Section]]:
    if isinstance(kind, type) and get_origin(kind) is None:
        return [kind] if issubclass(kind, Section) else []
    return [section for part in get_args(kind) for section in _inner_sections(part)]
