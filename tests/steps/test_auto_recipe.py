"""`models: auto` on the way of a job: chosen by the backtest, trained and served as chosen, told everywhere."""

from datetime import date

import polars as pl
import pytest
from fastapi.testclient import TestClient
from polars.testing import assert_frame_equal

from dashboard.api import create_api
from dashboard.pages.overview.state_cards import state_cards
from flows import cli
from forecasting import models
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY
from forecasting.recipe.candidates import CANDIDATES, HEADS
from forecasting.steps import identity
from forecasting.steps.forecasting import bundles
from forecasting.steps.recipes import with_chosen
from forecasting.steps.registry import STEPS, Outcome
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import H, Job

pytestmark = pytest.mark.slow
QUICK = {"models": "auto", "budget": 3.0, "backtest": {"windows": 1, "step": H}}


@pytest.fixture(scope="module")
def ran() -> tuple[Job, dict[str, Outcome]]:
    job = chain.make(**QUICK)
    return job, dict(zip(chain.STEPS, job.run(), strict=True))


@pytest.fixture(scope="module")
def chosen(ran: tuple[Job, dict[str, Outcome]]) -> set[str]:
    return {v["model"] for v in ran[1]["backtest"].facts["chosen"]["verdicts"] if v["chosen"]}


def test_the_chosen_models_are_backtested_and_trained(ran: tuple[Job, dict[str, Outcome]], chosen: set[str]) -> None:
    job, outcomes = ran
    ladder = {"Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage"}
    assert {"LightGBM", "Theta"} <= chosen
    assert set(job.table("backtests")["model"]) == {*chosen, *ladder, "Combination"}
    session = open_session(job.config())
    bundle = bundles.fetch(session.registry, outcomes["train"].facts["version"])
    assert {spec.name for spec in bundle.config.models} == {*chosen, "ladder", "Combination"}
    assert bundle.facts["chosen"] == outcomes["backtest"].facts["chosen"]
    assert set(job.table("forecasts")["model"]) == {*chosen, *ladder, "Combination"}
    facts = outcomes["backtest"].facts
    assert len(facts["cutoffs"]) + len(facts["calibration"]) == facts["chosen"]["windows"]


def test_older_windows_are_forecast_by_the_boosters_of_the_oldest(ran: tuple[Job, dict[str, Outcome]]) -> None:
    job, outcomes = ran
    facts = outcomes["backtest"].facts
    session = with_chosen(open_session(job.config()), facts)
    (boosters,) = [model for model in models.build(session.config) if model.name == "LightGBM"]
    oldest, later = (date.fromisoformat(facts["calibration"][i]) for i in (0, 1))
    fitted = boosters.fit(Cut(session.panel, oldest, H))
    parts = [fitted.predict(Cut(session.panel, later, H), b).select(*KEY, "yhat") for b in session.panel.buckets]
    written = job.table("backtests", cutoff=later).filter(pl.col("grain") == "series", pl.col("model") == "LightGBM")
    assert_frame_equal(pl.concat(parts).sort(KEY), written.select(*KEY, "yhat").sort(KEY), check_exact=True)


def test_the_recipe_is_that_of_the_chosen_models(ran: tuple[Job, dict[str, Outcome]]) -> None:
    """So a later choice of the same models is no new recipe, and a list of them is the same one."""
    job, outcomes = ran
    facts = outcomes["backtest"].facts
    resolved = with_chosen(open_session(job.config()), facts).config
    assert identity.recipe_of(resolved) == facts["recipe"] != identity.recipe_of(job.config())
    listed = job.config(
        models=[spec.model_dump() for spec in resolved.models],
        backtest__calibration=resolved.calibration,
        budget=resolved.budget,
    )
    assert identity.recipe_of(listed) == facts["recipe"]


def test_nothing_is_done_twice_and_predicting_needs_no_new_choice(ran: tuple[Job, dict[str, Outcome]]) -> None:
    job, _ = ran
    assert all(outcome.reused for outcome in job.run(["backtest", "train", "predict"]))
    (outcome,) = job.run(["predict"], budget=4.0)
    assert outcome.facts["champion"] in set(job.table("forecasts")["model"])


def test_every_candidate_is_named_before_and_after_a_run(
    ran: tuple[Job, dict[str, Outcome]], chosen: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    job, outcomes = ran
    every = {*HEADS.values(), *(c.name for c in CANDIDATES)}
    cli.main(["recipe", str(job.folder / "job.yaml")])
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1] for line in printed.splitlines() if line.split()[:1]}
    assert {name: rows[name] for name in every} == {name: "yes" if name in chosen else "no" for name in every}
    assert "of 3 units" in printed
    sections = {s.title: s for s in STEPS["backtest"].summarize(outcomes["backtest"].facts)}
    left_out = {line.split()[0] for line in sections["Recipe"].lines if " is left out: " in line}
    assert left_out == every - chosen
    page = str(state_cards(open_session(job.config())))
    assert all(f"{name} is left out: " in page for name in left_out)
    assert all(f"{name}: " in page for name in chosen)


def test_listed_models_stay_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    job = chain.make(models=["ladder"], backtest={"windows": 1, "step": H, "calibration": 1})
    _, backtest = job.run(["ingest", "backtest"])
    assert "chosen" not in backtest.facts
    assert {s["model"] for s in backtest.facts["scores"]} <= {
        "Naive",
        "SeasonalNaive",
        "SeasonalMean4",
        "HistoricAverage",
    }
    cli.main(["recipe", str(job.folder / "job.yaml")])
    assert capsys.readouterr().out.startswith("The config lists its models")


def test_forecasts_of_chosen_models_are_explained(
    ran: tuple[Job, dict[str, Outcome]], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command and by the API: components add up to the forecast of whatever was chosen."""
    job, _ = ran
    config = job.config(serving__spool=str(job.folder / "spool"))
    champion = open_session(config).vintages["champion"][0]
    stored = job.table("forecasts").filter(grain="series", model=champion, unique_id="S1/I01")["yhat"].sum()
    cli.main(["explain", str(job.folder / "job.yaml"), "--where", "unique_id = 'S1/I01'"])
    assert "the published mean forecast" in capsys.readouterr().out
    with TestClient(create_api(config), base_url="http://127.0.0.1") as http:
        for path, column in (("explanations", "mean"), ("explanations/inputs", "units")):
            answer = http.get(f"/api/v1/{path}", params={"unique_id": "S1/I01"})
            assert answer.status_code == 200, answer.text
            rows = answer.json()["rows"]
            assert len({row["ds"] for row in rows}) == H
            if column == "mean":
                assert sum(sum(row["components"].values()) for row in rows) == pytest.approx(stored)
