"""How large boosters may be: `choose_boosters` takes Facts and units for a window, and returns Boosters.

Sizes are steps of one ladder; the last one that can be afforded is taken. So a larger budget never makes anything
smaller. No step is measured here: what each brings stands in the docs of its constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from forecasting.frequency import FREQS
from forecasting.recipe.cost import Boosters
from forecasting.recipe.facts import Facts

ROWS = (50_000, 100_000, 200_000, 400_000)
"""The most training rows of a block, where these are all that can be afforded to those of a rich panel."""
STEPS = ("median", "change", 3, 5, 8, 12, 20)
"""After the rows of two years: a second head for the median, a third for the changes of series that wander, and years
of training rows (where the rows allow). A block for each step took up to twice the time, and errors were the same."""
FEWEST_ROWS = 200
"""From fewer rows trees learn next to nothing: a leaf takes 40 of them."""


def choose_boosters(facts: Facts, units: float, blocks: tuple[int, ...] | None = None) -> Boosters:
    """The largest boosters that cost no more than `units` in a window; the smallest where none do.

    `blocks` are those that the config asks for; None: the usual ones.
    """
    smallest, *larger = sizes(facts, blocks)
    return next((size for size in reversed(larger) if size.units(facts) <= units), smallest)


def sizes(facts: Facts, blocks: tuple[int, ...] | None = None) -> Iterator[Boosters]:
    """All sizes, from the smallest on; equal ones once."""
    first, *further = [rows for rows in ROWS[:-1] if rows < facts.recent[2]] + [ROWS[-1]]
    size = Boosters(len(blocks or block_ends(facts)), 2, first)
    if facts.rows < FEWEST_ROWS:
        size, further = replace(size, heads=0), []
    yield size
    for rows in further:
        size = replace(size, rows=rows)
        yield size
    for step in STEPS if size.heads else ():
        larger = _enlarged(size, step, facts)
        if larger != size:
            size = larger
            yield size


def _enlarged(boosters: Boosters, step: str | int, facts: Facts) -> Boosters:
    """The boosters one step of the ladder further; the same where the data have no more."""
    if step == "median":
        return replace(boosters, heads=2)
    if isinstance(step, str):
        return replace(boosters, heads=3 if wanders(facts) else boosters.heads)
    rows = facts.recent[step]
    return replace(boosters, years=step) if facts.recent[int(boosters.years)] < rows <= ROWS[-1] else boosters


def wanders(facts: Facts) -> bool:
    """Whether the last value is no worse a forecast of the series than their recent level."""
    return facts.wandering <= 1


def block_ends(facts: Facts) -> tuple[int, ...]:
    """Last step of each block: those of the frequency."""
    return FREQS[facts.freq].booster_blocks(facts.h)
