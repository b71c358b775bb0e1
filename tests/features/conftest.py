"""Panels in memory with gaps, closed days, prices and promotions, for each frequency."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.aggregates import group_sums
from forecasting.features import Features, GroupData, peers
from forecasting.features.base import Context, Lead
from forecasting.frequency import FREQS

SIZES = {"1d": 1500, "1w": 230, "1mo": 70, "1q": 60, "1y": 40}
MONTH = date(2015, 1, 1)
START = {"1d": date(2020, 6, 1), "1w": date(2019, 1, 7), "1mo": MONTH, "1q": MONTH, "1y": date(1985, 1, 1)}
DRIVERS = {"known_ahead": ["price", "promo", "open"], "static": ["store"]}
LEVELS = ((), ("store",))


@dataclass(frozen=True)
class Bench:
    """A frame as models see it, the sums of its groups, and the features of its columns."""

    config: Config
    frame: pl.DataFrame
    group_sums: pl.DataFrame
    made: Features
    _whole: dict[int, pl.DataFrame] = field(default_factory=dict)

    def matrix(self, lead: int, frame: pl.DataFrame | None = None, sums: pl.DataFrame | None = None) -> pl.DataFrame:
        """unique_id, ds and every feature in Float64, so that nothing hides behind a rounding.

        That of the bench's own frame is made once per lead.
        """
        if frame is not None or sums is not None:
            return self._matrix(lead, self.frame if frame is None else frame, sums)
        if lead not in self._whole:
            self._whole[lead] = self._matrix(lead, self.frame, None)
        return self._whole[lead]

    def _matrix(self, lead: int, frame: pl.DataFrame, sums: pl.DataFrame | None) -> pl.DataFrame:
        rows = self.prepared(lead, frame, sums)
        named = [f.expr.cast(pl.Float64).alias(f"f:{f.name}") for f in self.made.all(Lead.of(lead))]
        return rows.with_columns(*named, self.made.exprs(Lead.of(lead))[-1].alias("f:level")).select(
            "unique_id", "ds", "^f:.*$"
        )

    def prepared(self, lead: int, frame: pl.DataFrame, groups: pl.DataFrame | None = None) -> pl.DataFrame:
        """The frame with all that stands peer_means its series."""
        peer_means = peers.mean_by_group([peers.sum_by_group(self.frame, Context(self.config, self.made.schema))])
        return self.made.prepare(frame, GroupData(self.group_sums if groups is None else groups, peer_means), lead)


def rows(freq: str) -> pl.DataFrame:
    """Four series in two stores; one is young, one sells rarely, one has unobserved stretches."""
    rng, n = np.random.default_rng(11), SIZES[freq]
    ds = pl.date_range(START[freq], FREQS[freq].shift(START[freq], n - 1), freq, eager=True)
    parts = []
    for i in range(4):
        y = rng.poisson(20 + 5 * i, n).astype(float) if i != 2 else (rng.random(n) < 0.1) * 3.0
        y[rng.random(n) < 0.08] = np.nan
        if i == 3:
            y[n // 2 : n // 2 + n // 5] = np.nan
        frame = pl.DataFrame(
            {
                "unique_id": f"s{i}",
                "ds": ds,
                "y": y,
                "price": np.round(rng.choice([1.0, 1.2, 0.9], n) * (i + 1), 2),
                "promo": (rng.random(n) < 0.25).astype(float),
                "open": (rng.random(n) < 0.9).astype(float),
                "store": f"S{i % 2}",
            }
        )
        parts.append(frame[n // 3 :] if i == 1 else frame)
    return pl.concat(parts).with_columns(pl.col("y").fill_nan(None))


@pytest.fixture(scope="session")
def bench() -> Callable[[str], Bench]:
    """The bench of a frequency, made once."""
    made: dict[str, Bench] = {}

    def of(freq: str) -> Bench:
        if freq not in made:
            columns = DRIVERS | {"price": "price", "promo": "promo", "open": "open"}
            calendar = {"country": "DE"}
            keys = {"name": "x", "source": {}, "freq": freq, "h": 6, "columns": columns, "calendar": calendar}
            config = Config.model_validate(keys | {"levels_of_aggregation": [[], ["store"]]})
            frame = rows(freq)
            features = Features(config, dict(frame.schema), LEVELS)
            made[freq] = Bench(config, frame, group_sums(frame, config, LEVELS).sort("group", "ds"), features)
        return made[freq]

    return of
