"""Files of one table under other names: `merge_renamed` takes tables and returns the first with those that fit it.

A table fits where date, sales and the only text of both correspond; their names become source.aliases. One that looks
like sales and fits in no clear way is refused, since its sales would be lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from forecasting.errors import UserError
from forecasting.steps.proposal.columns.dates import find_date
from forecasting.steps.proposal.columns.sales import find_sales
from forecasting.steps.proposal.columns.vocabulary import UNFIT, sales_rank
from forecasting.steps.proposal.found.sampling import Sample, bare_config
from forecasting.steps.proposal.found.tables import Table, group_tables

Aliases = dict[str, list[str]]
"""Column of the first table -> its names in others."""


def merge_renamed(samples: Sequence[Sample], tables: Sequence[Table]) -> tuple[list[Table], Aliases]:
    """The tables of the samples once files of the first one have its names, and these other names.

    Raises UserError for a table that looks like sales under other names, and does not correspond column by column.
    """
    aliases: Aliases = {}
    names: dict[str, dict[str, str]] = {}
    for other in tables[1:]:
        found = _correspondence(tables[0], other)
        names |= dict.fromkeys(other.files, found)
        for mine, theirs in ((m, t) for t, m in found.items() if m != t):
            aliases.setdefault(mine, []).append(theirs)
    if not aliases:
        return list(tables), {}
    renamed = [s.rename([names.get(s.file, {}).get(c, c) for c in s.cells.columns]) for s in samples]
    return group_tables(renamed), aliases


def _correspondence(table: Table, other: Table) -> dict[str, str]:
    """Columns of the other table -> those of the first; none where it is no table of sales."""
    mine, theirs = _parts(table), _parts(other)
    if not mine or not theirs or set(theirs) <= set(table.profiles):
        return {}
    if len(mine) == len(theirs) and len(table.profiles) == len(other.profiles) == len(mine):
        return dict(zip(theirs, mine, strict=True))
    if set(theirs[:2]) & set(mine[:2]):
        return {}
    raise UserError(
        f"{other.files[0]} looks like sales under other names than {table.files[0]} ({', '.join(other.profiles)} and "
        f"{', '.join(table.profiles)}): write the same header into both, or give them one by one"
    )


def _parts(table: Table) -> list[str]:
    """The date, the sales and the texts of a table; none where it has no date, or no number that is called sales."""
    date = find_date(table.profiles, bare_config(table.files[0]))
    if not date or len(date.columns) > 1:
        return []
    sales = find_sales(table.profiles, (*date.columns, *date.others)).column
    if not sales or sales_rank(sales) == UNFIT:
        return []
    texts = [p.name for p in table.profiles.values() if p.kind == "text"]
    return [*date.columns, sales, *texts] if len(texts) <= 1 else []
