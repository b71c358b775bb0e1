"""The HTML page of a drift report made smaller: `round_data` takes and returns the page as text.

Evidently writes the points of its drawings with seventeen digits; six are more than a screen shows.
"""

from __future__ import annotations

import re

LONG_NUMBER = re.compile(r"-?\d+\.\d{7,}(?:e[+-]?\d+)?")
POINTS = re.compile(r'"[xy]": \[[^\]]*\]')


def round_data(page: str) -> str:
    """The page with the points of its drawings at six significant digits; everything else stays as it is.

    >>> round_data('{"x": [0.123456789012, 12.5], "pi": 3.14159265358979}')
    '{"x": [0.123457, 12.5], "pi": 3.14159265358979}'
    """
    return POINTS.sub(lambda points: LONG_NUMBER.sub(lambda number: f"{float(number[0]):.6g}", points[0]), page)
