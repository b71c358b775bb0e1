"""Read access to databases: `run_query` takes a URL of SQLAlchemy, a query and its parameters and returns a frame.

Rows come in chunks and become typed columns at once. Nothing is written: transactions are never committed, and are
read-only where the database supports that (PostgreSQL, SQLite). `usable_url` is for libraries that connect themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import polars as pl

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

CHUNK = 50_000
"""Rows that are fetched at once."""
NOT_SQL = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""Text, quoted names and comments of a query."""
EXAMPLE = "postgresql://user:password@host/name, with signs such as @ : / of the password written as %40 %3A %2F"


class ConnectionFailed(Exception):
    """The address is wrong or no server responds there; the text gives the reason and contains no password."""


class QueryFailed(Exception):
    """The database rejects the query; the text gives the reason and contains no password."""


def may_pass(error: BaseException) -> bool:
    """Whether an error of a database may be gone the next time, as when its server is away for a moment."""
    from sqlalchemy.exc import OperationalError

    return isinstance(error, OperationalError)


def is_one_select(query: str) -> bool:
    """Whether a text is a single SELECT, as far as its keywords show."""
    bare = NOT_SQL.sub(" ", query).strip().rstrip("; \n")
    return re.match(r"[(\s]*(select|with)\b", bare, re.IGNORECASE) is not None and ";" not in bare


def holds_password(url: str) -> bool:
    """Whether an address contains a password; raises ConnectionFailed when it is not an address."""
    parsed = _parse_url(url)
    return parsed.password is not None or any("passw" in key.lower() or key == "pwd" for key in parsed.query)


def run_query(url: str, query: str, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """All rows of the query; raises ConnectionFailed or QueryFailed.

    Columns are Int64, Float64 (decimals too), Boolean, Date, Datetime (without a zone: the wall time as the database
    returns it) or String.
    """
    parsed = _parse_url(url)
    with _connected(parsed) as connection, _clear_errors(parsed, QueryFailed):
        from sqlalchemy import text

        result = connection.execution_options(yield_per=CHUNK).execute(text(query), dict(parameters))
        names = list(result.keys())
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise QueryFailed(f"two columns of the result are called {twice!r}: rename one with AS")
        parts = [[to_series(c) for c in zip(*rows, strict=True)] for rows in result.partitions(CHUNK)]
    columns = zip(*parts, strict=True) if parts else ([] for _ in names)
    return pl.DataFrame([_concat_chunks(name, c) for name, c in zip(names, columns, strict=True)])


@contextmanager
def usable_url(url: str) -> Iterator[str]:
    """The address with a driver that is known to work, for libraries that open the connection themselves.

    Errors of SQLAlchemy inside the block are raised as ConnectionFailed, without secrets.
    """
    parsed = _parse_url(url)
    with _clear_errors(parsed, ConnectionFailed):
        yield parsed.render_as_string(hide_password=False)


def _parse_url(url: str) -> URL:
    """The address with a driver that is known to work; raises ConnectionFailed without showing the address."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url.strip().replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):  # their messages contain pieces of the address
        raise ConnectionFailed(f"is no address of a database; one looks like {EXAMPLE}") from None
    if parsed.host and "@" in parsed.host:
        raise ConnectionFailed(f"has one @ too many; an address looks like {EXAMPLE}")
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    """A read-only connection that no pool keeps open."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    kind = url.get_backend_name()
    if kind == "sqlite" and url.database and not url.database.startswith((":memory:", "file:")):
        _require_file(url.database)
    wait = {"connect_timeout": 10} if url.drivername == "postgresql+psycopg" else {}
    with _clear_errors(url, ConnectionFailed):
        engine = create_engine(url, poolclass=NullPool, connect_args=wait)
        connection = engine.connect()
        if kind == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        if kind == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
    with connection:
        yield connection


def _require_file(database: str) -> None:
    """Raise ConnectionFailed for a missing file, where SQLite would create an empty database."""
    if not Path(database).is_file():
        raise ConnectionFailed(f"there is no file {database} (seen from {Path.cwd()})")


@contextmanager
def _clear_errors(url: URL, kind: type[Exception]) -> Iterator[None]:
    """Raise errors of SQLAlchemy and its drivers as `kind`, in one line and without secrets.

    Those that may pass, a server that is away say, have a ConnectionError as their cause.
    """
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    try:
        yield
    except ModuleNotFoundError as error:
        raise ConnectionFailed(
            f"needs the package {error.name}: install it (for PostgreSQL: demandcast[postgres])"
        ) from None
    except NoSuchModuleError:
        raise ConnectionFailed(f"{url.drivername} is not a kind of database that SQLAlchemy supports here") from None
    except SQLAlchemyError as error:
        message = str(getattr(error, "orig", None) or error)
        passes = may_pass(error) and url.get_backend_name() != "sqlite"  # where it is any mistake
        passing = ConnectionError("the database does not answer") if passes else None
        raise kind(_without_secrets(" ".join(message.split()), url)[:300]) from passing


def _without_secrets(message: str, url: URL) -> str:
    secrets = [url.password, *(v for values in url.normalized_query.values() for v in values)]
    for secret in filter(None, map(str, (s for s in secrets if s))):
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            message = message.replace(form, "***")
    return message


def to_series(values: Sequence[Any]) -> pl.Series:
    """The values of a column in the type that all of them have, or as text where they differ."""
    kinds = {type(v) for v in values} - {type(None)}
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean)
    if kinds <= {int, bool}:
        return _to_integers(values)
    if kinds <= {int, bool, float, Decimal}:
        return pl.Series([None if v is None else float(v) for v in values], dtype=pl.Float64)
    if kinds == {date}:
        return pl.Series(values, dtype=pl.Date)
    if kinds == {datetime}:
        return pl.Series([v and v.replace(tzinfo=None) for v in values], dtype=pl.Datetime("us"))
    return pl.Series([None if v is None else str(v) for v in values], dtype=pl.String)


def _to_integers(values: Sequence[Any]) -> pl.Series:
    if not any(v is not None for v in values):
        return pl.Series(values, dtype=pl.Null)
    large = any(v is not None and abs(v) >= 2**63 for v in values)
    return pl.Series([None if v is None else float(v) if large else int(v) for v in values])


def _concat_chunks(name: str, parts: Sequence[pl.Series]) -> pl.Series:
    """The chunks of a column as one series; as text where any chunk is text."""
    frames = [part.alias(name).to_frame() for part in parts]
    if not frames:
        return pl.Series(name, [], dtype=pl.Null)
    try:
        return pl.concat(frames, how="vertical_relaxed").to_series()
    except pl.exceptions.PolarsError:
        return pl.concat([f.cast(pl.String) for f in frames]).to_series()
