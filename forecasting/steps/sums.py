"""Sums: what a published vintage says of several periods together, drawn from the champion's backtests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from forecasting import models
from forecasting.config import Config
from forecasting.data.windows import backtest_cutoffs
from forecasting.errors import UserError
from forecasting.evaluation import intervals
from forecasting.evaluation.sums import SumsRequest
from forecasting.evaluation.sums import forecast_sums as drawn
from forecasting.features.groups import grain, group_label
from forecasting.services.store import Store
from forecasting.services.store.vintages import published_vintages, scan_published
from forecasting.steps import bundles, session
from forecasting.steps.bundles import Bundle
from forecasting.steps.recombined import recombined

FIRST = ("unique_id", "grain", "periods", "last")
USED = ("unique_id", "grain", "step", "yhat", "scale", "closed", "source", "q50")


def sums(config: Config, over: Sequence[int] = (), cutoff: date | None = None) -> pl.DataFrame:
    """Mean, median and bounds of the sum over the first periods, so many as each of `over` says (none: the horizon).

    [unique_id, grain, periods, last, yhat, q50, lo-L, hi-L ..., cutoff, model, version] of every series and aggregate
    of the newest published vintage, or of `cutoff`; `last` is the period that the sum ends with. Raises UserError where
    there is no vintage, no backtest to draw errors from, or when a sum goes beyond the horizon.
    """
    store = session.open_store(config)
    published = published_vintages(store)
    found = published.filter(pl.col("cutoff") == cutoff) if cutoff else published
    if found.is_empty():
        at = f" at {cutoff}" if cutoff else ""
        raise UserError(f"export sums: no forecast is published{at}; run `demandcast run` with this config first")
    vintage = found.row(0, named=True)
    bundle = bundles.fetch(config, vintage["version"])
    rows = _rows(store, vintage)
    steps = int(rows["step"].max())  # type: ignore[arg-type]
    wrong = [n for n in over if not 1 <= n <= steps]
    if wrong:
        raise UserError(f"--over {wrong[0]}: the forecast covers {steps} periods; ask for 1 to {steps}")
    homes = _homes(config, store)
    groups = homes.unpivot(index="unique_id", value_name="group").drop("variable")
    asked = SumsRequest(tuple(dict.fromkeys(over)) or (steps,), config.level, bundle.config.clean.y_min, groups)
    try:
        told = drawn(rows, residuals(store, bundle, homes), asked)
    except ValueError:
        raise config.fault(
            "backtest.calibration",
            f"no backtest window of {vintage['champion']} tells its errors over {steps} periods, and sums are drawn "
            "from these: ask for a window more, then run again",
        ) from None
    last = config.frequency.offset(pl.lit(vintage["cutoff"]), pl.col("periods").cast(pl.Int32)).alias("last")
    named = told.with_columns(
        last, cutoff=vintage["cutoff"], model=pl.lit(vintage["champion"]), version=pl.lit(vintage["version"], pl.Int64)
    )
    return named.select(*FIRST, pl.exclude(FIRST))


def _rows(store: Store, vintage: dict[str, object]) -> pl.DataFrame:
    """The champion's rows of a vintage."""
    mine = pl.col("version") == vintage["version"], pl.col("model") == vintage["champion"]
    rows = (
        scan_published(store, "forecasts", cutoff=vintage["cutoff"])
        .filter(*mine)
        .select(*USED, "^(lo|hi)-.*$")
        .collect()
    )
    if rows["scale"].null_count():
        raise UserError("export sums: this forecast is older than sums are; run `demandcast predict --force` once more")
    return rows


def residuals(store: Store, bundle: Bundle, homes: pl.DataFrame) -> pl.DataFrame:
    """The champion's backtest rows of the newest windows: each is one shock that may come again; `homes` as from
    `_homes`.
    """
    trained, champion = date.fromisoformat(bundle.facts["cutoff"]), bundle.trained.fitted[bundle.champion]
    reported, older = backtest_cutoffs(bundle.config, trained)
    asked = [bundle.champion, *models.members(champion)]
    mine = pl.col("recipe") == bundle.facts["recipe"], pl.col("model").is_in(asked)
    rows = store.scan("backtests", cutoff=[*older, *reported]).filter(*mine).collect()
    answered = recombined(rows, [champion], lambda: homes).filter(pl.col("model") == bundle.champion)
    return intervals.newest_windows(answered, trained, bundle.config.backtest.calibration)


def _homes(config: Config, store: Store) -> pl.DataFrame:
    """unique_id, and for every grain the aggregate that the series belongs to."""
    named = {grain(level): group_label(level) for level in config.levels_of_aggregation}
    return store.scan("series").select("unique_id", **named).collect()
