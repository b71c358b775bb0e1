"""`open_accounts(config)` opens the database of accounts and returns its engine, Accounts; missing tables are made.

It is the database that the environment variable DEMANDCAST_ACCESS_DATABASE names, or else an SQLite file beside the
store.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Engine, create_engine, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import QueuePool

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.io.database import ConnectionFailed, usable_url
from forecasting.services.accounts import tables

Accounts: TypeAlias = Engine
ADDRESS = "DEMANDCAST_ACCESS_DATABASE"
"""The environment variable with the address of the database, which may hold a password."""


def open_accounts(config: Config) -> Accounts:
    """The database of accounts; raises UserError when it cannot be used, or when a newer program has made it."""
    try:
        with usable_url(database_address(config)) as address:
            engine = create_engine(address, poolclass=QueuePool, pool_pre_ping=True)
            tables.METADATA.create_all(engine)
        found = _format(engine)
    except ConnectionFailed as error:
        raise UserError(f"{ADDRESS}: the database of accounts {error}") from None
    if found > tables.FORMAT:
        raise UserError(f"a newer version of this program has made the database of accounts (format {found}): use that")
    return engine


def database_address(config: Config) -> str:
    """Where the accounts are; raises UserError when the store is no folder and nothing else is named."""
    if named := os.environ.get(ADDRESS, "").strip():
        return named
    root = config.store.root.rstrip("/")
    if "://" in root:
        raise config.fault(
            "store.root",
            f"accounts cannot be kept beside {root}: name a database by the environment variable {ADDRESS}, "
            "postgresql://... or sqlite:///file",
        )
    file = Path(f"{root}-access.db").resolve()
    _make_private(file)
    return f"sqlite:///{file}"


def _make_private(file: Path) -> None:
    """An empty file that only its owner may read, where there is none yet."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=stat.S_IRUSR | stat.S_IWUSR, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the accounts cannot be kept in {file} ({error.strerror}); name a database by the environment variable "
            f"{ADDRESS}"
        ) from None


def _format(engine: Engine) -> int:
    """The format of the tables; noted when they are new."""
    with engine.begin() as connection:
        found = connection.scalar(select(func.max(tables.formats.c.format)))
    if found is None:
        try:
            with engine.begin() as connection:
                connection.execute(insert(tables.formats).values(format=tables.FORMAT))
        except IntegrityError:  # another process was faster
            pass
        return tables.FORMAT
    return int(found)
