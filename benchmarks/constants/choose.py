"""Choice of constants: `choose` takes the older windows of some data sets, and returns the best candidates by name.

One constant after the other, weights first, is set to the candidate with the least mean loss over the data sets. What
is chosen for a data set that is left out does not depend on it, as its Cases are not handed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from benchmarks.constants.listed import Entry, value_of, with_values
from benchmarks.constants.replay import Case, add_bounds, combine, loss_of_bounds, loss_of_errors

Values = Mapping[str, Any]
WORTH = 1e-4
"""A candidate has to lower the mean loss by so much to take the place of today's value."""


@dataclass(frozen=True)
class Replays:
    """The Cases of one data set, and what replays of them gave, each of which is done once."""

    cases: Sequence[Case]
    kinds: Mapping[str, str]
    losses: dict[Any, float] = field(default_factory=dict)
    combined: dict[Any, list[Case]] = field(default_factory=dict)

    def loss(self, kind: str, values: Values) -> float:
        """The loss of errors (weights) or of bounds with these values."""
        known = self._key("weights", values) if kind == "weights" else self._key("", values)
        if (kind, known) not in self.losses:
            measure = loss_of_errors if kind == "weights" else loss_of_bounds
            self.losses[kind, known] = measure(self.scored_rows(kind, values))
        return self.losses[kind, known]

    def scored_rows(self, kind: str, values: Values) -> pl.DataFrame:
        """The scored rows of the combination, with bounds where these are chosen."""
        with with_values(values):
            cases = self._combined(values)
            return pl.concat([case.judge if kind == "weights" else add_bounds(case) for case in cases])

    def _combined(self, values: Values) -> list[Case]:
        """The Cases combined; bounds do not change them."""
        key = self._key("weights", values)
        if key not in self.combined:
            self.combined[key] = [combine(case) for case in self.cases]
            for old in list(self.combined)[:-4]:
                del self.combined[old]
        return self.combined[key]

    def _key(self, kind: str, values: Values) -> Any:
        return tuple(sorted((n, v) for n, v in values.items() if not kind or self.kinds[n] == kind))


def replayable(listed: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries of constants that stored windows can choose, those of weights first."""
    order = ("weights", "bounds")
    return {name: entry for kind in order for name, entry in listed.items() if entry.replayed == kind}


def today(entries: Mapping[str, Entry]) -> dict[str, Any]:
    """The values that the code has now."""
    return {name: value_of(name) for name in entries}


def choose(sets: Sequence[Replays], entries: Mapping[str, Entry]) -> dict[str, Any]:
    """{name: value} with the least mean loss over the data sets, one constant at a time; today's where none is better.

    Data sets without older windows have no say.
    """
    values = today(entries)
    usable = [one for one in sets if one.cases]
    for name, entry in entries.items() if usable else ():
        losses = {value: _mean_loss(usable, entry.replayed, values | {name: value}) for value in entry.candidates}
        best = min(losses, key=lambda value: losses[value])
        if losses[best] < losses[values[name]] - WORTH:
            values[name] = best
    return values


def _mean_loss(sets: Sequence[Replays], kind: str, values: Values) -> float:
    return sum(one.loss(kind, values) for one in sets) / len(sets)
