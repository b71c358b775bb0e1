"""Names of columns as files write them: `spell` takes a table and names, and returns it with its columns so called.

A name fits without regard to case and spaces, and by its other names in source.aliases. `wanted_names` returns what a
header must hold, by which it is found below titles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from forecasting.columns import column_name, user_name
from forecasting.config import Config
from forecasting.data.sources.readers.header import Wanted, fold_name
from forecasting.data.sources.readers.text.text_table import TextTable
from forecasting.data.sources.readers.typed_table import TypedTable
from forecasting.errors import UserError

RawTable = TextTable | TypedTable


def wanted_names(config: Config, columns: Iterable[str]) -> Wanted:
    """The names that a header must hold, folded, each with its other names."""
    aliases = config.source.aliases
    return [frozenset(map(_fold, (column, *aliases.get(column, ())))) for column in columns]


def spell(table: RawTable, columns: Iterable[str], config: Config) -> RawTable:
    """The table with each of the columns under its own name, where one of its names fits.

    Raises UserError when two fit equally well.
    """
    names = list(table.names)
    for column in columns:
        if column in names:
            continue
        place = _place(table, names, column, config.source.aliases.get(column, ()))
        if place is not None:
            names[place] = column
    return table if tuple(names) == table.names else table.with_names(tuple(names))


def set_apart(table: RawTable) -> RawTable:
    """The table with the names that its columns have inside the program, where none meets one of the program's own."""
    return table.with_names(tuple(map(column_name, table.names)))


def with_columns(config: Config, tables: Sequence[RawTable], columns: Mapping[str, str]) -> list[RawTable]:
    """The tables with the columns under the names of the config; `columns` maps each to the key that names it.

    Raises UserError when a table lacks one.
    """
    spelled = [spell(table, columns, config) for table in tables]
    for table in spelled:
        for column, key in columns.items():
            if column not in table.names:
                raise config.fault(key, f"{table.file} has no column {column!r}; it has: {', '.join(table.names)}")
    return spelled


def _place(table: RawTable, names: list[str], column: str, aliases: Iterable[str]) -> int | None:
    """The index of the column among the names: by its own name, else by one of its other names."""
    for wanted in ({_fold(column)}, set(map(_fold, aliases))):
        found = [i for i, name in enumerate(names) if _fold(name) in wanted]
        if len(found) > 1:
            raise UserError(
                f"{table.file}: the columns {names[found[0]]!r} and {names[found[1]]!r} can both be {column!r}: "
                "name the one that is meant exactly as it is written there"
            )
        if found:
            return found[0]
    return None


def _fold(column: str) -> str:
    """The user's name of a column without regard to case and spaces."""
    return fold_name(user_name(column))
