"""The ladder against numbers worked out by hand, and against what others measured on Rossmann."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting import models
from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.errors import UserError

NO_GROUPS = InMemory(pl.DataFrame())

MONDAY = date(2024, 1, 1)


def cut_of(values: list[float | None], h: int, season: int = 7) -> Cut:
    """One daily series from Monday on; the last value is the one of the cutoff."""
    config = Config.model_validate(
        {
            "name": "one",
            "source": {"kind": "table"},
            "freq": "1d",
            "h": h,
            "season_length": season,
            "clean": {"y_min": None, "outliers": {"rule": "none"}},
            "models": ["ladder"],
        }
    )
    ds = [MONDAY + timedelta(i) for i in range(len(values))]
    rows = pl.DataFrame({"unique_id": "one", "ds": ds, "y": values}, schema_overrides={"y": pl.Float64})
    panel = Panel(config, InMemory(fill_gaps(flag_observations(rows, config), config, ds[-1])), (0,), NO_GROUPS)
    return Cut(panel, ds[-1], h)


def said(cut: Cut, name: str) -> pl.DataFrame:
    model = {m.name: m for m in models.build(cut.config)}[name]
    return model.fit(cut).predict(cut, 0)


TWO_SEASONS = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]  # a season of three


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Naive", [6.0, 6.0, 6.0, 6.0]),
        ("SeasonalNaive", [4.0, 5.0, 6.0, 4.0]),
        ("SeasonalMean4", [2.5, 3.5, 4.5, 2.5]),
        ("HistoricAverage", [3.5, 3.5, 3.5, 3.5]),
    ],
)
def test_rungs_by_hand(name, expected):
    answer = said(cut_of(TWO_SEASONS, 4, 3), name)
    assert answer["yhat"].to_list() == expected
    assert set(answer["source"]) == {name}


def test_the_mean_takes_the_last_four_seasons_only():
    assert (
        said(cut_of([100.0, 0.0, 1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0, 0.0], 1, 2), "SeasonalMean4")["yhat"].item() == 2.5
    )


def test_what_was_not_observed_is_passed_over():
    cut = cut_of([1.0, 2.0, 3.0, 4.0, None, None], 3, 3)
    assert said(cut, "Naive")["yhat"].to_list() == [4.0, 4.0, 4.0]
    assert said(cut, "SeasonalNaive")["yhat"].to_list() == [4.0, 2.0, 3.0]


def test_a_phase_without_a_value_goes_down_the_ladder_and_says_so():
    answer = said(cut_of([5.0, 6.0], 3, 7), "SeasonalMean4")
    assert answer["yhat"].to_list() == [6.0, 6.0, 6.0]
    assert answer["source"].to_list() == ["Naive"] * 3


def test_one_observation_is_enough():
    for name in ("Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage"):
        assert said(cut_of([3.0], 9), name)["yhat"].to_list() == [3.0] * 9


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=40).filter(lambda v: v[-1] is not None),
    st.integers(1, 12),
    st.integers(1, 9),
)
def test_seasonal_naive_is_the_last_value_in_phase(values, season, h):
    """Against a plain loop: step back season by season until a value was observed."""
    answer = said(cut_of(values, h, season), "SeasonalNaive")
    for step, yhat in enumerate(answer["yhat"], start=1):
        at = len(values) - 1 + step - season * -(-step // season)
        while at >= 0 and values[at] is None:
            at -= season
        assert yhat == (values[at] if at >= 0 else values[-1])


def test_rossmann_is_as_hard_as_others_found_it(shared):
    """Seasonal naive on all 1,115 stores and both cutoffs: others measured WAPE 0.1992 and bias 0.125."""
    file = shared / "rossmann/train.csv.gz"
    days = pl.read_csv(file, schema_overrides={"StateHoliday": pl.String}, try_parse_dates=True)
    rows = days.select(
        pl.col("Store").cast(pl.String).alias("unique_id"), ds="Date", y=pl.col("Sales").cast(pl.Float64), open="Open"
    )
    columns = {"known_ahead": ["open"], "open": "open"}
    config = Config.model_validate(
        {"name": "rossmann", "source": {"kind": "table"}, "freq": "1d", "h": 42, "columns": columns}
        | {"backtest": {"known_ahead": "recorded"}, "models": ["ladder"]}
    )
    panel = Panel(
        config,
        InMemory(fill_gaps(flag_observations(rows, config), config, rows["ds"].max())),
        (0,),
        NO_GROUPS,
    )
    cuts = [Cut(panel, cutoff, 42) for cutoff in (date(2015, 5, 8), date(2015, 6, 19))]
    both = pl.concat([said(cut, "SeasonalNaive") for cut in cuts])
    scored = both.join(rows.rename({"y": "truth"}), on=["unique_id", "ds"])
    assert scored.height == 2 * 42 * 1115
    error, total = scored["yhat"] - scored["truth"], scored["truth"].sum()
    assert error.abs().sum() / total == pytest.approx(0.1992, abs=0.001)
    assert error.sum() / total == pytest.approx(0.125, abs=0.002)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"naive": "SeasonalNiave"}, ["SeasonalNiave", "nearest: SeasonalNaive"]),
        ({"naive": {"class": "Naive", "lag": 3}}, ["lag", "season_length"]),
        ({"naive": {"class": "SeasonalNaive", "season_length": 0}}, ["whole number", "0"]),
    ],
)
def test_a_wrong_entry_is_told(configure, model, words):
    config = configure(models=["ladder", model])
    with pytest.raises(UserError) as told:
        models.build(config)
    assert all(word in str(told.value) for word in [*words, "models.1"])
