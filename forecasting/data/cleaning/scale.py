"""A scale of sales on which noise has the same width everywhere: `to_scale` and `from_scale` take and return a column.

u(y) = 2 asinh(sqrt(f (y + 3/8))) / sqrt(f) has a standard deviation of 1 for a negative binomial of variance m + f m^2
(Anscombe, Biometrika 35, 1948). For small y it is the square root of counts, for large y the logarithm.
"""

from __future__ import annotations

import math

import polars as pl

SPREAD = 0.01
"""The f of u: relative noise under 10 % is never remarkable."""


def to_scale(y: pl.Expr) -> pl.Expr:
    """u(y) for y >= 0 in units sold."""
    return (SPREAD * (y + 0.375)).sqrt().arcsinh() * (2 / math.sqrt(SPREAD))


def from_scale(u: pl.Expr) -> pl.Expr:
    """The y of u, at least 0."""
    return ((u * (math.sqrt(SPREAD) / 2)).sinh() ** 2 / SPREAD - 0.375).clip(0)
