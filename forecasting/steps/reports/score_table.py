"""Scores as the table that people read: `score_rows` takes dicts of scores and returns one row {heading: text} each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from forecasting.evaluation.metrics import format_value, in_display_order, label


def score_rows(scores: Iterable[Mapping[str, Any]]) -> tuple[dict[str, str], ...]:
    """One row {heading: text} per score: its model and cutoff, and its metrics in the order of their registry."""
    return tuple(map(_row, scores))


def _row(score: Mapping[str, Any]) -> dict[str, str]:
    names = [name for name in ("model", "cutoff") if name in score] + in_display_order(score, "summary")
    return {label(name): format_value(name, score[name]) for name in names}
