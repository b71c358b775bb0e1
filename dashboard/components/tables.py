"""Tables: `data_table(name, rows, columns)` returns an AG Grid of a Polars frame, sortable in the browser.

Its columns are dicts made by `text_column`, `number_column` or `period_columns`; `to_records` turns rows into JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import polars as pl

from dashboard.labels import unit_name
from forecasting.config import Config

GRID_THEME = """themeQuartz.withParams({
    backgroundColor: 'var(--dc-card)', foregroundColor: 'var(--mantine-color-text)', accentColor: 'var(--dc-accent)',
    headerBackgroundColor: 'var(--dc-head)', borderColor: 'var(--dc-line)', fontFamily: 'inherit', fontSize: 13,
    wrapperBorderRadius: 8, spacing: 6, browserColorScheme: 'inherit'})"""
ROW_HEIGHT, HEADER_HEIGHT = 36, 56
"""In pixels."""
COLUMN_DEFAULTS = {
    "sortable": True,
    "resizable": True,
    "minWidth": 92,
    "flex": 1,
    "wrapHeaderText": True,
    "autoHeaderHeight": True,
}


def data_table(name: str, rows: pl.DataFrame, columns: Sequence[dict[str, Any]], **options: Any) -> dag.AgGrid:
    """A sortable table with id `name`: as high as its rows up to `height` pixels, beyond that it scrolls."""
    height = options.pop("height", 420)
    settings = {"theme": {"function": GRID_THEME}, "animateRows": False, "enableCellTextSelection": True}
    settings |= {"suppressFieldDotNotation": True}  # a.b is the name of a column
    fits = rows.height * ROW_HEIGHT + HEADER_HEIGHT <= height
    return dag.AgGrid(
        id=name,
        rowData=to_records(rows),
        columnDefs=list(columns),
        defaultColDef=COLUMN_DEFAULTS,
        dashGridOptions=settings | ({"domLayout": "autoHeight"} if fits else {}) | options.pop("settings", {}),
        style={"height": None if fits else f"{height}px", "width": "100%"},
        **options,
    )


def to_records(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON-able records; dates as ISO text, so that they sort."""
    return rows.with_columns(pl.col(pl.Date).cast(pl.String)).to_dicts()


def text_column(field: str, header: str, **options: Any) -> dict[str, Any]:
    """A column of texts or dates."""
    return {"field": field, "headerName": header, **options}


def number_column(field: str, header: str, digits: int = 1, **options: Any) -> dict[str, Any]:
    """A column of numbers: right-aligned, thousands grouped, the same number of decimals in each row."""
    text = f"params.value == null ? '–' : d3.format(',.{digits}f')(params.value)"
    return {
        "field": field,
        "headerName": header,
        "type": "rightAligned",
        "valueFormatter": {"function": text},
        "cellClass": ["numbers", "ag-right-aligned-cell"],
        **options,
    }


def period_column(config: Config) -> dict[str, Any]:
    """The period (ds), which stays in sight when the table is scrolled sideways."""
    return text_column("ds", config.frequency.unit.title(), pinned="left", maxWidth=130)


def period_columns(config: Config, rows: pl.DataFrame, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Columns of a table with one row per period: ds, the values in `headers` that `rows` has, and interval bounds."""
    bounds = {c: f"{'Low' if c[:2] == 'lo' else 'High'} {c[3:]} %" for c in rows.columns if c[:3] in ("lo-", "hi-")}
    shown = {column: header for column, header in ({**headers, **bounds}).items() if column in rows.columns}
    return [
        period_column(config),
        *(number_column(c, f"{header} ({unit_name(config)})") for c, header in shown.items()),
    ]
