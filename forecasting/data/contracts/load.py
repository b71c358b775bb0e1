"""The contract of one load: `check_load` takes RawData and returns a CheckedLoad, every line accounted for.

A CheckedLoad holds the good rows, the quarantine (bad rows as they came) and the account of lines. Nothing is cleaned
or written here; UserError refuses the whole load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol, runtime_checkable

import polars as pl

from forecasting.config import Config
from forecasting.data.contracts import limits
from forecasting.data.contracts.infinite import drop_infinite
from forecasting.data.contracts.negative import negative_sales
from forecasting.data.contracts.quarantine import drop_bad_rows, quarantine_rows, split_duplicates, unreadable_rows
from forecasting.data.contracts.raw_rows import RULES, future_sales, raw_schema, rule_violations
from forecasting.data.contracts.similar_names import similar_names
from forecasting.data.contracts.uncounted import uncounted_sales
from forecasting.data.quality.remarks import far_out_drivers
from forecasting.data.quality.static_changes import static_changes
from forecasting.data.sources import TAGS, RawData
from forecasting.remarks import remark_facts


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

    `good` holds unique_id, ds, y and the drivers, unique by unique_id and ds; `quarantine` holds file, line, row (as it
    came), rule, value; `repeats` are dropped repeats of equal rows. `account` balances the lines of the source:
    lines = aggregated + quarantined + duplicates + the sum of dropped; it also holds the `remarks` of the reading. With
    side tables it holds the same balance of each table under `tables`, with its unmatched rows, and under
    `rows_from_tables` how many rows of `good` only side tables speak of (y null). Rows of side tables that broke a rule
    are in `quarantine`, too.
    """

    good: pl.DataFrame
    quarantine: pl.DataFrame
    repeats: pl.DataFrame
    account: Mapping[str, Any]


def check_load(
    raw: RawData,
    config: Config,
    today: date | None = None,
    last_loaded: date | None = None,
    series: pl.DataFrame | None = None,
) -> CheckedLoad:
    """Split the rows of a load into good ones and quarantine.

    `last_loaded` is the newest day with sales in earlier loads, None at the first one: weeks must begin on its weekday;
    `series` are the series of earlier loads, whose names are compared with those of this one. Of a landing folder good
    rows keep their `file` and are unique within it. Raises UserError when too many rows are bad, and when the dates are
    implausible or too old.
    """
    long, today = raw.long, today or date.today()
    keys = ["unique_id", "ds", *(["file"] if config.source.reads == "new_files" else [])]
    limits.check_dates(long, config)
    limits.check_frequency(long, config)
    bad = unreadable_rows(long)
    readable = drop_bad_rows(long, bad)
    bad = pl.concat([bad, rule_violations(readable, raw_schema(readable, config, last_loaded), RULES)])
    bad = pl.concat([bad, future_sales(drop_bad_rows(readable, bad), today)])
    value = pl.format("{} on {}: y={}", "unique_id", "ds", pl.col("y").cast(pl.String).fill_null("nothing"))
    single, conflicts, repeats = split_duplicates(drop_bad_rows(readable, bad), keys, value)
    bad = pl.concat([bad, conflicts])
    total = long.height + raw.merged_lines - raw.generated_rows
    limits.check_repeated_share(total, repeats, config)
    limits.check_quarantined_share(total, bad, config)
    good, infinite = drop_infinite(single.drop(c for c in TAGS if c not in keys))
    limits.check_newest_sales(good, config, today, last_loaded)
    account = _line_account(raw, good.height, bad.height, repeats.height)
    found = (*uncounted_sales(long, bad, repeats), *static_changes(good, config), *similar_names(good, config, series))
    found = (*found, *negative_sales(good, config))
    account["remarks"] = remark_facts([*raw.remarks, *infinite, *found, *far_out_drivers(good, config)])
    checked = CheckedLoad(good, quarantine_rows(raw.original_rows, bad), repeats, account)
    return _add_side_tables(checked, raw.tables, config, last_loaded) if isinstance(raw, HasSideTables) else checked


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
    extra = tables.extra_rows(checked.good, config, last_loaded)
    return CheckedLoad(
        pl.concat([checked.good, extra]),
        pl.concat([checked.quarantine, tables.quarantine]),
        checked.repeats,
        dict(checked.account) | {"tables": dict(tables.account), "rows_from_tables": extra.height},
    )
