"""Names that may be one name written in two ways: 00123 and 123, Tea and tea, 7.0 and 7, with other spaces or signs.

`name_counts` counts the names of rows [unique_id, id columns, y], `similar_names` takes such counts and the series of
earlier loads, and returns Remarks that name the spellings with their rows and shares of sales. Nothing is merged:
whether they are one only the user knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from forecasting.config import Config
from forecasting.data.sources.names import folded
from forecasting.remarks import Remark

EXAMPLES = 3
"""So many names are given with their spellings, the largest first."""


def name_counts(rows: pl.DataFrame, config: Config) -> dict[str, pl.DataFrame]:
    """Id column -> [name, rows, sold]: how often each of its names comes, and the sum of its y."""
    columns = config.id_columns or ("unique_id",)
    counts = {"rows": pl.len().cast(pl.Int64), "sold": pl.col("y").sum()}
    return {column: rows.group_by(name=column).agg(**counts) for column in columns}


def similar_names(counts: Mapping[str, pl.DataFrame], stored: pl.DataFrame | None = None) -> list[Remark]:
    """One remark per id column that holds a name in several spellings, by counts of one or more portions of the rows.

    `stored` are rows of the table `series`: spellings of earlier loads count as well, beside those of this one.
    """
    return [remark for column, names in counts.items() for remark in _remarks(names, column, stored)]


def _remarks(names: pl.DataFrame, column: str, stored: pl.DataFrame | None) -> Iterator[Remark]:
    names = names.group_by("name").agg(pl.col("rows", "sold").sum())
    if stored is not None and column in stored.columns:
        before = stored.group_by(name=column).agg(rows=pl.col("n").sum(), sold=(pl.col("n") * pl.col("mean")).sum())
        names = pl.concat([names, before.join(names, on="name", how="anti", nulls_equal=True).select(names.columns)])
    names = names.drop_nulls("name").with_columns(key=folded(pl.col("name")), all=pl.col("sold").sum())
    alike = names.filter(pl.len().over("key") > 1).sort("sold", "name", descending=[True, False])
    groups = alike.partition_by("key", maintain_order=True)
    if groups:
        examples = "; ".join(_spellings(group) for group in groups[:EXAMPLES])
        more = f"; and {len(groups) - EXAMPLES:,} more" if len(groups) > EXAMPLES else ""
        what = "series" if column == "unique_id" else column
        yield Remark(
            "names",
            f"{len(groups):,} of the names of {what} are written in several ways, and each counts as another: "
            f"{examples}{more}. Write them in one way, or set source.ids: folded if they are the same",
            "numbers",
        )


def _spellings(group: pl.DataFrame) -> str:
    """The spellings of one name: 'Tea' (52 rows, 40.0% of the sales) and 'tea' (3 rows, 2.1%)."""
    parts = [
        f"{name!r} ({rows:,} rows, {sold / total if total else 0:.1%} of the sales)"
        for name, rows, sold, total in group.select("name", "rows", "sold", "all").iter_rows()
    ]
    return " and ".join(parts)
