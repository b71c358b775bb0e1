"""Long tables: CSV or Parquet, one file, a folder or a glob, or a Delta table, with the columns that the config names.

Every driver, the date, the sales and the parts of unique_id are read; other columns are left alone. Lines that say
nothing, and a footer below the last date, are dropped by these names; so are whole files of a folder that share no
column with the table (`other_table`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.column_layout import is_header, layout
from forecasting.data.sources.loaded import DELETED, KEYS, TAGS, Loaded
from forecasting.data.sources.long_frame import Layout, assemble, drivers, must_be_numbers
from forecasting.data.sources.readers.cells import DECIMAL_COMMA, THOUSANDS, looks_numeric, said
from forecasting.data.sources.readers.delta_table import is_delta
from forecasting.data.sources.readers.delta_table import read as read_delta
from forecasting.data.sources.readers.files import find
from forecasting.data.sources.readers.parquet import is_parquet
from forecasting.data.sources.readers.parquet import read as read_parquet
from forecasting.data.sources.readers.raw_lines import of_tables
from forecasting.data.sources.readers.text import Text
from forecasting.data.sources.readers.text import read as read_text
from forecasting.data.sources.readers.typed import Typed

NOT_DELETED = ("", "0", "0.0", "false", "no", "n")
"""What a mark of deleted rows says of the others, beside nothing."""
FOOTER = 10
"""A footer has at most so many lines."""

Source = Text | Typed


@dataclass(frozen=True)
class Taken:
    """What is taken of each row beside its keys: columns and the config keys that name them; which must be numbers,
    and which are names even where they look like numbers; what is done to the cells before they are read.
    """

    columns: Mapping[str, str]
    numbers: frozenset[str]
    texts: frozenset[str] = frozenset()
    prepare: Callable[[pl.DataFrame, Layout], pl.DataFrame] = lambda raw, _: raw


def load(config: Config) -> Loaded:
    """All rows of the table; raises UserError when files or columns are missing or a file is no table."""
    return whole(config, opened(config))


def whole(config: Config, sources: Sequence[Source]) -> Loaded:
    """The rows of tables that are open already, with the drivers and the marks of deleted rows."""
    marks = dict.fromkeys((config.source.columns or {}).get("deleted", ()), "source.columns.deleted")
    loaded = of_sources(config, Taken(drivers(config) | marks, frozenset(must_be_numbers(config))), sources)
    for mark in marks:
        deleted = ~pl.col(mark).cast(pl.String).str.to_lowercase().is_in(NOT_DELETED).fill_null(value=True)
        long = loaded.long.with_columns(deleted.alias(DELETED)).drop(mark)
        loaded = replace(loaded, long=long.with_columns(y=pl.when(~pl.col(DELETED)).then("y")))
    return loaded


def read(config: Config, taken: Taken) -> Loaded:
    """The rows with the columns `taken` in place of the drivers."""
    return of_sources(config, taken, opened(config))


def of_sources(config: Config, taken: Taken, sources: Sequence[Source]) -> Loaded:
    """The rows of tables that are open already."""
    meant, tables, others = _tables(config, sources, taken)
    dropped = {"other_table": sum(s.rows for s in others)}
    frames = []
    if texts := [s for s in tables if isinstance(s, Text)]:
        long, footer = _without_footer(_from_text(config, texts, meant, taken))
        frames.append(long)
        dropped |= {"empty_line": sum(t.empty for t in texts), "footer": footer}
    if typed := [s for s in tables if isinstance(s, Typed)]:
        frames.append(_from_typed(config, typed, meant, taken))
    long = pl.concat([f.select(*KEYS, *taken.columns, *TAGS) for f in frames], how="vertical_relaxed")
    dropped = {rule: n for rule, n in dropped.items() if n}
    return Loaded(long, long.height + sum(dropped.values()), of_tables(typed), dropped)


def opened(config: Config) -> list[Source]:
    """The tables that source.path means, with what they are called; raises UserError for a file that is none."""
    if config.source.path and is_delta(config.source.path):
        return [read_delta(config)]
    return [read_parquet(f) if is_parquet(f) else read_text(f) for f in find(config)]


def _from_typed(config: Config, tables: Sequence[Typed], meant: Layout, taken: Taken) -> pl.DataFrame:
    """The long frame of tables with types; what the names of folders tell is text, and numbers where it looks so."""
    raw = pl.concat([t.cells(_wanted(meant)) for t in tables], how="vertical_relaxed")
    told = {c for t in tables for c in t.told} & set(taken.columns) - set(meant.ids)
    numeric = meant.numeric.union(c for c in told if raw[c].dtype == pl.String and looks_numeric(raw[c], "."))
    return assemble(taken.prepare(raw, meant), replace(meant, numeric=numeric), config)


def _wanted(meant: Layout) -> list[str]:
    return list(dict.fromkeys((*meant.keys, *(meant.carried or ()))))


def _tables(config: Config, sources: Sequence[Source], taken: Taken) -> tuple[Layout, list[Source], list[Source]]:
    """The layout, the files that have it and those that are other tables."""
    for source in sources:
        if isinstance(source, Text):
            is_header(source.file, source.names)
    meant = layout(config, sources[0].file, sources[0].names)
    meant = replace(meant, carried=tuple(taken.columns), numeric=taken.numbers)
    tables = [s for s in sources if set(meant.keys) & set(s.names)] or list(sources)
    for source in tables:
        _has_columns(config, source, _keys(meant, taken))
    return meant, tables, [s for s in sources if s not in tables]


def _keys(meant: Layout, taken: Taken) -> dict[str, str]:
    """The columns that a file must have and the config keys that ask for them."""
    keys = dict.fromkeys(meant.ids, "source.columns.unique_id")
    return keys | {meant.ds: "source.columns.ds", meant.y: "source.columns.y"} | dict(taken.columns)


def _has_columns(config: Config, source: Source, keys: Mapping[str, str]) -> None:
    for column, key in keys.items():
        if column not in source.names:
            raise config.fault(key, f"{source.file} has no column {column!r}; it has: {', '.join(source.names)}")


def _from_text(config: Config, texts: Sequence[Text], meant: Layout, taken: Taken) -> pl.DataFrame:
    """The long frame of text files, the lines of another shape included, with `blank`: nothing sold, nothing said."""
    raw = pl.concat([t.cells(_wanted(meant)) for t in texts])
    decimal = decimal_sign(config, texts, [raw[c] for c in (meant.y, *taken.numbers)])
    free = set(taken.columns) - set(meant.ids) - taken.numbers - taken.texts
    numeric = taken.numbers.union(c for c in free if looks_numeric(raw[c], decimal))
    raw = taken.prepare(raw, meant)
    long = assemble(raw, replace(meant, decimal=decimal, numeric=numeric), config)
    long = long.with_columns(raw.select(said(pl.col(meant.y)).is_null().alias("blank")))
    return pl.concat([long, *(_broken(t) for t in texts if t.broken.height)], how="diagonal_relaxed")


def decimal_sign(config: Config, texts: Sequence[Text], numbers: Sequence[pl.Series]) -> str:
    """A comma when cells are separated by semicolons and one number holds a comma, or points that part thousands."""
    if not any(t.delimiter == ";" for t in texts):
        return "."
    if any(c.str.contains(DECIMAL_COMMA).any() for c in numbers):
        return ","
    return "," if any(_has_thousands(c, config) for c in numbers) else "."


def _has_thousands(cells: pl.Series, config: Config) -> bool:
    """Whether points part thousands (950, 1.200); raises UserError where 1.200 could also be a little more than 1."""
    pointed = cells.filter(cells.str.contains(".", literal=True))
    if not len(pointed) or not pointed.str.contains(THOUSANDS).all():
        return False
    if len(pointed) == len(cells.filter(cells.str.strip_chars() != "")):
        raise config.fault(
            "source.path",
            f"numbers like {pointed[0]!r} in the column {cells.name!r} can mean thousands or decimals: "
            "write them without points for thousands, or with a decimal comma",
        )
    return True


def _broken(text: Text) -> pl.DataFrame:
    """Lines with too few or too many cells; one that begins with a number is no footer."""
    return text.faulty().with_columns(blank=~pl.col("fault_value").str.contains(r"^\W*\d"))


def _without_footer(long: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Without the lines below the last date of a file that hold no number; and how many they were."""
    dated = long.filter(pl.col("ds").is_not_null()).group_by("file").agg(last=pl.col("line").max())
    ends = long.group_by("file").agg(end=pl.col("line").max())
    suspects = long.filter(pl.col("ds").is_null() & pl.col("blank")).join(dated, on="file").join(ends, on="file")
    footer = suspects.filter((pl.col("line") > pl.col("last")) & (pl.col("line") > pl.col("end") - FOOTER))
    kept = long.drop("blank")
    return (kept.join(footer, on=["file", "line"], how="anti"), footer.height) if footer.height else (kept, 0)
