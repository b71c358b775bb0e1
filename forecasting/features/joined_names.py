r"""Several names as one, so that no two lists of names ever become the same: ids of series, places, labels of groups.

`join_names` takes columns of names and returns an expression, by row `S1/tea`, which `split_names` takes apart.
A slash inside a name is written `\/` (`1\/2 l`), and a backslash before it or at the end of a name is doubled; names
without a slash stay as they are.
`join_labels` does the same for labels like `store=S1/category=food`, which `split_label` takes apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

SEPARATOR = re.compile(r"(?<!\\)((?:\\\\)*)/(?=[^/=]*=)")
"""The slash before the next column of a label; the backslashes before it belong to the value."""
IN_NAMES = {"%": "%25", "/": "%2F", "=": "%3D"}
"""How a column name is written in a label, where it has a slash or an equals sign."""


def join_names(columns: Sequence[str]) -> pl.Expr:
    """The names of several columns (String) joined with slashes; null where one of them is null.

    >>> frame = pl.DataFrame({"store": ["S1", "A/B", "A"], "item": ["tea", "Coke", "B/Coke"]})
    >>> print(*frame.select(join_names(["store", "item"])).to_series(), sep="; ")
    S1/tea; A\\/B/Coke; A/B\\/Coke
    """
    return pl.concat_str([_escape(pl.col(c)) for c in columns], separator="/")


def _escape(name: pl.Expr) -> pl.Expr:
    return name.str.replace_all(r"(\\*)/", r"${1}${1}\/").str.replace(r"(\\+)$", "${1}${1}")


def split_names(joined: str) -> list[str]:
    r"""The names of which `join_names` has made one.

    >>> split_names("S1/tea"), split_names(r"A\/B/Coke"), split_names(r"1\/2 l")
    (['S1', 'tea'], ['A/B', 'Coke'], ['1/2 l'])
    """
    names, start = [""], 0
    for found in re.finditer(r"(\\*)(/|$)", joined):
        names[-1] += joined[start : found.start()] + found[1][: len(found[1]) // 2]
        start = found.end()
        if found[2] and len(found[1]) % 2:
            names[-1] += "/"
        elif found[2]:
            names.append("")
    return names


def join_columns(names: pl.DataFrame) -> pl.Series:
    """`join_names` of all columns of a frame; names without a slash, as most are, cost no more than joining them."""
    plain = not any(names.select(pl.all().str.contains_any(["/", "\\"]).any()).row(0))
    joined = pl.concat_str(pl.all(), separator="/") if plain else join_names(names.columns)
    return names.select(joined).to_series()


def label_name(column: str) -> str:
    """The name of a column as it stands in a label: without slashes and equals signs.

    >>> label_name("store"), label_name("s/m")
    ('store', 's%2Fm')
    """
    odd = "/" in column or "=" in column or any(code in column for code in IN_NAMES.values())
    return "".join(IN_NAMES.get(sign, sign) for sign in column) if odd else column


def join_labels(values: Mapping[str, pl.Expr]) -> pl.Expr:
    """The label of values by the names of their columns, by row: store=S1/category=food/drink.

    Only a slash that could be taken for the one before the next column is written in another way.
    """
    *before, last = [value.str.replace_all(r"(\\*)/([^/=]*=)", r"${1}${1}\/${2}") for value in values.values()]
    ended = [*(value.str.replace(r"(\\+)$", "${1}${1}") for value in before), last]
    named = zip(map(label_name, values), ended, strict=True)
    return pl.concat_str([pl.format("{}={}", pl.lit(name), value) for name, value in named], separator="/")


def split_label(label: str) -> list[tuple[str, str]]:
    r"""Column and value of each part of a label.

    >>> split_label("store=S1/category=food/drink"), split_label(r"store=A\/b=C")
    ([('store', 'S1'), ('category', 'food/drink')], [('store', 'A/b=C')])
    """
    parts, start = [], 0
    for found in SEPARATOR.finditer(label):
        parts.append(label[start : found.start()] + found[1][: len(found[1]) // 2])
        start = found.end()
    pairs = [part.partition("=") for part in (*parts, label[start:])]
    return [(_plain_name(name), _plain_value(value)) for name, _, value in pairs]


def _plain_name(name: str) -> str:
    for sign, code in reversed(IN_NAMES.items()):
        name = name.replace(code, sign)
    return name


def _plain_value(value: str) -> str:
    return re.sub(r"(\\*)\\/(?=[^/=]*=)", lambda found: found[1][: len(found[1]) // 2] + "/", value)
