"""The whole config, and how it is read from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from forecasting.config import yaml_file
from forecasting.config.cross_checks import clashes
from forecasting.config.error_messages import Clash, sentences
from forecasting.config.sections import (
    Backtest,
    Calendar,
    Clean,
    Columns,
    Limits,
    ModelSpec,
    Part,
    SideTable,
    Source,
    StoreConfig,
    Tracking,
)
from forecasting.config.value_types import Names, Whole
from forecasting.errors import UserError
from forecasting.frequency import FREQS, Frequency


class Config(Part):
    """One forecasting job, whole. Two are equal when their keys are, wherever they were read from."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    source: Source
    tables: dict[str, SideTable] = Field(default_factory=dict)
    freq: Literal["1d", "1w", "1mo"]
    h: Whole = Field(ge=1)
    season_length: Whole | None = Field(default=None, ge=1)
    blocks: tuple[Annotated[Whole, Field(ge=1)], ...] | None = None
    columns: Columns = Columns()
    levels_of_aggregation: tuple[Names, ...] = ((),)
    calendar: Calendar = Calendar()
    clean: Clean = Clean()
    future: dict[str, Any] = Field(default_factory=dict)
    limits: Limits = Limits()
    backtest: Backtest = Backtest()
    models: tuple[ModelSpec, ...] = (ModelSpec(family="naive", name="ladder"),)
    level: tuple[Whole, ...] = (80, 95)
    engine: Literal["local"] = "local"
    store: StoreConfig = StoreConfig()
    tracking: Tracking = Tracking()
    data_version: Whole | None = Field(default=None, ge=0)
    _origin: yaml_file.Origin = PrivateAttr(default_factory=yaml_file.Origin)
    _source: str = PrivateAttr(default="source")

    @property
    def file(self) -> str:
        """The file that this was read from."""
        return self._origin.file

    @property
    def frequency(self) -> Frequency:
        return FREQS[self.freq]

    @property
    def season(self) -> int:
        """Periods in the usual season."""
        return self.season_length or self.frequency.season

    @property
    def step(self) -> int:
        """Periods between the cutoffs of a backtest."""
        return self.backtest.step or self.h

    @property
    def block_ends(self) -> tuple[int, ...]:
        """Last step of each horizon block; the last one is h."""
        return self.blocks or self.frequency.blocks(self.h)

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The raw columns that are joined to unique_id (empty when there are fewer than two)."""
        ids = (self.source.columns or {}).get("unique_id", ())
        return ids if len(ids) > 1 else ()

    @property
    def static_columns(self) -> tuple[str, ...]:
        """columns.static and the joined id columns: what is the same on all days of a series."""
        return tuple(dict.fromkeys((*self.id_columns, *self.columns.static)))

    def fault(self, key: str, message: str) -> UserError:
        """The error for `key` (dotted), naming the file and the line where the key, or its nearest parent, stands."""
        mine = re.compile(r"\bsource(?=\.(?:path|ds_format|columns|options)\b|$)")
        key, message = mine.sub(self._source, key), mine.sub(self._source, message)
        return UserError(f"{key}: {message}", where=self._origin.place(tuple(key.split("."))))

    def of_table(self, name: str) -> Config:
        """This config with a further table in the place of its source; see `beside`."""
        table = self.tables[name]
        return self.beside(table.path, table.ds_format, f"tables.{name}")

    def beside(self, path: str, ds_format: str | None, key: str) -> Config:
        """This config with another file in the place of its source, so that the same code reads both; faults name the
        keys below `key`.
        """
        source = Source(path=path, ds_format=ds_format)
        config = self.model_copy(update={"source": source, "tables": {}})
        config._source = key
        return config

    @model_validator(mode="after")
    def _fits(self) -> Config:
        for key, message in clashes(self):
            raise Clash(key, message)
        return self


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a config file, put the dotted `overrides` over it and check it; raises UserError naming key and line."""
    raw, origin = yaml_file.read(Path(path), overrides or {})
    try:
        config = Config.model_validate(raw)
    except ValidationError as e:
        raise UserError.of_several(list(sentences(e, Config, origin))) from None
    config._origin = origin
    return config
