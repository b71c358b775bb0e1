"""Console output: `track` and `track_rows` show progress on stderr, `print_table` and `print_fields` print on stdout.

The first two take an iterable and yield its items (off a terminal they log); the others take a frame, or a title and
pairs, and return nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from forecasting.columns import as_users_write
from forecasting.services import log

T = TypeVar("T")
SHORT = 16  # characters of a text that is not wrapped
WIDTH = 240  # characters per line in a file or pipe, which would be cut at 80 otherwise
BAR = (
    TextColumn("{task.description}", markup=False),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TimeRemainingColumn(),
)
"""The columns of a progress bar."""
SPEED = TextColumn("{task.fields[speed]}", markup=False)


def track(iterable: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Yield the items of `iterable`, showing how many are done and how long it takes.

    On a terminal as a progress bar; elsewhere as one log line with count and seconds at the end. `total` is needed
    only when the iterable has no length.
    """
    size = total if total is not None else getattr(iterable, "__len__", lambda: None)()
    screen = _console(stderr=True)
    return _progress_bar(iterable, label, size, screen) if screen.is_terminal else _log_when_done(iterable, label)


def track_rows(
    iterable: Iterable[T],
    label: str,
    total: int,
    rows_of: Callable[[T], int],
    buckets: Sequence[int],
    level: int = logging.DEBUG,
) -> Iterator[T]:
    """Yield the items of `iterable`, each the work of one of these `buckets` with so many rows, showing rows per second
    and the time left.

    `total` counts all buckets, of which the others were finished before this run. On a terminal as a progress bar;
    elsewhere as one event per bucket, which is logged as all details are (in JSON): bucket, done, total, rows,
    rows_per_second and seconds_left. At the end one line with count and seconds is logged at `level`.
    """
    done = total - len(buckets)
    screen = _console(stderr=True)
    started, rows = time.perf_counter(), 0
    with Progress(
        *BAR, TextColumn("{task.fields[speed]}", markup=False), console=screen, disable=not screen.is_terminal
    ) as bar:
        task = bar.add_task(label, total=total, completed=done, speed="")
        for here, (bucket, item) in enumerate(zip(buckets, iterable, strict=True), 1):
            rows += rows_of(item)
            seconds = max(time.perf_counter() - started, 1e-9)
            speed, left = round(rows / seconds), round(seconds / here * (total - done - here), 1)
            bar.update(task, advance=1, speed=f"{speed:,} rows/s")
            fields = {"done": done + here, "total": total, "rows": rows, "rows_per_second": speed, "seconds_left": left}
            log.event(label, level=logging.DEBUG, bucket=bucket, **fields)
            yield item
    log.event(label, level=level, count=total - done, seconds=round(time.perf_counter() - started, 1))


def print_table(frame: pl.DataFrame, title: str, formats: Mapping[str, str] | None = None) -> None:
    """Print a frame on stdout: numbers right-aligned, nulls as a dash.

    `formats` maps a column to its format specification ("{:.1%}"); other floats are shown with three decimals.
    """
    sheet = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name, dtype in frame.schema.items():
        # numbers and short texts stay on one line; where there is no room, long texts go on below, and none is cut off
        number, longest = dtype.is_numeric(), max((len(str(value)) for value in frame[name]), default=0)
        no_wrap = number or longest <= SHORT
        sheet.add_column(as_users_write(name), justify="right" if number else "left", no_wrap=no_wrap, overflow="fold")
    for row in frame.iter_rows(named=True):
        sheet.add_row(*(_format_cell(value, (formats or {}).get(name)) for name, value in row.items()))
    _console().print(sheet)


def print_fields(title: str, pairs: Iterable[tuple[str, Any]]) -> None:
    """Print a heading and one aligned line `name  value` per pair on stdout."""
    pairs = list(pairs)
    width = max((len(name) for name, _ in pairs), default=0)
    screen = _console()
    screen.print(title, style="bold", soft_wrap=True)
    for name, value in pairs:
        screen.print(f"  {name:<{width}}  {_format_cell(value, None)}", soft_wrap=True)


def _console(**options: bool) -> Console:
    """A console without markup, because model names contain square brackets."""
    screen = Console(markup=False, highlight=False, emoji=False, **options)  # type: ignore[arg-type]
    if not screen.is_terminal:
        screen.width = WIDTH
    return screen


def _progress_bar(iterable: Iterable[T], label: str, total: int | None, screen: Console) -> Iterator[T]:
    with Progress(*BAR, console=screen) as progress:
        yield from progress.track(iterable, total=total, description=label)


def _log_when_done(iterable: Iterable[T], label: str) -> Iterator[T]:
    started, count = time.perf_counter(), 0
    for item in iterable:
        yield item
        count += 1
    log.event(label, count=count, seconds=round(time.perf_counter() - started, 1))


def _format_cell(value: Any, pattern: str | None) -> str:
    if value is None:
        return "-"
    if pattern is not None:
        return pattern.format(value)
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else as_users_write(str(value))
