"""Data and configs that are odd and still must run: short, empty, renamed, withdrawn, changed between two loads."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from forecasting.config import Config
from forecasting.data.aggregates import group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.schemas import AGGREGATE_BUCKET
from forecasting.data.windows import resolve_cutoff
from forecasting.errors import UserError
from forecasting.features.groups import priors
from forecasting.frequency import FREQS
from forecasting.models import build, load
from forecasting.planning.scenario import check_edits, parse_changes
from forecasting.steps.session import open_session
from tests.chain import make

START = date(2022, 1, 3)
LEAN: dict[str, Any] = {
    "columns": {},
    "future": {},
    "levels_of_aggregation": [[]],
    "calendar": {},
    "models": ["ladder"],
}
KEYS = {"unique_id": ["shop"], "ds": "ds", "y": "y"}


def days(n: int, freq: str = "1d", start: date = START) -> list[date]:
    return [FREQS[freq].shift(start, i) for i in range(n)]


def sold(n: int = 60, **columns: list[Any]) -> pl.DataFrame:
    """One row per shop and day; a column is told by its value per shop."""
    shops = ["a", "b", "c"]
    rows = [
        {"shop": s, "ds": d, "y": float(3 + i % 7 + k)} | {c: told[k] for c, told in columns.items()}
        for k, s in enumerate(shops)
        for i, d in enumerate(days(n))
    ]
    return pl.DataFrame(rows)


def lean(rows: pl.DataFrame, **keys: Any):
    return make(rows, **(LEAN | {"source": {"kind": "table", "columns": KEYS}} | keys))


def light(y: list[float], freq: str = "1d", h: int = 7, years: float = 2, **columns: list[Any]) -> Cut:
    """The cut through one series after its last day, for a job with a very small LightGBM."""
    ahead = list(columns)
    model = {"lightgbm": {"trees": 3, "years": years, "params": {"min_data_in_leaf": 2}}}
    config = Config.model_validate(
        {
            "name": "x",
            "source": {},
            "freq": freq,
            "h": h,
            "columns": {"known_ahead": ahead},
            "models": ["ladder", model],
        }
    )
    ds = days(len(y), freq)
    rows = pl.DataFrame({"unique_id": ["s"] * len(y), "ds": ds, "y": y} | columns)
    rows = rows.with_columns(y_raw="y", flag=pl.lit("observed"))
    return Cut(Panel(config, InMemory(rows), (0,), InMemory(group_sums(rows, config, ((),)))), ds[-1], h)


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(light([5.0] * 12, "1mo", 24), id="history shorter than the horizon"),
        pytest.param(light([0.0] * 80), id="nothing was ever sold"),
        pytest.param(light([5.0] * 100 + [0.0] * 500, years=1), id="nothing was sold in the years of training"),
    ],
)
def test_lightgbm_leaves_to_the_ladder_what_it_cannot_learn(cut, tmp_path):
    fitted = build(cut.config)[-1].fit(cut)
    said = fitted.predict(cut, 0)
    assert said.height == cut.h
    assert said["yhat"].is_finite().all()
    assert "SeasonalMean4" in said["source"].to_list()
    fitted.save(tmp_path)
    assert load("lightgbm", tmp_path).predict(cut, 0).equals(said)


def test_lightgbm_takes_columns_of_any_name(tmp_path):
    n = 90
    odd = {
        name: [float((i * k) % 5) for i in range(n)] for k, name in enumerate(("school holiday", "a[0]: b", "größe"), 1)
    }
    cut = light([float(3 + i % 7) for i in range(n)], **odd)
    fitted = build(cut.config)[-1].fit(cut)
    fitted.save(tmp_path)
    again = load("lightgbm", tmp_path).predict(cut, 0)
    assert again.equals(fitted.predict(cut, 0))
    assert again["source"].unique().to_list() == ["LightGBM"]


@pytest.mark.parametrize(("freq", "lead"), [("1mo", 9), ("1w", 44), ("1d", 340)])
def test_priors_read_nothing_younger_than_their_lead(freq, lead):
    config = Config.model_validate({"name": "x", "source": {}, "freq": freq, "h": lead})
    ds = days(3 * FREQS[freq].year, freq)
    told = pl.DataFrame(
        {"group": "total", "ds": ds, "y_sum": [float(5 + i % 11) for i in range(len(ds))], "y_count": 1}
    )
    row, known = pl.col("ds") == ds[-1], pl.col("ds") == ds[-1 - lead]
    before = told.with_columns(y_sum=pl.when(pl.col("ds") > ds[-1 - lead]).then(1e6).otherwise("y_sum"))
    end = config.frequency.shift(told["ds"].max(), lead)
    one, other = (priors(groups, config, lead, end) for groups in (told, before))
    assert one.filter(row)["season"].equals(other.filter(row)["season"])
    assert one.filter(known).equals(other.filter(known)), "looked up by rows so many periods later"


def test_a_figure_that_is_taken_back_leaves_the_panel_whole():
    """The newest day was told for one series only, and the next load says that it was a mistake."""
    rows, last = sold(), days(60)[-1]
    job = lean(rows.filter((pl.col("ds") < last) | (pl.col("shop") == "a")))
    job.run(("ingest",))
    back = rows.filter(pl.col("shop") == "a").with_columns(y=pl.when(pl.col("ds") < last).then("y"))
    back.write_parquet(job.folder / "sales.parquet")
    job.run(("ingest",))
    assert job.run(("ingest",))[0].reused
    # nobody sold anything on that day any more: it is a coming day, of which one series has a row
    assert dict(job.table("panel").group_by("unique_id").len().iter_rows()) == {"a": 60, "b": 59, "c": 59}


def test_a_small_load_does_not_change_what_a_column_is():
    static = {"columns": {"static": ["kind"]}}
    job = lean(sold(kind=["7", "x", "y"]), **static)
    job.run(("ingest",))
    late = sold(65).filter(pl.col("ds") >= days(61)[-1], pl.col("shop") == "a").with_columns(kind=pl.lit(7.0))
    late.write_parquet(job.folder / "sales.parquet")
    job.run(("ingest",))
    kinds = job.table("panel").group_by("unique_id").agg(pl.col("kind").unique())
    assert dict(kinds.iter_rows()) == {"a": ["7"], "b": ["x"], "c": ["y"]}


def test_text_in_a_column_of_numbers_is_refused_and_changes_nothing():
    job = lean(sold(size=[1.0, 2.0, 3.5]), columns={"static": ["size"]})
    job.run(("ingest",))
    sold(size=["1", "2", "large"]).write_parquet(job.folder / "sales.parquet")
    with pytest.raises(UserError, match=r"size was loaded as a number .* 'large'"):
        job.run(("ingest",))
    assert open_session(job.config()).store.tables["panel"].schema["size"] == pl.Float64
    sold(size=["1", "2", None]).write_parquet(job.folder / "sales.parquet")
    job.run(("ingest",))
    assert job.table("panel")["size"].unique().sort().to_list() == [None, 1.0, 2.0]
    with pytest.raises(UserError, match="size was loaded as a number before and now groups series"):
        job.run(("ingest",), levels_of_aggregation=[["size"]])


def test_a_new_level_of_aggregation_is_answered():
    job = lean(sold(kind=["x", "x", "y"]), columns={"static": ["kind"]})
    job.run()
    job.run(levels_of_aggregation=[[], ["kind"]])
    for table in ("backtests", "forecasts"):
        told = job.table(table, bucket=AGGREGATE_BUCKET)
        assert set(told["unique_id"]) == {"total", "kind=x", "kind=y"}, table


@pytest.mark.parametrize(
    ("freq", "asked", "found"),
    [
        ("1mo", date(2023, 10, 31), date(2023, 10, 1)),
        ("1w", date(2022, 3, 9), date(2022, 3, 7)),
        ("1d", date(2022, 2, 1), date(2022, 2, 1)),
        ("1d", date(2099, 1, 1), days(60)[-1]),
    ],
)
def test_any_day_of_a_period_can_be_the_cutoff(freq, asked, found):
    first = date(2021, 1, 1) if freq == "1mo" else START
    rows = pl.DataFrame({"ds": days(60, freq, first), "y": [float(i % 5) for i in range(60)]})
    job = make(rows, **(LEAN | {"source": {"kind": "table"}, "freq": freq, "h": 2}))
    job.run(("ingest",))
    panel = open_session(job.config()).panel
    assert resolve_cutoff(panel, asked) == found
    with pytest.raises(UserError, match="nothing was observed by 2001-01-01"):
        resolve_cutoff(panel, date(2001, 1, 1))


def test_a_column_named_like_one_of_ours_groups_series():
    job = lean(sold(group=["x", "x", "y"]), columns={"static": ["group"]}, levels_of_aggregation=[["group"]])
    job.run(("ingest",))
    assert set(job.table("groups")["group"]) >= {"group=x", "group=y"}


@pytest.mark.parametrize("rung", [{"class": "Naive", "name": "mine"}, {"on": "aggregates"}])
def test_one_rung_is_no_ladder(rung):
    with pytest.raises(ValueError, match="must hold `ladder`"):
        Config.model_validate({"name": "x", "source": {}, "freq": "1d", "h": 7, "models": [{"naive": rung}]})


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_scenario_takes_finite_numbers_only(value):
    config = Config.model_validate(
        {"name": "x", "source": {}, "freq": "1d", "h": 7, "columns": {"known_ahead": ["price"]}}
    )
    with pytest.raises(UserError, match="is not a number"):
        check_edits(parse_changes([f"price*={value}"], (START, START)), config, {"price": pl.Float64()})
