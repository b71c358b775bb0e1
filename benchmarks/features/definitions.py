"""The twelve features that all engines of this benchmark make, each as someone who knows it would write them.

`LAGS`, `WINDOWS` and `SHIFT` say what they are: sales of 7, 14 and 28 days ago; mean, standard deviation and maximum of
the 7 and 28 days that ended a week ago; the price over its mean of the last 28 days; weekday and month. All are of one
series (store and item), whose days are in order and complete.
"""

from __future__ import annotations

LAGS = (7, 14, 28)
WINDOWS = (7, 28)
SHIFT = 7
"""Windows end so many days before the row."""
PRICE_WINDOW = 28
SERIES = ("store", "item")
NAMES = (
    *(f"lag_{n}" for n in LAGS),
    *(f"{what}_{n}" for n in WINDOWS for what in ("mean", "std", "max")),
    "price_to_mean",
    "weekday",
    "month",
)
"""Their names, which all engines write."""
