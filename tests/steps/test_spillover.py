"""A chain whose promotions take from the week after and from the other items of the store, from file to scenario."""

from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from forecasting.planning.scenario import parse_changes
from forecasting.steps.explaining.events import past_events
from forecasting.steps.explaining.explain import explain
from forecasting.steps.reports.lever_report import report_levers
from forecasting.steps.scenario import SeriesFilter, answer, run_scenario
from forecasting.steps.serving import online
from forecasting.steps.session import open_session
from tests import chain
from tests.chain import LAST, Job

DIP, LOST = -0.6, -1.2
FIRST, END = LAST + timedelta(3), LAST + timedelta(5)


@pytest.fixture(scope="module")
def job() -> Job:
    rows = chain.sample().sort("store", "item", "ds")
    promo = pl.col("promo").fill_null(0)
    last = pl.when(promo > 0).then(pl.col("ds")).forward_fill().over("store", "item")
    after = (promo == 0) & ((pl.col("ds") - last) <= pl.duration(days=7))
    share = (promo.sum().over("store", "ds") - promo) / (pl.len().over("store", "ds") - 1)
    factor = (DIP * after.fill_null(value=False).cast(pl.Float64) + LOST * share).exp()
    sold = rows.with_columns(y=(pl.col("y") * factor).round())
    made = chain.make(sold, models=["ladder"])
    made.run()
    return made


def levers(job: Job) -> dict[str, pl.DataFrame]:
    table = job.table("levers").filter(grain="series")
    return {kind: table.filter(kind=kind).sort("unique_id") for kind in ("flag", "after", "peers")}


def test_the_table_holds_what_promotions_do_beyond_their_days_and_series(job: Job) -> None:
    of = levers(job)
    assert of["after"]["estimate"].mean() == pytest.approx(DIP, abs=0.15)
    assert of["peers"]["estimate"].mean() == pytest.approx(LOST, abs=0.5)
    assert set(of["after"]["window"]) == {7}
    assert set(of["peers"]["peers"]) == {3}
    measures = set(report_levers(open_session(job.config()))["groups"]["measure"])
    assert {"uplift", "uplift in periods after", "uplift when all peers promote"} <= measures


def test_a_scenario_lowers_the_days_after_and_the_peers(job: Job) -> None:
    session = open_session(job.config())
    made = run_scenario(session, parse_changes(["promo=1"], (FIRST, END)), SeriesFilter(unique_id="S1/I01"))
    rows, of = made.rows, levers(job)
    assert set(rows["unique_id"]) == {f"S1/I0{n}" for n in (1, 2, 3, 4)}
    sold = rows.filter(pl.col("baseline") > 0).with_columns(log=(pl.col("yhat") / pl.col("baseline")).log())
    sold = sold.join(plans(), on=["unique_id", "ds"])
    dip = of["after"].filter(unique_id="S1/I01")["estimate"].item()
    week = pl.col("ds").is_between(END, END + timedelta(7), closed="right")
    behind = sold.filter(week, promo=0, unique_id="S1/I01")
    assert behind.height > 3
    assert behind["log"].to_numpy() == pytest.approx(dip, abs=1e-6)
    beside = sold.filter(pl.col("ds").is_between(FIRST, END), unique_id="S1/I02")
    share = of["peers"].filter(unique_id="S1/I02")["estimate"].item() / 3
    new = sold.filter(pl.col("ds").is_between(FIRST, END), unique_id="S1/I01", promo=0)["ds"]
    assert new.len() > 0
    assert beside.filter(pl.col("ds").is_in(new.implode()))["log"].to_numpy() == pytest.approx(share, abs=1e-6)
    assert not rows.filter(pl.col("unique_id") != "S1/I01")["changed"].any()
    assert "3 other series of the same markets respond to these promotions" in " ".join(made.warnings)


def test_a_new_series_responds_to_the_promotions_beside_it_as_the_one_that_it_is_like(job: Job) -> None:
    session, days = open_session(job.config()), (LAST + timedelta(1), LAST + timedelta(14))
    listed = parse_changes(["new=S1/I99 like S1/I02"], days)
    promoted = parse_changes(["promo=1"], (FIRST, END), "item = 'I01'")
    store = SeriesFilter(where="store = 'S1'")
    made = run_scenario(session, [*listed, *promoted], store).rows
    mine, like = (made.filter(unique_id=name).sort("ds") for name in ("S1/I99", "S1/I02"))
    assert (like["yhat"] < like["baseline"]).any()
    assert mine["yhat"].to_numpy() == pytest.approx(like["yhat"].to_numpy())
    alone = run_scenario(session, promoted, store).rows
    others = made.filter(pl.col("unique_id") != "S1/I99")
    assert others["yhat"].to_numpy() == pytest.approx(alone.sort("unique_id", "ds")["yhat"].to_numpy())


def test_the_sums_hold_the_losses(job: Job) -> None:
    session = open_session(job.config())
    edits = parse_changes(["promo=1"], (FIRST, END))
    sums = answer(session, edits, SeriesFilter(unique_id="S1/I01")).sums.filter(measure="units", over="horizon")
    by = dict(sums.select("unique_id", "difference").iter_rows())
    assert by["all series"] == pytest.approx(sum(v for k, v in by.items() if k != "all series"))
    assert by["S1/I02"] < 0


def test_known_values_set_again_add_exactly_nothing(job: Job) -> None:
    session = open_session(job.config())
    made = run_scenario(session, parse_changes(["promo*=1"], (FIRST, END)), SeriesFilter(where="store = 'S1'"))
    assert (made.rows["difference"] == 0).all()


def test_explanations_give_promotions_the_days_after_them(job: Job) -> None:
    """By hand: the log of what promotions contribute is the uplift, the dip, and the share of what peers take."""
    every = chain.sample().with_columns(unique_id=pl.concat_str("store", "item", separator="/"))
    on = every.filter(store="S1").pivot("unique_id", index="ds", values="promo").sort("ds").fill_null(0)
    rows, of, logs = explain(open_session(job.config())).rows, levers(job), []
    for series in on.columns[1:]:
        own, peers = on[series].to_numpy(), on.drop("ds", series).to_numpy().mean(axis=1)
        after = [not own[t] and own[max(t - 7, 0) : t].any() for t in range(len(own))]
        uplift, dip, lost = (of[k].filter(unique_id=series)["estimate"].item() for k in ("flag", "after", "peers"))
        log = uplift * own + dip * np.array(after) + lost * peers
        logs.append(pl.DataFrame({"unique_id": series, "ds": on["ds"], "log": log}))
    both = rows.filter(pl.col("yhat") > 0).join(pl.concat(logs), on=["unique_id", "ds"])
    assert (both["log"] < -0.1).any(), "the days do not try it"
    # the logarithmic mean is above 0: contributions have the sign of their log
    assert both.select((pl.col("promotion").sign() == pl.col("log").sign()).all()).item()


def test_past_events_say_what_the_response_knows_of_promotions_on_the_whole(job: Job) -> None:
    sentence = past_events(open_session(job.config())).sentence
    assert "In the 7 periods after a promotion sales are 4" in sentence
    assert "While all other series of its market are in promotion a series sells" in sentence


def plans() -> pl.DataFrame:
    return chain.sample().select("ds", "promo", unique_id=pl.concat_str("store", "item", separator="/"))


def test_what_is_kept_of_the_past_does_not_depend_on_who_asks_first() -> None:
    """Two kinds of promotion are felt for some periods afterwards; a request edits one of them, the next the other."""
    days = [LAST - timedelta(n) for n in range(20)]
    panel = pl.DataFrame({"unique_id": "A", "ds": days, "promo": 0, "display": 1, "price": 2.0}).lazy()
    row = {"grain": "series", "unique_id": "A", "text": None}
    levers = pl.DataFrame(
        [
            row | {"lever": "promo (after, 3)", "column": "promo", "kind": "after", "window": 3},
            row | {"lever": "display (after, 7)", "column": "display", "kind": "after", "window": 7},
            row | {"lever": "price", "column": "price", "kind": "price", "window": None},
        ]
    )
    frequency = SimpleNamespace(shift=lambda day, n: day + timedelta(n))
    job = SimpleNamespace(panel=SimpleNamespace(scan=lambda _: panel), config=SimpleNamespace(frequency=frequency))
    served = SimpleNamespace(job=job, cutoff=LAST, bundle=SimpleNamespace(levers=levers), _found={})
    past = online._past(served, 0)
    assert past.columns == ["unique_id", "ds", "display", "promo"]
    assert past["ds"].to_list() == sorted(days[:7])
