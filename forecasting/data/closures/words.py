"""Remarks on closures: `rhythm_remarks` on closed phases of series, `silent_remarks` on series that are silent.

Both take frames and return Remarks, one sentence each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from forecasting.config import Config
from forecasting.data.closures.cycles import cycles_of, phrase
from forecasting.remarks import Remark

SHOWN = 3
"""So many rhythms get a remark, those of most series first, and so many series are named."""


def rhythm_remarks(phases: pl.DataFrame, series: int, config: Config) -> tuple[Remark, ...]:
    """One remark per set of closed `phases` [unique_id, cycle, phase] that series have in common, of `series` in all.

    None where calendar.closed lists them: then nothing was inferred.
    """
    if config.calendar.closed is not None or phases.is_empty():
        return ()
    of_series = phases.sort("cycle", "phase").group_by("unique_id").agg("cycle", "phase")
    whose: dict[str, list[str]] = {}
    for row in of_series.group_by("cycle", "phase").agg("unique_id").to_dicts():
        whose.setdefault(_when(row["cycle"], row["phase"], config), []).extend(row["unique_id"])
    ordered = sorted(whose.items(), key=lambda rhythm: (-len(rhythm[1]), rhythm[0]))
    remarks = tuple(_rhythm_remark(when, sorted(ids), series) for when, ids in ordered[:SHOWN])
    rest = sum(len(ids) for _, ids in ordered[SHOWN:])
    more = Remark("closed", f"{rest:,} more series are closed by rhythms of their own; see clean.closed", "forecast")
    return (*remarks, more) if rest else remarks


def _rhythm_remark(when: str, ids: Sequence[str], series: int) -> Remark:
    whose = "" if len(ids) == series else f" in {len(ids):,} of {series:,} series ({_name_some(ids)})"
    wrong = "where that is wrong, list the closed weekdays and months in calendar.closed ([] for none)"
    return Remark("closed", f"no rows {when}{whose}: forecast as closed (0); {wrong}", "forecast")


def _when(cycles: Sequence[str], phases: Sequence[int], config: Config) -> str:
    """The closed phases of a series in words."""
    closed: dict[str, list[int]] = {}
    for cycle, phase in zip(cycles, phases, strict=True):
        closed.setdefault(cycle, []).append(int(phase))
    own = _without_implied(closed, config)
    return " and ".join(phrase(cycle, found, config.frequency.unit) for cycle, found in own)


def silent_remarks(silent: pl.DataFrame, series: int, forecast: float, h: int) -> tuple[Remark, ...]:
    """What to say of series of which no row came for a quarter (`silent`, from `ended.silent_series`), of `series` in
    all; `forecast` is that of all series over the horizon of `h` periods, in units of y.
    """
    ended, living = silent.filter("ended"), silent.filter(~pl.col("ended"))
    return (*_ended_remark(ended, series, forecast, h), *_living_remark(living, series, forecast, h))


def _ended_remark(ended: pl.DataFrame, series: int, forecast: float, h: int) -> Iterator[Remark]:
    if ended.height:
        old = float(ended["mean"].sum()) * h
        level = f"; at the old level it would be {old / (old + forecast):.0%} of the forecast" if old > 0 else ""
        wrong = "where that is wrong, set clean.ended to never"
        yield Remark(
            "ended", f"{_whose(ended, series)} ended: {_since(ended)}, forecast as 0{level}; {wrong}", "forecast"
        )


def _living_remark(living: pl.DataFrame, series: int, forecast: float, h: int) -> Iterator[Remark]:
    if living.height:
        old = float(living["mean"].sum()) * h
        share = f", about {old / max(old, forecast):.0%} of the forecast" if old > 0 else ""
        message = f"{_whose(living, series)} been silent for long: {_since(living)}, forecast at the old level{share}"
        yield Remark(
            "ended", f"{message}; clean.ended says after how many periods a series is forecast as 0", "forecast"
        )


def _whose(some: pl.DataFrame, series: int) -> str:
    ids = some.sort("mean", "unique_id", descending=[True, False])["unique_id"].to_list()
    return f"{len(ids):,} of {series:,} series ({_name_some(ids)}) {'has' if len(ids) == 1 else 'have'}"


def _since(some: pl.DataFrame) -> str:
    return f"no row after {some.select(pl.col('last').max().cast(pl.String)).item()}"


def _name_some(ids: Sequence[str]) -> str:
    """The first of the ids, and dots where there are more."""
    return f"{', '.join(ids[:SHOWN])}{', ...' if len(ids) > SHOWN else ''}"


def _without_implied(closed: Mapping[str, list[int]], config: Config) -> Iterator[tuple[str, list[int]]]:
    """The cycles whose closed phases do not follow from another one's: every fourth week from every second."""
    cycles = {cycle.name: cycle for cycle in cycles_of(config.frequency)}
    covered: list[tuple[int, list[int]]] = []
    for name in sorted(closed, key=lambda n: (n.startswith("stride"), cycles[n].phases)):
        n, phases = cycles[name].phases, closed[name]
        related = [(m, known) for m, known in covered if m % n == 0 or n % m == 0]
        new = [p for p in phases if not any(_implies(known, m, p, n) for m, known in related)]
        if new:
            yield name, phases
            covered.append((n, phases))


def _implies(known: Sequence[int], m: int, phase: int, n: int) -> bool:
    """Whether all periods of a phase of n lie in the `known` phases of m, one being a multiple of the other."""
    return all(place % m in known for place in range(phase, max(m, n), n))
