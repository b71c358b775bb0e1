"""The feature store: the same rows offline, online and for training; versions that count changes; no leak."""

import subprocess
import sys
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flows import cli
from forecasting.config import Config
from forecasting.data.cut import Cut
from forecasting.errors import UserError
from forecasting.models.lightgbm import text_codes, training_rows
from forecasting.services import engine
from forecasting.services.store import Store
from forecasting.steps import feature_store as features
from forecasting.steps.registry import Outcome
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import LAST, OVER, H, Job

KEY = ["unique_id", "ds"]
FROM = OVER - timedelta(60)
WEEKS = 150
FIRST_WEEK = date(2021, 1, 4)
WEEKLY: dict[str, Any] = {
    "freq": "1w",
    "h": 6,
    "columns": {"known_ahead": ["promo"], "static": ["area"], "promo": "promo"},
    "levels_of_aggregation": [[]],
    "future": {"promo": 0},
    "backtest": {"windows": 1, "step": 6, "calibration": 0, "known_ahead": "recorded"},
}


def made(rows: pl.DataFrame | None = None, overrides: dict[str, Any] | None = None, **keys: Any) -> Job:
    """A job of the chain, ingested."""
    job = chain.make(rows, models=["ladder"], **keys)
    job.run(["ingest"], **(overrides or {}))
    return job


def weekly_rows() -> pl.DataFrame:
    """Six series of weekly sales with promotions; one begins late, one has holes."""
    rng = np.random.default_rng(8)
    ds = [FIRST_WEEK + timedelta(7 * i) for i in range(WEEKS)]
    parts = []
    for i in range(6):
        promo = (rng.random(WEEKS) < 0.2).astype(float)
        y = np.round(rng.gamma(4, 5 + i, WEEKS) * (1 + promo))
        y[rng.random(WEEKS) < 0.1 * (i == 2)] = np.nan
        part = {"store": f"S{i % 2}", "item": f"I{i}", "area": "NS"[i % 2], "ds": ds, "promo": promo, "y": y}
        parts.append(pl.DataFrame(part)[60 * (i == 3) :])
    return pl.concat(parts).with_columns(pl.col("y").fill_nan(None))


def weekly(**overrides: Any) -> Job:
    return made(weekly_rows(), overrides, **WEEKLY)


def newest(config: Config, name: str, registry: str = "features", version: int | None = None) -> pl.DataFrame:
    session = open_session(config)
    return features.scan_version(session, features.find_version(session, registry, name, version)).sort(KEY).collect()


def assert_alike(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """Value for value the same, nulls where there are nulls; rolling sums may differ in the last bit of a Float32."""
    assert one.height > 0
    assert_frame_equal(one.sort(KEY), other.sort(KEY).select(one.columns), rel_tol=1e-5, abs_tol=1e-6)


def matrix(config: Config, cutoff: date, lead: int) -> pl.DataFrame:
    """What the models look at: the matrix of LightGBM with the codes of its text columns."""
    cut = Cut(open_session(config).panel, cutoff, config.h)
    at = training_rows.Matrix(training_rows.features_at(cut), text_codes.category_codes(cut))
    parts = [at.with_features(cut, cut.frame(b), lead) for b in cut.panel.buckets]
    return pl.concat(parts).select(*KEY, "y", "level", *at.inputs)


def coded(rows: pl.DataFrame, like: pl.DataFrame, config: Config) -> pl.DataFrame:
    """Stored rows in the columns of a matrix: their texts as the codes of the models."""
    cut = Cut(open_session(config).panel, LAST, config.h)
    codes = text_codes.category_codes(cut)
    encoded = [pl.col(c).replace_strict(m, default=None, return_dtype=pl.Int32) for c, m in codes.items()]
    return rows.with_columns(encoded).select(like.columns)


@pytest.fixture(scope="module")
def daily() -> tuple[Job, list[Outcome]]:
    """The chain with the tables of all its leads and the online table as they were on OVER. Not to be written into."""
    job = made()
    config = job.config()
    return job, [
        *features.build_feature_tables(open_session(config), config.block_ends),
        features.publish_online_table(open_session(config), OVER),
    ]


# the same rows everywhere


@pytest.mark.parametrize("lead", [1, 7, 14])
def test_offline_rows_are_what_the_models_are_trained_on(daily, lead):
    config = daily[0].config()
    expected = matrix(config, LAST, lead).filter(pl.col("ds") <= LAST)
    stored = newest(config, f"chain-lead-{lead}")
    assert stored.height == expected.height == daily[0].table("panel").filter(pl.col("ds") <= LAST).height
    assert_alike(expected, coded(stored, expected, config))
    assert (stored["event_time"] == stored["ds"] - timedelta(lead)).all()
    assert stored["lead"].unique().to_list() == [lead]


def test_training_rows_are_the_offline_rows_with_a_label(daily):
    """Made from what was available on OVER, and found again in a table that was built two weeks later."""
    job = daily[0].copy()
    outcome = features.build_training_set(open_session(job.config()), FROM, OVER, 7)
    training, offline = (newest(job.config(), "chain-lead-7", r) for r in ("training_sets", "features"))
    expected = offline.filter(pl.col("ds").is_between(FROM, OVER), pl.col("y").is_not_null())
    assert outcome.facts["rows"] == training.height == expected.height
    assert_alike(expected, training)


def test_online_rows_are_the_offline_rows_of_later(daily):
    """What an API reads on a night is what a model is trained on once the days have passed.

    Only plans beyond the horizon are missing on the night, and columns that look at the days after differ by that.
    """
    config = daily[0].config()
    online = newest(config, "chain-online")
    assert online.height == 8 * H
    assert online["y"].null_count() == online.height
    assert online["lead"].to_list() == (online["ds"] - OVER).dt.total_days().to_list()
    online = online.filter(pl.col("lead").is_in(config.block_ends))
    offline = pl.concat([newest(config, f"chain-lead-{lead}") for lead in config.block_ends])
    later = offline.join(online, on=["unique_id", "ds", "lead"], how="semi").drop("y")
    after = [c for c in later.columns if c.endswith("_after") and not c.startswith("cal_")]
    assert len(after) == 5
    assert_alike(later.drop(after), online.drop("y", *after))
    inner = pl.col("ds") <= OVER + timedelta(H - 7)
    assert_alike(later.filter(inner), online.filter(inner).drop("y"))


def test_online_rows_of_another_process_are_what_the_forecasts_look_at(daily):
    """Built by the command line, against the matrix of LightGBM over all history here."""
    job = daily[0].copy()
    words = ["features", "build", str(job.folder / "job.yaml")]
    subprocess.run([sys.executable, "-c", "from flows.cli import main; main()", *words], check=True)
    config = job.config()
    online = newest(config, "chain-online")
    assert online["ds"].min() == LAST + timedelta(1)
    for lead in config.block_ends:
        expected = matrix(config, LAST, lead).join(online.filter(lead=lead), on=KEY, how="semi")
        assert_alike(expected, coded(online.filter(lead=lead), expected, config))


def test_a_reader_gets_the_rows_of_its_series(daily):
    config = daily[0].config()
    rows = features.read_online_rows(open_session(config), ["S2/I03", "S1/I01"])
    expected = newest(config, "chain-online").filter(pl.col("unique_id").is_in(["S1/I01", "S2/I03"]))
    assert_frame_equal(rows, expected)
    assert features.read_online_rows(open_session(config), ["nobody"]).is_empty()


def test_so_it_is_for_weeks_and_for_two_buckets_on_two_processes(monkeypatch):
    one, two = weekly(), weekly(store__buckets=2)
    last, labels = FIRST_WEEK + timedelta(7 * (WEEKS - 1)), FIRST_WEEK + timedelta(7 * (WEEKS - 20))
    stored = []
    for config in (one.config(), two.config(store__buckets=2)):
        monkeypatch.setattr(engine.os, "sched_getaffinity", lambda _: {0, 1})
        features.build_feature_tables(open_session(config), [4])
        monkeypatch.setattr(engine.os, "sched_getaffinity", lambda _: {0})  # one pool of processes is enough
        features.publish_online_table(open_session(config))
        features.build_training_set(open_session(config), labels, last - timedelta(7 * 3), 4)
        stored.append([newest(config, n) for n in ("chain-lead-4", "chain-online")])
        stored[-1].append(newest(config, "chain-lead-4", "training_sets"))
    assert [set(part["bucket"]) for part in stored[1]] == [{0, 1}] * 3
    for mine, other in zip(*stored, strict=True):
        assert_alike(mine.drop("bucket"), other.drop("bucket"))
    offline, online, training = stored[0]
    expected = matrix(one.config(), last, 4)
    assert_alike(expected.filter(pl.col("ds") <= last), coded(offline, expected, one.config()))
    now = online.filter(lead=4)
    assert now["ds"].unique().sort().to_list() == [last + timedelta(7 * i) for i in (4,)]
    assert_alike(expected.join(now, on=KEY, how="semi"), coded(now, expected, one.config()))
    assert_alike(offline.join(training, on=KEY, how="semi"), training)
    assert (offline["event_time"] == offline["ds"] - timedelta(28)).all()


# no leak


def test_nothing_of_later_is_in_the_rows(daily):
    def million(y: pl.Expr) -> pl.Expr:
        return pl.when((pl.col("open") == 1) & y.is_not_null()).then(1e6).otherwise(y)

    job = made(chain.spoilt(chain.sample(), OVER, y=million, stock=lambda s: pl.when(s > 0).then(777.0).otherwise(s)))
    honest = daily[0].copy()
    for config in (honest.config(), job.config()):
        features.build_feature_tables(open_session(config), [7])
        features.publish_online_table(open_session(config), OVER)
        features.build_training_set(open_session(config), FROM, OVER, 7)
    past = pl.col("ds") <= OVER
    names = [("chain-lead-7", "features"), ("chain-online", "features"), ("chain-lead-7", "training_sets")]
    seen, spoilt = ([newest(j.config(), *n) for n in names] for j in (honest, job))
    assert_frame_equal(seen[0].filter(past), spoilt[0].filter(past))
    assert_frame_equal(seen[1], spoilt[1])
    assert_frame_equal(seen[2], spoilt[2])
    late = [rows[0].filter(pl.col("ds") > OVER + timedelta(7))["mean_7"] for rows in (seen, spoilt)]
    assert (late[0] != late[1]).mean() > 0.9, "later sales were there to be seen"


# versions


def test_the_same_data_and_code_are_one_version(daily):
    config = daily[0].config()
    store = open_session(config).store
    before = {name: store.version(name) for name in ("features", "feature_rows", "feature_stats")}
    again = [
        *features.build_feature_tables(open_session(config), config.block_ends),
        features.publish_online_table(open_session(config), OVER),
    ]
    assert [o.reused for o in again] == [True] * 4
    assert [o.facts for o in again] == [o.facts for o in daily[1]]
    assert {name: store.version(name) for name in before} == before


def test_versions_count_changes_and_old_ones_are_kept():
    job = made(chain.sample().with_columns(y=pl.when(pl.col("ds") <= OVER).then("y")))
    config = job.config()
    features.build_feature_tables(open_session(config))
    first = features.build_training_set(open_session(config), FROM, OVER, 1)
    versions = [
        features.build_training_set(open_session(config), FROM, OVER - timedelta(d), 1).facts["version"]
        for d in (9, 0, 9)
    ]
    assert (first.facts["version"], versions) == (1, [2, 1, 2])
    old = newest(config, "chain-lead-1"), newest(config, "chain-lead-1", "training_sets", 1)

    chain.sample().write_parquet(job.folder / "sales.parquet")  # two more weeks have come
    job.run(["ingest"])
    (built,) = features.build_feature_tables(open_session(config))
    assert (built.facts["version"], built.reused) == (2, False)
    assert newest(config, "chain-lead-1").height == old[0].height + 8 * H
    same = features.build_training_set(open_session(config), FROM, OVER, 1)
    assert (same.facts["version"], same.reused) == (1, True)

    chain.spoilt(chain.sample(), OVER - timedelta(5), y=lambda y: y + 1).write_parquet(job.folder / "sales.parquet")
    job.run(["ingest"])  # and some figures were corrected
    assert features.build_training_set(open_session(config), FROM, OVER, 1).facts["version"] == 3
    assert_frame_equal(newest(config, "chain-lead-1", "features", 1), old[0])
    assert_frame_equal(newest(config, "chain-lead-1", "training_sets", 1), old[1])


def test_force_builds_again_and_finds_the_same(daily):
    job = daily[0].copy()
    (again,) = features.build_feature_tables(open_session(job.config()), [7], force=True)
    assert (again.facts["version"], again.reused) == (1, True)
    builds = set(job.table("features")["build"])
    assert set(job.table("feature_rows")["build"]) == builds, "rows of the second build are gone"


def test_new_data_that_change_no_row_make_no_version(daily):
    """The label days lie in the past of both loads, so the training set is the one that is there."""
    job = daily[0].copy()
    features.build_training_set(open_session(job.config()), FROM, FROM + timedelta(20), 7)
    chain.spoilt(chain.sample(), OVER, y=lambda y: y + 1).write_parquet(job.folder / "sales.parquet")
    job.run(["ingest"])
    outcome = features.build_training_set(open_session(job.config()), FROM, FROM + timedelta(20), 7)
    assert (outcome.facts["version"], outcome.reused) == (1, True)


def test_a_build_that_dies_is_not_seen(daily, monkeypatch):
    job = daily[0].copy()
    seen = newest(job.config(), "chain-online")

    def die(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Store, "append_numbered", die)
        with pytest.raises(KeyboardInterrupt):
            features.publish_online_table(open_session(job.config()), LAST)
    assert_frame_equal(newest(job.config(), "chain-online"), seen)
    assert features.publish_online_table(open_session(job.config()), LAST).facts["version"] == 2


def test_old_rows_go_when_their_time_is_over(daily):
    job = daily[0].copy()
    config = job.config(store__retention=0)
    features.publish_online_table(open_session(config), OVER - timedelta(1))
    features.publish_online_table(open_session(config), OVER - timedelta(2))
    features.build_feature_tables(open_session(config), [1], years=0.2)
    features.build_feature_tables(open_session(config), [1], years=0.1)
    again = features.publish_online_table(open_session(config), OVER)
    assert (again.facts["version"], again.reused) == (4, False), (
        "the rows of version 1 are gone, and it is not the newest"
    )
    for name, kept, gone in (("chain-online", 4, 2), ("chain-lead-1", 3, 1)):
        assert newest(config, name, version=kept).height > 0
        with pytest.raises(UserError, match=f"rows of version {gone} are no longer kept"):
            newest(config, name, version=gone)


def test_years_bound_the_rows_and_change_no_value(daily):
    job = daily[0].copy()
    (outcome,) = features.build_feature_tables(open_session(job.config()), [7], years=0.25)
    part, complete = newest(job.config(), "chain-lead-7"), newest(job.config(), "chain-lead-7", version=1)
    assert (outcome.facts["version"], part["ds"].min(), part["ds"].max()) == (2, LAST - timedelta(90), LAST)
    assert_alike(part, complete.join(part, on=KEY, how="semi"))


# statistics and words


def test_statistics_are_those_of_the_rows(daily):
    config = daily[0].config()
    row = features.find_version(open_session(config), "features", "chain-lead-7")
    rows, stats = newest(config, "chain-lead-7"), features.describe_features(open_session(config), row)
    assert stats["feature"].to_list()[2:] == [
        c for c in rows.columns if c not in daily[0].table("feature_rows").columns
    ]
    assert not stats["description"].str.contains("see forecasting").any()
    for name, n, nulls, mean, low in stats.select("feature", "n", "nulls", "mean", "min").rows()[2:-3]:
        values = rows[name].drop_nulls().cast(pl.Float64).to_numpy()
        assert (n, nulls) == (len(values), rows.height - len(values))
        assert (mean, low) == (pytest.approx(values.mean(), rel=1e-9), values.min())
    pair = rows.select("mean_7", x=pl.col("y") / pl.col("level")).drop_nulls().cast(pl.Float64)
    expected = np.corrcoef(pair["mean_7"], pair["x"])[0, 1]
    assert stats.filter(feature="mean_7")["to y/level"].item() == pytest.approx(expected, abs=1e-5)
    assert stats.filter(feature="y")["to y"].item() == pytest.approx(1)


def test_the_list_holds_every_version(daily):
    versions = features.list_versions(open_session(daily[0].config()))
    assert versions["name"].to_list() == ["chain-lead-1", "chain-lead-14", "chain-lead-7", "chain-online"]
    assert versions["rows"].to_list() == [4000, 4000, 4000, 112]
    assert set(versions["version"]) == {1}


def run_command(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    cli.main(["features", *words])
    return capsys.readouterr().out


def test_the_command_line_shows_and_writes(daily, capsys, tmp_path):
    job = daily[0].copy()
    file, config = str(job.folder / "job.yaml"), job.config()
    assert "chain-lead-14" in run_command(capsys, "list", file)
    shown = run_command(capsys, "preview", file, "--lead", "7", "--series", "S1/I02", "--rows", "2")
    assert "season_mean_8" in shown
    assert "S1/I02" in shown
    assert str(LAST - timedelta(1)) in shown
    output = run_command(capsys, "describe", file, "--online")
    assert "the next 14 days" in output
    assert "day of the week, 1 is Monday" in output
    out = str(tmp_path / "rows.parquet")
    command = ["training-set", file, "--from", str(FROM), "--to", str(OVER), "--lead", "7", "--out", out]
    assert "version 1 built" in run_command(capsys, *command)
    assert_frame_equal(pl.read_parquet(out), newest(config, "chain-lead-7", "training_sets"))
    assert "already there" in run_command(capsys, *command)
    run_command(capsys, "training-set", file, "--version", "1", "--lead", "7", "--out", str(tmp_path / "again.parquet"))
    assert_frame_equal(pl.read_parquet(tmp_path / "again.parquet"), pl.read_parquet(out))
    run_command(capsys, "describe", file, "--out", str(tmp_path / "stats.csv"))
    assert pl.read_csv(tmp_path / "stats.csv").height == len(
        features.describe_features(open_session(config), described(config))
    )


def described(config: Config) -> dict[str, Any]:
    return features.find_version(open_session(config), "features", "chain-lead-1")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["preview", "--lead", "3"], "there is no feature table chain-lead-3 yet"),
        (["preview", "--version", "9"], "has the versions 1 to 1"),
        (["preview", "--series", "nobody"], "has no such series"),
        (["build", "--lead", "15"], "a lead is from 1 to h = 14"),
        (["training-set"], "give --from and --to"),
        (["training-set", "--from", "2024-02-01", "--to", "2024-01-01"], "lies after"),
        (["training-set", "--from", "2029-02-01", "--to", "2029-03-01"], "nothing was observed"),
        (["training-set", "--from", "1999-02-01", "--to", "1999-03-01"], "nothing was observed"),
        (["training-set", "--version", "3"], "there is no training set chain-lead-1 yet"),
    ],
)
def test_a_mistake_is_one_line_on_stderr(daily, words, expected, capsys):
    with pytest.raises(SystemExit):
        cli.main(["features", words[0], str(daily[0].folder / "job.yaml"), *words[1:]])
    message = capsys.readouterr().err.splitlines()[-1]
    assert message.startswith("demandcast: ")
    assert expected in message


def test_a_driver_may_bear_a_name_of_the_store():
    job = made(chain.sample().rename({"promo": "lead"}), columns={"known_ahead": ["lead"]}, future={})
    features.build_feature_tables(open_session(job.config()))
    assert {"lead", "user::lead"} <= set(job.table("feature_rows").columns) | set(job.table("feature_stats")["feature"])
