"""The door to databases: the rows of one query as typed columns, by any URL of SQLAlchemy. Nothing is written there.

Rows come in chunks and are turned into columns at once. A transaction is read-only where the database knows such a
thing (PostgreSQL, SQLite), and never committed anywhere.
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
NOT_SQL = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""Text, quoted names and comments of a query."""
EXAMPLE = "postgresql://user:password@host/name, with signs such as @ : / of the password written as %40 %3A %2F"


class NotReached(Exception):
    """The address is wrong, or nobody answers there; the text says why and holds no password."""


class NotAnswered(Exception):
    """The database minds the query; the text says why and holds no password."""


def is_one_select(query: str) -> bool:
    """Whether a text is a single query that only reads, as far as its words tell."""
    bare = NOT_SQL.sub(" ", query).strip().rstrip("; \n")
    return re.match(r"[(\s]*(select|with)\b", bare, re.IGNORECASE) is not None and ";" not in bare


def holds_password(url: str) -> bool:
    """Whether an address tells a password; raises NotReached when it is none."""
    parsed = _parsed(url)
    return parsed.password is not None or any("passw" in key.lower() or key == "pwd" for key in parsed.query)


def ask(url: str, query: str, parameters: Mapping[str, Any]) -> pl.DataFrame:
    """All rows of the query; raises NotReached or NotAnswered.

    Columns are Int64, Float64 (decimals too), Boolean, Date, Datetime (without a zone: the wall time that the database
    tells) or String.
    """
    parsed = _parsed(url)
    with _connected(parsed) as connection, _words(parsed, NotAnswered):
        from sqlalchemy import text

        result = connection.execution_options(yield_per=CHUNK).execute(text(query), dict(parameters))
        names = list(result.keys())
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise NotAnswered(f"two columns of the result are called {twice!r}: rename one with AS")
        parts = [[typed(c) for c in zip(*rows, strict=True)] for rows in result.partitions(CHUNK)]
    columns = zip(*parts, strict=True) if parts else ([] for _ in names)
    return pl.DataFrame([_joined(name, c) for name, c in zip(names, columns, strict=True)])


@contextmanager
def reached(url: str) -> Iterator[str]:
    """The address with a driver that is known to work, for others that connect to it themselves.

    What goes wrong inside is raised as NotReached, without secrets.
    """
    parsed = _parsed(url)
    with _words(parsed, NotReached):
        yield parsed.render_as_string(hide_password=False)


def _parsed(url: str) -> URL:
    """The address with a driver that is known to work; raises NotReached without showing what it holds."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url.strip().replace("postgres://", "postgresql://", 1))
    except (ArgumentError, ValueError):  # their words hold pieces of the address
        raise NotReached(f"is no address of a database; one looks like {EXAMPLE}") from None
    if parsed.host and "@" in parsed.host:
        raise NotReached(f"has an @ too many; an address looks like {EXAMPLE}")
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


@contextmanager
def _connected(url: URL) -> Iterator[Connection]:
    """A connection that does not write; the pool keeps none."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    kind = url.get_backend_name()
    if kind == "sqlite" and url.database and not url.database.startswith((":memory:", "file:")):
        _is_a_file(url.database)
    wait = {"connect_timeout": 10} if url.drivername == "postgresql+psycopg" else {}
    with _words(url, NotReached):
        engine = create_engine(url, poolclass=NullPool, connect_args=wait)
        connection = engine.connect()
        if kind == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
        if kind == "sqlite":
            connection.exec_driver_sql("PRAGMA query_only = ON")
    with connection:
        yield connection


def _is_a_file(database: str) -> None:
    """SQLite would make a new, empty one."""
    if not Path(database).is_file():
        raise NotReached(f"there is no file {database} (seen from {Path.cwd()})")


@contextmanager
def _words(url: URL, kind: type[Exception]) -> Iterator[None]:
    """What SQLAlchemy and its drivers say, in one line and without secrets."""
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    try:
        yield
    except ModuleNotFoundError as error:
        raise NotReached(f"needs the package {error.name}: install it (for PostgreSQL: demandcast[postgres])") from None
    except NoSuchModuleError:
        raise NotReached(f"{url.drivername} is no kind of database that SQLAlchemy knows here") from None
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or error)
        raise kind(_without_secrets(" ".join(told.split()), url)[:300]) from None


def _without_secrets(told: str, url: URL) -> str:
    secrets = [url.password, *(v for values in url.normalized_query.values() for v in values)]
    for secret in filter(None, map(str, (s for s in secrets if s))):
        for form in (secret, quote(secret, safe=""), quote_plus(secret)):
            told = told.replace(form, "***")
    return told


def typed(values: Sequence[Any]) -> pl.Series:
    """The values of a column by what they are: all of one kind, or as text."""
    kinds = {type(v) for v in values} - {type(None)}
    if kinds == {bool}:
        return pl.Series(values, dtype=pl.Boolean)
    if kinds <= {int, bool}:
        return _whole(values)
    if kinds <= {int, bool, float, Decimal}:
        return pl.Series([None if v is None else float(v) for v in values], dtype=pl.Float64)
    if kinds == {date}:
        return pl.Series(values, dtype=pl.Date)
    if kinds == {datetime}:
        return pl.Series([v and v.replace(tzinfo=None) for v in values], dtype=pl.Datetime("us"))
    return pl.Series([None if v is None else str(v) for v in values], dtype=pl.String)


def _whole(values: Sequence[Any]) -> pl.Series:
    if not any(v is not None for v in values):
        return pl.Series(values, dtype=pl.Null)
    large = any(v is not None and abs(v) >= 2**63 for v in values)
    return pl.Series([None if v is None else float(v) if large else int(v) for v in values])


def _joined(name: str, parts: Sequence[pl.Series]) -> pl.Series:
    """The chunks of a column; where one is text and another is not, all are."""
    frames = [part.alias(name).to_frame() for part in parts]
    if not frames:
        return pl.Series(name, [], dtype=pl.Null)
    try:
        return pl.concat(frames, how="vertical_relaxed").to_series()
    except pl.exceptions.PolarsError:
        return pl.concat([f.cast(pl.String) for f in frames]).to_series()
