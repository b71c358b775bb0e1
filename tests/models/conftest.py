"""A small chain with awkward series, and panels of it."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.aggregates import group_sums
from forecasting.data.buckets import bucket_of
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations

START = date(2024, 1, 1)
CUTOFF = date(2024, 7, 14)
LAST = date(2024, 8, 4)
H = 14

RECIPE = [
    "ladder",
    {"naive": {"class": "SeasonalNaive", "season_length": 14, "name": "Fortnight"}},
    {"stats": {"class": "ARIMA", "name": "SARIMAX", "order": [1, 0, 0], "seasonal_order": [0, 1, 1]}},
    {"stats": {"class": "AutoARIMA", "max_p": 1, "max_q": 1, "max_P": 1, "max_Q": 0}},
    {"stats": "AutoETS"},
    {"stats": {"class": "TSB", "alpha_d": 0.2, "alpha_p": 0.2}},
    {"lightgbm": {"trees": 15, "params": {"min_data_in_leaf": 5, "num_leaves": 15}}},
    {"ensemble": {"weights": {"SARIMAX": 1, "SeasonalMean4": 1}, "members": ["SARIMAX", "SeasonalMean4"]}},
]


@dataclass(frozen=True)
class Buckets:
    """A scan over a frame with the column bucket, as a table partitioned by it."""

    rows: pl.DataFrame

    def __call__(self, bucket: int) -> pl.LazyFrame:
        return self.rows.lazy().filter(pl.col("bucket") == bucket)


def small_config(**changes) -> Config:
    columns = {"known_ahead": ["promo", "open"], "known_after": ["visits"], "static": ["kind"]}
    columns |= {"promo": "promo", "open": "open"}
    given = {"name": "small", "source": {"kind": "table"}, "freq": "1d", "h": H, "columns": columns, "models": RECIPE}
    given["backtest"] = {"known_ahead": "recorded"}  # no row is planned after LAST
    return Config.model_validate(given | changes)


def raw_rows() -> pl.DataFrame:
    """Eight usual series, and one each that is short, all zero, constant, unobserved of late, falling to zero, rare."""
    rng = np.random.default_rng(5)
    days = [START + timedelta(d) for d in range((LAST - START).days + 1)]
    t = np.arange(len(days))
    weekday = np.array([d.isoweekday() for d in days])
    parts = []
    for i in range(8):
        promo = rng.random(len(days)) < 0.2
        y = (
            (30 + 10 * i)
            * (1 + 0.4 * np.sin(2 * np.pi * weekday / 7))
            * (1 + 0.5 * promo)
            * rng.gamma(30, 1 / 30, len(days))
        )
        parts.append(series(f"s{i}", days, y, promo, "ab"[i % 2]))
    late = [d for d in days if d > CUTOFF - timedelta(3)]
    never = np.zeros(len(days), bool)
    tail = np.where(t > len(days) - 60, np.nan, 20 + 5 * np.cos(2 * np.pi * weekday / 7))
    parts += [
        series("short", late, np.arange(4.0, 4.0 + len(late)), never[: len(late)], "a"),
        series("zero", days, 0.0 * t, never, "a"),
        series("flat", days, 7.0 + 0.0 * t, never, "b"),
        series("tail", days, tail, never, "b"),
        series("falling", days, np.maximum(250.0 - 1.2 * t, 0), never, "a"),
        series("rare", days, np.where(rng.random(len(days)) < 0.1, 3.0, 0.0), never, "b"),
    ]
    return pl.concat(parts)


def series(unique_id, days, y, promo, kind) -> pl.DataFrame:
    frame = pl.DataFrame({"unique_id": unique_id, "ds": days, "y": y, "promo": promo, "kind": kind})
    shut = pl.col("ds").dt.weekday() == 7
    return frame.with_columns(
        pl.when(shut).then(0.0).otherwise(pl.col("y").fill_nan(None)).alias("y"),
        pl.col("promo").cast(pl.Int8),
        open=(~shut).cast(pl.Int8),
        visits=pl.col("y").fill_nan(0.0) * 3,
    )


def make_panel(config: Config, rows: pl.DataFrame, buckets: int = 1) -> Panel:
    """A panel of raw rows as the store would hold it, observed up to LAST."""
    rows = fill_gaps(flag_observations(rows, config), config, LAST)
    levels = [(), *((c,) for c in config.static_columns)]
    bucketed = rows.with_columns(bucket_of(rows["unique_id"], buckets))
    return Panel(config, Buckets(bucketed), tuple(range(buckets)), InMemory(group_sums(rows, config, levels)))


@pytest.fixture(scope="session")
def config() -> Config:
    return small_config()


@pytest.fixture(scope="session")
def rows() -> pl.DataFrame:
    return raw_rows()


@pytest.fixture(scope="session")
def cut(config: Config, rows: pl.DataFrame) -> Cut:
    """What was known on CUTOFF; the panel goes on for three weeks."""
    return Cut(make_panel(config, rows), CUTOFF, H)


@pytest.fixture(scope="session")
def many(config: Config, rows: pl.DataFrame) -> Cut:
    """The same as `cut`, the series spread over three buckets."""
    return Cut(make_panel(config, rows, 3), CUTOFF, H)


@pytest.fixture(scope="session")
def blind(config: Config, rows: pl.DataFrame) -> Cut:
    """The same as `cut`, but everything that is not known ahead is spoilt after the cutoff."""
    after = pl.col("ds") > CUTOFF
    spoilt = rows.with_columns(
        y=pl.when(after).then(pl.lit(9999.0)).otherwise("y"),
        visits=pl.when(after).then(pl.lit(-1.0)).otherwise("visits"),
    )
    return Cut(make_panel(config, spoilt), CUTOFF, H)


@pytest.fixture(scope="session")
def remake():
    """make_panel, for tests that change the rows or the config."""
    return make_panel


@pytest.fixture(scope="session")
def configure():
    """small_config, for tests with another recipe."""
    return small_config


class NoEvidence:
    """Before the first backtest nothing is known of any model."""

    def weights(self, names):
        return None

    def variances(self, names):
        return None
