"""The limits within which a load is accepted: dates, frequency, share of bad rows, volume and age.

Each `check_...` takes raw, bad or good rows (or their number) and the config. It returns nothing and changes nothing;
it raises UserError with what is wrong, where, and how to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.frequency import FREQS, rhythm

RECEIPTS = "is each line a sale of its own, as on receipts? source.kind: transactions adds them up"
HINTS = {
    "date_format": "give the right source.ds_format",
    "missing_week": "this year has 52 ISO weeks; where weeks are counted otherwise, give the day on which each begins",
    "number": "a number as people write it? Say how by an example, source.format; or write it alike in all rows",
    "off_grid": "is freq right? Weeks must begin on the same weekday in all series",
    "several_in_period": f"is freq right? There must be one row per series and period; {RECEIPTS}",
    "conflicting_duplicate": f"{RECEIPTS}; if another column tells series apart, name it in source.columns.unique_id",
    "below_y_min": "are they returns? clean.below: zero or missing keeps the rows, clean.y_min: null lets them count",
    "fraction": "clean.fractions: round or keep lets them count",
    "implausible_date": "limits.dates holds the first and the last plausible one",
}
"""Other causes than bad data of a rule that many rows break, and the keys that keep the rows."""
EXAMPLES = 3


def check_dates(long: pl.DataFrame, config: Config) -> None:
    """Raise UserError when not a single date lies within limits.dates."""
    first, last = config.limits.dates
    ds = long["ds"].drop_nulls()
    if len(ds) and not ds.is_between(first, last).any():
        raise config.fault(
            "limits.dates",
            f"all dates of the data ({ds.min()!s} to {ds.max()!s}) lie outside {first} to {last}: "
            "give the right source.ds_format, or widen limits.dates",
        )


def check_frequency(long: pl.DataFrame, config: Config) -> None:
    """Raise UserError when the dates have a lower frequency than the config's, which would make most rows gaps: days
    that all lie a week apart are weeks, those that all lie a month, a quarter or a year apart are such periods.
    """
    ds = long.filter(pl.col("y").is_not_null())["ds"].drop_nulls().unique().sort()
    found = rhythm(ds)
    if found and FREQS[found].days > config.frequency.days:
        dates = f"{ds[0]}, {ds[1]}, {ds[2]}, ..."
        raise config.fault("freq", f"is {config.frequency.every}, and all dates ({dates}) are those of freq: {found}")


def check_quarantined_share(total: int, bad: pl.DataFrame, config: Config, rows: str = "rows") -> None:
    """Raise UserError when more than the share limits.quarantined of `total` rows is bad; the message names the most
    frequent rules, each with an example. `rows` is what the message calls the rows.
    """
    limit = config.limits.quarantined
    if not bad.height or bad.height <= _allowed(limit, total):
        return
    by_rule = bad.group_by("rule").agg(pl.len(), pl.first("file", "line", "value")).sort("len", descending=True)
    causes = [_cause(rule) for rule in by_rule.head(EXAMPLES).to_dicts()]
    raise config.fault(
        "limits.quarantined",
        f"{bad.height} of {total} {rows} ({bad.height / total:.1%}) break a rule and at most {limit:.1%} may: "
        f"{'; '.join(causes)}; mend the data (raising the limit leaves these rows out)",
    )


def _allowed(limit: float, total: int) -> float:
    """How many of `total` rows may be bad: a share, and one single slip of a small file unless the limit is 0."""
    return max(limit * total, 1.0) if limit and total > 1 else limit * total


def check_repeated_share(total: int, repeats: pl.DataFrame, config: Config) -> None:
    """Raise UserError when more than the share limits.repeated of `total` rows repeat a row of the same file.

    `repeats` has the column `same_file`. Equal rows of two files come from exports that overlap, and have no limit.
    """
    limit, in_file = config.limits.repeated, repeats.filter("same_file")
    if in_file.height <= _allowed(limit, total):
        return
    first = in_file.row(0, named=True)
    raise config.fault(
        "limits.repeated",
        f"{in_file.height:,} of {total:,} rows ({in_file.height / total:.1%}) repeat an earlier row of their file, "
        f"first in {first['file']}, line {first['line']}, and at most {limit:.1%} may: {RECEIPTS}; if repeats mean "
        "nothing, raise the limit: then each counts once",
    )


def _cause(rule: Mapping[str, Any]) -> str:
    """A broken rule with its number of rows, an example and a hint."""
    hint = f" ({HINTS[rule['rule']]})" if rule["rule"] in HINTS else ""
    return f"{rule['rule']} {rule['len']} times, first in {rule['file']}, line {rule['line']}: {rule['value']}{hint}"


def check_volume(lines: float, before: float | None, config: Config, unit: str = "lines") -> None:
    """Raise UserError when the number of lines, relative to the last load (`before`, None at the first one), lies
    outside limits.volume. `unit` is what the message calls the lines.
    """
    limit = config.limits.volume
    if limit is None or not before:
        return
    least, most = limit
    if not least * before <= lines <= most * before:
        raise config.fault(
            "limits.volume",
            f"{lines:,.0f} {unit} are {lines / before:.1%} of the {before:,.0f} of the last load, and {least:.0%} to "
            f"{most:.0%} are allowed: look whether the data are complete, or widen the limit",
        )


def check_newest_sales(sold: date | None, config: Config, today: date, last_loaded: date | None = None) -> None:
    """Raise UserError when nothing was sold, or the newest sales are older than limits.max_age days.

    `sold` and `last_loaded` are the newest days with sales in this load and in earlier ones.
    """
    newest = max((day for day in (sold, last_loaded) if day), default=None)
    if newest is None:
        raise config.fault("source.path", "no row of the data holds a date and a number sold: nothing can be learned")
    oldest_allowed = config.limits.max_age
    age = (today - newest).days
    if oldest_allowed is not None and age > oldest_allowed:
        raise config.fault(
            "limits.max_age",
            f"the newest sales are of {newest}, {age} days old, and at most {oldest_allowed} may be: "
            "fetch newer data, or raise the limit",
        )
