"""The list of constants: `read_list` returns {name: Entry} of constants.yaml, `find_constants` {name: value} of code.

A name is that of the module, a colon, and that of the constant: `forecasting.models.guards:FACTOR`, for a number in a
mapping `...boosters:PARAMS.num_leaves`, for the default of a field `...options:Options.rows`. `with_values` sets values
for as long as a block of code runs.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from benchmarks.processes import ROOT

FILE = Path(__file__).with_name("constants.yaml")
WATCHED = (
    "forecasting/recipe/*.py",
    "forecasting/data/windows.py",
    "forecasting/evaluation/ensemble_weights/*.py",
    "forecasting/evaluation/intervals/*.py",
    "forecasting/models/cold_start/*.py",
    "forecasting/models/guards.py",
    "forecasting/models/weights.py",
    "forecasting/models/lightgbm/*.py",
)
"""The files whose numbers decide how accurate forecasts and bounds are."""
KINDS = ("weights", "bounds", "no")
"""What a constant is replayed for: stored rows show its effect on combinations, or on bounds, or neither."""


@dataclass(frozen=True)
class Entry:
    """The candidates of a constant, what it is replayed for (see KINDS), and why where it is not."""

    candidates: tuple[Any, ...]
    replayed: str
    why: str = ""


def read_list(file: Path = FILE) -> dict[str, Entry]:
    """{name: Entry} of the file, in its order."""
    listed = yaml.safe_load(file.read_text(encoding="utf-8"))
    found = {}
    for module, constants in listed.items():
        for name, entry in constants.items():
            candidates = tuple(plain(value) for value in entry["candidates"])
            # YAML reads a bare no as false
            found[f"{module}:{name}"] = Entry(candidates, entry.get("replayed") or "no", entry.get("why", ""))
    return found


def find_constants() -> dict[str, Any]:
    """{name: value} of all numbers at the top of the watched modules, lists as tuples."""
    files = sorted(file for pattern in WATCHED for file in ROOT.glob(pattern))
    dotted = (".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files)
    return {f"{module}:{name}": value for module in dotted for name, value in _constants_of(module)}


def value_of(name: str) -> Any:
    """The value that the constant of this name has now."""
    module, _, path = name.partition(":")
    at: Any = import_module(module)
    for part in path.split("."):
        at = at[part] if isinstance(at, Mapping) else getattr(at, part)
    return plain(at)


def plain(value: Any) -> Any:
    """The value with tuples for lists, so that what YAML holds compares with what the code holds."""
    return tuple(plain(v) for v in value) if isinstance(value, list | tuple) else value


def _constants_of(module: str) -> Iterator[tuple[str, Any]]:
    """Name and value of each number, or sequence with numbers, of a module."""
    for node in _tree(module).body:
        if isinstance(node, ast.ClassDef):
            names = [(f"{node.name}.{name}", []) for part in node.body for name, _ in _assigned(part)]
        else:
            names = [(name, keys) for name, keys in _assigned(node) if name.isupper()]
        for name, keys in names:
            for path in [f"{name}.{key}" for key in keys] or [name]:
                value = value_of(f"{module}:{path}") if _exists(f"{module}:{path}") else None
                if _has_numbers(value):
                    yield path, value


def _assigned(node: ast.stmt) -> Iterator[tuple[str, list[str]]]:
    """The names that a statement gives values, each with the keys of mappings that are written there."""
    match node:
        case ast.Assign(targets=targets, value=value):
            pass
        case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.AugAssign(target=target, value=value):
            targets = [target]
        case _:
            return
    mappings = [part for part in ast.walk(value) if isinstance(part, ast.Dict)]
    keys = [k.value for part in mappings for k in part.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)]
    for target in targets:
        yield from ((part.id, keys) for part in ast.walk(target) if isinstance(part, ast.Name))


def _exists(name: str) -> bool:
    """Whether there is such a value; fields of a dataclass without a default have none."""
    try:
        value_of(name)
    except (AttributeError, KeyError):
        return False
    return True


def _has_numbers(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_has_numbers, value))
    return isinstance(value, int | float) and not isinstance(value, bool)


@cache
def _tree(module: str) -> ast.Module:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


@contextmanager
def with_values(values: Mapping[str, Any]) -> Iterator[None]:
    """Within the block the constants of these names have these values, in the modules too that import them by name."""
    before = [
        (place, path, getattr(place, path))
        for name in values
        for module, _, path in [name.partition(":")]
        for place in [import_module(module), *_importers(module, path)]
    ]
    try:
        for name, value in values.items():
            module, _, path = name.partition(":")
            for place in [import_module(module), *_importers(module, path)]:
                setattr(place, path, value)
        yield
    finally:
        for place, path, value in before:
            setattr(place, path, value)


def _importers(module: str, name: str) -> list[Any]:
    """The loaded modules of this project that hold `name` of `module` under the same name."""
    return [found for other, found in sorted(sys.modules.items()) if (module, name) in _imported(other)]


@cache
def _imported(module: str) -> frozenset[tuple[str, str]]:
    """(module, name) of all that a module of this project imports by name at its top."""
    if not module.startswith("forecasting."):
        return frozenset()
    nodes = (node for node in _tree(module).body if isinstance(node, ast.ImportFrom) and node.module)
    return frozenset((str(node.module), alias.name) for node in nodes for alias in node.names if not alias.asname)
