"""When a load is refused as a whole: dates that cannot be, another rhythm than the config's, too much in quarantine,
nothing new. Each check raises UserError with what, where and how to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.frequency import FREQS, rhythm

HINTS = {
    "date_format": "give the right source.ds_format",
    "off_grid": "is freq right? Weeks must begin on the same weekday in all series",
    "several_in_period": "is freq right? There must be one row per series and period",
}
"""What else than bad data may be the cause of a rule that many rows break."""


def check_dates(long: pl.DataFrame, config: Config) -> None:
    """At least one date lies within limits.dates."""
    first, last = config.limits.dates
    ds = long["ds"].drop_nulls()
    if len(ds) and not ds.is_between(first, last).any():
        raise config.fault(
            "limits.dates",
            f"all dates of the data ({ds.min()!s} to {ds.max()!s}) lie outside {first} to {last}: "
            "give the right source.ds_format, or widen limits.dates",
        )


def check_frequency(long: pl.DataFrame, config: Config) -> None:
    """Days that are all a week apart are weeks, those that are all a month apart months: else most rows were gaps."""
    ds = long.filter(pl.col("y").is_not_null())["ds"].drop_nulls().unique().sort()
    meant = rhythm(ds)
    if meant and FREQS[meant].days > config.frequency.days:
        dates = f"{ds[0]}, {ds[1]}, {ds[2]}, ..."
        raise config.fault("freq", f"is {config.frequency.every}, and all dates ({dates}) are those of freq: {meant}")


def check_quarantined_share(total: int, bad: pl.DataFrame, config: Config, rows: str = "rows") -> None:
    """No more than the share limits.quarantined of the rows broke a rule; the top rules are told with an example."""
    limit = config.limits.quarantined
    if not bad.height or bad.height <= limit * total:
        return
    top = bad.group_by("rule").agg(pl.len(), pl.first("file", "line", "value")).sort("len", descending=True)
    causes = [_cause(r) for r in _rows(top)]
    raise config.fault(
        "limits.quarantined",
        f"{bad.height} of {total} {rows} ({bad.height / total:.1%}) break a rule and at most {limit:.1%} may: "
        f"{'; '.join(causes)}; mend the data, or raise the limit",
    )


def check_volume(lines: float, before: float | None, config: Config, what: str = "lines") -> None:
    """As many lines as the last load brought, give or take limits.volume; nothing is asked of the first load."""
    limit = config.limits.volume
    if limit is None or not before:
        return
    least, most = limit
    if not least * before <= lines <= most * before:
        raise config.fault(
            "limits.volume",
            f"{lines:,.0f} {what} are {lines / before:.1%} of the {before:,.0f} of the last load, and {least:.0%} to "
            f"{most:.0%} are allowed: look whether the data are whole, or widen the limit",
        )


def _cause(r: Mapping[str, Any]) -> str:
    hint = f" ({HINTS[r['rule']]})" if r["rule"] in HINTS else ""
    return f"{r['rule']} {r['len']} times, first in {r['file']}, line {r['line']}: {r['value']}{hint}"


def _rows(top: pl.DataFrame) -> list[dict[str, Any]]:
    return top.head(3).to_dicts()


def check_newest_sales(good: pl.DataFrame, config: Config, today: date, known: date | None = None) -> None:
    """Something was sold, and not longer ago than limits.max_age days; `known` is the newest day sold before."""
    told = good.filter(pl.col("y").is_not_null())["ds"].max()
    newest = max((day for day in (told, known) if isinstance(day, date)), default=None)
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
