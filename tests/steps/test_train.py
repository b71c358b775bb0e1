"""What is registered, who becomes champion and why."""

import json
import tempfile
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.steps import identity, run_step, session
from forecasting.steps.train.champion import best_learned_model
from forecasting.steps.train.job import Job as Training
from tests import chain
from tests.chain import LAST, OVER, START, H, Job, versions

pytestmark = pytest.mark.slow

LADDER = ["Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage"]
ASLEEP = {"lightgbm": {"trees": 1, "params": {"learning_rate": 1e-6}, "name": "Asleep"}}
"""A booster that learned nothing says the level of the series on all days."""
QUICK = {"backtest": {"windows": 2, "step": H, "calibration": 1}} | chain.NO_LEVERS


def registered(job: Job) -> pl.DataFrame:
    return session.open_registry(job.config()).versions().sort("version")


def aliases(job: Job) -> dict[str, int]:
    return {alias: row["version"] for row in registered(job).iter_rows(named=True) for alias in row["aliases"]}


def wapes(job: Job, **overrides) -> dict[str, float]:
    """WAPE of the medians over the reported windows, by hand."""
    recipe = identity.recipe_of(job.config(**overrides))
    rows = job.table("backtests").filter("reported", pl.col("recipe") == recipe, pl.col("grain") == "series")
    sums: dict[str, list[float]] = {}
    for model, y, q50 in rows.drop_nulls("y").select("model", "y", "q50").iter_rows():
        total = sums.setdefault(model, [0.0, 0.0])
        total[0] += abs(y - q50)
        total[1] += y
    return {model: error / volume for model, (error, volume) in sums.items()}


def test_without_backtest_scores_nothing_is_registered():
    job = chain.make(models=["ladder"])
    job.run(["ingest"])
    with pytest.raises(
        UserError, match=r"no backtest scores on these data at 2024-05-14.*the step backtest has to run first"
    ):
        job.run(["train"])
    assert registered(job).is_empty()


def test_scores_of_another_recipe_do_not_count(fast):
    job = fast()
    with pytest.raises(UserError, match="no backtest scores"):
        job.run(["train"], models=["ladder"])


def test_the_best_model_becomes_the_first_champion_when_it_beats_the_ladder(ran):
    job, told = ran
    scores = wapes(job)
    rung = min(LADDER, key=scores.__getitem__)
    best = min(set(scores) - set(LADDER), key=scores.__getitem__)
    assert scores[best] < scores[rung], "the sample must be learnable, or the test says nothing"
    facts = told["train"].facts
    assert (facts["champion"], facts["promoted"], facts["version"]) == (best, True, 1)
    assert f"{best} beats {rung}, the best of the ladder" in facts["reason"]
    assert facts["gain"][0] == pytest.approx(scores[rung] - scores[best])
    assert aliases(job) == {"champion": 1}
    assert json.loads(registered(job)["tags"][0])["gate"] == facts["reason"]


def test_the_bundle_holds_every_model_its_config_and_nothing_pickled(ran):
    job, _ = ran
    with tempfile.TemporaryDirectory() as folder:
        home = session.open_registry(job.config()).download_bundle(1, Path(folder))
        routing = json.loads((home / "routing.json").read_text())
        kinds = {f.suffix for f in home.rglob("*") if f.is_file()}
    assert [m["name"] for m in routing["models"]] == [*LADDER, "LightGBM", "Regression", "Sums", "Ensemble"]
    assert kinds <= {".json", ".txt", ".parquet", ".yaml", ""}
    assert routing["facts"]["cutoff"] == str(LAST)


def test_a_model_that_does_not_beat_the_ladder_does_not_serve():
    job = chain.make(models=["ladder", ASLEEP], **QUICK)
    *_, trained, predicted = job.run()
    scores = wapes(job)
    rung = min(LADDER, key=scores.__getitem__)
    assert scores["Asleep"] > scores[rung]
    assert trained.facts["champion"] == predicted.facts["champion"] == rung
    assert trained.facts["promoted"], "the ladder itself may serve"
    assert f"Asleep does not beat {rung}" in trained.facts["reason"]


def test_the_same_again_is_not_trained_again_and_force_finds_the_same_version(fast):
    job = fast()
    before, known = versions(job), registered(job)
    again = job.run(["train", "predict"])
    assert [o.reused for o in again] == [True, True]
    forced = [run_step(step, job.config(), force=True) for step in ("train", "predict")]
    assert [o.reused for o in forced] == [False, False]
    assert forced[0].facts["version"] == 1
    assert registered(job).drop("tags").equals(known.drop("tags"))
    assert versions(job) == before


def test_newer_data_refresh_the_champion_and_a_look_back_does_not_replace_it(fast):
    job = fast()
    rows = chain.sample().with_columns(y=pl.when(pl.col("ds") > LAST).then(5.0).otherwise("y"), stock=pl.lit(9.0))
    rows.filter(pl.col("ds") > LAST - timedelta(3)).write_parquet(job.folder / "new.parquet")
    new = {"source.path": str(job.folder / "new.parquet")}
    *_, refreshed, predicted = job.run(**new)
    assert (refreshed.facts["version"], refreshed.facts["promoted"]) == (2, True)
    assert "same recipe on newer data" in refreshed.facts["reason"]
    assert predicted.facts["cutoff"] == str(LAST + timedelta(H))
    assert aliases(job) == {"champion": 2}
    back = job.run(["backtest", "train", "predict"], OVER, **new)
    assert not back[1].facts["promoted"]
    assert f"the champion knows newer data, up to {LAST + timedelta(H)}" in back[1].facts["reason"]
    assert back[2].facts["version"] == 3, "for its own day the look back answers"
    assert aliases(job) == {"champion": 2, "challenger": 3}
    vintages = job.table("vintages").sort("cutoff")
    assert vintages.select("cutoff", "version").rows() == [(OVER, 3), (LAST, 1), (LAST + timedelta(H), 2)]


def test_a_new_recipe_that_is_better_by_more_than_chance_replaces_the_champion():
    """Every second week sells ten times as much: nothing that thinks in weeks can know, a fortnight does."""
    even = (pl.col("ds").dt.week() % 2 == 0).cast(pl.Float64)
    sold = pl.when((pl.col("open") == 1) & pl.col("y").is_not_null()).then(10 + 90 * even + pl.col("y") % 5)
    rows = chain.sample().with_columns(y=pl.coalesce(sold, "y"))
    job = chain.make(rows, models=["ladder"], **QUICK)
    rung = job.run()[2].facts["champion"]
    assert rung in LADDER
    better = {"models": ["ladder", {"naive": {"class": "SeasonalNaive", "season_length": 14, "name": "Fortnight"}}]}
    trained, predicted = job.run(["backtest", "train", "predict"], **better)[1:]
    scores, facts = wapes(job, **better), trained.facts
    assert (facts["champion"], facts["promoted"]) == ("Fortnight", True)
    assert f"Fortnight beats the champion {rung} by more than chance" in facts["reason"]
    assert facts["gain"][0] == pytest.approx(scores[rung] - scores["Fortnight"])
    assert facts["gain"][1] > 0
    assert aliases(job) == {"champion": 2}
    assert predicted.facts["champion"] == "Fortnight"


def test_a_new_recipe_that_is_not_better_stays_a_challenger_and_its_rival_is_backtested_where_it_was_not(fast):
    job = fast()
    at = LAST - timedelta(5)
    worse = {"models": ["ladder", ASLEEP]}
    old, new = identity.recipe_of(job.config()), identity.recipe_of(job.config(**worse))
    trained = job.run(["backtest", "train"], at, **worse)[1]
    assert not trained.facts["promoted"]
    assert "does not beat the champion LightGBM by more than chance" in trained.facts["reason"]
    assert aliases(job) == {"champion": 1, "challenger": 2}
    windows = [at - timedelta(H), at - timedelta(2 * H)]
    rows = job.table("backtests", cutoff=windows).filter("reported")
    assert set(rows.select("recipe", "cutoff").unique().rows()) == {(r, c) for r in (old, new) for c in windows}
    assert job.run(["predict"], **worse)[0].facts["version"] == 1, "the champion goes on"


def errors(model: str, size: float, series: int = 40) -> pl.DataFrame:
    """Backtest rows of a model that is off by plus or minus `size` (by chance of the seed) where 100 were sold."""
    rng = np.random.default_rng(len(model))
    days = [date(2024, 1, 1) + timedelta(days=k) for k in range(10)]
    ids = np.repeat([f"s{i:02d}" for i in range(series)], len(days))
    off = np.abs(rng.normal(size, 3.0, len(ids)))
    frame = pl.DataFrame({"unique_id": ids, "ds": days * series, "y": 100.0, "yhat": 100.0 + off, "q50": 100.0 + off})
    return frame.with_columns(cutoff=pl.lit(date(2023, 12, 31)), model=pl.lit(model), closed=pl.lit(False))


class Judged(Training):
    """A training whose backtest rows are given."""

    def __init__(self, job: Job, rows: pl.DataFrame) -> None:
        super().__init__(session.open_session(job.config()), LAST, {"recipe": ""})
        object.__setattr__(self, "given", rows)

    def rows(self, recipe: str, model: str) -> pl.DataFrame:
        return self.given.filter(model=model)


@pytest.mark.parametrize(("single", "serves"), [(9.9, "Combination"), (5.0, "LightGBM"), (15.0, "Combination")])
def test_a_single_model_serves_instead_of_the_combination_only_when_it_is_better_by_more_than_chance(single, serves):
    config = chain.make(models=["ladder", chain.LIGHT, {"ensemble": {"name": "Combination", "weights": "learned"}}])
    rows = pl.concat([errors("LightGBM", single), errors("Combination", 10.0)])
    assert best_learned_model(Judged(config, rows), ["Combination", "LightGBM"])["model"].unique().to_list() == [serves]


def test_a_median_head_helps_and_does_not_serve():
    heads = {"lightgbm": {"name": "Half", "predicts": "median"}}
    config = chain.make(models=["ladder", chain.LIGHT, heads])
    rows = pl.concat([errors("LightGBM", 9.0), errors("Half", 5.0)])
    assert best_learned_model(Judged(config, rows), ["Half", "LightGBM"])["model"].unique().to_list() == ["LightGBM"]


@pytest.mark.parametrize(("more", "known"), [(0, True), (1, False)])
def test_windows_before_the_first_season_do_not_choose_who_serves(more, known):
    both = {"models": ["ladder", chain.LIGHT, {"ensemble": {"name": "Combination", "weights": "learned"}}]}
    job = chain.make(**both, **QUICK)
    season = (LAST - START).days + 1 - 2 * H + more  # the newest window lies H days back
    trained = job.run(["ingest", "backtest", "train"], season_length=season)[2]
    assert ("no window of the backtest had a season behind it" in trained.facts["reason"]) != known
    assert known or trained.facts["champion"] == "Combination"
