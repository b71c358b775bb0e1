"""Known-ahead columns on coming days: what is known of them (knowledge), what stands in for the rest (usual_values).

`coming_rows` reads a bucket of the panel, and of what it finds in all of them `observe` returns a KnownAhead;
`fill_unknown` takes a frame and returns it with usual values on coming rows. Nothing is forecast.
"""

from forecasting.data.known_ahead.knowledge import KnownAhead, coming_rows, observe
from forecasting.data.known_ahead.usual_values import change_rows, fill_unknown, is_flag, unknown_on_coming_rows

__all__ = [
    "KnownAhead",
    "change_rows",
    "coming_rows",
    "fill_unknown",
    "is_flag",
    "observe",
    "unknown_on_coming_rows",
]
