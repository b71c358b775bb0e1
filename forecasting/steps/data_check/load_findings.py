"""Findings about a load that could be read: `check_rows` on its rows, `check_contents` on volume, age and columns.

Both take a CheckedLoad (good rows, quarantine, counts of lines) and yield Findings; `check_panel` takes the panel that
the rows would make. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from typing import cast

import polars as pl

from forecasting.config import Config
from forecasting.data import sources
from forecasting.data.aggregates import group_sums
from forecasting.data.cleaning.far_out import find_far_out
from forecasting.data.contracts import CheckedLoad, limits
from forecasting.data.quality.remarks import far_out_remark
from forecasting.features.groups import levels
from forecasting.remarks import Remark
from forecasting.steps.data_check.findings import OK, WARNING, Finding, check_limit
from forecasting.steps.ingestion import volume
from forecasting.steps.ingestion.closed_periods import ended_remarks, find_closed_periods
from forecasting.steps.session import Session

KEY_RULES = ("missing_key", "conflicting_duplicate", "several_in_period", "id")
RANGE_RULES = ("implausible_date", "off_grid", "non_finite", "below_y_min", "fraction", "negative_price")


def check_rows(checked: CheckedLoad, config: Config) -> Iterator[Finding]:
    """One finding per kind of rule (keys, ranges, readability), one per remark, and one for the quarantine.

    A broken rule is a warning; more rows in quarantine than `limits.quarantined` (a share of all lines) fail.
    """
    broken: dict[str, int] = dict(checked.quarantine.group_by("rule").len().sort("rule").iter_rows())
    kinds = {"keys": KEY_RULES, "ranges": RANGE_RULES}
    kinds["readability"] = tuple(rule for rule in broken if rule not in (*KEY_RULES, *RANGE_RULES))
    for name, rules in kinds.items():
        counts = ", ".join(f"{rule} {n:,}" for rule, n in broken.items() if rule in rules)
        yield Finding(name, WARNING, f"quarantined: {counts}") if counts else Finding(name, OK, "no row breaks a rule")
    lines, bad = checked.account["lines"], checked.quarantine
    limits_of = {
        "duplicates": partial(limits.check_repeated_share, lines, checked.repeats, config),
        "quarantine": partial(limits.check_quarantined_share, lines, bad, config),
    }
    remarks = {r["check"]: r["message"] for r in checked.account["remarks"] if r["check"] in limits_of}
    yield from (_of_remark(Remark(**r)) for r in checked.account["remarks"] if r["check"] not in limits_of)
    for name, limit in limits_of.items():
        found = check_limit(name, remarks.get(name, "none"), limit)
        yield replace(found, verdict=WARNING) if found.verdict == OK and name in remarks else found


def check_contents(session: Session, checked: CheckedLoad, today: date) -> Iterator[Finding]:
    """Findings on the volume against the load before, the age of the newest sales in days, and empty columns.

    A limit that does not hold fails; a column without any value is a warning.
    """
    config, store = session.config, session.store
    rows, account = checked.good, dict(checked.account)
    if config.source.reads == "new_files":
        account |= {"files_read": list(map(str, sources.landing_files(config)))}
    before = volume.last_volume(store, account)
    last = f"{before:,.0f} {volume.volume_unit(account)} at the last load" if before else "nothing was loaded before"
    message = f"{account['lines']:,} lines; {last}"
    yield check_limit("volume", message, partial(volume.check_volume, account, config, store))
    newest = cast("date | None", rows.filter(pl.col("y").is_not_null())["ds"].max())
    message = f"newest sales of {newest!s}"
    yield check_limit("freshness", message, partial(limits.check_newest_sales, newest, config, today))
    empty = [c for c in rows.columns if rows[c].null_count() == rows.height]
    message = f"no value in {', '.join(empty)}" if empty else "every column has values"
    yield Finding("columns", WARNING if empty else OK, message, "forecast")


def check_panel(panel: pl.DataFrame, config: Config) -> Iterator[Finding]:
    """Findings on the panel that the rows would make: values far from all others of their series, closed periods."""
    found = find_far_out(panel)
    sound = Finding("outliers", OK, "no value lies far from all others of its series")
    yield _of_remark(far_out_remark(found, config)) if found.height else sound
    sums = group_sums(panel, config, levels(config, panel.schema))
    yield from map(_of_remark, find_closed_periods(panel, sums, config).remarks)
    yield from map(_of_remark, ended_remarks(panel, config))


def _of_remark(remark: Remark) -> Finding:
    """A warning, or a finding that is ok where the remark only says how something was understood."""
    return Finding(remark.check, OK if remark.harm == "none" else WARNING, remark.message, remark.harm)
