"""Reports on known-ahead columns that lack values on coming days: `coming_remarks`, `describe_windows`.

Both take counts {column: [known rows, rows]}, of the coming rows of series that sold of late; `coming_remarks` returns
Remarks about a forecast, `describe_windows` the line of a backtest. Nothing is counted here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from forecasting.config import Config
from forecasting.data.panel import Panel
from forecasting.remarks import Remark

Counts = Mapping[str, Sequence[int]]
FALLEN = 0.05
"""A share of known values that is lower by more than this than at the training is another one."""


def known_counts(panel: Panel) -> dict[str, list[int]]:
    """{column: [known rows, rows]} of every known-ahead column, over the coming rows of series that sold of late."""
    known = panel.known_ahead
    return {column: list(counts) for column, counts in known.counts.items()} if known else {}


def trained_counts(panel: Panel) -> dict[str, list[int]]:
    """The same as boosters saw it in training: what was recorded is known on all rows."""
    counts = known_counts(panel)
    as_served = panel.config.backtest.known_ahead == "as_served"
    return counts if as_served else {column: [rows, rows] for column, (_, rows) in counts.items()}


def coming_remarks(panel: Panel, trained: Counts) -> tuple[Remark, ...]:
    """One remark for each column that is unknown on coming rows and that no rule of `future` continues.

    `trained` are the counts as they were when the models were trained; empty where nobody counted.
    """
    known = panel.known_ahead
    lacking = [c for c in known.columns if panel.config.future.get(c) is None] if known else []
    counts = known_counts(panel)
    return tuple(
        Remark("known ahead", " ".join(_sentences(c, counts[c], trained.get(c), panel.config)), "forecast")
        for c in lacking
    )


def _sentences(column: str, now: Sequence[int], trained: Sequence[int] | None, config: Config) -> Iterator[str]:
    known, rows = now
    yield f"{column} is known for {known:,} of {rows:,} coming rows."
    if config.backtest.known_ahead == "recorded":
        yield "The others count with its usual value, and the backtests saw all that was recorded: expect larger errors"
        yield "than scored."
    elif trained is not None and _share(now) < _share(trained) - FALLEN:
        yield f"It was known for {trained[0]:,} of {trained[1]:,} when the models were trained: where they never had to"
        yield "do without, its usual value stands in, and errors may be larger than scored. Train again if it stays so."
    else:
        yield "The others are forecast without it, and the backtests were scored in the same way."
    yield f"Better: give {column} in rows for the coming {config.frequency.unit}s, or a rule that continues it, such as"
    yield f"`future: {{{column}: last}}`."


def _share(counts: Sequence[int]) -> float:
    return counts[0] / counts[1] if counts[1] else 1.0


def describe_windows(mode: str, counts: Counts) -> Iterator[str]:
    """The line about what the windows of a backtest saw of known-ahead columns; none where there are no such columns.

    >>> list(describe_windows("as_served", {"price": [16, 48]}))
    ['known-ahead columns as known on the day of a window, as far as now: price for 33% of the rows']
    """
    if not counts:
        return
    if mode == "recorded":
        yield "known-ahead columns as recorded afterwards, also where they would not have been known"
        return
    lacking = ", ".join(f"{c} for {_share(n):.0%} of the rows" for c, n in counts.items() if n[0] < n[1])
    yield f"known-ahead columns as known on the day of a window, as far as now: {lacking or 'all of them'}"
