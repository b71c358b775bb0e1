"""How models were chosen, for people: `recipe_lines` returns sentences, `recipe_table` a frame of the candidates.

Both take a recipe as runs keep it (see Recipe.to_json), `left_out` returns a sentence per candidate that is not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from forecasting.frequency import FREQS

Stored = Mapping[str, Any]
"""A recipe as JSON values."""


def recipe_lines(stored: Stored) -> list[str]:
    """What is run: models, windows, blocks and the foreseen cost; and the facts that decided."""
    chosen = [v["model"] for v in stored["verdicts"] if v["chosen"]]
    facts, calibration = stored["facts"], stored["calibration"]
    blocks = len(stored["blocks"] or FREQS[facts["freq"]].booster_blocks(facts["h"]))
    lengths, h = facts["lengths"], facts["h"]
    of_lengths = f"of {lengths[0]:,} to {lengths[-1]:,}" if lengths[0] < lengths[-1] else f"of {lengths[0]:,}"
    return [
        f"{len(chosen)} of {len(stored['verdicts'])} candidates: {', '.join(chosen) or 'none'}",
        f"{stored['windows']} windows, {facts['windows']} of them scored and {calibration} for bounds; "
        f"{_count(blocks, 'block')} for {_count(h, 'step')}",
        f"foreseen cost {stored['units']:,.0f} of {stored['budget']:,.0f} units (seconds of a processor)",
        f"{facts['series']:,} series {of_lengths} periods, "
        f"{facts['rows']:,} observations; {facts['zeros']:.0%} zeros, {facts['negatives']:.0%} negative; "
        f"strength of trend {facts['trend']:.2f} and season {facts['seasonality']:.2f}",
    ]


def recipe_table(stored: Stored) -> pl.DataFrame:
    """[model, chosen, units, why]: one row per candidate; units are those of one window."""
    rows = [(v["model"], "yes" if v["chosen"] else "no", float(v["units"]), str(v["why"])) for v in stored["verdicts"]]
    schema = {"model": pl.String, "chosen": pl.String, "units": pl.Float64, "why": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def left_out(stored: Stored) -> list[str]:
    """One sentence per candidate that is not run."""
    return [f"{v['model']} is left out: {v['why']}" for v in stored["verdicts"] if not v["chosen"]]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + "s" * (number != 1)
