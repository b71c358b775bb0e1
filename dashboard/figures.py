"""Frames in, Plotly figures out; knows neither Dash nor the store.

Every figure has a title, "Actuals through <date>" below it, axis titles with units, a legend and a shaded future.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import plotly.graph_objects as go
import polars as pl

from dashboard.theme import FONT, LIGHT, Palette
from forecasting.frequency import Frequency


@dataclass(frozen=True)
class Labels:
    """What a chart says beside its data: title, what y counts, the frequency, the last observed day and the colours."""

    title: str
    frequency: Frequency
    unit: str = "units"
    through: date | None = None
    note: str = ""
    colours: Palette = LIGHT

    @property
    def y(self) -> str:
        return f"Sales ({self.unit} per {self.frequency.unit})"

    @property
    def x(self) -> str:
        return self.frequency.unit.title()

    @property
    def subtitle(self) -> str:
        through = f"Actuals through {self.through}" if self.through else ""
        return " · ".join(part for part in (through, self.note) if part)


def fan(history: pl.DataFrame, forecast: pl.DataFrame, labels: Labels, cutoff: date | None = None) -> go.Figure:
    """History and forecast of one line with its intervals, the cutoff and what lies after it shaded.

    history: ds, y and optionally promo (share on promotion); forecast: ds, yhat and optionally lo-*/hi-*, y (actuals of
    a backtest window).
    """
    fig = go.Figure(layout=base(labels))
    c = labels.colours
    levels = sorted((int(n[3:]) for n in forecast.columns if n.startswith("lo-")), reverse=True)
    for level in (n for n in levels if forecast[f"lo-{n}"].count()):
        add_band(fig, forecast, level, c.inner if level == levels[-1] else c.outer)
    fig.add_scatter(**_xy(history, "y"), name="Actual", mode="lines", line={"color": c.ink, "width": 1.6})
    if forecast.height:
        style = {"color": c.forecast, "width": 2.4}
        markers = {"size": 5, "symbol": "circle"}
        fig.add_scatter(
            **_xy(forecast, "yhat"), name="Forecast (mean)", mode="lines+markers", line=style, marker=markers
        )
    if cutoff:
        last = max(cutoff, forecast["ds"].max() if forecast.height else cutoff)
        add_future(fig, cutoff, last, labels)
    add_promotions(fig, history, labels)
    return fig


def add_band(fig: go.Figure, forecast: pl.DataFrame, level: int, colour: str) -> None:
    """An interval as a closed area: one trace, named by its level."""
    known = forecast.drop_nulls([f"lo-{level}", f"hi-{level}"])
    ds, lo, hi = known["ds"].to_list(), known[f"lo-{level}"].to_list(), known[f"hi-{level}"].to_list()
    fig.add_scatter(
        x=ds + ds[::-1],
        y=hi + lo[::-1],
        name=f"{level} % interval",
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
    )


def add_future(fig: go.Figure, cutoff: date, last: date, labels: Labels) -> None:
    """The cutoff as a dashed line and the days after it shaded."""
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


def add_promotions(fig: go.Figure, rows: pl.DataFrame, labels: Labels) -> None:
    """Bands over the periods in which at least half of the line is on promotion."""
    if "promo" not in rows.columns or not rows["promo"].count():
        return
    half = 12 * labels.frequency.days  # a band covers whole periods, from half one before to half one after
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
    mark = {"color": labels.colours.promo, "symbol": "square", "size": 12}
    if spans.height:
        fig.add_scatter(x=[None], y=[None], name="Promotion", mode="markers", marker=mark)


def recent(spans: pl.DataFrame, labels: Labels) -> go.Figure:
    """The last spans (end, y) as bars beside the same spans a year before (last_year)."""
    layout = base(labels)
    layout.yaxis.title.text = f"Sales ({labels.unit})"
    layout.xaxis.title.text = "Week ending" if labels.frequency.days == 1 else labels.x
    fig = go.Figure(layout=layout)
    c = labels.colours
    fig.add_bar(**_xy(spans, "y", "end"), name="This year", marker={"color": c.forecast})
    if spans.height and spans["last_year"].count():
        style = {"color": c.last_year, "width": 2, "dash": "dot"}
        mark = {"symbol": "diamond", "size": 8}
        before = _xy(spans, "last_year", "end")
        fig.add_scatter(**before, name="Year before", mode="lines+markers", line=style, marker=mark)
    fig.update_yaxes(rangemode="tozero")
    return fig


def compare(result: pl.DataFrame, labels: Labels) -> go.Figure:
    """Baseline and scenario (ds, baseline, yhat, lo-*/hi-* of the scenario) over the horizon."""
    fig = go.Figure(layout=base(labels))
    c = labels.colours
    levels = sorted((int(n[3:]) for n in result.columns if n.startswith("lo-")), reverse=True)
    for level in levels[-1:]:
        add_band(fig, result, level, c.outer)
        fig.data[-1].name = f"{level} % interval of the scenario"
    fig.add_scatter(**_xy(result, "baseline"), name="Baseline", mode="lines", line={"color": c.ink, "dash": "dot"})
    style = {"color": c.scenario, "width": 2.4}
    fig.add_scatter(
        **_xy(result, "yhat"), name="Scenario", mode="lines+markers", line=style, marker={"symbol": "square"}
    )
    return fig


def difference(result: pl.DataFrame, labels: Labels) -> go.Figure:
    """Scenario minus baseline per period as bars."""
    fig = go.Figure(layout=base(labels))
    fig.add_bar(**_xy(result, "difference"), name="Scenario - baseline", marker={"color": labels.colours.scenario})
    fig.update_yaxes(title_text=f"Difference ({labels.unit} per {labels.frequency.unit})", zerolinewidth=1.5)
    return fig


def drift(table: pl.DataFrame, labels: Labels, columns: Sequence[str] = ()) -> go.Figure:
    """Drift per column over the checks as a ratio to its threshold: above 1 a column has drifted."""
    layout = base(labels)
    layout.yaxis.title.text = "Score ÷ threshold (no unit)"
    layout.xaxis.title.text = "Cutoff of the check"
    layout.xaxis.type = "category"  # checks are few and far between; as dates a single one would get an axis of hours
    fig = go.Figure(layout=layout)
    hues = (
        labels.colours.forecast,
        labels.colours.last_year,
        labels.colours.scenario,
        "#009e73",
        labels.colours.ink,
        labels.colours.muted,
    )
    symbols = ("circle", "square", "diamond", "triangle-up", "cross", "x")
    chosen = columns or table["column"].unique().sort().to_list()
    for i, column in enumerate(chosen):
        rows = table.filter(pl.col("column") == column).sort("cutoff")
        mark = {"symbol": symbols[i % len(symbols)], "size": 9}
        line = {"color": hues[i % len(hues)], "width": 1.6}
        rows = rows.with_columns(pl.col("cutoff").cast(pl.String))
        fig.add_scatter(**_xy(rows, "ratio", "cutoff"), name=column, mode="lines+markers", line=line, marker=mark)
    fig.add_hline(y=1, line={"color": labels.colours.muted, "dash": "dash"}, annotation_text="threshold")
    return fig


def base(labels: Labels) -> go.Layout:
    """The layout that all charts share."""
    c = labels.colours
    axis = {"gridcolor": c.grid, "linecolor": c.grid, "zerolinecolor": c.grid, "automargin": True}
    place = {"x": 0, "xref": "container", "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 6, "l": 4}}
    subtitle = {"text": labels.subtitle, "font": {"size": 12, "color": c.muted}}
    return go.Layout(
        title=place | {"text": labels.title, "font": {"size": 16}, "subtitle": subtitle},
        font={"family": FONT, "color": c.ink, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        colorway=[c.forecast, c.last_year, c.scenario, "#009e73"],
        margin={"l": 8, "r": 12, "t": 76, "b": 96},
        showlegend=True,
        hovermode="x unified",
        hoverlabel={"bgcolor": c.card, "font": {"color": c.ink}},
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        xaxis=axis | {"title": {"text": labels.x}, "tickformat": "%-d %b\n%Y", "showgrid": False},
        yaxis=axis | {"title": {"text": labels.y}, "tickformat": ",~r"},
        uirevision="kept",
    )


def summary(fig: go.Figure) -> str:
    """One sentence for those who do not see the chart."""
    names = ", ".join(t.name for t in fig.data if t.name)
    return f"Chart: {fig.layout.title.text}. {fig.layout.title.subtitle.text}. Shows {names or 'nothing yet'}."


def _xy(rows: pl.DataFrame, y: str, x: str = "ds") -> dict[str, list[object]]:
    return {"x": rows[x].to_list(), "y": rows[y].to_list()}
