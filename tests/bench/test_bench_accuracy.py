"""The arithmetic and the tables of `make bench-accuracy`, on made-up figures; no real data are run here."""

import json
import math
import sys
from argparse import Namespace
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import stdev

import polars as pl
import pytest

from benchmarks import pipeline, processes
from benchmarks.accuracy import bench, document, mlforecast_cost, peers, rivals, statsforecast_cost, tables, verdict
from benchmarks.accuracy.peers import Field, Protocol
from benchmarks.accuracy.verdict import Result
from benchmarks.constants import replay
from benchmarks.processes import Cost
from tests import chain
from tests.conftest import beside

TOLD = """# What others reach

| code | data | h | windows, step | known ahead | remarks |
|---|---|---|---|---|---|
| D1 | rossmann | 42 days | 2, 42: 2015-05-08, 2015-06-19 | open, promo | closed days count as 0 |
| D3 | m5 (280 series) | 28 days | 3, 28 | - | |
| D6 | champagne | 12 months | 4, 12 | - | one series |

| code | method | WAPE | bias | RMSSE | MASE | WAPE of totals | coverage | WQL | SIS80 | wall (cpu) s | MB |
|---|---|---|---|---|---|---|---|---|---|---|---|
| D1 | Trees of somebody | 0.2000 | -0.010 | 0.400 | 0.5 | 0.1 | - / - | - | - | 471 (564) | 1208 |
| D1 | mlforecast LightGBM | 0.1000 | -0.138 | 0.500 | 0.5 | 0.1 | - / - | - | - | 24 (26) | 468 |
| D1 | mlforecast + quantiles | 0.1000 | -0.138 | 0.500 | 0.5 | 0.1 | 0.659 / 0.854 | 0.19 | 3.00 | 160 (187) | 495 |
| D1 | Season | 0.3000 | 0.020 | 0.600 | 0.5 | 0.1 | 0.9 / 0.99 | 0.19 | 2.50 | 0 (2) | 361 |
| D3 | Counts | 0.4000 | 0.000 | 0.700 | 0.5 | 0.1 | - / - | - | - | 1 (5) | 622 |
| D6 | Median of four, 40 s a window | .1145 | 0.001 | 0.350 | 1.0 | 0.1 | 0.771 / 0.896 | 0.04 | 5.80 | 1 (7) | 274 |

| method | D1 |
|---|---|
| D1 is no code here | 1 |
"""
MORE = """# Further data

| code | folder | series | h | windows, step | static | judged by |
|---|---|---|---|---|---|---|
| D7 | parts | 2,509 | 6 months | 2, 6 | - | RMSSE |
| D8 | m3_monthly | 1,428 of a competition | 18 months | 1, 18 | category (micro, other) | MASE, RMSSE |

| code | method | WAPE | bias | RMSSE | MASE | WAPE of totals | coverage | WQL | SIS80 | wall (cpu) s | MB |
|---|---|---|---|---|---|---|---|---|---|---|---|
| D7 | Total | 1.30 | 0.060 | 0.800 | 1.028 | 0.1000 | - / - | - | - | 0 (2) | 324 |
| D7 | Rare | 1.40 | 0.060 | 0.600 | 1.028 | 0.1250 | - / - | - | - | 0 (2) | 324 |
| D8 | Mean of three | 0.1144 | 0.007 | 1.700 | 0.829 | 0.0107 | 0.749 / 0.886 | 0.0394 | 4.16 | 274 (195) | - |
| D8 | Median of three | 0.1141 | 0.006 | 1.740 | 0.834 | 0.0107 | 0.743 / 0.880 | 0.0404 | 4.24 | 274 (195) | - |
| D8 | A program (as published) | 0.1167 | 0.005 | 1.811 | 0.848 | - | - / - | - | - | - | - |
"""
SCORES = {"n": 93660, "wape": 0.095, "bias": 0.01, "rmsse": 0.55, "wape_totals": 0.05, "mase": 0.5, "wql": 0.03}
SCORES |= {"cov80": 0.81, "cov95": 0.94, "sis80": 2.0}
ROSSMANN = Result(
    "D1",
    "rossmann",
    "Combination",
    SCORES,
    SCORES | {"wape": 0.19},
    900.0,
    {"80": [(100, 81), (100, 81)], "95": [(100, 94), (100, 94)]},
    Cost(100, 150, 700),
    windows=(2, 1),
)
CHAMPAGNE = replace(
    ROSSMANN,
    code="D6",
    data="champagne",
    scores=SCORES | {"n": 48, "wape": 0.1145 * 0.8, "rmsse": 0.35 * 0.9, "bias": 0.05, "cov80": 0.7, "sis80": 5.9},
    rmse=790.0,
    within={"80": [(12, 5), (12, 8), (12, 10), (12, 11)], "95": [(12, 11), (12, 12), (12, 11), (12, 11)]},
    windows=(4, 2),
    changed=("h 12 (the config says 24)",),
)
BOUNDS = ("lo-80", "hi-80", "lo-95", "hi-95")
M3 = replace(
    ROSSMANN,
    code="D8",
    data="m3_monthly",
    scores=SCORES | {"mase": 0.829 * 0.9, "rmsse": 1.7 * 1.01, "cov80": 0.77, "cov95": 0.96, "sis80": 4.0},
    within={"80": [(1000, 770)], "95": [(1000, 960)]},
    rival="statsforecast",
    windows=(1, 2),
)


@pytest.fixture
def known(tmp_path: Path) -> Field:
    (tmp_path / "PEERS.md").write_text(TOLD)
    (tmp_path / "README.md").write_text(MORE)
    return peers.read({tmp_path / "PEERS.md": Path("/data"), tmp_path / "README.md": Path("/more")})


def met(results: list[Result], known: Field) -> dict[str, bool | None]:
    return {aim.aim: aim.met for aim in verdict.aims(results, known)}


def one(aims: dict[str, bool | None], start: str) -> bool | None:
    (found,) = [value for asked, value in aims.items() if asked.startswith(start)]
    return found


def test_the_protocol_is_read(known):
    assert known.protocols == {
        "D1": Protocol("D1", "rossmann", 42, 2, 42, Path("/data/rossmann")),
        "D3": Protocol("D3", "m5", 28, 3, 28, Path("/data/m5")),
        "D6": Protocol("D6", "champagne", 12, 4, 12, Path("/data/champagne")),
        "D7": Protocol("D7", "parts", 6, 2, 6, Path("/more/parts")),
        "D8": Protocol("D8", "m3_monthly", 18, 1, 18, Path("/more/m3_monthly")),
    }


def test_peers_are_read_and_the_best_has_the_lowest_wape(known):
    assert len(known.peers) == 11
    best = known.best("D1")
    assert (best.method, best.wape, best.rmsse, best.bias) == ("mlforecast LightGBM", 0.1, 0.5, -0.138)
    assert (best.cov80, best.sis80, best.wall, best.cpu, best.mb) == (None, None, 24, 26, 468)
    assert known.best("D6").wape == 0.1145
    assert (known.narrowest("D1").method, known.narrowest("D1").cov95) == ("Season", 0.99)
    assert known.narrowest("D3") is None
    assert known.trees("D1").cpu == 26
    assert known.trees("D3") is None
    published = known.of("D8")[2]
    assert (published.mase, published.wape_totals, published.cpu) == (0.848, None, None)


def test_each_data_set_is_compared_by_its_own_metric(known):
    """Rare sellers by RMSSE and totals, unrelated series by MASE: other peers are the best by WAPE."""
    assert known.best("D7").method == "Rare"
    assert known.best("D8").method == "Mean of three"
    parts = replace(ROSSMANN, code="D7", scores=SCORES | {"wape": 1.0, "wape_totals": 0.1, "rmsse": 0.66})
    assert verdict.ratios(parts, known) == pytest.approx({"first": 0.8, "RMSSE": 1.1})
    assert verdict.ratios(M3, known) == pytest.approx({"first": 0.9, "RMSSE": 1.01})


def test_the_rival_is_the_kind_of_the_peers(known):
    assert [rivals.of(code, known) for code in ("D1", "D8")] == ["mlforecast", "statsforecast"]
    command = rivals.command("mlforecast", Path("/trees/python"), Path("/out"))
    assert command == ["/trees/python", str(processes.ROOT / "benchmarks/accuracy/mlforecast_cost.py"), "/out"]
    assert rivals.command("statsforecast", Path("/trees/python"), Path("/out"))[0] == sys.executable


def test_a_file_without_the_tables_is_refused(tmp_path):
    (tmp_path / "PEERS.md").write_text(TOLD.split("\n\n")[1])
    with pytest.raises(SystemExit, match=r"a table of the protocol .* and one of peers"):
        peers.read({tmp_path / "PEERS.md": tmp_path})


def test_the_real_files_can_be_read(benchmarks):
    more = beside("shared/more")
    found = peers.read({benchmarks / "PEERS.md": beside("shared/data"), more / "README.md": more})
    codes = [f"D{i}" for i in range(1, 10)]
    assert {p.code for p in found.peers} == found.protocols.keys() == set(codes)
    firsts = [0.0847, 0.2964, 0.4393, 0.0937, 0.4009, 0.1145, 0.1287, 0.829, 0.1009]
    assert [getattr(found.best(code), peers.metrics_of(code).first) for code in codes] == firsts
    assert [found.best(code).rmsse for code in ("D7", "D8", "D9")] == [0.637, 1.7, 0.908]
    assert [rivals.of(code, found) for code in codes] == ["mlforecast"] * 7 + ["statsforecast"] * 2
    assert all(p.folder.is_dir() for p in found.protocols.values())


def test_ratios_and_their_geometric_mean(known):
    assert verdict.ratios(ROSSMANN, known) == pytest.approx({"first": 0.95, "RMSSE": 1.1})
    assert verdict.geometric([0.5, 2, 1]) == pytest.approx(1)
    assert verdict.geometric([0.95, 0.8]) == pytest.approx(math.sqrt(0.76))
    assert verdict.skill(ROSSMANN) == pytest.approx(0.5)


def test_aims(known):
    aims = met([ROSSMANN, CHAMPAGNE], known)
    assert one(aims, "geometric mean of the first") is True  # sqrt(0.76) = 0.87
    assert one(aims, "geometric mean of the RMSSE") is False  # sqrt(0.99) = 0.99
    assert one(aims, "no ratio above") is False  # 1.1
    assert one(aims, "skill") is True
    assert one(aims, "bias") is True  # champagne is small
    assert one(aims, "rossmann: WAPE at most 0.08") is False
    assert one(aims, "champagne: RMSE at most 800") is True
    assert one(aims, "coverage") is True  # champagne is 10 points off, with an error of 11
    assert one(aims, "interval score") is False  # 5.9 against 5.8
    assert one(aims, "the whole pipeline") is None


def test_aims_that_are_missed(known):
    worse = replace(
        ROSSMANN,
        scores=SCORES | {"bias": -0.021, "cov95": 0.929, "wape": 0.2},
        theirs=Cost(20, 53, 300),
    )
    aims = met([worse], known)
    for start in ("bias", "coverage", "skill", "the whole pipeline"):  # 150 s are 2.83 x 53 s
        assert one(aims, start) is False, start
    assert one(met([replace(worse, theirs=Cost(20, 53.2, 300))], known), "the whole pipeline") is True


def test_a_cost_that_was_measured_on_some_sets_only_is_no_verdict(known):
    aims = met([replace(ROSSMANN, theirs=Cost(20, 500, 300)), CHAMPAGNE], known)
    assert one(aims, "the whole pipeline") is None


def test_the_cost_beside_conformal_intervals_is_compared_together_and_by_set(known):
    """150 s beside 130 s are 1.15, and 22 s beside 5 s are 4.4; together 172 s beside 135 s are 1.27."""
    dear = replace(CHAMPAGNE, cost=Cost(20, 22, 300), calibrated=Cost(4, 5, 300))
    cheap = replace(ROSSMANN, cost=Cost(90, 150, 300), calibrated=Cost(60, 130, 300))
    aims = [a for a in verdict.aims([cheap, dear], known) if a.aim.startswith("where mlforecast")]
    assert [(a.found, a.met) for a in aims] == [("1.27 (172 s, 135 s)", False), ("4.40 (D6)", False)]
    aims = [a for a in verdict.aims([cheap], known) if a.aim.startswith("where mlforecast")]
    assert [(a.found, a.met) for a in aims] == [("1.15 (150 s, 130 s)", True), ("1.154 (D1)", True)]
    assert tables.costs([cheap], known).splitlines()[2].split("|")[16:18] == [" 130                  ", " 1.15  "]


def test_series_shorter_than_the_calibration_windows_are_lengthened_for_mlforecast():
    rows = pl.DataFrame({"unique_id": ["A"] * 3 + ["B"], "ds": [date(2024, m, 1) for m in (1, 2, 3, 3)]})
    rows = rows.with_columns(y=pl.Series([1.0, 2.0, 3.0, 4.0]), price=pl.Series([5.0, 5.0, 5.0, 6.0]))
    found = mlforecast_cost.lengthened(rows, {"freq": "1mo"}, 3)
    assert found.filter(pl.col("unique_id") == "A").equals(rows.head(3))
    assert found.tail(3).rows() == [("B", date(2024, m, 1), y, 6.0) for m, y in ((1, 0.0), (2, 0.0), (3, 4.0))]


def test_sets_that_were_not_at_hand(known):
    aims = {a.aim: a for a in verdict.aims([replace(M3, theirs=Cost(60, 25, 300))], known)}
    behind = aims["D8: both ratios at most 1"]
    assert (behind.met, behind.found) == (False, "1.010 (RMSSE)")
    (cost,) = [a for asked, a in aims.items() if "by fitted window" in asked]
    assert (cost.met, cost.found) == (True, "2.00 (50 s in each of 3 windows, 25 s in 1)")
    (cover,) = [a for asked, a in aims.items() if asked.startswith("coverage")]
    assert (cover.met, cover.found) == (False, "D8 80 %: 0.770; D8: one window, so 2 points alone")


def test_what_is_missed_is_said_first(known):
    text = tables.aimed(verdict.aims([ROSSMANN, CHAMPAGNE], known))
    assert text.startswith("Met: 5 of 12 aims. Not met, or not measured:\n\n- no: geometric mean of the RMSSE ratios")
    assert "- not measured: the whole pipeline" in text
    assert tables.aimed([verdict.Aim("all well", "1", True)]).startswith("Met: 1 of 1 aims.\n\n|")


def rows(hits: list[tuple[str, int, bool]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Truth and forecasts of series and days in windows of a week: y is 1, the bounds are around it or far away."""
    base = pl.DataFrame(hits, schema=["unique_id", "day", "hit"], orient="row").with_columns(
        ds=pl.date(2024, 1, "day"), cutoff=pl.date(2024, 1, ((pl.col("day") - 1) // 7) * 7 + 1), y=1.0
    )
    far = pl.when("hit").then(0.0).otherwise(50.0)
    bounds = {f"{side}-{level}": far + at for level in ("80", "95") for side, at in (("lo", 0), ("hi", 2))}
    said = base.with_columns(yhat=pl.when("hit").then(2.0).otherwise(4.0), **bounds)
    return base.select("unique_id", "ds", "cutoff", "y"), said.drop("y", "day", "hit")


def test_values_within_the_bounds_are_counted_by_window():
    truth, said = rows([(f"S{i}", day, i < (8 if day == 8 else 5)) for i in range(10) for day in (1, 8)])
    rmse, within = verdict.judge_rows(said, truth)
    assert within == {"80": [(10, 5), (10, 8)], "95": [(10, 5), (10, 8)]}
    assert rmse == pytest.approx(math.sqrt((13 * 1 + 7 * 9) / 20))


def test_the_standard_error_of_even_windows_is_that_of_their_shares():
    shares = (0.88, 0.90, 0.77)
    windows = [(100, round(100 * share)) for share in shares]
    assert verdict.standard_error(windows) == pytest.approx(stdev(shares) / math.sqrt(3))
    assert verdict.standard_error(windows * 2) < verdict.standard_error(windows)


def test_one_window_has_no_standard_error():
    """However many series it holds: what they share is drawn once."""
    assert verdict.standard_error([(1_000_000, 700_000)]) is None


def test_closed_days_count_as_zero_and_for_no_coverage():
    truth, said = rows([("A", 1, True), ("A", 2, False), ("B", 1, True), ("B", 2, False)])
    shut = truth.with_columns(open=pl.when(pl.col("ds").dt.day() == 2).then(0).otherwise(1))
    shut = shut.with_columns(y=pl.col("y") * pl.col("open"))
    rmse, within = verdict.judge_rows(said, shut)
    assert within["80"] == [(2, 2)]
    assert rmse == pytest.approx(math.sqrt(2 * 1 / 4))


def test_tables_hold_what_was_found(known):
    text = tables.accuracy([ROSSMANN, CHAMPAGNE], known)
    first = [cell.strip() for cell in text.splitlines()[2].strip("|").split("|")]
    assert first[:4] == ["D1", "rossmann", "Combination", "mlforecast LightGBM"]
    assert first[4:11] == ["WAPE", "0.0950", "0.1000", "0.950", "0.550", "0.500", "1.100"]
    assert len({len(line) for line in text.splitlines()}) == 1
    assert text.splitlines()[-1].split("|")[8].strip() == "0.872"
    cost = tables.costs([replace(ROSSMANN, theirs=Cost(40, 75, 300)), CHAMPAGNE], known)
    # 150 s for 3 windows beside 75 s for 2
    assert [c.strip() for c in cost.splitlines()[2].split("|")[9:16]] == [
        *("50", "mlforecast", "75", "38"),
        *("2.00", "1.33", "here"),
    ]
    assert cost.splitlines()[3].split("|")[15].strip() == "-"


def test_the_intervals_of_one_window_say_so(known):
    cells = [[c.strip() for c in line.split("|")] for line in tables.intervals([M3, CHAMPAGNE], known).splitlines()[2:]]
    assert cells[0][3:8] == ["0.770", "one window", "0.960", "one window", ".77"]
    assert cells[1][4] == f"{stdev([5 / 12, 8 / 12, 10 / 12, 11 / 12]) / 2:.3f}"
    assert cells[1][7] == ".42 .67 .83 .92"


def test_cost_published_elsewhere_is_marked_so(known):
    lines = tables.costs([ROSSMANN, M3], known).splitlines()[2:]
    trees, statistics = ([c.strip() for c in line.split("|")][10:16] for line in lines)
    assert trees == ["mlforecast", "26", "13", "5.77", "3.85", "elsewhere, from the lists of peers"]
    assert statistics[:4] == ["statsforecast", "195", "195", "0.77"]


def test_the_document_names_no_place(known):
    text = document.text([ROSSMANN, CHAMPAGNE], known)
    assert "D6 champagne: h 12 (the config says 24)" in text
    assert "make bench-accuracy" in text
    assert str(Path.home()) not in text
    assert str(processes.ROOT) not in text


def test_windows_of_the_protocol_replace_those_of_the_config(tmp_path):
    protocol = Protocol("D6", "champagne", 12, 4, 12, tmp_path / "champagne")
    job = bench.job_of(protocol, ["models=[ladder]", "level=[80]"], tmp_path / "out", tmp_path)
    assert {k: job["set"][k] for k in bench.KEYS} == {"h": 12, "backtest.windows": 4, "backtest.step": 12}
    assert job["set"]["source.path"] == str(tmp_path / "champagne")
    assert (job["set"]["models"], job["set"]["level"]) == (["ladder"], [80])
    assert bench.changed(protocol)[0] == "h 12 (the config says 24)"
    assert bench.changed(Protocol("D1", "rossmann", 42, 2, 42, tmp_path)) == ()


def test_the_newer_configs_have_the_windows_of_the_protocol():
    assert bench.changed(Protocol("D8", "m3_monthly", 18, 1, 18, Path())) == ()
    assert bench.changed(Protocol("D9", "tourism_monthly", 24, 1, 24, Path())) == ()


def test_what_is_missing_is_named_in_one_sentence(tmp_path, capsys):
    evaluate = ["--evaluate", str(tmp_path / "evaluate.py"), "--data", str(tmp_path), "--more", str(tmp_path)]
    needed = {"evaluate.py": "scorer", "PEERS.md": "list of peers PEERS.md", "README.md": "list of peers README.md"}
    for file, what in needed.items():
        with pytest.raises(SystemExit) as stopped:
            bench.main(evaluate)
        assert stopped.value.code == 2
        said = capsys.readouterr().err
        assert said.startswith(f"the {what} of the benchmark should be at {tmp_path / file}: give --evaluate, --data")
        (tmp_path / file).write_text({"PEERS.md": TOLD, "README.md": MORE}.get(file, ""))
    with pytest.raises(SystemExit) as stopped:
        bench.main([*evaluate, "--only", "D1,D9"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "D9 is no code of the lists of peers: they have D1, D3, D6, D7, D8\n"


def test_seconds_and_memory_are_those_of_the_process(tmp_path):
    busy = "import time; x = bytearray(80_000_000); t = time.process_time()\nwhile time.process_time() < t + 0.3: pass"
    cost = processes.measured([sys.executable, "-c", busy], tmp_path)
    assert cost.cpu >= 0.3
    assert cost.wall >= 0.3
    assert cost.mb > 80
    with pytest.raises(SystemExit, match="no such sales"):
        processes.measured([sys.executable, "-c", "raise SystemExit('no such sales')"], tmp_path)


def test_a_result_is_kept_for_the_same_code_and_protocol(tmp_path, monkeypatch):
    protocol, runs = Protocol("D6", "champagne", 12, 4, 12, tmp_path), []
    monkeypatch.setattr(bench, "one", lambda *given: runs.append(given) or replace(CHAMPAGNE, theirs=Cost(1, 2, 3)))
    known, args = Field({}, ()), Namespace(resume=True, out=tmp_path, set=[])
    first, again = bench.result(protocol, known, args), bench.result(protocol, known, args)
    assert first == again
    assert len(runs) == 1
    bench.result(replace(protocol, windows=3), known, args)
    bench.result(replace(protocol, windows=3), known, Namespace(resume=False, out=tmp_path, set=[]))
    bench.result(replace(protocol, windows=3), known, Namespace(resume=True, out=tmp_path, set=["level=[80]"]))
    assert len(runs) == 4


@pytest.fixture(scope="module")
def ran() -> Path:
    """The pipeline on a small chain, with the ladder and two combinations."""
    both = {"name": "Both", "members": ["SeasonalNaive", "HistoricAverage"]}
    models = ["ladder", {"ensemble": both}, {"ensemble": {"name": "Combination", "weights": "learned"}}]
    job, out = chain.make(), chain.place()
    asked = {"config": str(job.folder / "job.yaml"), "set": {"models": models}, "out": str(out)}
    (out / "asked.json").write_text(json.dumps(asked))
    for what in ("run", "windows", "frame"):
        pipeline.main(what, str(out / "asked.json"))
    return out


def test_the_pipeline_writes_the_forecasts_of_all_models(ran):
    summary = json.loads((ran / "summary.json").read_text())
    fitted = {"Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage", "Both", "Combination"}
    assert set(summary["models"]) == fitted
    assert summary["champion"] in summary["models"]
    assert summary["cutoffs"][-1] == str(chain.OVER)
    found = pl.read_parquet(ran / f"{summary['champion']}.parquet")
    assert found.columns == ["unique_id", "ds", "cutoff", "yhat", "q50", *BOUNDS]
    assert not found.is_duplicated().any()
    assert found.group_by("unique_id", "cutoff").len()["len"].unique().to_list() == [chain.H]


def test_a_replay_of_the_kept_windows_gives_the_combination_that_the_backtest_gave(ran):
    summary, rows = json.loads((ran / "summary.json").read_text()), pl.read_parquet(ran / "windows.parquet")
    assert rows["cutoff"].unique().sort().cast(pl.String).to_list() == [*summary["calibration"], *summary["cutoffs"]]
    assert set(rows["model"]) == set(summary["models"])
    assert rows["segment"].null_count() == 0
    case = replay.scored_cases(rows.filter(pl.col("model") != "Both"))[-1]
    assert str(case.judge["cutoff"][0]) == summary["cutoffs"][-1]
    stored, again = case.judge.filter(model="Combination"), replay.combine(case).judge
    assert again["unique_id"].to_list() == stored["unique_id"].to_list()
    assert again["yhat"].to_list() == pytest.approx(stored["yhat"].to_list())
    assert again["yhat"].to_list() != pytest.approx(case.judge.filter(model="SeasonalNaive")["yhat"].to_list())


def test_the_frame_of_the_comparison_holds_what_was_sold_and_no_words(ran):
    rows, spec = pl.read_parquet(ran / "frame.parquet"), json.loads((ran / "spec.json").read_text())
    sold = chain.sample().filter(pl.col("ds") <= rows["ds"].max())
    assert rows["y"].sum() == pytest.approx(sold["y"].sum())
    assert spec["ahead"] == ["price", "promo", "open"]
    assert all(rows.schema[c].is_numeric() for c in (*spec["ahead"], *spec["static"]))
    whole = mlforecast_cost.filled(rows.filter(pl.col("ds").dt.day() != 13), spec)
    assert whole.null_count().sum_horizontal().item() == 0
    days = (rows["ds"].max() - rows["ds"].min()).days + 1
    assert whole.group_by("unique_id").len()["len"].unique().to_list() == [days]
    assert whole.filter(pl.col("ds") == date(2023, 2, 13))["y"].to_list() == [0.0] * rows["unique_id"].n_unique()


def test_the_statistical_rival_combines_its_three_models():
    names = ("AutoETS", "CES", "DynamicOptimizedTheta")
    ends = {"": 0, "-lo-80": -2, "-hi-80": 2, "-lo-95": -3, "-hi-95": 3}
    said = {f"{name}{end}": [at + off] for name, at in zip(names, (1, 2, 9), strict=True) for end, off in ends.items()}
    rows = pl.DataFrame({"unique_id": ["A"], "ds": [1], "cutoff": [0], **said})
    mean, median = (statsforecast_cost.combined(rows, how).row(0, named=True) for how in ("mean", "median"))
    assert mean | {"yhat": 4, "lo-80": 2, "hi-80": 6, "lo-95": 1, "hi-95": 7} == mean
    assert median | {"yhat": 2, "lo-80": 0, "hi-80": 4, "lo-95": -1, "hi-95": 5} == median
