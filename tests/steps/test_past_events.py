"""Past events of a chain whose true effects are known."""

import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data import sources
from forecasting.errors import UserError
from forecasting.planning.events import COLUMNS
from forecasting.steps.explaining import past_events
from forecasting.steps.scenario import SeriesFilter
from forecasting.steps.session import open_session
from tests import chain


@pytest.fixture(scope="module")
def found() -> pl.DataFrame:
    return past_events(open_session(chain.ran()[0].config())).rows


def test_promotions_are_those_of_the_plan(found):
    on = chain.sample().filter(promo=1, open=1).with_columns(unique_id=pl.concat_str("store", "item", separator="/"))
    sold = on.filter(pl.col("y").is_not_null(), pl.col("ds") <= chain.LAST)
    events = found.filter(kind="promotion")
    inside = sold.select("unique_id", day="ds").join_where(
        events.rename({"unique_id": "u"}),
        pl.col("unique_id") == pl.col("u"), pl.col("day") >= pl.col("start"), pl.col("day") <= pl.col("end"),
    )  # fmt: skip
    assert found.columns == list(COLUMNS)
    # nothing is lost but promotions on the first day of a series, and days out of stock, which no sale tells about
    assert 0.9 * sold.height < inside.height <= sold.height


def test_uplifts_are_near_the_truth(found):
    """The true log uplift of every item; the sum of the baselines times it against the sum of the estimates."""
    effects = sources.load(Config.model_validate(chain.SAMPLE)).true_effects
    uplift = effects.filter(effect="promo_log_uplift").select("unique_id", "value")
    events = found.filter(kind="promotion").join(uplift, on="unique_id")
    truth = events["baseline"] * (events["value"].exp() - 1)
    assert events["uplift"].sum() == pytest.approx(truth.sum(), rel=0.1)
    covered = truth.is_between(events["lo-90"], events["hi-90"]).mean()
    assert 0.8 <= covered <= 1.0


def test_series_are_chosen_and_a_job_without_levers_is_refused(found):
    session = open_session(chain.ran()[0].config())
    some = past_events(session, SeriesFilter("store = 'S2'")).rows
    assert some.equals(found.filter(pl.col("unique_id").str.starts_with("S2/")))
    bare = session.with_config(session.config.model_copy(update={"columns": type(session.config.columns)()}))
    with pytest.raises(UserError, match="name a column in promo or price"):
        past_events(bare)
