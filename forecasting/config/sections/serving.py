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
    upload: StrictInt = Field(
        default=100, ge=1, description="The largest file that may be sent for a batch of predictions, in megabytes."
    )
