"""`make bench-leaderboard` on made-up sales: the windows of the task, the list, the words around it."""

import gzip
import json
import sys
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from benchmarks import report
from benchmarks.leaderboard import bench, document, scores, task
from benchmarks.leaderboard.document import Run
from benchmarks.processes import Cost

LAST = date(2015, 7, 31)
LISTED = """# A leaderboard

| place | model | SQL | MASE | WAPE | WQL | seconds (GPU for pretrained ones) |
|---|---|---|---|---|---|---|
| 1 | First | .2000 | .3 | .10 | .08 | 10,539 |
| 2 | Second | .3000 | .4 | .11 | .09 | 47 |
| 9 | Seasonal naive | .9137 | .7886 | .2692 | .3140 | 7 |

| other | table |
|---|---|
| 1 | no row of the leaderboard |
"""
SCORER = """import polars as pl, sys
found = pl.read_parquet(sys.argv[1])
for model in sorted(found["model"].unique()):
    mine = {name: 0.25 for name in ("SQL", "MASE", "WAPE", "WQL")}
    print(model, mine, "windows", found["cutoff"].n_unique(), "missing 0")
"""
OWN = {"SQL": 0.21, "MASE": 0.3, "WAPE": 0.088, "WQL": 0.08}
RUN = Run(
    "Combination",
    {
        "Combination": OWN,
        "LightGBM": OWN | {"SQL": 0.31},
        task.NAIVE: {"SQL": 0.8, "MASE": 0.78855, "WAPE": 0.26925, "WQL": 0.3},
    },
    0,
    Cost(3000, 5000, 700),
    (10, 2),
    "0.10.0",
    "2026-01-02",
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two stores of the competition's file, newest day first: sales are the weekday, store 2 has no last March."""
    days = [LAST - timedelta(n) for n in range(700)]  # the ten windows of the task go back 480
    rows = [(store, d, d.isoweekday() * store) for d in days for store in (1, 2)]
    kept = [r for r in rows if not (r[0] == 2 and r[1].year == 2015 and r[1].month == 3)]
    lines = ["Store,DayOfWeek,Date,Sales,Customers", *(f"{s},{d.isoweekday()},{d},{y},0" for s, d, y in kept)]
    (tmp_path / "rossmann").mkdir()
    with gzip.open(tmp_path / "rossmann" / "train.csv.gz", "wt") as f:
        f.write("\n".join(lines))
    return tmp_path


@pytest.fixture
def listed(tmp_path: Path) -> list[scores.Published]:
    (tmp_path / "LEADERBOARD.md").write_text(LISTED)
    return scores.read(tmp_path / "LEADERBOARD.md")


def test_days_without_a_row_are_unknown_and_not_zero(data):
    values = task.panel(data / "rossmann")
    assert values.group_by("unique_id").len().sort("unique_id").rows() == [("1", 700), ("2", 700)]
    gap = values.filter(pl.col("y").is_null())
    assert (gap["unique_id"].unique().to_list(), gap.height) == (["2"], 31)
    assert (gap["ds"].min(), gap["ds"].max()) == (date(2015, 3, 1), date(2015, 3, 31))


def test_the_windows_are_those_of_the_task():
    values = pl.DataFrame({"ds": [LAST]})
    days = task.cutoffs(values, 10)
    assert (days[0], days[-1]) == (LAST - timedelta(480), LAST - timedelta(48))
    assert {b - a for a, b in pairwise(days)} == {timedelta(48)}
    assert task.keys(10) == {"h": 48, "level": [20, 40, 60, 80], "backtest.windows": 10, "backtest.step": 48}
    assert task.QUANTILES == ("lo-80", "lo-60", "lo-40", "lo-20", "q50", "hi-20", "hi-40", "hi-60", "hi-80")


def test_the_seasonal_naive_repeats_the_last_known_weekdays(data):
    values = task.panel(data / "rossmann")
    days = [date(2015, 3, 20), date(2015, 6, 13)]
    said = task.naive(values, days)
    assert said.group_by("unique_id", "cutoff").len()["len"].to_list() == [48] * 4
    open_cut = said.filter((pl.col("cutoff") == days[1]) | (pl.col("unique_id") == "1"))
    store = pl.col("unique_id").cast(pl.Int64)
    assert open_cut.filter(pl.col("q50") != pl.col("ds").dt.weekday() * store).is_empty()
    # in the gap, the last day with a row goes on: Saturday, 28 February
    assert said.filter(pl.col("cutoff") == days[0], pl.col("unique_id") == "2")["q50"].unique().to_list() == [12.0]


def test_values_without_a_forecast_are_counted_whatever_the_scorer_passes_over(data):
    values = task.panel(data / "rossmann")
    days = [date(2015, 3, 20)]
    whole = task.naive(values, days)
    assert task.not_forecast(whole, values, days) == 0
    alone = whole.filter(pl.col("unique_id") == "1")
    assert task.not_forecast(alone, values, days) == 48 - 11  # 21 to 31 March are unknown themselves
    assert task.not_forecast(alone.with_columns(q50=None), values, days) == 2 * 48 - 11


def test_the_list_is_read_and_a_file_without_one_is_refused(listed, tmp_path):
    assert [(p.place, p.model, p.seconds) for p in listed] == [
        (1, "First", "10,539"),
        (2, "Second", "47"),
        (9, "Seasonal naive", "7"),
    ]
    assert listed[0].scores == {"SQL": 0.2, "MASE": 0.3, "WAPE": 0.1, "WQL": 0.08}
    (tmp_path / "LEADERBOARD.md").write_text("| place |\n|---|\n")
    with pytest.raises(SystemExit, match="must hold a table of the leaderboard"):
        scores.read(tmp_path / "LEADERBOARD.md")


@pytest.mark.parametrize(
    ("sql", "place"), [(0.1, (1, 1)), (0.2, (1, 1)), (0.21, (2, 2)), (0.5, (3, 9)), (0.95, (10, 10))]
)
def test_a_place_is_given_as_far_as_the_list_goes(listed, sql, place):
    assert scores.place(sql, listed) == place


def test_the_document_tells_what_is_met_and_what_is_not(listed):
    text = document.text(RUN, listed)
    lines = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert ["SQL at most 0.215", "0.2100", "yes"] in lines
    assert ["WAPE at most 0.087", "0.0880", "no"] in lines
    assert ["a forecast of every value", "0 without one", "yes"] in lines
    order = [line[1] for line in lines if len(line) == 7][2:]
    assert order == ["First", "**ours: Combination**", "Second", "**ours: LightGBM**", "Seasonal naive"]
    assert "would be at place 2 of the" in text
    assert "MASE 0.7885 (published 0.7886)" in text or "MASE 0.7886 (published 0.7886)" in text
    assert "are those of the leaderboard." in text
    assert "Met: 2 of 3 aims." in text
    assert "for 12 windows:\n2 older ones" in text
    assert "trial:" not in text
    assert str(Path.home()) not in text


def test_other_values_than_those_of_the_leaderboard_are_said(listed):
    other = Run(**{**RUN.__dict__, "lost": 3, "scores": RUN.scores | {task.NAIVE: OWN}})
    text = document.text(other, listed)
    assert "these are NOT the leaderboard's windows or values" in text
    assert "3 without one" in text


def test_a_trial_is_scored_and_writes_no_document(data, monkeypatch, capsys):
    """The whole bench but the backtest, by a scorer in the place of the published package."""
    (data / "leaderboard.py").write_text(SCORER)
    (data / "LEADERBOARD.md").write_text(LISTED)
    out, doc = data / "out", data / "ACCURACY.md"
    monkeypatch.setattr(report, "FILE", doc)
    monkeypatch.setattr(scores, "version", lambda python: "0")
    places = ["--data", str(data), "--scorer", str(data / "leaderboard.py"), "--out", str(out)]
    asked = [*places, "--windows", "1", "--fev-python", sys.executable]

    def pipeline(command: list[str], _: Path) -> Cost:
        job = json.loads(Path(command[-1]).read_text())
        assert job["set"]["backtest.windows"] == 1
        values = task.panel(data / "rossmann")
        rows = task.naive(values, task.cutoffs(values, 1)).with_columns(yhat=1.0)
        for model in ("SeasonalNaive", "Trees"):
            rows.write_parquet(out / f"{model}.parquet")
        summary = {"champion": "Trees", "models": ["Trees", "SeasonalNaive"], "calibration": []}
        (out / "summary.json").write_text(json.dumps(summary))
        return Cost(1, 2, 3)

    monkeypatch.setattr(bench, "measured", pipeline)
    bench.main(asked)
    said = capsys.readouterr().out
    assert "**ours: Trees**" in said
    assert "This is a trial: scores of fewer than 10 windows" in said
    windows = pl.read_parquet(out / "backtests.parquet").group_by("model").agg(pl.col("cutoff").n_unique())
    assert dict(windows.iter_rows()) == {"Trees": 1, "SeasonalNaive": 1, task.NAIVE: 10}
    assert not doc.exists()
    monkeypatch.setattr(bench, "measured", lambda *_: pytest.fail("the kept forecasts were to be scored"))
    bench.main([*asked, "--resume", "--doc", str(doc)])
    assert report.marks("bench-leaderboard")[0] in doc.read_text()


def test_what_is_missing_is_named_in_one_sentence(data, capsys):
    with pytest.raises(SystemExit):
        bench.main(["--data", str(data), "--scorer", str(data / "leaderboard.py")])
    assert capsys.readouterr().err.startswith("the scorer of the benchmark should be at")
    (data / "leaderboard.py").touch()
    (data / "LEADERBOARD.md").touch()
    with pytest.raises(SystemExit):
        bench.main(
            ["--data", str(data), "--scorer", str(data / "leaderboard.py"), "--fev-python", str(data / "python")]
        )
    assert "should be a Python that has fev: scripts/fev.sh makes it" in capsys.readouterr().err
