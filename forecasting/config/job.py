"""The config of a job: `load` reads a YAML file, puts overrides over it, checks it and returns a frozen Config.

It raises one UserError for up to five mistakes, each with its key and line; of conflicts between keys it names the
first. `Config.fault(key, message)` returns such an error for code that finds a mistake later, against the data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr, ValidationError, model_validator

from forecasting.columns import as_users_write
from forecasting.config import yaml_file
from forecasting.config.cross_checks import find_conflicts
from forecasting.config.derived import DerivedKeys
from forecasting.config.error_messages import KeyConflict, error_messages
from forecasting.config.formats import refuse_newer_config
from forecasting.config.sections import Source
from forecasting.errors import UserError


class Config(DerivedKeys):
    """One forecasting job. Two configs are equal when their keys are, wherever they were read from."""

    _origin: yaml_file.Origin = PrivateAttr(default_factory=yaml_file.Origin)
    _source: str = PrivateAttr(default="source")
    _formats: Mapping[str, Mapping[str, str]] = PrivateAttr(default_factory=dict)

    @property
    def file(self) -> str:
        """The file from which this was read."""
        return self._origin.file

    def fault(self, key: str, message: str) -> UserError:
        """The error for a dotted `key`, placed at the file and line of the key or its nearest parent."""
        mine = re.compile(r"\bsource(?=\.(?:path|ds_format|format|columns|options)\b|$)")
        key, message = (as_users_write(mine.sub(self._source, text)) for text in (key, message))
        return UserError(f"{key}: {message}", where=self._origin.place(tuple(key.split("."))))

    @property
    def source_key(self) -> str:
        """The key of what is read as the source: `source`, or `tables.<name>` in the config of a further table."""
        return self._source

    @property
    def stored_formats(self) -> Mapping[str, str]:
        """How columns of the source were found to be written before: {column of the file: format}."""
        return self._formats.get(self._source, {})

    def with_stored_formats(self, formats: Mapping[str, Mapping[str, str]]) -> Config:
        """This config with what was concluded before, {`source` or `tables.<name>`: {column: format}}, and with what it
        knows already of other columns.
        """
        config = self.model_copy()
        config._formats = {
            key: {**self._formats.get(key, {}), **formats.get(key, {})} for key in {*self._formats, *formats}
        }
        return config

    def for_table(self, name: str) -> Config:
        """This config with a further table in the place of its source; see `with_source_file`."""
        table = self.tables[name]
        config = self.with_source_file(table.path, table.ds_format, f"tables.{name}")
        return config.model_copy(update={"source": config.source.model_copy(update={"format": table.format})})

    def with_source_file(self, path: str, ds_format: str | None, key: str) -> Config:
        """This config with another file in the place of its source, so that the same code reads both.

        Its faults name the keys below `key`.
        """
        source = Source(path=path, ds_format=ds_format)
        config = self.model_copy(update={"source": source, "tables": {}})
        config._source = key
        return config

    @model_validator(mode="after")
    def _cross_checked(self) -> Config:
        for key, message in find_conflicts(self):
            raise KeyConflict(key, message)
        return self


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a config file, put the dotted `overrides` over it and check it; raises UserError naming key and line."""
    raw, origin = yaml_file.read(Path(path), overrides or {})
    refuse_newer_config(raw, origin)
    try:
        config = Config.model_validate(raw)
    except ValidationError as e:
        raise UserError.of_several(list(error_messages(e, Config, origin))) from None
    config._origin = origin
    return config
