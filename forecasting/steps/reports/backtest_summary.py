"""The summary of a backtest: `summarize_backtest` makes Sections of the facts of the step ({name: JSON value}).

They are a table of scores per grain, how models were chosen, then a section of cutoffs, recipe, seconds per model and
failed fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from forecasting.steps.registry import Facts, Section
from forecasting.steps.reports.known_ahead import describe_windows
from forecasting.steps.reports.recipe_report import left_out, recipe_lines
from forecasting.steps.reports.score_table import score_rows

TITLES = {"series": "Scores of the series", "total": "Scores of the total"}
SHOWN_FAILURES = 3
UNSCORED = {"closed": "in closed periods", "ended": "of ended series"}
"""Rows in which 0 was forecast and nothing was sold, which say nothing about a model."""


def summarize_backtest(facts: Facts) -> list[Section]:
    """The scores of series, total and other aggregates, then the cutoffs, the recipe, the times and the failures."""
    lines = [
        f"cutoffs {', '.join(facts['cutoffs'])}; recipe {facts['recipe']}",
        "skill: share of the best naive model's WAPE that is saved; bias: above 0 when too much is forecast",
        *_unscored(facts.get("row_counts", {})),
        *describe_windows(facts.get("known_ahead", ""), facts.get("known_counts", {})),
        f"fitted in {_seconds(facts['seconds'])}",
        *_failures(facts["failures"]),
    ]
    return [*_score_sections(facts["scores"]), *_recipe(facts), Section("Backtest", tuple(lines))]


def _recipe(facts: Facts) -> Iterator[Section]:
    """How the models were chosen; nothing where the config lists them."""
    if stored := facts.get("chosen"):
        yield Section("Recipe", (*recipe_lines(stored), *left_out(stored)))


def _score_sections(scores: list[dict[str, Any]]) -> Iterator[Section]:
    """One table per grain, the lowest WAPE first; a total of a single series repeats its scores and is left out."""
    shown: list[list[dict[str, Any]]] = []
    for grain in sorted({s["grain"] for s in scores}, key=lambda g: (g != "series", g != "total", g)):
        ranked = sorted((s for s in scores if s["grain"] == grain), key=_wape)
        values = [{k: v for k, v in s.items() if k != "grain"} for s in ranked]
        if values not in shown:
            shown.append(values)
            yield Section(TITLES.get(grain, f"Scores by {grain}"), (), score_rows(ranked))


def _unscored(counts: Mapping[str, int]) -> Iterator[str]:
    """How many rows the scores leave out, and why; nothing where that are those without an observation alone."""
    left_out = [f"{counts[why]:,} {words}" for why, words in UNSCORED.items() if counts.get(why)]
    if left_out:
        unobserved = f" and {counts['unobserved']:,} that were not observed" if counts.get("unobserved") else ""
        scored = f"scored are {counts.get('scored', 0):,} of {sum(counts.values()):,} rows of series"
        yield f"{scored}, without {', '.join(left_out)}{unobserved}"


def _wape(score: Mapping[str, Any]) -> float:
    return float("inf") if score["wape"] is None else float(score["wape"])


def _failures(failures: list[dict[str, Any]]) -> Iterator[str]:
    if failures:
        yield f"{len(failures):,} fits failed and were replaced by a fallback; the first ones:"
    for failure in failures[:SHOWN_FAILURES]:
        yield f"  {failure['model']} on {failure['unique_id']}: {' '.join(failure['reason'].split())}"


def _seconds(models: Mapping[str, float]) -> str:
    """The models that took long enough to show."""
    return ", ".join(f"{model} {s:.1f} s" for model, s in models.items() if s >= 0.05) or "less than 0.1 s"
