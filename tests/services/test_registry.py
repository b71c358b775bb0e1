"""Runs, bundle versions and aliases against a real SQLite MLflow (one for all tests here: its tables take seconds)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.services.tracking.registry import Registry
from forecasting.services.tracking.signature import Signature
from forecasting.services.tracking.tracked_run import Dataset, TrackedRun, mlflow_name

SIGNATURE = Signature(
    inputs=pl.Schema({"unique_id": pl.String, "ds": pl.Date, "promo": pl.Int8, "y": pl.Float64}),
    outputs=pl.Schema({"unique_id": pl.String, "ds": pl.Date, "yhat": pl.Float64}),
)


FIRST_USE = """
import polars as pl
from forecasting.services.tracking.registry import Registry
from forecasting.services.tracking.tracked_run import Dataset, TrackedRun
registry = Registry("sqlite:///data/mlflow.db", "data/artifacts", "demo")
registry.log_backtest(TrackedRun({"h": 1}, {"d": "1"}, {"m.wape": 1.0}, Dataset(pl.DataFrame({"y": [1.0]}), "lake", 1)))
"""


@pytest.fixture(scope="session")
def first_use(tmp_path_factory):
    """A process that uses relative places on an empty machine; the other tests go on with the database it makes."""
    home = tmp_path_factory.mktemp("tracking")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", FIRST_USE], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    return home, done


@pytest.fixture(scope="session")
def home(first_use):
    return first_use[0]


@pytest.fixture
def registry(home, request):
    """A registry of its own for each test, all in one database."""
    return Registry(f"sqlite:///{home}/data/mlflow.db", f"{home}/data/artifacts", request.node.name)


def a_batch(tmp_path: Path, **tags: str) -> TrackedRun:
    scores, config = tmp_path / "series.parquet", tmp_path / "config.yaml"
    pl.DataFrame({"unique_id": ["a"], "wape": [0.1]}).write_parquet(scores)
    config.write_text("name: demo\n")
    head = pl.DataFrame({"unique_id": ["a"], "y": [1.0]})
    return TrackedRun(
        params={"h": 14, "models": "ladder"} | {f"option.{i}": i for i in range(150)},
        tags={"data_version": "3", "recipe": "abc", **tags},
        metrics={"LightGBM.wape": 0.125, "ARIMA(1,1,1)(1,1,1)[12].wape": 0.25, "Naive.mase": None},
        dataset=Dataset(head, f"{tmp_path}/lake/panel", 3),
        timings={"fit": 1.5},
        artifacts={"scores": scores, "config": config},
    )


def a_bundle(folder: Path) -> Path:
    (folder / "lightgbm").mkdir(parents=True)
    (folder / "routing.json").write_text('{"all": "LightGBM"}')
    (folder / "lightgbm" / "block_7.txt").write_text("tree\n")
    pl.DataFrame({"q": [0.8], "width": [1.5]}).write_parquet(folder / "quantiles.parquet")
    return folder


def registered(registry: Registry, tmp_path: Path, identity: str = "id1") -> int:
    run = registry.log_backtest(a_batch(tmp_path))
    bundle = tmp_path / identity
    return registry.register_bundle(
        bundle if bundle.exists() else a_bundle(bundle), run, identity, SIGNATURE, {"recipe": "r"}
    )


def test_a_registry_that_was_never_written_is_empty_and_stays_unmade(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    registry = Registry("sqlite:///data/mlflow.db", "data/artifacts", "demo")
    assert registry.versions().schema.names() == ["version", "aliases", "tags", "created", "run_id"]
    assert registry.versions().is_empty()
    assert (registry.aliased_version("champion"), registry.find_version("x"), registry.find_run({"a": "b"})) == (
        None,
        None,
        None,
    )
    with pytest.raises(UserError, match=r"demandcast-demo has no version 1; the registered ones are: none"):
        registry.download_bundle(1, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_relative_database_is_made_in_the_working_directory_without_a_word(first_use):
    home, done = first_use
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in home.iterdir()] == ["data"]
    assert (home / "data" / "mlflow.db").is_file()
    assert Registry(f"sqlite:///{home}/data/mlflow.db", "anywhere", "demo").find_run({"d": "1"}) is not None


def test_a_batch_is_one_finished_run_that_holds_everything(registry, tmp_path):
    run = registry._client().get_run(registry.log_backtest(a_batch(tmp_path)))
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"LightGBM.wape": 0.125, "ARIMA_1_1_1_1_1_1_12.wape": 0.25, "seconds.fit": 1.5}
    assert run.data.params["h"] == "14"
    assert run.data.params["option.149"] == "149"
    assert run.data.tags["data_version"] == "3"
    dataset = run.inputs.dataset_inputs[0].dataset
    assert dataset.name == "panel"
    assert json.loads(dataset.source) == {"path": f"{tmp_path}/lake/panel", "delta_table_version": 3}
    kept = Path(run.info.artifact_uri)
    assert kept.is_relative_to(Path(registry.artifacts) / registry.name)
    assert pl.read_parquet(kept / "scores" / "series.parquet").rows() == [("a", 0.1)]
    assert (kept / "config" / "config.yaml").read_text() == "name: demo\n"


def test_the_same_tags_reuse_the_run_and_other_tags_do_not(registry, tmp_path):
    first = registry.log_backtest(a_batch(tmp_path))
    assert registry.log_backtest(a_batch(tmp_path)) == first == registry.find_run(a_batch(tmp_path).tags)
    assert registry.find_run({"data_version": "4", "recipe": "abc"}) is None
    odd = a_batch(tmp_path, code='it\'s "odd"')
    assert registry.log_backtest(odd) == registry.find_run(odd.tags) != first


def test_a_run_that_broke_off_is_not_found(registry, tmp_path):
    broken = a_batch(tmp_path)
    broken.artifacts["scores"].unlink()
    with pytest.raises(OSError, match="series"):
        registry.log_backtest(broken)
    assert registry.find_run(broken.tags) is None


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("LightGBM.wape", "LightGBM.wape"),
        ("ARIMA(1,1,1)(1,1,1)[12].wape", "ARIMA_1_1_1_1_1_1_12.wape"),
        ("AutoETS[7]", "AutoETS_7"),
    ],
)
def test_names_that_mlflow_refuses_are_rewritten(name, written):
    assert mlflow_name(name) == written


def test_a_bundle_comes_back_byte_for_byte_with_its_signature(registry, tmp_path):
    version = registered(registry, tmp_path)
    back = registry.download_bundle(version, tmp_path / "back")
    sent = {p.relative_to(tmp_path / "id1"): p.read_bytes() for p in (tmp_path / "id1").rglob("*") if p.is_file()}
    came = {p.relative_to(back): p.read_bytes() for p in back.rglob("*") if p.is_file()}
    assert {name: content for name, content in came.items() if name in sent} == sent
    assert {str(name) for name in came.keys() - sent.keys()} == {"MLmodel", "checksums.json"}
    from mlflow.models import Model

    signature = Model.load(str(back)).signature
    assert signature.inputs.input_names() == ["unique_id", "ds", "promo", "y"]
    assert [str(kind) for kind in signature.inputs.input_types()] == [
        "DataType.string",
        "DataType.datetime",
        "DataType.integer",
        "DataType.double",
    ]
    assert signature.outputs.input_names() == ["unique_id", "ds", "yhat"]
    assert registry.download_bundle(version, tmp_path / "back") == back


def test_an_identity_is_registered_once(registry, tmp_path):
    first = registered(registry, tmp_path, "id1")
    assert registered(registry, tmp_path, "id1") == first == registry.find_version("id1")
    assert registered(registry, tmp_path, "id2") == first + 1
    assert registry.find_version("id3") is None


def test_versions_aliases_notes_and_rollback(registry, tmp_path):
    one, two = registered(registry, tmp_path, "id1"), registered(registry, tmp_path, "id2")
    registry.set_alias("champion", one)
    registry.set_alias("challenger", two)
    registry.set_alias("champion", two)
    registry.tag_version(two, "gate", "beats SeasonalNaive by 12 %: it's promoted")
    assert registry.aliased_version("champion") == two
    versions = registry.versions()
    assert versions["version"].to_list() == [two, one]
    assert versions["aliases"].to_list() == [["challenger", "champion"], []]
    tags = json.loads(versions["tags"][0])
    assert (tags["gate"], tags["identity"], tags["recipe"]) == (
        "beats SeasonalNaive by 12 %: it's promoted",
        "id2",
        "r",
    )
    registry.set_alias("champion", one)
    assert registry.aliased_version("champion") == one
    with pytest.raises(UserError, match="has no version 9; the registered ones are: 2, 1"):
        registry.set_alias("champion", 9)


def test_configs_do_not_see_each_other(registry, tmp_path):
    registered(registry, tmp_path)
    other = Registry(registry.uri, registry.artifacts, "another")
    assert other.versions().is_empty()
    assert other.find_run(a_batch(tmp_path).tags) is None


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "code.py", "deep/weights.pt", "noending"])
def test_files_that_may_hold_code_are_refused(registry, tmp_path, name):
    bundle = a_bundle(tmp_path / "bundle")
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_bytes(b"\x80\x04.")
    run = registry.log_backtest(a_batch(tmp_path))
    with pytest.raises(UserError, match=name):
        registry.register_bundle(bundle, run, "id", SIGNATURE, {})
    assert registry.versions().is_empty()


def test_an_empty_bundle_and_a_run_without_scores_are_refused(registry, tmp_path):
    run = registry.log_backtest(a_batch(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty is empty"):
        registry.register_bundle(tmp_path / "empty", run, "id", SIGNATURE, {})
    unscored = registry._client().create_run(registry._experiment()).info.run_id
    with pytest.raises(UserError, match="no backtest scores"):
        registry.register_bundle(a_bundle(tmp_path / "bundle"), unscored, "id", SIGNATURE, {})


def kept_files(registry: Registry, version: int) -> Path:
    found = registry._version(version)
    run = registry._client().get_run(found.run_id)
    return Path(run.info.artifact_uri) / found.source.removeprefix(f"runs:/{found.run_id}/")


def change(folder):
    (folder / "lightgbm" / "block_7.txt").write_text("another tree\n")
    return "block_7.txt"


def lose(folder):
    (folder / "quantiles.parquet").unlink()
    return "quantiles.parquet"


def add(folder):
    (folder / "more.json").write_text("{}")
    return "more.json"


def add_pickle(folder):
    (folder / "more.pkl").write_bytes(b"")
    return "more.pkl"


def change_and_cover_up(folder):
    listing = json.loads((folder / "checksums.json").read_text())
    (folder / "checksums.json").write_text(json.dumps(listing | {"routing.json": "0" * 64}))
    return "checksums.json"


def lose_the_list(folder):
    (folder / "checksums.json").unlink()
    return "checksums.json"


def change_the_description(folder):
    (folder / "MLmodel").write_text("flavors: {}\n")
    return "MLmodel"


@pytest.mark.parametrize(
    "spoil", [change, lose, add, add_pickle, change_and_cover_up, lose_the_list, change_the_description]
)
def test_a_bundle_that_was_tampered_with_is_refused_by_name(registry, tmp_path, spoil):
    version = registered(registry, tmp_path)
    name = spoil(kept_files(registry, version))
    with pytest.raises(UserError, match=name):
        registry.download_bundle(version, tmp_path / "back")


def test_a_version_that_is_not_whole_is_not_reused(registry, tmp_path):
    """So training again mends it; a version that is whole stays the one of its identity."""
    first = registered(registry, tmp_path)
    lose(kept_files(registry, first))
    second = registered(registry, tmp_path)
    assert second == first + 1
    assert registry.download_bundle(second, tmp_path / "back")
    assert registered(registry, tmp_path) == second


def test_a_bundle_whose_files_are_gone_says_where_they_were(registry, tmp_path):
    import shutil

    version = registered(registry, tmp_path)
    shutil.rmtree(kept_files(registry, version))
    with pytest.raises(UserError, match=r"version 1 are not at runs:/"):
        registry.download_bundle(version, tmp_path / "back")
