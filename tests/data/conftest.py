"""A config in a file of its own, and small tables to read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecasting.config import Config, load

MakeConfig = Callable[..., Config]


@pytest.fixture
def make_config(tmp_path: Path) -> MakeConfig:
    """A daily table config; keyword arguments replace top-level keys."""

    def make(**keys: Any) -> Config:
        base = {"name": "job", "source": {"kind": "table"}, "freq": "1d", "h": 7, "models": ["ladder"]}
        file = tmp_path / "job.yaml"
        file.write_text(yaml.safe_dump(base | keys, sort_keys=False))
        return load(file)

    return make


@pytest.fixture
def table_config(tmp_path: Path, make_config: MakeConfig) -> MakeConfig:
    """The config of a table whose text (or bytes) is given first; `name` is the file's."""

    def make(content: str | bytes, name: str = "sales.csv", columns: Any = None, **keys: Any) -> Config:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        source = {"kind": "table", "path": str(file), "columns": columns}
        source |= {k: keys.pop(k) for k in ("ds_format",) if k in keys}
        return make_config(source=source, **keys)

    return make
