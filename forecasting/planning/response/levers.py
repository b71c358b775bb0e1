"""Levers: what a planner sets and sales respond to. `levers_of` and `levers_in` return those of rows and of the table.

A price is seen by its logarithm, so its effect is an elasticity; a flag by 0 and 1 (its effect is the log of the
uplift), a number as it is (log per unit), and each frequent text of a column as a flag.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from forecasting.config import Config

SURE = 2.576
"""Standard errors from 0 beyond which a lever is taken to follow demand: 1 in 100 by chance."""
PRICE, FLAG, NUMBER, TEXT = "price", "flag", "number", "text"
AFTER, PEERS = "after", "peers"
SPILLS = (AFTER, PEERS)
"""Kinds of levers: what a column is, and what a promotion does in the periods after it, and to the series beside it."""
MOST_TEXTS = 8
"""Texts of a column that are levers of their own; rarer ones count as the most frequent one does: as no change."""


@dataclass(frozen=True)
class Lever:
    """A known-ahead column, or one of its texts (`text`), as sales respond to it.

    Of the kinds SPILLS `text` is the usual text, which is no promotion, and `periods` how long a promotion is felt
    after its end.
    """

    column: str
    kind: str
    text: str | None = None
    periods: int = 0

    @property
    def name(self) -> str:
        """Its name in the table `levers`: that of the column, with the text behind it.

        >>> Lever("type", TEXT, "flyer").name, Lever("promo", AFTER, periods=7).name, Lever("promo", PEERS).name
        ('type=flyer', 'promo (after, 7)', 'promo (peers)')
        """
        if self.kind in SPILLS:
            return f"{self.column} ({self.kind}{f', {self.periods}' if self.periods else ''})"
        return self.column if self.text is None else f"{self.column}={self.text}"

    @property
    def held(self) -> str:
        """The column that holds its values in rows, of the kinds SPILLS (see spillover)."""
        return f"_{self.name}"

    @property
    def value(self) -> pl.Expr:
        """The column as a number: as it is (null where unknown), of a text 1 where the column holds it, else 0."""
        if self.kind in SPILLS:
            return pl.col(self.held)
        if self.kind == TEXT:
            return (pl.col(self.column) == self.text).fill_null(value=False).cast(pl.Float64)
        return pl.col(self.column).cast(pl.Float64)

    def as_seen(self, value: pl.Expr) -> pl.Expr:
        """What sales respond to: the log of a price above 0 (null for others), all else as it is."""
        return pl.when(value > 0).then(value.log()) if self.kind == PRICE else value


def lever_columns(config: Config) -> tuple[str, ...]:
    """The columns of `levers`; without that key the price and the promotion.

    >>> columns = {"known_ahead": ["price", "promo", "display"], "price": "price", "promo": "promo"}
    >>> job = {"name": "shop", "source": {"path": "sales.csv"}, "freq": "1w", "h": 8, "columns": columns}
    >>> lever_columns(Config.model_validate(job))
    ('price', 'promo')
    >>> lever_columns(Config.model_validate(job | {"levers": ["display"]}))
    ('display',)
    """
    roles = config.columns
    if config.levers is not None:
        return config.levers
    return tuple(c for c in (roles.price, roles.promo) if c is not None and c in roles.known_ahead)


def levers_in(table: pl.DataFrame) -> tuple[Lever, ...]:
    """The levers of a table of series, in the order of their names.

    >>> row = {"grain": "series", "lever": "promo", "column": "promo", "kind": "flag", "text": None}
    >>> levers_in(pl.DataFrame([row, row | {"grain": "total"}]))
    (Lever(column='promo', kind='flag', text=None, periods=0),)
    """
    periods = pl.col("window").fill_null(0) if "window" in table.columns else pl.lit(0)  # of an older training: none
    of_series = table.filter(pl.col("grain") == "series")
    known = of_series.select("lever", "column", "kind", "text", window=periods).unique().sort("lever")
    return tuple(Lever(*of) for _, *of in known.iter_rows())


def levers_of(config: Config, rows: pl.DataFrame) -> tuple[Lever, ...]:
    """The levers of a config whose columns vary in `rows` of the panel."""
    found: list[Lever] = []
    for column in lever_columns(config):
        if column not in rows.columns:
            continue
        values = rows[column].drop_nulls()
        if rows.schema[column] == pl.String:
            counts = values.value_counts(sort=True).sort(["count", column], descending=[True, False])
            usual = 0 if values.len() * 2 < rows.height else 1  # where most rows hold no text, none of them is usual
            found += [Lever(column, TEXT, text) for text in counts[column][usual : usual + MOST_TEXTS]]
        elif values.n_unique() > 1:
            flags = set(values.unique()) <= {0.0, 1.0}
            kind = PRICE if column == config.columns.price else FLAG if flags else NUMBER
            found.append(Lever(column, kind))
    return tuple(found)


def follows_demand() -> pl.Expr:
    """Whether a row of the table `levers` is of a lever that was moved as demand rose or fell before.

    >>> rows = pl.DataFrame({"timing": [0.4, 0.1, None], "timing_error": [0.1, 0.1, None]})
    >>> rows.select(follows_demand()).to_series().to_list()
    [True, False, False]
    """
    return (pl.col("timing").abs() > SURE * pl.col("timing_error")).fill_null(value=False)
