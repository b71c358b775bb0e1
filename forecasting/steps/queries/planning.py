"""What a scenario may change: the known-ahead columns of coming days, and the values that training saw."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import polars as pl

from forecasting.data.cut import Cut
from forecasting.data.edits import Edit
from forecasting.data.panel import InMemory, InProcess, Panel
from forecasting.errors import UserError
from forecasting.planning.scenario import compared
from forecasting.steps import scenario
from forecasting.steps.forecasting import bundles
from forecasting.steps.queries.history import on_promotion
from forecasting.steps.queries.selection import resolve_selection
from forecasting.steps.queries.status import read_status
from forecasting.steps.session import Session


def days_ahead(session: Session, unique_id: str, edits: Iterable[Edit] = ()) -> pl.DataFrame:
    """[ds, every known-ahead column] of the periods ahead, with `edits`; without columns for an unknown series."""
    cutoff = read_status(session).cutoff
    panel = _alone(session, unique_id) if cutoff else None
    if panel is None or cutoff is None:
        return pl.DataFrame()
    frame = Cut(panel, cutoff, session.config.h, _fitting(session, panel, edits)).frame(0)
    ahead = [c for c in session.config.columns.known_ahead if c in frame.columns]
    return frame.filter(pl.col("ds") > cutoff).select("ds", *ahead)


def promotions_ahead(session: Session, unique_id: str) -> pl.DataFrame:
    """[ds, promo]: 1.0 on coming periods that are planned as a promotion, 0.0 on others, null where nobody knows."""
    days = days_ahead(session, unique_id)
    if session.config.columns.promo not in days.columns:
        return pl.DataFrame(schema={"ds": pl.Date, "promo": pl.Float64})
    return days.select("ds", promo=on_promotion(session.config))


def what_if(session: Session, unique_id: str, edits: Iterable[Edit]) -> pl.DataFrame:
    """[unique_id, ds, baseline, yhat, difference, lo-*, hi-*]: the champion's forecast with `edits` beside the plan's.

    One row per period ahead, in units of y; nothing is stored. Raises UserError without a forecast or the series.
    """
    vintage = session.vintages.head(1)
    lost = UserError(f"{session.config.name}: no forecast of {unique_id} to compare with; run `demandcast run` first")
    if vintage.is_empty():
        raise lost
    cutoff, version = vintage["cutoff"].item(), vintage["version"].item()
    bundle = bundles.fetch(session.registry, version)
    served = bundles.served_by(session, bundle, version)
    panel = _alone(served, unique_id)
    if panel is None:
        raise lost
    planned, changed = (
        scenario.answers(bundle, Cut(panel, cutoff, served.config.h, e)) for e in ((), _fitting(served, panel, edits))
    )
    return compared(planned, changed)


def _fitting(session: Session, panel: Panel, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits with values of their columns' types; raises UserError for one that its column cannot take."""
    kinds = panel.scan(0).collect_schema()
    ahead = [c for c in session.config.columns.known_ahead if c in kinds]
    return tuple(_fit(edit, kinds[edit.column] if edit.column in ahead else None, ahead) for edit in edits)


def _fit(edit: Edit, kind: pl.DataType | None, ahead: list[str]) -> Edit:
    if kind is None:
        raise UserError(f"{edit.column} is not known ahead; a scenario may change {', '.join(ahead)}")
    if kind != pl.String and isinstance(edit.value, str):
        raise UserError(f"{edit.column} holds numbers, and {edit.value!r} is none")
    if kind == pl.String and edit.op != "=":
        raise UserError(f"{edit.column} holds text, which can only be set")
    return replace(edit, value=_text(edit.value)) if kind == pl.String else edit


def _text(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else value


def _alone(session: Session, unique_id: str) -> Panel | None:
    """The panel of one series, in bucket 0; the priors of its groups stay those of all series."""
    of, store = resolve_selection(session, [f"series:{unique_id}"]), session.store
    if of is None:
        return None
    rows = store.scan("panel", bucket=list(of.buckets)).filter(pl.col("unique_id") == unique_id).collect()
    whole = session.panel
    return replace(whole, scan=InMemory(rows), buckets=(0,), engine=InProcess(), whole=whole)


def seen(session: Session) -> dict[str, tuple[float, float] | list[str]]:
    """By known-ahead column: least and greatest value in the history, or the texts (at most 200) for a text column."""
    rows = session.store.scan("panel").filter(pl.col("flag") != "ahead")
    kinds = rows.collect_schema()
    columns = [c for c in session.config.columns.known_ahead if c in kinds]
    texts = [c for c in columns if kinds[c] == pl.String]
    numbers = [c for c in columns if c not in texts]
    ends = [e for c in numbers for e in (pl.col(c).min().alias(f"{c}<"), pl.col(c).max().alias(f"{c}>"))]
    lists = [pl.col(c).drop_nulls().unique().sort().head(200).implode() for c in texts]
    if not columns:
        return {}
    row = rows.select(*ends, *lists).collect().row(0, named=True)
    spans = {c: (float(row[f"{c}<"]), float(row[f"{c}>"])) for c in numbers if row[f"{c}<"] is not None}
    return spans | {c: list(row[c]) for c in texts}


def outside(session: Session, unique_id: str, edits: Iterable[Edit]) -> list[str]:
    """One sentence for every edited column that holds a value that training has not seen: trust such an answer less."""
    edits = list(edits)
    known, frame = seen(session), days_ahead(session, unique_id, edits)
    changed = [c for c in dict.fromkeys(e.column for e in edits) if c in frame.columns and c in known]
    return [s for c in changed if (s := _sentence(c, frame[c].drop_nulls(), known[c]))]


def _sentence(column: str, values: pl.Series, known: tuple[float, float] | list[str]) -> str | None:
    if isinstance(known, list):
        new = sorted(set(values.cast(pl.String)) - set(known))
        return f"{column}: training never saw {', '.join(new)}; known are {', '.join(known[:8])}." if new else None
    low, high = known
    far = values.filter((values < low) | (values > high)).unique().sort()
    if far.is_empty():
        return None
    return f"{column}: training saw {low:g} to {high:g}, the scenario holds {', '.join(f'{v:g}' for v in far[:4])}."


CHANGE = re.compile(r"^(?P<column>.+?)(?P<op>\*=|\+=|-=|=)(?P<value>.*)@(?P<start>[^@:]+):(?P<end>[^@:]+)$")


def edit_of(text: str) -> Edit:
    """The edit that "price*=0.9@2016-05-23:2016-05-29" spells; raises ValueError when it spells none."""
    found = CHANGE.match(text)
    if not found:
        raise ValueError(f"{text!r} is no change: write column, =, *=, += or -=, value, @first:last")
    start, end = date.fromisoformat(found["start"]), date.fromisoformat(found["end"])
    if end < start:
        raise ValueError(f"{text!r} ends before it starts")
    return Edit(found["column"], found["op"], _value(found["op"], found["value"]), start, end)  # type: ignore[arg-type]


def _value(op: str, text: str) -> float | str:
    """A number where the text is one; other texts can only be set."""
    try:
        number = float(text)
    except ValueError:
        if op != "=" or not text:
            raise
        return text
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is not a finite number")
    return number


def spelled(edit: Edit) -> str:
    """The text that `edit_of` reads back."""
    return f"{edit.column}{edit.op}{_text(edit.value)}@{edit.start}:{edit.end}"
