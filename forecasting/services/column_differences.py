"""Which columns differ most between two samples: `most_changed` takes pairs of samples by name and returns the names.

A rough measure that takes no library, to choose what is worth to be looked at closely (see drift).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

TENTHS = 10


def most_changed(pairs: Mapping[str, tuple[pl.Series, pl.Series]]) -> list[str]:
    """The names, from the column on whose shares of values differ most; ties by name.

    >>> same, other = pl.Series(["a", "b"]), pl.Series(["a", "a"])
    >>> most_changed({"steady": (same, same), "moved": (same, other)})
    ['moved', 'steady']
    """
    return sorted(pairs, key=lambda name: (-_difference(*pairs[name]), name))


def _difference(reference: pl.Series, current: pl.Series) -> float:
    """Half the sum of the differences in the shares of categories, or of tenths of the reference: from 0 to 1."""
    if reference.dtype.is_numeric():
        tenths = (reference.quantile(q / TENTHS) for q in range(1, TENTHS))
        edges = sorted({edge for edge in tenths if edge is not None})
        reference, current = (values.cut(edges).cast(pl.String) for values in (reference, current))
    before, now = (values.alias("value").value_counts(normalize=True) for values in (reference, current))
    both = before.join(now, on="value", how="full", coalesce=True).fill_null(0.0)
    return float((both["proportion"] - both["proportion_right"]).abs().sum() / 2)
