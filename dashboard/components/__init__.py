"""Building blocks of the pages: cards, charts, tables and notices."""

from dashboard.components.cards import (
    card,
    empty_state,
    kpi_card,
    link_notices,
    loading_area,
    notice,
    page_frame,
    status_light,
)
from dashboard.components.charts import chart_card
from dashboard.components.tables import (
    data_table,
    number_column,
    period_column,
    period_columns,
    text_column,
    to_records,
)

__all__ = [
    "card",
    "chart_card",
    "data_table",
    "empty_state",
    "kpi_card",
    "link_notices",
    "loading_area",
    "notice",
    "number_column",
    "page_frame",
    "period_column",
    "period_columns",
    "status_light",
    "text_column",
    "to_records",
]
