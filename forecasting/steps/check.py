"""Look at the data of a config without loading them: each contract gives a finding; and how good the series are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from forecasting.config import Config
from forecasting.data import cleaning, contracts, quality, sources
from forecasting.data.aggregates import group_sums
from forecasting.data.contracts import CheckedLoad, limits
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.data.side_tables import load_with_side_tables
from forecasting.errors import UserError
from forecasting.steps import session
from forecasting.steps.ingestion import align_types, series_statistics, volume

OK, WARNING, FAILED = "ok", "warning", "failed"
KEYS = ("missing_key", "conflicting_duplicate", "several_in_period", "id")
RANGES = ("implausible_date", "off_grid", "non_finite", "below_y_min", "fraction", "negative_price")


@dataclass(frozen=True)
class Finding:
    """What one check says: ok, warning or failed, and in words why."""

    check: str
    verdict: str
    told: str


@dataclass(frozen=True)
class Report:
    """All findings, the account of the lines, and one row per series (empty where the data could not be read)."""

    findings: tuple[Finding, ...]
    account: dict[str, Any]
    series: pl.DataFrame

    def has(self, verdict: str) -> bool:
        return any(finding.verdict == verdict for finding in self.findings)

    def table(self) -> pl.DataFrame:
        """[check, verdict, told]."""
        return pl.DataFrame([vars(finding) for finding in self.findings])


def check(config: Config, today: date | None = None) -> Report:
    """Read the source and hold it to its contracts; nothing is written and no limit raises."""
    try:
        loaded = load_with_side_tables(config)
    except UserError as error:
        return Report((Finding("schema", FAILED, str(error)),), {}, pl.DataFrame())
    long = loaded.long
    span = f"{long['ds'].min()!s} to {long['ds'].max()!s}"
    read = (Finding("schema", OK, f"{loaded.lines:,} lines; all columns of the config are there"),)
    shape = (
        _limit("dates", span, partial(limits.check_dates, long, config)),
        _limit("rhythm", f"freq {config.frequency.every} fits", partial(limits.check_frequency, long, config)),
    )
    if any(f.verdict == FAILED for f in shape):
        return Report((*read, *shape), {}, pl.DataFrame())
    lenient = sources.reading_only(config.model_copy(update={"limits": _lenient(config)}), ())
    try:
        checked = contracts.check_load(loaded, lenient, today)
    except UserError as error:
        return Report((*read, *shape, Finding("sales", FAILED, str(error))), {}, pl.DataFrame())
    found = (*read, *shape, *_of_rows(checked, config), *_of_load(checked, config, today or date.today()))
    return Report(found, dict(checked.account), _series(checked, config))


def _lenient(config: Config) -> Any:
    """The limits without those that are asked one by one."""
    return config.limits.model_copy(update={"quarantined": 1.0, "unmatched": 1.0, "max_age": None})


def _limit(name: str, fine: str, holds: Callable[[], None]) -> Finding:
    """Failed with the error's sentence when the limit raises one."""
    try:
        holds()
    except UserError as error:
        return Finding(name, FAILED, str(error))
    return Finding(name, OK, fine)


def _of_rows(checked: CheckedLoad, config: Config) -> Iterator[Finding]:
    """Rows that break a rule, by kind of rule; and all of them against the limit."""
    rules: dict[str, int] = dict(checked.quarantine.group_by("rule").len().sort("rule").iter_rows())
    kinds = {"keys": KEYS, "ranges": RANGES}
    kinds["readability"] = tuple(r for r in rules if r not in (*KEYS, *RANGES))
    for name, mine in kinds.items():
        broken = ", ".join(f"{rule} {n:,}" for rule, n in rules.items() if rule in mine)
        yield Finding(name, WARNING, f"quarantined: {broken}") if broken else Finding(name, OK, "no row breaks a rule")
    if checked.duplicates:
        yield Finding("duplicates", WARNING, f"{checked.duplicates:,} repeats of equal rows, counted once")
    total, bad = checked.account["lines"], checked.quarantine
    fine = f"{bad.height:,} of {total:,} lines, at most {config.limits.quarantined:.1%} may be"
    yield _limit("quarantine", fine, partial(limits.check_quarantined_share, total, bad, config))


def _of_load(checked: CheckedLoad, config: Config, today: date) -> Iterator[Finding]:
    """Volume, freshness, and columns that hold nothing."""
    good, store, told = checked.good, session.open_store(config), dict(checked.account)
    if config.source.reads == "new_files":
        told |= {"files_read": list(map(str, sources.landing_files(config)))}
    before = volume.last_volume(store, told)
    last = f"{before:,.0f} {volume.volume_unit(told)} at the last load" if before else "nothing was loaded before"
    yield _limit("volume", f"{told['lines']:,} lines; {last}", partial(volume.check_volume, told, config, store))
    newest = good.filter(pl.col("y").is_not_null())["ds"].max()
    yield _limit("freshness", f"newest sales of {newest!s}", partial(limits.check_newest_sales, good, config, today))
    empty = [c for c in good.columns if good[c].null_count() == good.height]
    said = f"nothing stands in {', '.join(empty)}" if empty else "every column holds something"
    yield Finding("columns", WARNING if empty else OK, said)


def _series(checked: CheckedLoad, config: Config) -> pl.DataFrame:
    """The panel of these rows alone, cleaned, told series by series."""
    good = align_types.normalize_driver_types(checked.good, config)
    if sources.DELETED in good.columns:
        good = good.filter(~pl.col(sources.DELETED))
    last = good.filter(pl.col("y").is_not_null())["ds"].max()
    assert isinstance(last, date), "a load without a sale has been refused"
    rows = cleaning.apply_row_rules(fill_gaps(flag_observations(good, config), config, last), config)
    if config.clean.closed == "infer":
        closed = cleaning.infer_closings(group_sums(rows, config, cleaning.closing_levels(config)), config)
        rows = cleaning.mark_closings(rows, closed, config)
    told = series_statistics.series_statistics(cleaning.apply_neighbour_rules(rows, config), config)
    return quality.add_verdicts(told, config, last).sort("unique_id")
