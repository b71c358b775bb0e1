"""Writer of the tuned config: `render_config` returns the text of the user's file with one entry of `models` changed.

It takes the Config, the entry's index, changes {option: value} and a comment for the top. `output_path` returns the
Path to write to, and refuses a file that tuning did not write. Neither writes a file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from forecasting.config import Config, ModelSpec
from forecasting.config.sections import AUTO
from forecasting.config.yaml_file import Loader
from forecasting.errors import Option, UserError
from forecasting.services.hyperparameter_search import Params
from forecasting.steps.tuning.space import merge_options

MARK = "# Written by the step tune"
"""First line of a tuned config; a file that begins with it may be overwritten."""


def output_path(config: Config, out: str | None) -> Path:
    """Path of the tuned config: `out`, or NAME.tuned.yaml next to the config.

    Raises UserError where a file of the user would be overwritten, or `models` differs from the config file.
    """
    source = Path(config.file)
    if not source.is_file():
        raise UserError(f"{config.name}: tuning writes a changed copy of a config file, and there is no file {source}")
    target = Path(out) if out else source.with_name(f"{source.stem}.tuned{source.suffix}")
    if target.resolve() == source.resolve():
        raise UserError(
            "that is the config itself", where=Option("out", target), mend="give another name and compare the two"
        )
    if target.exists() and not target.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        raise UserError(
            "that file was not written by tuning and is kept", where=Option("out", target), mend="give another name"
        )
    entries = _listed(source.read_text(encoding="utf-8-sig"))
    if [ModelSpec.model_validate(m) for m in entries] != list(config.models):
        raise config.fault(
            "models", "tuning changes the entry in the file: write the models there, and not as an override"
        )
    return target


def render_config(config: Config, number: int, changes: Params, header: Sequence[str]) -> str:
    """Text of the config file with `changes` applied to entry `number` of `models`, below the comment `header`.

    All other text, comments included, stays as it is; but where the file leaves the choice of models to the data, those
    of `config` are listed, of which one is tuned.
    """
    source = Path(config.file).read_text(encoding="utf-8-sig")
    if not _listed(source):
        source = _list_models(source, config)
    comment = "".join(f"# {line}".rstrip() + "\n" for line in header)
    if not changes:
        return f"{MARK}\n{comment}\n{source}"
    node = _model_node(yaml.compose(source, Loader), number)
    start, end = node.start_mark.index, _end_index(node)
    entry = _change_entry(yaml.load(source, Loader)["models"][number], changes)
    new = _render_inline(entry) if node.flow_style or len(entry) > 1 else _render_inline(entry)[1:-1]
    return f"{MARK}\n{comment}\n{source[:start]}{new}{source[end:]}"


def _listed(source: str) -> list[Any]:
    """The entries of `models` in the text of a config file; none where they are chosen from the data."""
    entries = yaml.load(source, Loader).get("models", AUTO)
    return [] if entries == AUTO else list(entries)


def _list_models(source: str, config: Config) -> str:
    """The text of a config file with the models and blocks of the config, instead of `models: auto` and `budget`."""
    kept = [line for line in source.splitlines() if not line.startswith(("models:", "budget:"))]
    entries = [_render_inline(m.model_dump(mode="json", exclude_defaults=True)) for m in config.models]
    given = "blocks" in yaml.load(source, Loader)
    blocks = [f"blocks: {list(config.blocks)}"] if config.blocks and not given else []
    return "\n".join([*kept, *blocks, "models:", *(f"  - {entry}" for entry in entries)]) + "\n"


def _change_entry(entry: dict[str, Any], changes: Params) -> dict[str, Any]:
    """A model entry, in its short or long form, with changed options."""
    if "family" in entry:
        return {**entry, "options": merge_options(entry.get("options", {}), changes)}
    family, options = next(iter(entry.items()))
    return {family: merge_options(options or {}, changes)}


def _render_inline(value: dict[str, Any]) -> str:
    """YAML on one line, floats with four significant digits."""
    rounded = json.loads(json.dumps(value), parse_float=lambda x: float(f"{float(x):.4g}"))
    return str(yaml.safe_dump(rounded, default_flow_style=True, sort_keys=False, width=10_000)).strip()


def _model_node(root: Any, number: int) -> Any:
    models = next(value for key, value in root.value if key.value == "models")
    return models.value[number]


def _end_index(node: Any) -> int:
    """Index where the text of a node ends; PyYAML extends a block to the next key and includes comments."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end_index(last[1] if isinstance(last, tuple) else last)
