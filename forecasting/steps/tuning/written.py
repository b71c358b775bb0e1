"""The config that tuning writes: the user's own text with one entry of `models` changed, and why in a comment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from forecasting.config import Config, ModelSpec
from forecasting.config.yaml_file import Loader
from forecasting.errors import Option, UserError
from forecasting.services.hyperparameter_search import Params
from forecasting.steps.tuning.space import merged

MARK = "# Written by the step tune"
"""How a file that may be written again begins."""


def place(config: Config, out: str | None) -> Path:
    """Where to write: `out`, or <name>.tuned.yaml beside the config.

    Raises UserError where a file of the user would be lost, or `models` is not as its file says.
    """
    own = Path(config.file)
    if not own.is_file():
        raise UserError(f"{config.name}: tuning writes a changed copy of a config file, and there is no file {own}")
    there = Path(out) if out else own.with_name(f"{own.stem}.tuned{own.suffix}")
    if there.resolve() == own.resolve():
        raise UserError(
            "that is the config itself", where=Option("out", there), mend="give another name and compare the two"
        )
    if there.exists() and not there.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        raise UserError(
            "that file was not written by tuning and is kept", where=Option("out", there), mend="give another name"
        )
    told = yaml.load(own.read_text(encoding="utf-8-sig"), Loader).get("models", [])
    if [ModelSpec.model_validate(m) for m in told] != list(config.models):
        raise config.fault(
            "models", "tuning changes the entry in the file: write the models there, and not as an override"
        )
    return there


def text(config: Config, number: int, changes: Params, header: Sequence[str]) -> str:
    """The config file with the options of entry `number` of `models` changed, behind a comment of `header`."""
    own = Path(config.file).read_text(encoding="utf-8-sig")
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    if not changes:
        return f"{MARK}\n{comment}\n{own}"
    entry = _entry(yaml.compose(own, Loader), number)
    start, end = entry.start_mark.index, _end(entry)
    told = yaml.load(own, Loader)["models"][number]
    changed = _changed(told, changes)
    new = _flow(changed) if entry.flow_style or len(changed) > 1 else _flow(changed)[1:-1]
    return f"{MARK}\n{comment}\n{own[:start]}{new}{own[end:]}"


def _changed(told: dict[str, Any], changes: Params) -> dict[str, Any]:
    """An entry in its short or long form with options changed."""
    if "family" in told:
        return {**told, "options": merged(told.get("options", {}), changes)}
    family, options = next(iter(told.items()))
    return {family: merged(options or {}, changes)}


def _flow(value: dict[str, Any]) -> str:
    """YAML on one line; floats with as many digits as anybody needs."""
    rounded = json.loads(json.dumps(value), parse_float=lambda x: float(f"{float(x):.4g}"))
    return str(yaml.safe_dump(rounded, default_flow_style=True, sort_keys=False, width=10_000)).strip()


def _entry(root: Any, number: int) -> Any:
    models = next(value for key, value in root.value if key.value == "models")
    return models.value[number]


def _end(node: Any) -> int:
    """Where a node's own text ends: a block goes on to the next key in PyYAML's eyes, comments included."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)
