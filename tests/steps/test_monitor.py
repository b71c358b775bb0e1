"""The step monitor: drift that was planted is found, and no other; scores of past forecasts by hand."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from statistics import fmean

import polars as pl
import pytest

from forecasting.errors import UserError
from forecasting.services.store.report_files import list_report_files, read_report_file
from forecasting.steps import run_step, session
from forecasting.steps.monitoring import reports
from forecasting.steps.monitoring.new_data import read_new_rows
from forecasting.steps.monitoring.summary import summarize
from forecasting.steps.registry import Outcome
from tests import chain
from tests.chain import LAST, OVER, H, Job, versions

pytestmark = pytest.mark.slow

NEWEST = 56
QUICK = {"backtest": {"windows": 1, "step": H, "calibration": 1}}


@pytest.fixture(scope="module")
def shifted() -> tuple[Job, dict]:
    """Prices of the newest eight weeks are as a year before and 60 % higher; promotions exactly as a year before."""
    rows = chain.sample()
    since = LAST - timedelta(NEWEST - 1)
    ago = rows.select("store", "item", ds=pl.col("ds") + timedelta(364), old="price", old_promo="promo")
    both = rows.join(ago, on=["store", "item", "ds"], how="left", maintain_order="left")
    late = pl.col("ds") >= since
    changed = both.with_columns(
        price=pl.when(late).then(pl.col("old") * 1.6).otherwise("price"),
        promo=pl.when(late).then("old_promo").otherwise("promo"),
    ).drop("old", "old_promo")
    job = chain.make(changed, models=["ladder"], **QUICK)
    job.run()
    return job, job.run(["monitor"])[0].facts


def test_it_compares_the_newest_weeks_with_the_same_weeks_a_year_before(shifted):
    _, facts = shifted
    first = LAST - timedelta(NEWEST - 1)
    assert facts["current"] == [str(first), str(LAST)]
    assert facts["reference"] == [str(first - timedelta(364)), str(LAST - timedelta(364))]


def test_a_planted_shift_is_found_and_an_unchanged_column_is_not(shifted):
    job, facts = shifted
    table = {row["column"]: row for row in job.table("drift").iter_rows(named=True)}
    assert set(table) == {"price", "promo", "open", "stock", "y", "yhat"}
    assert table["price"]["drifted"]
    assert not table["promo"]["drifted"], table["promo"]
    assert {c: row["kind"] for c, row in table.items()} == {
        **dict.fromkeys(("price", "promo", "open", "stock"), "data"),
        "y": "target",
        "yhat": "prediction",
    }
    assert set(facts["drifted"]) == {c for c, row in table.items() if row["drifted"]}
    assert facts["share"] == pytest.approx(len(facts["drifted"]) / 6)


def test_the_report_is_kept_beside_the_tables(shifted):
    job, facts = shifted
    html = read_report_file(session.open_session(job.config()).store, f"reports/drift-{LAST}.html").decode()
    assert facts["report"].endswith(f"reports/drift-{LAST}.html")
    assert "price" in html
    assert 'src="http' not in html


def test_without_a_year_the_weeks_just_before_are_the_reference():
    rows = chain.sample().filter(pl.col("ds") > LAST - timedelta(200))
    job = chain.make(rows, models=["ladder"], **QUICK)
    facts = job.run(["ingest", "monitor"])[1].facts
    first = LAST - timedelta(NEWEST - 1)
    assert facts["reference"] == [str(first - timedelta(NEWEST)), str(first - timedelta(1))]
    assert facts["realised"] == []


@pytest.fixture(scope="module")
def forecast() -> Job:
    """Forecast on OVER from a file that ends there. Copied by those who go on with it."""
    sales, later = chain.sample(), pl.col("ds") > OVER
    hidden = [pl.when(later).then(None).otherwise(c).alias(c) for c in ("y", "stock")]
    job = chain.make(sales.with_columns(hidden), models=["ladder"], **QUICK)
    job.run()
    return job


def ten_days() -> pl.DataFrame:
    """What was sold on the ten days after OVER."""
    return chain.sample().filter(pl.col("ds").is_between(OVER + timedelta(1), OVER + timedelta(10)))


@pytest.fixture(scope="module")
def landed(forecast) -> tuple[Job, list[dict]]:
    """Then sales of ten of the fourteen days arrive."""
    job = forecast.copy()
    ten_days().write_parquet(job.folder / "next.parquet")
    assert job.run(["monitor"])[0].facts["realised"] == []
    following = {"source.path": str(job.folder / "next.parquet")}
    return job, job.run(["ingest", "monitor"], **following)[-1].facts["realised"]


def test_scores_of_a_vintage_whose_days_have_come_are_those_of_a_loop(landed):
    job, realised = landed
    assert len(realised) == 1
    scores = realised[0]
    vintage = job.table("vintages").row(0, named=True)
    assert (scores["cutoff"], scores["version"], scores["model"]) == (str(OVER), 1, vintage["champion"])
    sold = {(u, d): y for u, d, y in job.table("panel").drop_nulls("y").select("unique_id", "ds", "y").iter_rows()}
    rows = job.table("forecasts").filter(pl.col("grain") == "series", pl.col("model") == vintage["champion"])
    pairs = [
        (sold[u, d], yhat, q50, lo <= sold[u, d] <= hi)
        for u, d, yhat, q50, lo, hi in rows.select("unique_id", "ds", "yhat", "q50", "lo-80", "hi-80").iter_rows()
        if (u, d) in sold
    ]
    assert scores["n"] == len(pairs) > 50
    volume = sum(y for y, *_ in pairs)
    assert scores["wape"] == pytest.approx(sum(abs(y - q50) for y, _, q50, _ in pairs) / volume)
    assert scores["bias"] == pytest.approx(sum(yhat - y for y, yhat, *_ in pairs) / volume)
    assert scores["rmse"] == pytest.approx(fmean((y - yhat) ** 2 for y, yhat, *_ in pairs) ** 0.5)
    assert scores["coverage-80"] == pytest.approx(fmean(inside for *_, inside in pairs))


def test_only_days_that_have_come_are_scored(landed):
    job, _ = landed
    last = job.table("panel").drop_nulls("y")["ds"].max()
    assert last == OVER + timedelta(10) < job.table("forecasts")["ds"].max()


def test_the_same_again_is_not_compared_again(shifted):
    job = shifted[0].copy()
    before = versions(job)
    again = job.run(["monitor"])[0]
    assert again.reused
    assert versions(job) == before


def test_a_look_back_sees_no_later_day(shifted):
    job = shifted[0].copy()
    facts = job.run(["monitor"], date(2024, 4, 1))[0].facts
    assert facts["current"][1] == "2024-04-01"
    assert "yhat" not in {row["column"] for row in job.table("drift", cutoff=date(2024, 4, 1)).iter_rows(named=True)}


@pytest.fixture(scope="module")
def damaged(forecast) -> tuple[Job, list[Outcome]]:
    """Ten days arrive on which four times as much is sold at a price that has doubled: looked at twice, then corrected
    to what was forecast.
    """
    job, new = forecast.copy(), ten_days()
    new.with_columns(pl.col("y") * 4, pl.col("price") * 2).write_parquet(job.folder / "bad.parquet")
    job.run(["monitor"])
    champion = job.table("vintages")["champion"].item()
    said = job.table("forecasts").filter(pl.col("model") == champion, pl.col("grain") == "series")
    said = said.select("ds", store=pl.col("unique_id").str.head(2), item=pl.col("unique_id").str.tail(3), said="q50")
    good = new.join(said, on=["store", "item", "ds"], how="left").with_columns(y=pl.col("said")).drop("said")
    good.write_parquet(job.folder / "good.parquet")
    bad = {"source.path": str(job.folder / "bad.parquet"), "alerts.receivers": ["mail/planning"]}
    found = job.run(["ingest", "monitor", "monitor"], **bad)[1:]
    job.table("panel").write_parquet(job.folder / "panel.parquet")
    return job, [
        *found,
        *job.run(["ingest", "monitor"], **(bad | {"source.path": str(job.folder / "good.parquet")}))[1:],
    ]


def test_planted_drift_with_damage_opens_one_alert(damaged):
    job, (first, again, _) = damaged
    (opened,) = first.facts["alerts"]["open"]
    assert (opened["kind"], opened["subject"], opened["severity"]) == ("damage", "all", "critical")
    assert "price" in first.facts["drifted"]
    assert "drifted against the same season of last year: " in opened["message"]
    assert again.reused
    assert again.facts["alerts"]["opened"] == []
    assert job.table("alerts").height == 1


def test_the_verdict_is_that_of_a_loop(damaged):
    job, (first, *_) = damaged
    verdict = first.facts["verdicts"][0]
    rows = job.table("forecasts").filter(pl.col("grain") == "series", pl.col("model") == verdict["model"])
    tested = job.table("backtests").filter(pl.col("grain") == "series", pl.col("model") == verdict["model"])
    tested = tested.drop_nulls("y")
    shares = {}
    for block in tested["block"].unique():
        of_block = tested.filter(pl.col("block") == block)
        errors = [abs(q - y) for q, y in of_block.select("q50", "y").iter_rows()]
        shares[block] = sum(errors) / sum(of_block["y"])
    panel = pl.read_parquet(job.folder / "panel.parquet").filter(pl.col("ds") > OVER).drop_nulls("y")
    sold = {(u, d): y for u, d, y in panel.select("unique_id", "ds", "y").iter_rows()}
    days = sorted({d for _, d in sold})[-7:]
    kept = [r for r in rows.iter_rows(named=True) if (r["unique_id"], r["ds"]) in sold and r["ds"] in days]
    missed = sum(abs(sold[r["unique_id"], r["ds"]] - r["q50"]) for r in kept)
    expected = sum(shares[r["block"]] * sold[r["unique_id"], r["ds"]] for r in kept)
    assert verdict["n"] == len(kept)
    assert verdict["excess"] == pytest.approx(missed / expected)


def test_a_training_keeps_what_it_was_for_and_the_alert_lasts_while_the_damage_does(damaged):
    """The days with the damage are in the windows of the new backtest, and still no excuse."""
    job = damaged[0].copy()
    steps = ["ingest", "monitor", "backtest", "train", "monitor"]
    _, found, _, trained, after = job.run(steps, source__path=str(job.folder / "bad.parquet"))
    assert trained.facts["retrained_for"] == found.facts["retrain"]["reason"]
    versions_of = session.open_session(job.config()).registry.versions()
    tags = {number: json.loads(text) for number, text in versions_of.select("version", "tags").iter_rows()}
    assert tags[2]["retrained_for"].startswith("damage: ")
    assert "retrained_for" not in tags[1]
    assert after.facts["retrain"] is None
    assert after.facts["alerts"]["open"] == found.facts["alerts"]["open"]


def test_a_training_is_due_and_says_why(damaged):
    _, (first, again, _) = damaged
    assert first.facts["retrain"]["event"] == "damage"
    assert "WAPE is" in first.facts["retrain"]["reason"]
    assert again.facts["retrain"] == first.facts["retrain"]


def test_when_the_cause_is_gone_the_alert_is_closed(damaged):
    job, (*_, last) = damaged
    assert last.facts["alerts"]["open"] == []
    assert len(last.facts["alerts"]["closed"]) == 1
    assert job.table("alerts")["closed_at"].null_count() == 0


def test_scores_of_past_forecasts_are_kept_by_segment_and_lag(landed):
    job, realised = landed
    kept = job.table("realised")
    assert set(kept["origin"]) == {"published"}
    whole = kept.filter(pl.col("segment") == "all", pl.col("horizon") == "all")
    assert dict(whole.select("metric", "value").iter_rows())["wape"] == pytest.approx(realised[0]["wape"])
    assert {"1", "2-7", "8-14"} <= set(kept["horizon"])
    assert {"wape", "bias", "coverage-80", "tracking_signal"} <= set(kept["metric"])
    n = kept.filter(pl.col("metric") == "n", pl.col("segment") == "all")
    by_lag = n.filter(pl.col("horizon") != "all")["value"].sum()
    assert by_lag == n.filter(pl.col("horizon") == "all")["value"].item()


@pytest.fixture(scope="module")
def offline(forecast) -> Job:
    """Sales of the ten days are in a file that is not loaded."""
    job = forecast.copy()
    ten_days().write_parquet(job.folder / "new.parquet")
    ten_days().with_columns(pl.col("y") * 6).write_parquet(job.folder / "worse.parquet")
    return job


def look_at(job: Job, name: str, **options: str) -> dict:
    given = {"new_data": str(job.folder / f"{name}.parquet"), "report_dir": str(job.folder / f"of-{name}")}
    given["alert_log"] = str(job.folder / f"{name}.jsonl")
    return run_step("monitor", job.config(), options=given | options).facts


def test_a_file_is_judged_and_nothing_is_stored(offline):
    before = versions(offline)
    facts = look_at(offline, "new")
    assert versions(offline) == before
    assert offline.table("runs").filter(pl.col("step") == "monitor").is_empty()
    assert facts["cutoff"] == str(OVER + timedelta(10))
    panel = read_new_rows(session.open_session(offline.config()), str(offline.folder / "new.parquet"))[0]
    sold = {(u, d): y for u, d, y in panel.drop_nulls("y").select("unique_id", "ds", "y").iter_rows()}
    rows = offline.table("forecasts").filter(
        pl.col("grain") == "series", pl.col("model") == facts["realised"][0]["model"]
    )
    pairs = [(sold[u, d], q) for u, d, q in rows.select("unique_id", "ds", "q50").iter_rows() if (u, d) in sold]
    assert facts["realised"][0]["n"] == len(pairs) > 30
    assert facts["realised"][0]["wape"] == pytest.approx(sum(abs(y - q) for y, q in pairs) / sum(y for y, _ in pairs))
    kept = {path.name for path in (offline.folder / "of-new").iterdir()}
    assert kept == {"report.html", "report.json", "scores.json"}


def test_a_file_is_compared_with_a_baseline(offline):
    look_at(offline, "new")
    baseline = str(offline.folder / "of-new" / "scores.json")
    assert look_at(offline, "new", baseline=baseline)["worse"] == []
    (*_, found) = look_at(offline, "worse", baseline=baseline)["worse"]
    then = json.loads((offline.folder / "of-new" / "scores.json").read_text())
    assert re.search(rf"{then['wape']:.1%} in the baseline|lie within", found)
    lines = [json.loads(line) for line in (offline.folder / "worse.jsonl").read_text().splitlines()]
    assert [(line["kind"], line["status"]) for line in lines] == [("damage", "found")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "there is no such file; an earlier check with a report folder"),
        ("{", "cannot be read as JSON"),
        ('{"mae": 3}', 'holds no "wape" of all series'),
    ],
)
def test_a_baseline_that_cannot_be_read_is_named(offline, content, says):
    file = offline.folder / "baseline.json"
    file.unlink(missing_ok=True)
    if content:
        file.write_text(content)
    with pytest.raises(UserError, match=f"baseline {file}: {says}"):
        look_at(offline, "new", baseline=str(file))


def test_a_file_that_is_not_there_is_named(offline):
    with pytest.raises(UserError, match=r"new_data .*gone\.parquet: there is no such file"):
        look_at(offline, "gone")


def test_reports_are_kept_for_some_days(tmp_path):
    store = session.open_session(chain.make().config()).store
    for day, keep in ((date(2024, 1, 1), 30), (date(2024, 1, 31), 30), (date(2024, 2, 1), 30)):
        reports.keep_reports(store, day, None, {"cutoff": str(day)}, keep)
    assert list_report_files(store, "reports") == ["monitor-2024-01-31.json", "monitor-2024-02-01.json"]


def test_forecasts_that_were_served_are_scored_once_and_without_changed_plans(damaged):
    job = damaged[0].copy()
    opened = session.open_session(job.config())
    said = job.table("forecasts").filter(pl.col("grain") == "series").unique(["unique_id", "ds"], maintain_order=True)
    schema = opened.store.tables["predictions"].schema
    at = datetime(2024, 5, 1, 12, tzinfo=UTC)
    blank = {name: pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in said.columns}
    rows = said.with_columns(blank.values()).with_columns(served_at=pl.lit(at), day=pl.lit(at.date()), hour=pl.lit(12))
    twice = pl.concat(
        [
            rows.with_columns(changes=changes, id=pl.format("{}-{}", pl.lit(name), pl.int_range(pl.len())))
            for name, changes in (("a", pl.lit(None, pl.String)), ("b", pl.lit(None, pl.String)), ("c", pl.lit("{}")))
        ]
    ).with_columns(yhat=pl.when(pl.col("changes").is_null()).then("yhat").otherwise(999.0))
    opened.store.append("predictions", twice.select(pl.col(n).cast(k) for n, k in schema.items()))
    (served,) = job.run(["monitor"], source__path=str(job.folder / "good.parquet"))[0].facts["served"]
    sold = job.table("panel").filter(pl.col("ds") > OVER).drop_nulls("y").select("unique_id", "ds", "y")
    pairs = said.join(sold, on=["unique_id", "ds"])
    assert served["n"] == pairs.height
    assert served["bias"] == pytest.approx((pairs["yhat"] - pairs["y"]).sum() / pairs["y"].sum())


def test_champion_and_challenger_are_compared_on_what_each_has_answered(damaged):
    """Rows of S1 were answered by the champion, those of S2 by a challenger that foretold nothing."""
    job = damaged[0].copy()
    opened = session.open_session(job.config())
    said = job.table("forecasts").filter(pl.col("grain") == "series").unique(["unique_id", "ds"], maintain_order=True)
    schema, other = opened.store.tables["predictions"].schema, pl.col("unique_id").str.starts_with("S2/")
    blank = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in said.columns]
    at = datetime(2024, 5, 1, 12, tzinfo=UTC)
    rows = said.with_columns(blank).with_columns(
        id=pl.format("a-{}", pl.int_range(pl.len())), served_at=pl.lit(at), day=pl.lit(at.date()), hour=pl.lit(12),
        version=pl.when(other).then(pl.col("version") + 1).otherwise("version"),
        answered_by=pl.when(other).then(pl.lit("challenger")).otherwise(pl.lit("champion")),
        yhat=pl.when(other).then(0.0).otherwise("yhat"), q50=pl.when(other).then(0.0).otherwise("q50"),
    )  # fmt: skip
    opened.store.append("predictions", rows.select(pl.col(n).cast(k) for n, k in schema.items()))
    outcome = job.run(["monitor"], source__path=str(job.folder / "good.parquet"))[0]
    champion, challenger = outcome.facts["trial"]
    assert (champion["answered_by"], challenger["answered_by"]) == ("champion", "challenger")
    assert (challenger["wape"], challenger["bias"]) == (1.0, -1.0)
    sold = job.table("panel").filter(pl.col("ds") > OVER).drop_nulls("y").select("unique_id", "ds", "y")
    assert champion["n"] == said.filter(~other).join(sold, on=["unique_id", "ds"]).height
    told = next(part for part in summarize(outcome.facts) if part.title.startswith("Champion and challenger"))
    assert all(part in told.lines[1] for part in ("challenger, version 2: ", "WAPE 100.0%", "bias -100.0%"))
