"""A config file as written: `read` takes a file and overrides and returns the raw keys and the line of every key.

`parse_overrides` turns key=value texts into the overrides of one run, {dotted key: value}. Keys and values are not
checked here (see job); text that is not valid YAML is a UserError. An Origin here is the place of keys in a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from forecasting.errors import Place, UserError

Key = tuple[str, ...]
"""A dotted key, in its parts; items of lists count from "0"."""


@dataclass(frozen=True)
class Origin:
    """Where the keys of a config stand: 1-based lines, 0 for overrides. Two origins are equal, whatever they hold."""

    file: str = field(default="config", compare=False)
    lines: Mapping[Key, int] = field(default_factory=dict, compare=False)

    def place(self, path: Key) -> Place:
        """The place of the key, or of its nearest parent that stands in the file or in an override."""
        for end in range(len(path), 0, -1):
            line = self.lines.get(path[:end])
            if line is not None:
                return Place(self.file, line, "" if line else ".".join(path[:end]))
        return Place(self.file)


class Loader(yaml.SafeLoader):
    """YAML 1.2's plain values (`on`, `no` and dates stay text, 1e-3 is a number), keys as text, no key twice."""


def _mapping(loader: Loader, node: yaml.MappingNode) -> dict[str, Any]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.YAMLError(f"line {line}: a key must be plain text, not a list or a mapping")
        if key.value in first:
            raise yaml.YAMLError(
                f"line {line}: the key {key.value} is already in line {first[key.value]}: leave one of them"
            )
        first[key.value] = line
    return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}


PLAIN = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?[0-9]+", list("-+0123456789")),
    "float": (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
}
Loader.yaml_implicit_resolvers = {}  # none of YAML 1.1's
for _kind, (_shape, _first) in PLAIN.items():
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"(?:{_shape})$"), _first)
Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))  # YAML 1.1 takes 010 for 8
Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: float(node.value))


def read(file: Path, overrides: Mapping[str, Any]) -> tuple[dict[str, Any], Origin]:
    """The keys and values of a file with dotted `overrides` put over them, and their places; raises UserError."""
    try:
        text = file.read_text(encoding="utf-8-sig")
        loader = Loader(text)
        node = loader.get_single_node()
        raw = loader.construct_document(node) if node else None
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such config file; the built-in ones are in configs/") from None
    except (OSError, UnicodeDecodeError) as e:
        raise UserError(f"{file}: cannot be read as a text file ({e})") from None
    except (yaml.YAMLError, RecursionError, ValueError) as e:
        raise UserError(f"{file}{_yaml_problem(e)}") from None
    if not isinstance(raw, dict):
        what = "is empty" if raw is None else f"holds {'a list' if isinstance(raw, list) else repr(raw)}"
        raise UserError(f"{file}: {what}, and must hold keys and values such as `freq: 1d`; see configs/ for examples")
    lines = dict(_key_lines(node))
    for key, value in overrides.items():
        set_key(raw, key, value)
        lines = _lines_outside(lines, tuple(key.split("."))) | {tuple(key.split(".")): 0}
    return raw, Origin(str(file), dict(_with_options(lines)))


def parse_overrides(pairs: Iterable[str]) -> dict[str, Any]:
    """`key=value` texts as a mapping; values are read as YAML. Raises UserError naming the override."""
    out = {}
    for pair in pairs:
        key, eq, value = pair.partition("=")
        if not eq or not all(key.split(".")):
            raise UserError("must look like key=value, for example h=14", where=Place(override=repr(pair)))
        try:
            out[key] = yaml.load(value, Loader)
        except (yaml.YAMLError, RecursionError, ValueError) as e:
            raise UserError(
                f"the value is not valid YAML: {' '.join(str(e).split())}", where=Place(override=repr(pair))
            ) from None
    return out


def _yaml_problem(e: Exception) -> str:
    """Line and reason of a YAML error, without PyYAML's repetition of the text."""
    if not isinstance(e, yaml.MarkedYAMLError) or e.problem_mark is None:
        message = " ".join(str(e).split())
        return f", {message}" if message.startswith("line ") else f": is not valid YAML: {message}"
    tab = "\\t" in str(e.problem)
    hint = "indent with spaces, not with tabs" if tab else "check colons, brackets, quotes and indents"
    return f", line {e.problem_mark.line + 1}: is not valid YAML ({e.problem}): {hint}"


def _key_lines(node: Any, at: Key = ()) -> Iterator[tuple[Key, int]]:
    """The 1-based line of every key and list item."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, key.value), key.start_mark.line + 1
            yield from _key_lines(value, (*at, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield (*at, str(i)), value.start_mark.line + 1
            yield from _key_lines(value, (*at, str(i)))


def _with_options(lines: Mapping[Key, int]) -> Iterator[tuple[Key, int]]:
    """The lines, and those of models.<i>.<family>.<option> also under models.<i>.<option>."""
    for path, line in lines.items():
        yield path, line
        if path[0] == "models" and len(path) > 3:
            yield (*path[:2], *path[3:]), line


def _lines_outside(lines: Mapping[Key, int], path: Key) -> dict[Key, int]:
    """The lines of all but `path` and what is below it."""
    return {key: line for key, line in lines.items() if key[: len(path)] != path}


def set_key(raw: dict[str, Any], key: str, value: Any) -> None:
    """Set a dotted key of nested values in place; raises UserError where what is above it is no section or list."""
    *parents, last = key.split(".")
    at: Any = raw
    for i, parent in enumerate(parents):
        at = _child(at, parent)
        if not isinstance(at, dict | list):
            raise UserError(f"{'.'.join(parents[: i + 1])} is not a section of the config", where=Place(override=key))
    if isinstance(at, dict):
        at[last] = value
    elif last.isdigit() and int(last) < len(at):
        at[int(last)] = value
    else:
        raise UserError(
            f"{'.'.join(parents)} is a list of {len(at)}; count from 0, or set all of it", where=Place(override=key)
        )


def _child(at: Any, part: str) -> Any:
    if isinstance(at, list):
        return at[int(part)] if part.isdigit() and int(part) < len(at) else None
    if at.get(part) is None:
        at[part] = {}
    return at[part]
