"""Who forecasts: the challenger beside the champion unseen, promotion by hand, and the way back."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.errors import UserError
from forecasting.services.store.vintages import published_vintages, scan_published
from forecasting.services.tracking.registry import Registry
from forecasting.steps import queries
from forecasting.steps.data_check.findings import Finding
from forecasting.steps.forecasting import bundles
from forecasting.steps.lifecycle import champions, model_check
from forecasting.steps.lifecycle.listing import list_versions
from forecasting.steps.session import Session, open_session
from tests import chain
from tests.chain import LAST, H, Job

ASLEEP = {"lightgbm": {"trees": 1, "params": {"learning_rate": 1e-6}, "name": "Asleep"}}
WORSE: dict[str, Any] = {"models": ["ladder", ASLEEP]}


def opened(job: Job) -> Session:
    return open_session(job.config(), user="ada")


def seen(job: Job) -> pl.DataFrame:
    """What a reader of forecasts gets."""
    return scan_published(opened(job).store).collect().sort("cutoff", "version", "unique_id", "ds", "model")


@pytest.fixture(scope="module")
def rivals(fast) -> SimpleNamespace:
    """A champion, a challenger that lost against it, and the challenger's forecasts beside the champion's."""
    job = fast()
    nobody = job.run(["shadow"])[0]
    job.run(["backtest", "train"], **WORSE)
    before = seen(job), queries.list_vintages(opened(job))
    return SimpleNamespace(job=job, nobody=nobody, before=before, told=job.run(["shadow"])[0])


def test_without_a_challenger_nothing_is_forecast_twice(rivals):
    assert rivals.nobody.reused
    assert rivals.nobody.facts["version"] is None


def test_the_challenger_forecasts_unseen(rivals):
    job, facts = rivals.job, rivals.told.facts
    assert (facts["version"], facts["cutoff"]) == (2, str(LAST))
    rows = job.table("forecasts").filter(version=2)
    assert rows["model"].unique().to_list() == [facts["champion"]]
    assert rows.height == facts["rows"] == (8 + 2 + 1) * H
    assert_frame_equal(seen(job), rivals.before[0])
    # the windows that the new backtest scored are there for either; no forecast of version 2 is
    assert_frame_equal(queries.list_vintages(opened(job)), rivals.before[1])
    assert job.run(["shadow"])[0].reused


def test_its_forecasts_are_scored_once_their_days_have_come(rivals):
    job = rivals.job.copy()
    days = pl.col("ds").is_between(LAST + timedelta(1), LAST + timedelta(5))
    sold = chain.sample().filter(days).with_columns(y=pl.lit(7.0), stock=pl.lit(9.0), open=pl.lit(1))
    sold.write_parquet(job.folder / "next.parquet")
    facts = job.run(["ingest", "monitor"], **{"source.path": str(job.folder / "next.parquet")})[1].facts
    rows = job.table("forecasts").filter(pl.col("version") == 2, pl.col("grain") == "series", days)
    errors = [abs(7.0 - q50) for q50 in rows["q50"]]
    assert [row["version"] for row in facts["realised"]] == [1]
    (scores,) = facts["shadows"]
    assert (scores["version"], scores["n"]) == (2, len(errors))
    assert scores["wape"] == pytest.approx(sum(errors) / (7.0 * len(errors)))
    live = {row["version"]: row["live_wape"] for row in list_versions(opened(job)).iter_rows(named=True)}
    assert live == {1: pytest.approx(facts["realised"][0]["wape"]), 2: pytest.approx(scores["wape"])}


def test_a_challenger_that_cannot_forecast_disturbs_nobody(rivals, monkeypatch):
    def fail(*_: Any) -> None:
        raise UserError("the data no longer have price")

    monkeypatch.setattr("forecasting.steps.shadow.step._forecast", fail)
    job = rivals.job.copy()
    told = job.run(["shadow"], LAST - timedelta(0), level=[50])[0]
    assert told.facts["problem"] == "the data no longer have price"


def test_promotion_by_hand_and_the_way_back_are_kept_with_their_reasons(rivals):
    job = rivals.job.copy()
    registry = opened(job).registry
    champions.promote(opened(job), 2, "  a trial\nweek ")
    assert (registry.aliased_version("champion"), champions.challenger_of(registry)) == (2, 1)
    assert job.run(["predict"])[0].facts["version"] == 2
    assert published_vintages(opened(job).store)["version"].to_list() == [2, 1]
    assert job.run(["shadow"])[0].reused, "version 1 has published its forecasts of this day"
    champions.rollback(opened(job), "worse on Mondays")
    assert (registry.aliased_version("champion"), champions.challenger_of(registry)) == (1, 2)
    again = job.run(["predict", "predict"])
    assert [o.reused for o in again] == [False, True], "its forecasts are there, but must be the newest again"
    assert published_vintages(opened(job).store)["version"].to_list() == [1, 2]
    history = [(p.version, p.how, p.by, p.before) for p in champions.list_promotions(registry)]
    assert history == [(1, "rollback", "ada", 2), (2, "hand", "ada", 1), (1, "gate", "local", None)]
    why = dict(list_versions(opened(job)).select("version", "why").iter_rows())
    assert why[2].startswith("a trial week (hand, ada, ")
    assert why[1].startswith("worse on Mondays (rollback, ada, ")
    with pytest.raises(UserError, match="version 1 has replaced no other champion"):
        champions.rollback(opened(job), "further")


@pytest.mark.parametrize(
    ("version", "reason", "says"),
    [(2, " ", "reason: must say why"), (1, "x", "is the champion already"), (7, "x", "has no version 7")],
)
def test_a_promotion_that_cannot_be_is_refused(rivals, version, reason, says):
    with pytest.raises(UserError, match=says):
        champions.promote(opened(rivals.job), version, reason)
    assert opened(rivals.job).registry.aliased_version("champion") == 1


def test_versions_are_listed_with_their_roles_and_scores(rivals):
    rows = {row["version"]: row for row in list_versions(opened(rivals.job)).iter_rows(named=True)}
    assert {v: (row["role"], row["cutoff"]) for v, row in rows.items()} == {
        1: ("champion", LAST),
        2: ("challenger", LAST),
    }
    assert rows[1]["model"] == "LightGBM"
    assert rows[1]["wape"] < rows[2]["wape"]
    assert "does not beat the champion" in rows[2]["why"]


@pytest.fixture
def changed(ran, monkeypatch) -> Callable[[Callable[[Path], None]], list[Finding]]:
    """The findings on version 1 after its downloaded files were changed, checksums apart."""
    session = opened(ran[0])

    def check(change: Callable[[Path], None]) -> list[Finding]:
        download = type(session.registry).download_bundle

        def spoilt(registry: Registry, version: int, folder: Path) -> Path:
            change(home := download(registry, version, folder))
            return home

        monkeypatch.setattr(Registry, "download_bundle", spoilt)
        return model_check.check_model(session, 1)

    return check


def test_a_sound_version_passes_and_says_what_was_compared(ran):
    found = model_check.check_model(opened(ran[0]), 1)
    assert [(f.check, f.verdict) for f in found] == [
        ("checksums", "ok"),
        ("formats", "ok"),
        ("loading", "ok"),
        ("predictions", "ok"),
    ]
    models, values = 7, 6  # those of single series; yhat, q50 and four bounds
    assert f"{5 * H * models * values:,} values of golden.parquet come out again" in found[-1].message


def test_golden_predictions_are_the_forecasts_of_that_night(ran):
    """Of few series alone, as of all together."""
    job = ran[0]
    golden = bundles.fetch(opened(job).registry, 1).golden
    rows = job.table("forecasts").filter(pl.col("grain") == "series").select(golden.columns)
    assert golden["unique_id"].n_unique() == 5
    assert_frame_equal(
        golden, rows.join(golden, on=["unique_id", "ds", "model"], how="semi").sort("unique_id", "ds", "model")
    )


def spoil_quantiles(home: Path) -> None:
    table = pl.read_parquet(home / "quantiles.parquet")
    table.with_columns(pl.col("hi-80") * 1.01).write_parquet(home / "quantiles.parquet")


def pickle_in_disguise(home: Path) -> None:
    (home / "model-0" / "state.json").write_bytes(b"\x80\x04\x95\x10\x00cos\nsystem\n")


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        (spoil_quantiles, "predictions", "golden.parquet of the bundle: .* forecasts hi-80"),
        (pickle_in_disguise, "formats", r"model-0/state\.json of the bundle is no \.json file"),
    ],
)
def test_a_version_that_is_not_sound_names_the_file(changed, change, check, says):
    last = changed(change)[-1]
    assert (last.check, last.verdict) == (check, "failed")
    assert re.search(says, last.message)
