"""Tables of text: `aligned` for a terminal, `markdown_table` for Markdown.

Both take rows {column: text} and return the lines, header first; an empty list for no rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Rows = Sequence[Mapping[str, str]]
"""Rows as {column: text}, all of the same columns."""


def aligned(rows: Rows) -> list[str]:
    """Header and rows in columns of equal width: the first one to the left, the others, numbers, to the right."""
    if not rows:
        return []
    table = [list(rows[0]), *([*row.values()] for row in rows)]
    first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
    return ["  ".join([line[0].ljust(first), *map(str.rjust, line[1:], others)]) for line in table]


def markdown_table(rows: Rows) -> list[str]:
    """The lines of a Markdown table, all columns but the first to the right."""
    if not rows:
        return []
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    table = (list(rows[0]), rule, *([*row.values()] for row in rows))
    return [f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in table]
