"""The layout that all charts start from: `chart_layout(labels)` makes a Plotly layout of ChartLabels.

`ChartLabels` holds a chart's texts and colours; `describe(fig)` returns one sentence on a chart for screen readers.
"""

from dataclasses import dataclass
from datetime import date

import plotly.graph_objects as go
import polars as pl

from dashboard.theme import FONT, LIGHT, Palette
from forecasting.frequency import Frequency


@dataclass(frozen=True)
class ChartLabels:
    """Texts and colours of a chart: title, frequency, unit of y, last observed day, a note for the subtitle."""

    title: str
    frequency: Frequency
    unit: str = "units"
    through: date | None = None
    note: str = ""
    colours: Palette = LIGHT

    @property
    def y_title(self) -> str:
        """Title of the y axis, with the unit."""
        return f"Sales ({self.unit} per {self.frequency.unit})"

    @property
    def x_title(self) -> str:
        """Title of the x axis: the period."""
        return self.frequency.unit.title()

    @property
    def subtitle(self) -> str:
        """The last observed day and the note."""
        through = f"Actuals through {self.through}" if self.through else ""
        return " · ".join(part for part in (through, self.note) if part)


def chart_layout(labels: ChartLabels) -> go.Layout:
    """A new Plotly layout with the titles and colours of `labels`."""
    c = labels.colours
    axis = {"gridcolor": c.grid, "linecolor": c.grid, "zerolinecolor": c.grid, "automargin": True}
    top_left = {"x": 0, "xref": "container", "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 6, "l": 4}}
    subtitle = {"text": labels.subtitle, "font": {"size": 12, "color": c.muted}}
    return go.Layout(
        title=top_left | {"text": labels.title, "font": {"size": 16}, "subtitle": subtitle},
        font={"family": FONT, "color": c.ink, "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        colorway=[c.forecast, c.last_year, c.scenario, "#009e73"],
        margin={"l": 8, "r": 12, "t": 76, "b": 96},
        showlegend=True,
        hovermode="x unified",
        hoverlabel={"bgcolor": c.card, "font": {"color": c.ink}},
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        xaxis=axis | {"title": {"text": labels.x_title}, "tickformat": "%-d %b\n%Y", "showgrid": False},
        yaxis=axis | {"title": {"text": labels.y_title}, "tickformat": ",~r"},
        uirevision="kept",
    )


def describe(fig: go.Figure) -> str:
    """One sentence on a chart for screen readers: title, subtitle and the names of its traces."""
    names = ", ".join(t.name for t in fig.data if t.name)
    return f"Chart: {fig.layout.title.text}. {fig.layout.title.subtitle.text}. Shows {names or 'nothing yet'}."


def xy(rows: pl.DataFrame, y: str, x: str = "ds") -> dict[str, list[object]]:
    """The columns `x` and `y` as arguments of a Plotly trace."""
    return {"x": rows[x].to_list(), "y": rows[y].to_list()}
