"""Tuning: trials are not lost, the reported windows are not used, and the result is a config to review."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from forecasting import config as configs
from forecasting import models
from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.errors import UserError
from forecasting.features import Features
from forecasting.models.lightgbm.options import Options
from forecasting.services import hyperparameter_search
from forecasting.services.hyperparameter_search import Between, OneOf, Search
from forecasting.steps.session import open_session
from forecasting.steps.tune import tune
from forecasting.steps.tuning import config_writer, space, windows
from forecasting.steps.tuning.options import TuneOptions
from tests import chain
from tests.chain import LAST, H, Job
from tests.servers import Postgres

SMALL = {
    "params.num_leaves": Between(4, 15, "log"),
    "params.learning_rate": Between(0.02, 0.3, "log"),
    "trees": Between(5, 12),
}
RECIPE = ["ladder", {"lightgbm": {"trees": 8, "params": {"min_data_in_leaf": 10, "num_leaves": 7}}}]
KEYS = {
    "models": RECIPE,
    "levels_of_aggregation": [[]],
    "blocks": [H],
    "backtest": {"windows": 2, "step": H, "calibration": 0},
}
REPORTED = LAST - timedelta(2 * H)
"""The cutoff of the older one of two reported windows."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "SPACE", SMALL)


@pytest.fixture(scope="module")
def loaded() -> Callable[[], Job]:
    """Copies of a job whose data are loaded, two thirds of them left out."""
    rows = chain.sample().filter(pl.col("store") == "S1")
    job = chain.make(rows, **KEYS)
    job.run(["ingest"])
    open_session(job.config()).registry._client()  # makes the tables, which takes seconds, for all copies
    return job.copy


def journal(job: Job) -> Path:
    (found,) = (job.folder / "lake/chain/tuning").glob("*.journal")
    return found


def test_a_search_ends_in_a_config_and_one_run(loaded: Callable[[], Job]) -> None:
    job = loaded()
    config = job.config()
    facts = tune(open_session(config), options=TuneOptions(trials=3, windows=2)).facts
    assert facts["cutoffs"] == [str(REPORTED - timedelta(H)), str(REPORTED - timedelta(2 * H))]
    assert facts["trials"] == 3
    assert facts["after"] <= facts["before"]
    out = Path(facts["out"])
    assert out == job.folder / "job.tuned.yaml"
    tuned, original = configs.load(out), job.config()
    assert tuned.model_copy(update={"models": original.models}) == original
    assert tuned.models[0] == original.models[0]
    assert f"{facts['before']:.4f} before, {facts['after']:.4f} after" in out.read_text()
    runs = (
        open_session(config)
        .registry._client()
        .search_runs([open_session(config).registry._experiment()], order_by=["attribute.start_time"])
    )
    assert [run.info.run_id for run in runs] == [facts["run_id"]]
    folder = open_session(config).registry._client().download_artifacts(facts["run_id"], "", str(job.folder))
    trials = pl.read_parquet(Path(folder, "trials/trials.parquet"))
    assert trials.height == 3
    assert Path(folder, "tune.json").exists()
    first = trials.row(0, named=True)
    assert (first["today"], first["trees"], first["params.num_leaves"]) == (True, 8, 7)
    # a second call for more trials continues the search
    again = tune(open_session(config), options=TuneOptions(trials=4, windows=2)).facts
    assert (again["trials"], again["before"]) == (4, facts["before"])


def test_the_first_trial_is_the_recipe_as_the_backtest_has_it(loaded: Callable[[], Job]) -> None:
    """The same figure as a backtest of the same config that ends where tuning's newest window ends."""
    job = loaded()
    facts = tune(open_session(job.config()), options=TuneOptions(trials=1, windows=1)).facts
    job.run(["backtest"], cutoff=REPORTED, backtest__windows=1, backtest__calibration=0)
    rows = job.table("backtests").filter(pl.col("model") == "LightGBM", pl.col("grain") == "series").drop_nulls("y")
    wape = (rows["yhat"] - rows["y"]).abs().sum() / rows["y"].abs().sum()
    assert facts["before"] == pytest.approx(wape, rel=1e-9)
    assert facts["conclusion"].startswith("no trial was better")
    assert configs.load(facts["out"]) == job.config()
    assert Path(facts["out"]).read_text().endswith((job.folder / "job.yaml").read_text())


def test_the_reported_windows_are_not_used(loaded: Callable[[], Job]) -> None:
    """Sales, prices and campaigns of all days after the first reported cutoff are spoilt: no figure may change."""
    job = loaded()
    before = tune(open_session(job.config()), options=TuneOptions(trials=2, windows=1)).facts
    rows = pl.read_parquet(job.folder / "sales.parquet")
    spoilt = chain.spoilt(rows, REPORTED, y=lambda y: y * 7 + 3, price=lambda p: p * 2, promo=lambda p: 1 - p)
    spoilt.write_parquet(job.folder / "sales.parquet")
    (ingested,) = job.run(["ingest"])
    after = tune(open_session(job.config()), options=TuneOptions(trials=2, windows=1)).facts
    assert ingested.facts["rows_written"] > 0
    assert after["key"] != before["key"], "other data, another search"
    assert [after[k] for k in ("before", "after", "changes")] == [before[k] for k in ("before", "after", "changes")]


def test_features_are_made_once_for_all_trials(loaded: Callable[[], Job], monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    prepare = Features.prepare
    monkeypatch.setattr(Features, "prepare", lambda *a: made.append(a[3]) or prepare(*a))
    tune(open_session(loaded().config()), options=TuneOptions(trials=3, windows=1))
    assert made == [H], "rows to forecast and rows to learn from come in one frame"


def test_the_feature_cache_is_bounded_and_changes_no_feature(loaded: Callable[[], Job]) -> None:
    config = loaded().config()
    panel = windows.tuning_panel(open_session(config).panel, REPORTED)
    cut = Cut(panel, REPORTED - timedelta(H), H, cache_bytes=1)
    first = cut.frame(0)
    cut.cached("another", lambda: pl.DataFrame({"x": range(1000)}))
    assert cut.frame(0) is not first, "no room for both"
    assert cut.frame(0).equals(first)


def test_series_are_left_out_beyond_the_budget_small_and_large_alike(
    loaded: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = loaded().config()
    panel = open_session(config).panel
    complete = windows.tuning_panel(panel, REPORTED).scan(0).collect()
    assert complete["ds"].max() == REPORTED
    monkeypatch.setattr(windows, "MAX_ROWS", complete.height // 2)
    some = windows.tuning_panel(panel, REPORTED).scan(0).collect()
    assert some["unique_id"].n_unique() == 2
    assert some.height <= complete.height // 2 + 1


KILLED = """
import sys, time
from forecasting.services import hyperparameter_search
from forecasting.services.hyperparameter_search import Between, Search
def error(params, part):
    time.sleep(0.02)
    return (params["x"] - 3) ** 2 + part
search = Search("s", {"x": Between(0.0, 10.0)}, {"x": 5.0}, 2, error)
hyperparameter_search.run_search(search, sys.argv[1], 500, time.monotonic() + 100)
"""


def parabola(calls: list[float]) -> Search:
    def error(params: hyperparameter_search.Params, part: int) -> float:
        calls.append(params["x"])
        return (params["x"] - 3) ** 2 + part

    return Search("s", {"x": Between(0.0, 10.0)}, {"x": 5.0}, 2, error)


def test_a_killed_search_is_continued(tmp_path: Path) -> None:
    work = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)])
    file = tmp_path / "s.journal"
    end = time.monotonic() + 60
    while time.monotonic() < end and not (file.exists() and file.read_bytes().count(b"\n") > 40):
        time.sleep(0.05)
    with pytest.raises(UserError, match="another process is tuning"):
        hyperparameter_search.run_search(parabola([]), str(tmp_path), 1, time.monotonic() + 10)
    work.send_signal(signal.SIGKILL)
    work.wait()
    with file.open("ab") as half:  # the system had written no more of the last line
        half.write(b'{"op_code": 6, "wor')
    Path(f"{file}.lock").touch()
    before = hyperparameter_search.run_search(parabola(calls := []), str(tmp_path), 1, time.monotonic() + 10)
    assert calls == []
    assert before.height > 2
    after = hyperparameter_search.run_search(parabola(calls), str(tmp_path), before.height + 3, time.monotonic() + 60)
    assert after.height == before.height + 3
    assert after.head(before.height).equals(before)
    assert before.row(0, named=True)["x"] == 5.0
    assert before["today"].to_list() == [True] + [False] * (before.height - 1)
    assert not set(calls) & set(before["x"]), "with the same seed the first trials would be drawn again"


def test_bad_trials_are_pruned_but_never_the_current_options(tmp_path: Path) -> None:
    def error(params: hyperparameter_search.Params, part: int) -> float:
        return float(params["x"])

    search = Search("s", {"x": Between(0.0, 10.0)}, {"x": 9.99}, 2, error)
    trials = hyperparameter_search.run_search(search, str(tmp_path), 25, time.monotonic() + 60)
    assert trials.height == 25
    assert trials.row(0, named=True)["state"] == "complete"
    assert {"complete", "pruned"} == set(trials["state"])
    pruned, complete = (trials.filter(pl.col("state") == s)["x"] for s in ("pruned", "complete"))
    assert complete.min() < pruned.min()


def test_the_time_limit_holds_except_for_the_first_trial(tmp_path: Path) -> None:
    trials = hyperparameter_search.run_search(parabola(calls := []), str(tmp_path), 50, time.monotonic() - 1)
    assert calls == [5.0, 5.0]
    assert trials["today"].to_list() == [True]
    again = hyperparameter_search.run_search(parabola(calls), str(tmp_path), 50, time.monotonic() - 1)
    assert (again.height, len(calls)) == (1, 2)


def test_a_trial_interrupted_by_the_time_limit_does_not_count(tmp_path: Path) -> None:
    until = time.monotonic() + 1.5

    def error(params: hyperparameter_search.Params, part: int) -> float:
        if params["x"] != 5.0:
            time.sleep(max(0.0, until - time.monotonic()) + 0.01)
        return float(params["x"])

    trials = hyperparameter_search.run_search(
        Search("s", {"x": Between(0.0, 10.0)}, {"x": 5.0}, 2, error), str(tmp_path), 50, until
    )
    assert trials["x"].to_list() == [5.0]


def test_deleted_trials_are_run_again(tmp_path: Path) -> None:
    hyperparameter_search.run_search(parabola(calls := []), str(tmp_path), 2, time.monotonic() + 60)
    hyperparameter_search.delete_trials("s", str(tmp_path))
    assert hyperparameter_search.run_search(parabola(calls), str(tmp_path), 1, time.monotonic() + 60).height == 1
    assert calls[-1] == 5.0


def test_trials_are_kept_in_postgresql(postgres: Postgres) -> None:
    postgres.execute("CREATE DATABASE trials")
    url = postgres.url(database="trials")
    first = hyperparameter_search.run_search(parabola(calls := []), url, 2, time.monotonic() + 60)
    more = hyperparameter_search.run_search(parabola(calls), url, 3, time.monotonic() + 60)
    assert more.height == 3
    assert more["x"].head(2).to_list() == first["x"].to_list()
    with pytest.raises(UserError) as raised:
        hyperparameter_search.run_search(parabola([]), postgres.url(database="nowhere"), 1, time.monotonic() + 10)
    assert "nowhere" in str(raised.value)
    assert postgres.password not in str(raised.value)


def test_the_space_includes_the_current_value() -> None:
    assert hyperparameter_search.include_value(Between(5, 12), 200) == Between(5, 200)
    assert hyperparameter_search.include_value(Between(0.1, 1.0, "log"), 0.01) == Between(0.01, 1.0, "log")
    assert hyperparameter_search.include_value(OneOf((1.0, 2.0)), 1.5) == OneOf((1.0, 2.0, 1.5))


LAYOUTS = (
    "models:\n  - ladder\n  - lightgbm: {trees: 9}  # quick\n  # the sums\n  - ensemble:\n      members: [LightGBM]\n",
    "models:\n  - ladder\n  - lightgbm:\n      trees: 9\n      params:\n        max_bin: 15\n  # sums\nlevel: [80]\n",
    "models:\n  - ladder\n  - lightgbm:\nlevel: [80] # one\n",
    "models: [ladder, {lightgbm: {}}] # both\nlevel: [80]\n",
    "models:\n- ladder\n- family: lightgbm\n  name: Mine\n  options: {trees: 9}\n",
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_only_the_entry_is_changed(layout: str, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("# mine\nname: x\nsource: {path: a.csv}\nfreq: 1d\nh: 3\n" + layout)
    config = configs.load(file)
    text = config_writer.render_config(config, 1, {"trees": 77, "params.learning_rate": 0.123456}, ["why"])
    (tmp_path / "job.tuned.yaml").write_text(text)
    tuned = configs.load(tmp_path / "job.tuned.yaml")
    before, after = config.models[1], tuned.models[1]
    params = {**before.options.get("params", {}), "learning_rate": 0.1235}
    assert after.options == {**before.options, "trees": 77, "params": params}
    assert after.name == before.name
    assert tuned.model_copy(update={"models": config.models}) == config
    assert [m for i, m in enumerate(tuned.models) if i != 1] == [m for i, m in enumerate(config.models) if i != 1]
    assert set(re.findall("# .*", file.read_text())) <= set(re.findall("# .*", text))
    assert text.startswith(config_writer.MARK)


def test_no_file_of_the_user_is_lost(loaded: Callable[[], Job]) -> None:
    job = loaded()
    source, foreign = job.folder / "job.yaml", job.folder / "other.yaml"
    foreign.write_text("name: other\n")
    for out, message in ((source, "the config itself"), (foreign, "not written by tuning")):
        with pytest.raises(UserError, match=message):
            tune(open_session(job.config()), options=TuneOptions(trials=1, out=str(out)))
    assert yaml.safe_load(foreign.read_text()) == {"name": "other"}
    with pytest.raises(UserError, match="not as an override"):
        tune(open_session(job.config(models=["ladder", {"lightgbm": {}}])))
    with pytest.raises(UserError, match="no history for a window before"):
        tune(open_session(job.config()), cutoff=date(2023, 2, 20))


def test_options_without_effect_are_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "SPACE", SMALL | {"params.objective": OneOf(("tweedie", "regression"))})
    config = Config.model_validate(chain.JOB | {"models": ["ladder", {"lightgbm": {"trees": 500}}]})
    (model,) = models.build_entry(config.models[1], config)
    current = space.current_values(model.options, 1000)
    assert current["params.objective"] == "tweedie"
    few = space.current_values(Options({}), 1000)
    assert (few["trees"], few["params.learning_rate"]) == (100, 0.12)
    assert space.space_around(current)["trees"] == Between(5, 500)
    assert set(space.current_values(Options({}, predicts="median"), 1000)) == set(SMALL)
    assert set(space.current_values(Options({}, kind="forest"), 1000)) == {"params.num_leaves", "trees"}
    assert set(space.current_values(Options({}, stop=10), 1000)) == {*current, *SMALL} - {"trees"}


@pytest.mark.parametrize("changed", [{"trees": 130}, {"params.learning_rate": 0.08}, {"params.num_leaves": 31}])
def test_a_tuned_entry_means_the_trees_and_the_rate_that_were_tried(changed: dict[str, Any]) -> None:
    """The default of each depends on the other: left out, they would come to mean something else."""
    config = Config.model_validate(chain.JOB | {"models": ["ladder", {"lightgbm": {}}]})
    spec = config.models[1]
    current = space.current_values(Options({}), 1000)
    best = current | changed
    assert space.find_changes(spec, current, current) == {}
    tuned = space.update_entry(spec, space.find_changes(spec, best, current))
    (model,) = models.build_entry(tuned, config.model_copy(update={"models": (config.models[0], tuned)}))
    assert space.current_values(model.options, 1000) == best
    assert space.current_values(model.options, 10**6) == best
    again = space.find_changes(tuned, best | {"params.num_leaves": 12}, best)
    assert again == {"params.num_leaves": 12}


def test_chosen_models_are_listed_in_the_tuned_config(tmp_path: Path) -> None:
    """Only a list can hold the options that were found; the choice of all else stays as it was made."""
    file, tuned = tmp_path / "job.yaml", tmp_path / "tuned.yaml"
    file.write_text("name: job\nsource: {path: x.csv}\nfreq: 1d # days\nh: 14\nmodels: auto\nbudget: 300\n")
    listed = ["ladder", {"lightgbm": {"years": 5}}, {"stats": {"class": "AutoETS", "transform": "log"}}]
    keys = {"name": "job", "source": {"path": "x.csv"}, "freq": "1d", "h": 14, "models": listed, "blocks": [7, 14]}
    chosen = Config.model_validate(keys)
    asked = configs.load(file)
    resolved = asked.model_copy(update={"models": chosen.models, "blocks": chosen.blocks, "budget": chosen.budget})
    assert config_writer.output_path(asked, None) == tmp_path / "job.tuned.yaml"
    tuned.write_text(config_writer.render_config(resolved, 1, {"trees": 90}, ["found"]))
    assert "freq: 1d # days" in tuned.read_text()
    found = configs.load(tuned).models
    assert found[1].options == {"years": 5, "trees": 90, "params": {}}
    assert (found[0], found[2], configs.load(tuned).blocks) == (chosen.models[0], chosen.models[2], (7, 14))
