"""The result of a query on any database that SQLAlchemy speaks to, with the columns that the config names.

The address stands in an environment variable, source.options.url_env, or without a password in source.path. The result
is read as a table is: its columns are named by source.columns. `file` is "sql", and `line` the number of the row.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from forecasting.config import Config
from forecasting.data.sources.layouts import table
from forecasting.data.sources.loaded import Loaded
from forecasting.data.sources.options import checked
from forecasting.data.sources.readers.typed import Typed
from forecasting.io import database

FILE = "sql"


class Options(BaseModel):
    """`query` is one SELECT; its :names are filled from `parameters`; `url_env` names the variable with the address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    url_env: str | None = None


def load(config: Config) -> Loaded:
    """All rows of the query; raises UserError when the database or the query is at fault, or there are no rows."""
    frame = _result(config, options(config))
    if frame.is_empty():
        raise config.fault("source.options.query", "has no rows as its result: mend the query or its parameters")
    source = Typed(FILE, tuple(frame.columns), frame.height, frame.lazy(), "the result of a query")
    return table.whole(config, [source])


def options(config: Config) -> Options:
    """source.options, checked; raises UserError for one that is not known, and for a query that does not only read."""
    o = checked(config, Options)
    if not database.is_one_select(o.query):
        raise config.fault("source.options.query", "must be a single SELECT (or WITH ... SELECT), which only reads")
    address(config, o)
    return o


def address(config: Config, o: Options) -> str:
    """The URL of the database; raises UserError when there is none, two, or one with a password in the config."""
    if (o.url_env is None) == (config.source.path is None):
        raise config.fault(
            "source.options.url_env",
            "must name the environment variable that holds the address of the database, or source.path an address "
            "without a password: give one of the two",
        )
    if o.url_env is None:
        return _open_address(config, str(config.source.path))
    if not os.environ.get(o.url_env):
        raise config.fault("source.options.url_env", f"the environment variable {o.url_env} is not set: export it")
    return os.environ[o.url_env]


def _open_address(config: Config, url: str) -> str:
    try:
        secret = database.holds_password(url)
    except database.ConnectionFailed as error:
        raise config.fault("source.path", str(error)) from None
    if secret:
        raise config.fault(
            "source.path",
            "holds a password: put the address into an environment variable and name that in source.options.url_env",
        )
    return url


def _result(config: Config, o: Options) -> pl.DataFrame:
    try:
        return database.run_query(address(config, o), o.query, o.parameters)
    except database.ConnectionFailed as error:
        key = "source.path" if o.url_env is None else "source.options.url_env"
        name = "" if o.url_env is None else f"the address in {o.url_env}: "
        raise config.fault(key, f"the database cannot be reached: {name}{error}") from None
    except database.QueryFailed as error:
        raise config.fault("source.options.query", f"the database does not answer: {error}") from None
