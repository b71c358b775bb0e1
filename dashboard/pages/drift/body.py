"""Body of the drift page: `draw_body(session, cutoff, scheme)` returns alerts, verdict, chart, scores and the report.

It shows the stored check of that cutoff (rows of the table `drift`) and checks nothing itself; no cutoff: an empty
state. scheme: "light" or "dark".
"""

from datetime import date
from typing import Any

import dash_mantine_components as dmc
import polars as pl
from dash import html

from dashboard import figures
from dashboard.components import (
    card,
    chart_card,
    data_table,
    empty_state,
    notice,
    number_column,
    status_light,
    text_column,
)
from dashboard.labels import chart_labels, run_command
from forecasting.steps import queries
from forecasting.steps.alerts import KINDS
from forecasting.steps.session import Session

GRAVITY = {"critical": "bad", "warning": "watch", "info": "info"}
COLUMNS = [
    text_column("column", "Column"),
    text_column("kind", "Kind"),
    text_column("method", "Method", minWidth=180),
    number_column("score", "Score", 4),
    number_column("threshold", "Threshold", 3),
    text_column("verdict", "Verdict"),
]


def draw_body(session: Session, cutoff: str | None, scheme: str | None) -> Any:
    """The check at `cutoff`; without any check the command that makes one."""
    config = session.config
    if cutoff is None:
        reason = "The step monitor compares the newest weeks with the same weeks a year before, after a run."
        return empty_state("No drift check yet", reason, run_command(config, "monitor"))
    verdict = pl.when("drifted").then(pl.lit("▲ drifted")).otherwise(pl.lit("● steady"))
    scores = queries.read_drift(session).with_columns(ratio=ratio_to_threshold(), verdict=verdict)
    check = scores.filter(pl.col("cutoff") == date.fromisoformat(cutoff))
    rows = check.sort("ratio", descending=True, nulls_last=True)
    through = queries.read_status(session).through
    labels = chart_labels(config, "Drift per column over time", scheme, through, "p-values inverted")
    parts = [
        *_open_alerts(session),
        _verdict(rows),
        _past_forecasts(session, cutoff),
        chart_card("drift-chart", figures.plot_drift(scores, labels), 400),
        data_table("drift-scores", rows, COLUMNS),
        _report(session, cutoff),
    ]
    return dmc.Stack(parts, gap="md")


def ratio_to_threshold() -> pl.Expr:
    """The score relative to its threshold, above 1 when the column has drifted, for any kind of method.

    A p-value means drift when it is small and a distance when it is large, so the ratio of a p-value is inverted.
    """
    ratio = pl.col("score") / pl.col("threshold")
    p_value = pl.col("method").str.to_lowercase().str.contains("p_value|p-value|p value")
    return pl.when(p_value).then(1 / ratio.clip(lower_bound=0.01)).otherwise(ratio)


def _verdict(rows: pl.DataFrame) -> dmc.Group:
    drifted = rows.filter("drifted")["column"].to_list()
    text = f"{len(drifted)} of {rows.height} columns drifted{': ' + ', '.join(drifted) if drifted else ''}"
    return status_light("watch" if drifted else "ok", text)


def _open_alerts(session: Session) -> list[Any]:
    """A notice per open alert, the newest first."""
    rows = queries.read_open_alerts(session).iter_rows(named=True)
    return [
        notice(f"{row['message']} (alert {row['id']})", GRAVITY[row["severity"]], KINDS[row["kind"]].title)
        for row in rows
    ]


def _past_forecasts(session: Session, cutoff: str) -> Any:
    """What became of past forecasts: drift that does no damage there needs nobody."""
    lines = queries.read_verdicts(session, date.fromisoformat(cutoff))
    without = "No forecast is known whose days have come, or a later check was made: drift alone says little."
    return card("Past forecasts against the backtest", [dmc.Text(line, size="sm") for line in lines or [without]])


def _report(session: Session, cutoff: str) -> Any:
    if queries.read_drift_report(session, date.fromisoformat(cutoff)) is None:
        return notice("The HTML report of this check is no longer in the store; only the scores above are kept.")
    # scripts yes, same origin no: the report draws itself but reaches neither the dashboard nor the network
    frame = html.Iframe(
        src=f"/reports/drift/{cutoff}",
        title=f"Drift report of {cutoff}",
        className="report",
        id="drift-report",
        sandbox="allow-scripts",
    )
    return html.Section([dmc.Title("Full report", order=2, size="h4", mb="sm"), frame])
