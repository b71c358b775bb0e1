"""Figures as functions of frames."""

from datetime import date, timedelta

import plotly.graph_objects as go
import polars as pl
import pytest

from dashboard import figures
from dashboard.figures import ChartLabels
from dashboard.theme import DARK, LIGHT
from forecasting.frequency import FREQS

DAY = date(2024, 1, 1)
DAYS = [DAY + timedelta(days=i) for i in range(10)]
LABELS = ChartLabels("Sales of tea", FREQS["1d"], "pieces", DAYS[-1], "forecast by Naive")


@pytest.fixture
def history() -> pl.DataFrame:
    promo = [0.0, 1.0, 1.0, 0.0, 0.0, 0.4, 0.0, 0.0, 1.0, None]
    return pl.DataFrame({"ds": DAYS, "y": [float(i) for i in range(9)] + [None], "promo": promo})


@pytest.fixture
def ahead() -> pl.DataFrame:
    ds = [DAYS[-1] + timedelta(days=i) for i in range(1, 4)]
    bounds = {"lo-80": [1.0, 2.0, 3.0], "hi-80": [3.0, 4.0, 5.0], "lo-95": [0.0, 1.0, 2.0], "hi-95": [4.0, 5.0, 6.0]}
    return pl.DataFrame({"ds": ds, "yhat": [2.0, 3.0, 4.0], **bounds})


def named(fig: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in fig.data}


def test_a_forecast_chart_has_history_forecast_and_both_intervals_the_wide_one_behind(history, ahead):
    fig = figures.plot_forecast(history, ahead, LABELS, DAYS[-1])
    assert [t.name for t in fig.data] == ["95 % interval", "80 % interval", "Actual", "Forecast (mean)", "Promotion"]
    traces = named(fig)
    assert list(traces["Actual"].y) == history["y"].to_list()
    assert list(traces["Forecast (mean)"].y) == [2.0, 3.0, 4.0]
    assert list(traces["80 % interval"].y) == [3.0, 4.0, 5.0, 3.0, 2.0, 1.0]
    assert list(traces["95 % interval"].x) == [*ahead["ds"], *reversed(ahead["ds"].to_list())]


def test_a_forecast_chart_marks_the_cutoff_and_shades_what_comes_after(history, ahead):
    fig = figures.plot_forecast(history, ahead, LABELS, DAYS[-1])
    shapes = {s.name: s for s in fig.layout.shapes}
    assert shapes["cutoff"].line.dash == "dash"
    assert (shapes["cutoff"].x0, shapes["future"].x0, shapes["future"].x1) == ("2024-01-10", "2024-01-10", "2024-01-13")
    assert "cutoff 2024-01-10" in [a.text for a in fig.layout.annotations]


def test_promotions_are_bands_over_whole_days(history, ahead):
    fig = figures.plot_forecast(history, ahead, LABELS, DAYS[-1])
    bands = [(str(s.x0)[:13], str(s.x1)[:13]) for s in fig.layout.shapes if s.name == "promotion"]
    assert bands == [("2024-01-01 12", "2024-01-03 12"), ("2024-01-08 12", "2024-01-09 12")]


def test_a_sum_without_bounds_gets_no_band(history, ahead):
    bare = ahead.with_columns(pl.lit(None, pl.Float64).alias(c) for c in ahead.columns if c[:2] in ("lo", "hi"))
    assert [t.name for t in figures.plot_forecast(history, bare, LABELS).data] == [
        "Actual",
        "Forecast (mean)",
        "Promotion",
    ]


def test_recent_sales_show_the_year_before_only_when_there_is_one():
    spans = pl.DataFrame({"end": DAYS[:3], "y": [1.0, 2.0, 3.0], "last_year": [None, None, 4.0]})
    assert [t.name for t in figures.plot_recent_sales(spans, LABELS).data] == ["This year", "Year before"]
    none = spans.with_columns(last_year=pl.lit(None, pl.Float64))
    assert [t.name for t in figures.plot_recent_sales(none, LABELS).data] == ["This year"]


def test_scenario_charts_name_what_they_compare():
    rows = pl.DataFrame({"ds": DAYS[:2], "baseline": [1.0, 2.0], "yhat": [3.0, 5.0], "difference": [2.0, 3.0]})
    rows = rows.with_columns(**{"lo-80": pl.lit(1.0), "hi-80": pl.lit(9.0), "lo-95": pl.lit(0.0), "hi-95": pl.lit(9.5)})
    assert [t.name for t in figures.plot_scenario(rows, LABELS).data] == [
        "80 % interval of the scenario", "Baseline", "Scenario",
    ]  # fmt: skip
    gap = figures.plot_difference(rows, LABELS)
    assert list(gap.data[0].y) == [2.0, 3.0]
    assert gap.layout.yaxis.title.text == "Difference (pieces per day)"


def test_drift_has_a_line_per_column_and_the_threshold():
    table = pl.DataFrame({"cutoff": DAYS[:2] * 2, "column": ["a", "a", "b", "b"], "ratio": [0.5, 1.5, 0.1, 0.2]})
    fig = figures.plot_drift(table, LABELS)
    assert {t.name: list(t.y) for t in fig.data} == {"a": [0.5, 1.5], "b": [0.1, 0.2]}
    assert fig.layout.shapes[0].y0 == 1


def every_figure(history, ahead, labels) -> list[go.Figure]:
    spans = pl.DataFrame({"end": DAYS[:3], "y": [1.0, 2.0, 3.0], "last_year": [1.0, 1.0, 1.0]})
    rows = ahead.with_columns(baseline=pl.col("yhat"), difference=pl.lit(0.0))
    table = pl.DataFrame({"cutoff": DAYS[:2], "column": ["a", "b"], "ratio": [0.5, 1.5]})
    return [
        figures.plot_forecast(history, ahead, labels, DAYS[-1]),
        figures.plot_recent_sales(spans, labels),
        figures.plot_scenario(rows, labels),
        figures.plot_difference(rows, labels),
        figures.plot_drift(table, labels),
    ]


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_every_chart_says_what_it_shows(history, ahead, colours):
    labels = ChartLabels("Sales of tea", FREQS["1d"], "pieces", DAYS[-1], "", colours)
    for fig in every_figure(history, ahead, labels):
        layout = fig.layout
        assert layout.title.text == "Sales of tea"
        assert "Actuals through 2024-01-10" in layout.title.subtitle.text
        assert layout.xaxis.title.text
        assert any(unit in layout.yaxis.title.text for unit in ("pieces", "no unit"))
        assert layout.showlegend
        assert "%Y" in layout.xaxis.tickformat or layout.xaxis.type == "category"
        assert layout.font.color == colours.ink
        assert layout.title.text in figures.describe(fig)


@pytest.mark.parametrize(
    ("freq", "y"), [("1d", "per day"), ("1w", "per week"), ("1mo", "per month"), ("1q", "per quarter")]
)
def test_units_name_the_period(freq, y):
    assert ChartLabels("t", FREQS[freq]).y_title.endswith(f"{y})")


def test_an_empty_history_still_gives_a_chart():
    empty = pl.DataFrame(schema={"ds": pl.Date, "y": pl.Float64, "promo": pl.Float64})
    fig = figures.plot_forecast(empty, pl.DataFrame(schema={"ds": pl.Date, "yhat": pl.Float64}), LABELS)
    assert [t.name for t in fig.data] == ["Actual"]


def contrast(colour: str, ground: str) -> float:
    """Contrast ratio of two hex colours (WCAG 2.2)."""

    def luminance(text: str) -> float:
        parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    bright, dark = sorted((luminance(colour), luminance(ground)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_text_and_lines_stand_out(colours):
    assert contrast(colours.ink, colours.card) >= 7
    assert contrast(colours.muted, colours.card) >= 4.5
    for line in (colours.forecast, colours.last_year, colours.scenario):
        assert contrast(line, colours.card) >= 3
