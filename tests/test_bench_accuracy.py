"""The arithmetic and the tables of `make bench-accuracy`, on made-up figures; no real data are run here."""

import json
import math
import sys
from argparse import Namespace
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from benchmarks import accuracy, document, mlforecast_cost, peers, pipeline, tables, verdict
from benchmarks.peers import Field, Protocol
from benchmarks.verdict import Cost, Result
from tests import chain

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
SCORES = {"n": 93660, "wape": 0.095, "bias": 0.01, "rmsse": 0.55, "wape_totals": 0.05, "wql": 0.03}
SCORES |= {"cov80": 0.81, "cov95": 0.94, "sis80": 2.0}
ROSSMANN = Result(
    "D1",
    "rossmann",
    "Combination",
    SCORES,
    SCORES | {"wape": 0.19},
    {"80": 0.001, "95": 0.001, "rmse": 900.0},
    Cost(100, 150, 700),
)
CHAMPAGNE = replace(
    ROSSMANN,
    code="D6",
    data="champagne",
    scores=SCORES | {"n": 48, "wape": 0.1145 * 0.8, "rmsse": 0.35 * 0.9, "bias": 0.05, "cov80": 0.7, "sis80": 5.9},
    errors={"80": 0.06, "95": 0.03, "rmse": 790.0},
    windows=(4, 2),
    changed=("h 12 (the config says 24)",),
)


@pytest.fixture
def known(tmp_path: Path) -> Field:
    (tmp_path / "PEERS.md").write_text(TOLD)
    return peers.read(tmp_path / "PEERS.md")


def met(results: list[Result], known: Field) -> dict[str, bool | None]:
    return {aim.asked: aim.met for aim in verdict.aims(results, known)}


def one(aims: dict[str, bool | None], start: str) -> bool | None:
    (found,) = [value for asked, value in aims.items() if asked.startswith(start)]
    return found


def test_the_protocol_is_read(known):
    assert known.protocols == {
        "D1": Protocol("D1", "rossmann", 42, 2, 42),
        "D3": Protocol("D3", "m5", 28, 3, 28),
        "D6": Protocol("D6", "champagne", 12, 4, 12),
    }


def test_peers_are_read_and_the_best_has_the_lowest_wape(known):
    assert len(known.peers) == 6
    best = known.best("D1")
    assert (best.method, best.wape, best.rmsse, best.bias) == ("mlforecast LightGBM", 0.1, 0.5, -0.138)
    assert (best.cov80, best.sis80, best.wall, best.cpu, best.mb) == (None, None, 24, 26, 468)
    assert known.best("D6").wape == 0.1145
    assert (known.narrowest("D1").method, known.narrowest("D1").cov95) == ("Season", 0.99)
    assert known.narrowest("D3") is None
    assert known.trees("D1").cpu == 26
    assert known.trees("D3") is None


def test_a_file_without_the_tables_is_told(tmp_path):
    (tmp_path / "PEERS.md").write_text(TOLD.split("\n\n")[1])
    with pytest.raises(SystemExit, match=r"a table of the protocol .* and one of peers"):
        peers.read(tmp_path / "PEERS.md")


def test_the_real_file_can_be_read(benchmarks):
    found = peers.read(benchmarks / "PEERS.md")
    assert {p.code for p in found.peers} == found.protocols.keys() == {f"D{i}" for i in range(1, 8)}
    assert [found.best(code).wape for code in sorted(found.protocols)] == [
        0.0847,
        0.2964,
        0.4393,
        0.0937,
        0.4009,
        0.1145,
        1.3878,
    ]


def test_ratios_and_their_geometric_mean(known):
    assert verdict.ratio(ROSSMANN, known, "wape") == pytest.approx(0.95)
    assert verdict.ratio(ROSSMANN, known, "rmsse") == pytest.approx(1.1)
    assert verdict.geometric([0.5, 2, 1]) == pytest.approx(1)
    assert verdict.geometric([0.95, 0.8]) == pytest.approx(math.sqrt(0.76))
    assert verdict.skill(ROSSMANN) == pytest.approx(0.5)


def test_aims(known):
    aims = met([ROSSMANN, CHAMPAGNE], known)
    assert one(aims, "geometric mean of the WAPE") is True  # sqrt(0.76) = 0.87
    assert one(aims, "geometric mean of the RMSSE") is False  # sqrt(0.99) = 0.99
    assert one(aims, "no ratio above") is False  # 1.1
    assert one(aims, "skill") is True
    assert one(aims, "bias") is True  # champagne is small
    assert one(aims, "rossmann: WAPE ratio") is True
    assert one(aims, "rossmann: WAPE at most 0.08") is False
    assert one(aims, "champagne: RMSE at most 800") is True
    assert one(aims, "coverage") is True  # champagne is 10 points off, with an error of 6
    assert one(aims, "interval score") is False  # 5.9 against 5.8
    assert one(aims, "the whole pipeline") is None


def test_aims_that_are_missed(known):
    worse = replace(
        ROSSMANN,
        scores=SCORES | {"bias": -0.021, "cov95": 0.929, "wape": 0.2},
        theirs=Cost(20, 49, 300),
    )
    aims = met([worse], known)
    for start in ("bias", "coverage", "skill", "rossmann: WAPE ratio", "the whole pipeline"):
        assert one(aims, start) is False, start
    assert one(met([replace(worse, theirs=Cost(20, 50, 300))], known), "the whole pipeline") is True


def rows(hits: list[tuple[str, int, bool]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Truth and forecasts of the days of some series: y is 1, and the bounds are around it or far away."""
    base = pl.DataFrame(hits, schema=["unique_id", "day", "hit"], orient="row").with_columns(
        ds=pl.date(2024, 1, "day"), cutoff=pl.date(2023, 12, 31), y=1.0
    )
    far = pl.when("hit").then(0.0).otherwise(50.0)
    bounds = {f"{side}-{level}": far + at for level in ("80", "95") for side, at in (("lo", 0), ("hi", 2))}
    said = base.with_columns(yhat=pl.when("hit").then(2.0).otherwise(4.0), **bounds)
    return base.select("unique_id", "ds", "cutoff", "y"), said.drop("y", "day", "hit")


def test_clustered_errors_of_single_rows_are_those_of_a_share():
    hits = [(f"S{i}", 1, i < 8) for i in range(10)]
    truth, said = rows(hits)
    told = verdict.clustered(said, truth)
    assert told["80"] == pytest.approx(math.sqrt(0.8 * 0.2 / 9))
    assert told["rmse"] == pytest.approx(math.sqrt((8 * 1 + 2 * 9) / 10))


def test_rows_that_err_together_tell_less():
    """Two series, one always inside and one never: as if two rows had been drawn, however many days there are."""
    truth, said = rows([(name, day, name == "A") for name in ("A", "B") for day in range(1, 29)])
    assert verdict.clustered(said, truth)["95"] == pytest.approx(math.sqrt(0.5 * 0.5 / 1))


def test_closed_days_count_as_zero_and_for_no_coverage():
    truth, said = rows([("A", 1, True), ("A", 2, False), ("B", 1, True), ("B", 2, False)])
    shut = truth.with_columns(open=pl.when(pl.col("ds").dt.day() == 2).then(0).otherwise(1))
    shut = shut.with_columns(y=pl.col("y") * pl.col("open"))
    told = verdict.clustered(said, shut)
    assert told["80"] == 0
    assert told["rmse"] == pytest.approx(math.sqrt(2 * 1 / 4))


def test_tables_hold_what_was_found(known):
    text = tables.accuracy([ROSSMANN, CHAMPAGNE], known)
    first = [cell.strip() for cell in text.splitlines()[2].strip("|").split("|")]
    assert first[:10] == [
        "D1",
        "rossmann",
        "Combination",
        "mlforecast LightGBM",
        "0.0950",
        "0.1000",
        "0.950",
        "0.550",
        "0.500",
        "1.100",
    ]
    assert len({len(line) for line in text.splitlines()}) == 1
    assert text.splitlines()[-1].split("|")[7].strip() == "0.872"
    cost = tables.costs([replace(ROSSMANN, theirs=Cost(40, 75, 300)), CHAMPAGNE], known)
    assert [c.strip() for c in cost.splitlines()[2].split("|")[9:12]] == ["75", "2.00", "here"]
    assert cost.splitlines()[3].split("|")[11].strip() == "-"


def test_cost_told_elsewhere_is_marked_so(known):
    cells = [c.strip() for c in tables.costs([ROSSMANN], known).splitlines()[2].split("|")]
    assert cells[9:12] == ["26", "5.77", "elsewhere, as PEERS.md tells"]


def test_the_document_tells_no_place(known):
    told = document.text([ROSSMANN, CHAMPAGNE], known)
    assert "D6 champagne: h 12 (the config says 24)" in told
    assert "make bench-accuracy" in told
    assert str(Path.home()) not in told
    assert str(accuracy.ROOT) not in told


def test_windows_of_the_protocol_replace_those_of_the_config(tmp_path):
    protocol = Protocol("D6", "champagne", 12, 4, 12)
    job = accuracy.job_of(protocol, tmp_path / "data", tmp_path / "out", tmp_path)
    assert {k: job["set"][k] for k in accuracy.KEYS} == {"h": 12, "backtest.windows": 4, "backtest.step": 12}
    assert job["set"]["source.path"] == str(tmp_path / "data" / "champagne")
    assert accuracy.changed(protocol)[0] == "h 12 (the config says 24)"
    assert accuracy.changed(Protocol("D1", "rossmann", 42, 2, 42)) == ()


def test_what_is_missing_is_told_in_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        accuracy.main(["--evaluate", str(tmp_path / "evaluate.py")])
    assert stopped.value.code == 2
    assert "give --evaluate and --data" in capsys.readouterr().err
    (tmp_path / "evaluate.py").touch()
    (tmp_path / "PEERS.md").write_text(TOLD)
    with pytest.raises(SystemExit) as stopped:
        accuracy.main(["--evaluate", str(tmp_path / "evaluate.py"), "--data", str(tmp_path), "--only", "D1,D9"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == "D9 is no code of PEERS.md: it has D1, D3, D6\n"


def test_seconds_and_memory_are_those_of_the_process(tmp_path):
    busy = "import time; x = bytearray(80_000_000); t = time.process_time()\nwhile time.process_time() < t + 0.3: pass"
    cost = accuracy.measured([sys.executable, "-c", busy], tmp_path)
    assert cost.cpu >= 0.3
    assert cost.wall >= 0.3
    assert cost.mb > 80
    with pytest.raises(SystemExit, match="no such sales"):
        accuracy.measured([sys.executable, "-c", "raise SystemExit('no such sales')"], tmp_path)


def test_a_result_is_kept_for_the_same_code_and_protocol(tmp_path, monkeypatch):
    protocol, runs = Protocol("D6", "champagne", 12, 4, 12), []
    monkeypatch.setattr(accuracy, "one", lambda *given: runs.append(given) or replace(CHAMPAGNE, theirs=Cost(1, 2, 3)))
    args = Namespace(resume=True, out=tmp_path)
    first, again = accuracy.result(protocol, args), accuracy.result(protocol, args)
    assert asdict(first) == asdict(again)
    assert len(runs) == 1
    accuracy.result(replace(protocol, windows=3), args)
    accuracy.result(replace(protocol, windows=3), Namespace(resume=False, out=tmp_path))
    assert len(runs) == 3


@pytest.fixture(scope="module")
def ran() -> Path:
    """The pipeline on a small chain, with the ladder and a combination of two rungs."""
    models = ["ladder", {"ensemble": {"name": "Both", "members": ["SeasonalNaive", "HistoricAverage"]}}]
    job, out = chain.make(), chain.place()
    asked = {"config": str(job.folder / "job.yaml"), "set": {"models": models}, "out": str(out)}
    (out / "asked.json").write_text(json.dumps(asked))
    for what in ("run", "frame"):
        pipeline.main(what, str(out / "asked.json"))
    return out


def test_the_pipeline_writes_the_forecasts_of_all_models(ran):
    told = json.loads((ran / "told.json").read_text())
    assert set(told["models"]) == {"Naive", "SeasonalNaive", "SeasonalMean4", "HistoricAverage", "Both"}
    assert told["champion"] in told["models"]
    assert told["cutoffs"][-1] == str(chain.OVER)
    found = pl.read_parquet(ran / f"{told['champion']}.parquet")
    assert found.columns == list(pipeline.ROWS)
    assert not found.is_duplicated().any()
    assert found.group_by("unique_id", "cutoff").len()["len"].unique().to_list() == [chain.H]


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
