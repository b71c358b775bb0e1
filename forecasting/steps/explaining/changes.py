"""Why a forecast is another than in the vintage before: `explain_change` takes a Session and returns a Change.

It forecasts again with one thing changed at a time, in a fixed order: first the plans of coming days as they are known
now, then the data up to the new cutoff, then the new model. The steps add up to the difference; where a thing has not
changed its step is exactly 0. Nothing is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, InMemory
from forecasting.errors import UserError
from forecasting.planning.explain import CHANGES, bridge, tell_change
from forecasting.steps.explaining.explain import EVERY, explained_model
from forecasting.steps.explaining.vintage import Prepared, prepare
from forecasting.steps.forecasting.bucket_forecasts import predictions
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import Session, at_load


@dataclass(frozen=True)
class Change:
    """How forecasts came from one vintage to the next.

    `rows` [unique_id, ds, before, known ahead, data, model, published, after]: one row per series and day that both
    vintages forecast, in units of y; the steps between `before` and `after` add up to their difference. `sentence` says
    it of all of them together, `warnings` what cannot be separated.
    """

    rows: pl.DataFrame
    sentence: str
    warnings: tuple[str, ...] = ()


def explain_change(session: Session, series: SeriesFilter = EVERY) -> Change:
    """The bridge from the vintage before the newest one to the newest one, for the champion's forecasts of `series`.

    Raises UserError where there are no two vintages that forecast a common day, and without such a series.
    """
    (new_at, new_version, _), (old_at, old_version, load) = _vintages(session)
    new = prepare(session, new_at, new_version)
    then, warnings = _session_of(session, load)
    old = prepare(then or session, old_at, old_version)
    new_cut, old_cut = new.select(series), old.select(series)
    changed = _with_plans_of(old_cut, new_cut) if then else None
    steps = {"then": _forecasts(old, old_cut)} if then else {}
    if changed is not None:
        same = changed.frame(0).equals(old_cut.frame(0), null_equal=True)
        steps["known ahead"] = steps["then"] if same else _forecasts(old, changed)
    unchanged = then is session and old_at == new_at
    steps["data"] = steps["then"] if unchanged else _forecasts(old, new_cut)
    steps["model"] = steps["data"] if old_version == new_version else _forecasts(new, new_cut)
    rows = bridge(old.published(old_cut), steps, new.published(new_cut))
    if rows.is_empty():
        raise UserError(f"the vintages of {old_at} and {new_at} forecast no common day of these series")
    parts = {name: float(rows[name].sum()) for name in CHANGES}
    what = f"{rows['unique_id'].n_unique():,} series from {rows['ds'].min()!s} to {rows['ds'].max()!s}"
    sentence = tell_change(what, float(rows["before"].sum()), float(rows["after"].sum()), parts)
    return Change(rows, sentence, tuple(warnings))


def _vintages(session: Session) -> list[tuple[date, int, int | None]]:
    """Cutoff, version and load of the newest two vintages, the newest first."""
    found = session.vintages.head(2)
    if found.height < 2:
        raise UserError("there are no two forecasts to compare", where=session.config.name, needs="predict")
    return list(found.select("cutoff", "version", "data_version").iter_rows())


def _session_of(session: Session, load: int | None) -> tuple[Session | None, list[str]]:
    """The session with the data of a load, None where they are not kept any more, and what to say then."""
    try:
        return at_load(session, load), []
    except UserError as error:
        return None, [f"what was known ahead then is no longer stored: {error}"]


def _with_plans_of(old: Cut, new: Cut) -> Cut:
    """The old cut with the columns known ahead of its coming days as the newer data hold them."""
    kept = old.panel.scan(0).filter(pl.col("ds") <= old.cutoff).collect()
    columns = [c for c in kept.columns if c in (*KEY, *old.config.columns.known_ahead, *old.config.static_columns)]
    later = new.panel.scan(0).filter(pl.col("ds").is_between(old.cutoff, old.end, closed="right")).collect()
    planned = later.select(c for c in columns if c in later.columns).with_columns(flag=pl.lit("ahead"))
    before = old.panel.scan(0).filter(pl.col("ds") > old.cutoff).collect()
    ahead = before.join(planned.select(KEY), on=KEY, how="anti")
    rows = pl.concat([kept, planned, ahead], how="diagonal_relaxed").select(kept.columns).cast(kept.schema)
    panel = replace(old.panel, scan=InMemory(rows.sort(KEY)))
    return replace(old, panel=panel).with_shared_frames(old.shared_frames())


def _forecasts(prepared: Prepared, cut: Cut) -> pl.DataFrame:
    """[unique_id, ds, yhat] by the champion of a vintage (of a reconciliation its base model)."""
    model = explained_model(prepared)
    rows = predictions(prepared.bundle.trained.only(model), "series", cut, 0)
    return rows.filter(pl.col("model") == model).select(*KEY, "yhat")
