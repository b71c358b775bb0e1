"""The section about answers to requests: Serving (the log of what was served, caches and limits of the API).

Declarations only.
"""

from __future__ import annotations

from pydantic import Field

from forecasting.config.declarations import Section
from forecasting.config.value_types import StrictInt


class Serving(Section):
    """How forecasts are served on request."""

    spool: str = Field(
        default="data/spool",
        description="Folder of this machine for the log of what was served, until it is stored in the table "
        "`predictions` each minute; each job has a folder of its name in it.",
    )
    cache: StrictInt = Field(
        default=10_000,
        ge=0,
        description="Number of forecasts with changed values that are kept to be served again, until there is a newer "
        "forecast; 0: none.",
    )
    challenger_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of single predictions and of rows of files that the challenger answers in place of the "
        "champion, where the step shadow has forecast with it: 0.1 is one of ten. Which ones follows from series and "
        "day alone; answer and log say who answered. Published forecasts and scenarios stay the champion's.",
    )
    upload: StrictInt = Field(
        default=100, ge=1, description="The largest file that may be sent for a batch of predictions, in megabytes."
    )
