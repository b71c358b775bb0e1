"""Price elasticity against least squares on lists, and what it says of a series that is made to answer to its price."""

import math
from dataclasses import replace
from datetime import date
from itertools import product

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import Config
from forecasting.features import Features, GroupData
from forecasting.features.base import Context, Lead
from forecasting.features.elasticity import DOUBT, USUAL, WIDEST, features, lines, lines_on, log_price, windows
from forecasting.frequency import FREQS
from tests.features.test_features import LEADS, YEAR, Slow, over, same


def by_hand(slow: Slow, window: int) -> tuple[float | None, float | None]:
    """Slope and dearness of a row: ridge regression of log sales on log prices, drawn towards the usual slope."""
    ends = range(max(0, slow.t - slow.lead - window + 1), max(0, slow.t - slow.lead + 1))
    known = [(math.log(slow.price[i]), math.log(slow.y[i])) for i in ends if slow.price[i] and slow.y[i]]
    if not known:
        return None, None
    x, z = (np.array(v) for v in zip(*known, strict=True))
    dx, dz = x - x.mean(), z - z.mean()
    slope = min(0.0, ((dx * dz).mean() + DOUBT * USUAL) / ((dx * dx).mean() + DOUBT))
    moved = max(-WIDEST, min(WIDEST, slope * (math.log(slow.price[slow.t]) - x.mean())))
    return slope, over(1 / math.exp(z.mean() + moved), None if not slow.level() else 1 / slow.level())


@pytest.mark.parametrize(("freq", "lead"), [(f, lead) for f in LEADS for lead in LEADS[f]])
def test_the_line_is_that_of_slow_arithmetic(bench, freq, lead):
    b = bench(freq)
    got, compared = b.matrix(lead), 0
    for (name,), rows in b.frame.partition_by("unique_id", as_dict=True).items():
        said, n = got.filter(pl.col("unique_id") == name), rows.height
        for t in sorted({0, lead, lead + 5, n // 2, n // 2 + 13, n - 20, n - 1}):
            for window in (YEAR[freq], 2 * YEAR[freq]):
                slope, dear = by_hand(Slow(rows, freq, lead, t), window)
                assert same(said[f"f:price_slope_{window}"][t], slope), (name, t, window)
                assert same(said[f"f:price_dear_{window}"][t], dear), (name, t, window)
                compared += slope is not None
    assert compared > 20


@pytest.mark.parametrize("freq", LEADS)
def test_lines_of_a_few_days_are_those_of_all(bench, freq):
    """Days that are fewer and more than a window, of series that begin and end among them, before them and after."""
    b, frequency = bench(freq), FREQS[freq]
    rows = b.frame.with_columns(log_price(Context(b.config, b.made.schema)))
    begun = pl.col("ds") >= rows["ds"].unique().sort()[-9]
    lately, ended = rows.filter(begun), rows.filter(~begun)
    further = [part.with_columns(pl.col("unique_id") + name) for part, name in ((lately, " begun"), (ended, " ended"))]
    rows = pl.concat([rows, *further]).sort("unique_id", "ds")
    for width, window in product((1, 8, 30), (2, YEAR[freq], 2 * YEAR[freq])):
        last = rows["ds"].max()
        days = (frequency.shift(last, 1 - width), last)
        every, few = lines(rows, window), lines_on(days, rows, window, frequency)
        expected = every.filter(rows.select(pl.col("ds").is_between(*days)).to_series())
        assert few.height > width
        assert few.drop_nulls().height
        assert_frame_equal(few, expected, rel_tol=1e-9, abs_tol=1e-9)


def answering(elasticity: float) -> tuple[pl.DataFrame, Context]:
    """Three years of weeks of a series that sells 100 p ** elasticity, its last price halved."""
    rng = np.random.default_rng(4)
    ds = pl.date_range(date(2020, 1, 6), date(2022, 12, 26), "1w", eager=True)
    price = rng.choice([1.0, 0.8, 1.25], len(ds))
    price[-1] = 0.5
    kinds = {"known_ahead": ["price"], "price": "price"}
    config = Config.model_validate({"name": "x", "source": {}, "freq": "1w", "h": 4, "columns": kinds})
    frame = pl.DataFrame({"unique_id": "a", "ds": ds, "price": price, "y": 100 * price**elasticity})
    return frame, Context(config, dict(frame.schema))


def at_lead(frame: pl.DataFrame, context: Context, lead: int = 4) -> pl.DataFrame:
    """The features of the price, as Features names them."""
    every = Features(context.config, context.schema, ())
    sums = pl.DataFrame(schema={"group": pl.String, "ds": pl.Date, "y_sum": pl.Float64, "y_count": pl.Int64})
    prepared = every.prepare(frame, GroupData(sums, None), lead)
    return prepared.select(f.expr.alias(f.name) for f in features(context, Lead.of(lead)))


@pytest.mark.parametrize("elasticity", [-0.5, -1.5, -3.0])
def test_the_elasticity_of_a_series_is_found(elasticity):
    frame, context = answering(elasticity)
    last = at_lead(frame, context).row(-1, named=True)
    level = np.mean(np.sqrt(frame["y"].to_numpy()[-56:-4])) ** 2
    assert last["price_slope_104"] == pytest.approx(elasticity, abs=0.05)
    assert level / last["price_dear_104"] == pytest.approx(100 * 0.5**elasticity, rel=0.05)


def test_where_prices_never_moved_the_usual_slope_stands():
    frame, context = answering(-3.0)
    frame = frame.with_columns(price=1.0)
    assert at_lead(frame, context)["price_slope_52"].drop_nulls().to_list() == pytest.approx(
        [USUAL] * (frame.height - 4)
    )


def test_sales_that_rise_with_the_price_are_no_reason_to_expect_so():
    frame, context = answering(2.0)
    assert (at_lead(frame, context)["price_slope_52"].drop_nulls()[30:] == 0).all()


def test_without_a_price_there_is_nothing():
    _, context = answering(-1.0)
    columns = context.config.columns.model_copy(update={"price": None})
    bare = replace(context, config=context.config.model_copy(update={"columns": columns}))
    assert log_price(bare) == []
    assert windows(bare) == ()
    assert features(bare, Lead.of(4)) == []
