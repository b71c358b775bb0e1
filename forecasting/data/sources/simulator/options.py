"""The options of the simulated chain: `Options` (source.options of `synthetic`) and `ErrorOptions` (its `dirt`).

Options hold size, length, promotions, noise and seed; `Options.rng` returns the random generator of a topic.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from zlib import crc32

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

OF_STORES = ("stores", "week", "chain")
"""Topics of random generators that have nothing to do with items."""


class ErrorOptions(BaseModel):
    """How many errors are injected: outliers and gaps in days, closed weeks of stores, stock-outs in runs of days.

    They are drawn for the complete run: unlike the chain itself, a longer run has its errors in other places.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outliers: int = Field(default=0, ge=0)
    gaps: int = Field(default=0, ge=0)
    closed_weeks: int = Field(default=0, ge=0)
    stock_outs: int = Field(default=0, ge=0)


class Options(BaseModel):
    """source.options of the synthetic source.

    `promo_uplift` (log) gives every item the same promotion effect; `promos: chain` puts all items of all stores on
    promotion on the same, random days (`item`: each item in weeks drawn for it); `noise` is the variance beyond Poisson
    (variance = mean + noise * mean^2); `yearly` multiplies the yearly season; `dirt` counts the injected errors.
    `first_item` is the number of items that come before these ones: other items in the same stores, so that a large
    chain can be drawn in parts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    stores: int = Field(default=5, ge=1, le=10_000)
    items: int = Field(default=20, ge=1, le=100_000)
    first_item: int = Field(default=0, ge=0, le=100_000)
    days: int = Field(default=730, ge=1, le=20_000)
    start: date = date(2024, 1, 1)
    seed: int = Field(default=7, ge=0)
    promos: Literal["item", "chain"] = "item"
    promo_uplift: float | None = Field(default=None, ge=0, le=2)
    noise: float = Field(default=0.05, ge=0, le=2)
    yearly: float = Field(default=1.0, ge=0, le=3)
    dirt: ErrorOptions = ErrorOptions()

    def rng(self, *topic: str) -> np.random.Generator:
        """A random generator for one topic, independent of all others; the name of the topic is part of the seed."""
        part = [self.first_item] if self.first_item and " ".join(topic) not in OF_STORES else []
        return np.random.default_rng([self.seed, crc32(" ".join(topic).encode()), *part])
