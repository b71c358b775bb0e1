"""The contract of one load: `check_load` takes RawData and returns a CheckedLoad, every line accounted for.

A CheckedLoad holds the good rows, the quarantine (bad rows as they came) and the account of lines. Rows are judged one
portion of series after the other, limits and remarks are about all of them. Nothing is cleaned or written here;
UserError refuses the whole load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import polars as pl

from forecasting.config import Config
from forecasting.data.buckets import Keep, Portions
from forecasting.data.contracts import limits
from forecasting.data.contracts.infinite import without_infinite
from forecasting.data.contracts.load_counts import add_up, count_rows, load_remarks
from forecasting.data.contracts.quarantine import drop_bad_rows, quarantine_rows, split_duplicates, unreadable_rows
from forecasting.data.contracts.raw_rows import RULES, days_of, future_sales, raw_schema, rule_violations
from forecasting.data.sources import TAGS, RawData
from forecasting.remarks import remark_facts

if TYPE_CHECKING:
    import pandera.polars as pa


class SideTables(Protocol):
    """Checked side tables that were joined to raw rows (data.side_tables)."""

    @property
    def quarantine(self) -> pl.DataFrame: ...

    @property
    def account(self) -> Mapping[str, dict[str, Any]]: ...

    def check_common_keys(self, config: Config) -> None: ...

    def extra_rows(self, good: pl.DataFrame, config: Config, last_loaded: date | None) -> pl.DataFrame: ...


@runtime_checkable
class HasSideTables(Protocol):
    """Raw rows to which side tables were joined."""

    @property
    def tables(self) -> SideTables: ...


@dataclass(frozen=True)
class CheckedLoad:
    """One load after its contract.

    `rows` holds unique_id, ds, y and the drivers, unique by unique_id and ds, in as many portions as came (`good` is
    all of them in one frame); `quarantine` holds file, line, row (as it came), rule, value; `repeats` are dropped
    repeats of equal rows. `account` balances the lines of the source: lines = aggregated + quarantined + duplicates +
    the sum of dropped; it also holds the `remarks` of the reading. With side tables it holds the same balance of each
    table under `tables`, with its unmatched rows, and under `rows_from_tables` how many rows only side tables speak of
    (y null). Rows of side tables that broke a rule are in `quarantine`, too.
    """

    rows: Portions
    quarantine: pl.DataFrame
    repeats: pl.DataFrame
    account: Mapping[str, Any]

    @property
    def good(self) -> pl.DataFrame:
        """All good rows in one frame."""
        return self.rows.whole()


@dataclass(frozen=True)
class _Judged:
    """What became of the rows of a portion: those that keep all rules, bad ones [file, line, ds, rule, value] by the
    kind of rule, and dropped repeats.
    """

    single: pl.DataFrame
    bad: tuple[pl.DataFrame, ...]
    repeats: pl.DataFrame


def check_load(
    raw: RawData,
    config: Config,
    today: date | None = None,
    last_loaded: date | None = None,
    series: pl.DataFrame | None = None,
    keep: Keep = pl.DataFrame.lazy,
) -> CheckedLoad:
    """Split the rows of a load into good ones and quarantine.

    `last_loaded` is the newest day with sales in earlier loads, None at the first one: weeks must begin on its weekday;
    `series` are the series of earlier loads, whose names are compared with those of this one. `keep` sets good rows
    down until they are used. Of a landing folder good rows keep their `file` and are unique within it. Raises UserError
    when too many rows are bad, and when the dates are implausible or too old.
    """
    today = today or date.today()
    keys = ["unique_id", "ds", *(["file"] if config.source.reads == "new_files" else [])]
    days = days_of(raw.rows)
    limits.check_dates(days, config)
    limits.check_frequency(days, config)
    schema = raw_schema(days, config, last_loaded)
    kept, judged, counts = [], [], []
    for long in raw.rows:
        part = _judge(long, schema, keys, today)
        good = without_infinite(part.single.drop(c for c in TAGS if c not in keys))
        kept.append(keep(good))
        counts.append(count_rows(long, part.single, good, pl.concat(part.bad), config))
        judged.append((part.bad, part.repeats))
    bad = pl.concat(_in_order(frames) for frames in zip(*(bad for bad, _ in judged), strict=True))
    repeats = pl.concat(repeats for _, repeats in judged)
    seen, total = add_up(counts), sum(count.rows for count in counts) + raw.merged_lines - raw.generated_rows
    limits.check_repeated_share(total, repeats, config)
    limits.check_quarantined_share(total, bad, config)
    limits.check_newest_sales(seen.newest, config, today, last_loaded)
    account = _line_account(raw, seen.good, bad.height, repeats.height)
    account["remarks"] = remark_facts([*raw.remarks, *load_remarks(seen, bad, repeats, config, series)])
    checked = CheckedLoad(Portions(tuple(kept)), quarantine_rows(raw.original_rows, bad), repeats, account)
    return _add_side_tables(checked, raw.tables, config, last_loaded) if isinstance(raw, HasSideTables) else checked


def _judge(long: pl.DataFrame, schema: pa.DataFrameSchema, keys: list[str], today: date) -> _Judged:
    """The rows of a portion by the rules of single rows and of keys."""
    unreadable = unreadable_rows(long)
    rows = drop_bad_rows(long, unreadable)
    broken = rule_violations(rows, schema, RULES)
    rows = drop_bad_rows(rows, broken)
    early = future_sales(rows, today)
    value = pl.format("{} on {}: y={}", "unique_id", "ds", pl.col("y").cast(pl.String).fill_null("nothing"))
    single, conflicts, repeats = split_duplicates(drop_bad_rows(rows, early), keys, value)
    return _Judged(single, (unreadable, broken, early, conflicts), repeats)


def _in_order(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The bad rows of all portions in the order of their files and lines."""
    return pl.concat(frames).sort("file", "line", maintain_order=True)


def _line_account(raw: RawData, good: int, bad: int, repeats: int) -> dict[str, Any]:
    """How many lines went where; AssertionError when they do not add up, which is a mistake of the program."""
    dropped = dict(raw.dropped)
    used = good + raw.merged_lines - raw.generated_rows
    if raw.lines != used + bad + repeats + sum(dropped.values()):
        raise AssertionError(f"the lines do not add up: {raw.lines} are not {used} + {bad} + {repeats} + {dropped}")
    return {"lines": raw.lines, "aggregated": used, "quarantined": bad, "duplicates": repeats, "dropped": dropped}


def _add_side_tables(checked: CheckedLoad, tables: SideTables, config: Config, last_loaded: date | None) -> CheckedLoad:
    """The checked load with the rows that only side tables hold, and with their quarantine and accounts."""
    if last_loaded is None:  # a later load may be of few series, and of none that a table holds
        tables.check_common_keys(config)
    good = checked.good
    extra = tables.extra_rows(good, config, last_loaded)
    return CheckedLoad(
        Portions.of(pl.concat([good, extra])),
        pl.concat([checked.quarantine, tables.quarantine]),
        checked.repeats,
        dict(checked.account) | {"tables": dict(tables.account), "rows_from_tables": extra.height},
    )
