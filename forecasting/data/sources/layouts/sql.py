"""A query on any database that SQLAlchemy supports: `load` takes a config and returns its rows as RawData.

The address of the database is in the environment variable named by source.options.url_env, or without a password in
source.path. The result is read like a table: source.columns names its columns. `file` is "sql", and `line` the number
of the row. The frame RawData.long is [unique_id, ds, y, drivers of the config, file, line, fault, fault_value], and
`_deleted` where source.columns names a column `deleted`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from forecasting.config import Config
from forecasting.data.sources.options import parse_options
from forecasting.data.sources.raw_data import RawData
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.data.sources.table_rows import load_tables
from forecasting.data.sources.tables.spelling import set_apart
from forecasting.io import database

FILE = "sql"


class Options(BaseModel):
    """`query` is one SELECT; its :names are filled from `parameters`; `url_env` names the variable with the address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    url_env: str | None = None


def load(config: Config) -> RawData:
    """All rows of the query; raises UserError when the database or the query fails, or there are no rows."""
    frame = query_result(config, source_options(config))
    if frame.is_empty():
        raise config.fault("source.options.query", "has no rows as its result: mend the query or its parameters")
    table = TypedTable(FILE, tuple(frame.columns), frame.height, frame.lazy(), "the result of a query")
    return load_tables(config, [set_apart(table)])


def source_options(config: Config) -> Options:
    """source.options, validated; raises UserError for unknown ones, a query that can write, or a missing address."""
    options = parse_options(config, Options)
    if not database.is_one_select(options.query):
        raise config.fault("source.options.query", "must be a single SELECT (or WITH ... SELECT), which only reads")
    database_url(config, options)
    return options


def database_url(config: Config, options: Options) -> str:
    """The address of the database; raises UserError when there is none, two, or a password in the config."""
    if (options.url_env is None) == (config.source.path is None):
        raise config.fault(
            "source.options.url_env",
            "must name the environment variable that holds the address of the database, or source.path an address "
            "without a password: give one of the two",
        )
    if options.url_env is None:
        return _url_without_password(config, str(config.source.path))
    if not os.environ.get(options.url_env):
        raise config.fault(
            "source.options.url_env", f"the environment variable {options.url_env} is not set: export it"
        )
    return os.environ[options.url_env]


def _url_without_password(config: Config, url: str) -> str:
    try:
        has_password = database.holds_password(url)
    except database.ConnectionFailed as error:
        raise config.fault("source.path", str(error)) from None
    if has_password:
        raise config.fault(
            "source.path",
            "holds a password: put the address into an environment variable and name that in source.options.url_env",
        )
    return url


def query_result(config: Config, options: Options) -> pl.DataFrame:
    """The rows of the query; raises UserError when the database or the query fails."""
    try:
        return database.run_query(database_url(config, options), options.query, options.parameters)
    except database.ConnectionFailed as error:
        key = "source.path" if options.url_env is None else "source.options.url_env"
        name = "" if options.url_env is None else f"the address in {options.url_env}: "
        raise config.fault(key, f"the database cannot be reached: {name}{error}") from error
    except database.QueryFailed as error:
        raise config.fault("source.options.query", f"the database does not answer: {error}") from error
