"""Areas of a forecast chart: `add_interval`, `add_horizon` (after the cutoff) and `add_promotions`.

They draw on the figure they are given and return nothing. Rows are frames: [ds, lo-80, hi-80, ...] for an interval,
[ds, promo] for promotions.
"""

from datetime import date

import plotly.graph_objects as go
import polars as pl

from dashboard.figures.layout import ChartLabels


def interval_levels(rows: pl.DataFrame) -> list[int]:
    """Levels of the interval columns (lo-80, hi-80, ...), the widest interval first."""
    return sorted((int(name[3:]) for name in rows.columns if name.startswith("lo-")), reverse=True)


def add_interval(fig: go.Figure, rows: pl.DataFrame, level: int, name: str, colour: str) -> None:
    """Draw the interval at `level` per cent as one closed area, over the rows that have both bounds."""
    complete = rows.drop_nulls([f"lo-{level}", f"hi-{level}"])
    ds, low, high = complete["ds"].to_list(), complete[f"lo-{level}"].to_list(), complete[f"hi-{level}"].to_list()
    fig.add_scatter(
        x=ds + ds[::-1],
        y=high + low[::-1],
        name=name,
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
    )


def add_horizon(fig: go.Figure, cutoff: date, last: date, labels: ChartLabels) -> None:
    """Draw the cutoff as a dashed line and shade the days after it."""
    c = labels.colours
    fig.add_vrect(x0=str(cutoff), x1=str(last), fillcolor=c.future, line_width=0, layer="below", name="future")
    fig.add_shape(
        type="line", x0=str(cutoff), x1=str(cutoff), y0=0, y1=1, yref="paper", name="cutoff",
        line={"color": c.muted, "width": 1.2, "dash": "dash"},
    )  # fmt: skip
    fig.add_annotation(
        x=str(cutoff), y=1, yref="paper", text=f"cutoff {cutoff}", showarrow=False,
        xanchor="right", yanchor="bottom", font={"size": 11, "color": c.muted},
    )  # fmt: skip


def add_promotions(fig: go.Figure, rows: pl.DataFrame, labels: ChartLabels) -> None:
    """Shade the periods in which at least half of the shown series are on promotion (column `promo`, a share)."""
    if "promo" not in rows.columns or not rows["promo"].count():
        return
    half = 12 * labels.frequency.days  # in hours: a band covers its periods from half one before to half one after
    spans = (
        rows.sort("ds")
        .with_columns(on=pl.col("promo").fill_null(0) >= 0.5)
        .with_columns(run=pl.col("on").rle_id())
        .filter("on")
        .group_by("run", maintain_order=True)
        .agg(first=pl.col("ds").first(), last=pl.col("ds").last())
        .select(pl.col("first", "last").cast(pl.Datetime))
        .select(pl.col("first").dt.offset_by(f"-{half}h"), pl.col("last").dt.offset_by(f"{half}h"))
    )
    for first, last in spans.iter_rows():
        fig.add_vrect(x0=first, x1=last, fillcolor=labels.colours.promo, line_width=0, layer="below", name="promotion")
    if spans.height:
        marker = {"color": labels.colours.promo, "symbol": "square", "size": 12}
        fig.add_scatter(x=[None], y=[None], name="Promotion", mode="markers", marker=marker)
