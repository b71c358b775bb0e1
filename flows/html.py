"""Frames as one HTML page: `html_page(title, frames)` returns the text of a page with one table per frame.

It writes no file. Cells are escaped, the title is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

STYLE = "<style>body{font-family:sans-serif}table{border-collapse:collapse;margin:1em 0}td,th{padding:2px 8px}</style>"


def html_page(title: str, frames: Sequence[pl.DataFrame]) -> str:
    """The page: one table per frame, below each other."""
    return f"<!doctype html><meta charset=utf-8><title>{title}</title>{STYLE}{''.join(map(_table, frames))}"


def _table(frame: pl.DataFrame) -> str:
    head = "".join(f"<th>{escape(c)}" for c in frame.columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(v))}" for v in row) for row in frame.iter_rows())
    return f"<table><tr>{head}{body}</table>"
