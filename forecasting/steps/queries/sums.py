"""Sums over several periods of a published vintage: `sums` returns their mean, median and bounds as a frame.

It takes a Session, numbers of periods and a cutoff. Bounds are drawn from the champion's backtest rows,
since bounds of single periods do not add up. Rows are of every series and aggregate; nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from forecasting.errors import Option, UserError
from forecasting.evaluation.sums import SumsRequest
from forecasting.evaluation.sums import forecast_sums as drawn
from forecasting.services.store import Store
from forecasting.services.store.vintages import scan_published
from forecasting.steps.forecasting import bundles
from forecasting.steps.past_errors import memberships, past_errors
from forecasting.steps.session import Session

FIRST = ("unique_id", "grain", "periods", "last")
USED = ("unique_id", "grain", "step", "yhat", "scale", "closed", "cold_start", "q50", "yhat_min")


def sums(session: Session, over: Sequence[int] = (), cutoff: date | None = None) -> pl.DataFrame:
    """Mean, median and bounds of the sum over the first n periods, for every n in `over` (none: the horizon).

    [unique_id, grain, periods, last, yhat, q50, lo-L, hi-L ..., cutoff, model, version] of every series and aggregate
    of the newest published vintage, or of `cutoff`, in units of y; `last` is the period that the sum ends with. Raises
    UserError without a vintage, without a backtest to draw errors from, or when a sum goes beyond the horizon.
    """
    config, store = session.config, session.store
    vintage = _vintage(session, cutoff)
    bundle = bundles.fetch(session.registry, vintage["version"])
    rows = _rows(store, vintage)
    steps = int(rows["step"].max())  # type: ignore[arg-type]
    wrong = [n for n in over if not 1 <= n <= steps]
    if wrong:
        raise UserError(f"the forecast covers {steps} periods; choose 1 to {steps}", where=Option("over", wrong[0]))
    members = memberships(session)
    groups = members.unpivot(index="unique_id", value_name="group").drop("variable")
    question = SumsRequest(tuple(dict.fromkeys(over)) or (steps,), config.level, bundle.config.clean.y_min, groups)
    try:
        found = drawn(rows, past_errors(store, bundle, members), question)
    except ValueError:
        raise config.fault(
            "backtest.calibration",
            f"no backtest window of {vintage['champion']} tells its errors over {steps} periods, and sums are drawn "
            "from these: ask for a window more, then run again",
        ) from None
    last = config.frequency.offset(pl.lit(vintage["cutoff"]), pl.col("periods").cast(pl.Int32)).alias("last")
    named = found.with_columns(
        last, cutoff=vintage["cutoff"], model=pl.lit(vintage["champion"]), version=pl.lit(vintage["version"], pl.Int64)
    )
    return named.select(*FIRST, pl.exclude(FIRST))


def _vintage(session: Session, cutoff: date | None) -> dict[str, Any]:
    """The newest published vintage, or that of a cutoff."""
    found = session.vintages.filter(pl.col("cutoff") == cutoff) if cutoff else session.vintages
    if found.is_empty():
        at = f" at {cutoff}" if cutoff else ""
        raise UserError(f"no forecast is published{at}", where="export sums", needs="predict")
    return found.row(0, named=True)


def _rows(store: Store, vintage: dict[str, Any]) -> pl.DataFrame:
    """The champion's rows of a vintage."""
    mine = pl.col("version") == vintage["version"], pl.col("model") == vintage["champion"]
    rows = (
        scan_published(store, "forecasts", cutoff=vintage["cutoff"])
        .filter(*mine)
        .select(*USED, "^(lo|hi)-.*$")
        .collect()
    )
    if rows["scale"].null_count():
        raise UserError(
            "this forecast holds no error scale, from which sums are drawn",
            where="export sums",
            mend="run the step predict once more, with force",
        )
    return rows
