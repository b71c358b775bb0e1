"""What promotions do after their end and to peers: found where a simulator put it, and not where it did not."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.config import Config
from forecasting.planning.response.answer import response_factors
from forecasting.planning.response.table import estimate_levers

DAY = date(2026, 1, 5)
STORES, ITEMS, CATEGORIES = 4, 12, 2
WEEKS = 104


def job(freq: str = "1w") -> Config:
    static = ["store", "item", "category"]
    columns = {"known_ahead": ["price", "promo"], "static": static, "price": "price", "promo": "promo"}
    levels: list[list[str]] = [[], ["store"], ["category"]]
    base = {"name": "job", "source": {"path": "sales.csv"}, "freq": freq, "h": 8, "columns": columns}
    return Config.model_validate(base | {"levels_of_aggregation": levels})


def chain(seed: int, dip: float = 0.0, lost: float = 0.0) -> pl.DataFrame:
    """Weekly sales of items that compete within a category of a store, of demand that wanders.

    A promotion multiplies sales by exp(.5), those of the week after by exp(dip), and those of the other items of the
    category by exp(lost) if all others were in promotion. Nine of ten stores join an item's promotion.
    """
    rng = np.random.default_rng([seed, 41])
    item, store = np.tile(np.arange(ITEMS), STORES), np.repeat(np.arange(STORES), ITEMS)
    category = np.arange(ITEMS) % CATEGORIES
    promo = (rng.random((WEEKS, ITEMS)) < 0.12)[:, item] & (rng.random((WEEKS, item.size)) < 0.9)
    price = np.repeat(rng.choice([-0.2, -0.1, 0, 0.1], (WEEKS // 10 + 1, ITEMS)), 10, axis=0)[:WEEKS]
    after = np.zeros_like(promo)
    after[1:] = promo[:-1] & ~promo[1:]
    market = store * CATEGORIES + category[item]
    same = (market[:, None] == market) & ~np.eye(item.size, dtype=bool)
    share = promo.astype(float) @ same / same.sum(0)
    shock, common = np.zeros((WEEKS, ITEMS)), np.zeros((WEEKS, CATEGORIES))
    for week in range(1, WEEKS):
        shock[week] = 0.85 * shock[week - 1] + rng.normal(0, 0.05, ITEMS)
        common[week] = 0.85 * common[week - 1] + rng.normal(0, 0.03, CATEGORIES)
    level = 3 + rng.normal(0, 0.3, item.size) + shock[:, item] + common[:, category[item]]
    elasticity = rng.normal(-1.5, 0.3, ITEMS)
    mean = np.exp(level + (elasticity * price)[:, item] + 0.5 * promo + dip * after + lost * share)
    sold = rng.negative_binomial(12, 12 / (12 + mean)).astype(float)
    columns = {"y": sold, "price": 4 * np.exp(price)[:, item], "promo": promo.astype(float)}
    ds = [DAY + timedelta(weeks=week) for week in range(WEEKS)]
    names = {"store": [f"S{s}" for s in store], "item": [f"I{i:02}" for i in item]}
    names["category"] = [f"C{c}" for c in category[item]]
    flat = {name: np.repeat(of, WEEKS) for name, of in names.items()} | {n: v.T.ravel() for n, v in columns.items()}
    rows = pl.DataFrame(flat | {"ds": ds * item.size})
    return rows.with_columns(unique_id=pl.concat_str("store", "item", separator="/"))


def found(rows: pl.DataFrame) -> dict[str, tuple[float, float]]:
    """Mean effect and standard error of the levers that the table holds, by kind."""
    total = estimate_levers(job(), rows).filter(grain="total")
    return {kind: (estimate, error) for kind, estimate, error in total.select("kind", "estimate", "std_error").rows()}


def test_a_dip_after_promotions_and_what_peers_lose_are_found_with_their_errors() -> None:
    of = found(chain(1, dip=-0.25, lost=-0.6))
    assert of["after"][0] == pytest.approx(-0.25, abs=2 * of["after"][1])
    assert of["peers"][0] == pytest.approx(-0.6, abs=2 * of["peers"][1])
    assert of["after"][1] < 0.06
    assert of["peers"][1] < 0.25
    assert of["flag"][0] == pytest.approx(0.5, abs=0.08), "the uplift itself stays"


@pytest.mark.slow
def test_of_many_chains_without_a_dip_or_a_loss_hardly_any_is_said_to_have_one() -> None:
    told = [set(found(chain(seed))) for seed in range(100, 116)]
    assert all(kinds >= {"price", "flag"} for kinds in told)
    assert sum(kinds > {"price", "flag"} for kinds in told) <= 1


PROMO = {"grain": "series", "lever": "promo", "column": "promo", "kind": "flag", "text": None, "last": 0.0}
PROMO |= {"estimate": 0.5, "std_error": 0.05, "reach_low": 0.0, "reach_high": 1.0, "window": None}
AFTER = PROMO | {"lever": "promo (after, 2)", "kind": "after", "estimate": -0.2, "std_error": 0.04, "window": 2}
PEERS = PROMO | {"lever": "promo (peers)", "kind": "peers", "estimate": -0.6, "std_error": 0.1}


def table(*rows: dict[str, object]) -> pl.DataFrame:
    """The rows of two series that share a market of three, and of one beside it."""
    markets = {"a": ("m", 2), "b": ("m", 2), "z": ("n", 1)}
    named = [row | {"unique_id": i, "market": m, "peers": n} for row in rows for i, (m, n) in markets.items()]
    return pl.DataFrame(named, schema_overrides={"text": pl.String, "window": pl.Int64})


def plan(**promo: list[float]) -> pl.DataFrame:
    """Coming days of series with these promotions."""
    parts = [
        pl.DataFrame(
            {"unique_id": name, "ds": [DAY + timedelta(n) for n in range(len(of))], "promo": of},
            schema_overrides={"promo": pl.Float64},
        )
        for name, of in promo.items()
    ]
    return pl.concat(parts)


def test_a_promotion_that_is_added_lowers_the_days_after_it() -> None:
    """Logs by hand: the uplift on the day, the dip on the two days behind it, nothing later."""
    before, after = plan(a=[0, 0, 0, 0, 0]), plan(a=[0, 1, 0, 0, 0])
    made = response_factors(before, after, table(PROMO, AFTER))
    assert made["factor"].log().to_list() == pytest.approx([0, 0.5, -0.2, -0.2, 0])
    assert made["error"].to_list() == pytest.approx([0, 0.05, 0.04, 0.04, 0])


def test_a_promotion_of_the_past_is_felt_until_its_window_ends() -> None:
    """It ended on the day before the plan: on the first day the dip gives way to the new promotion's uplift."""
    past = plan(a=[1.0]).with_columns(ds=pl.lit(DAY - timedelta(1)))
    made = response_factors(plan(a=[0, 0, 0]), plan(a=[1, 0, 0]), table(PROMO, AFTER), past)
    assert made["factor"].log().to_list() == pytest.approx([0.5 + 0.2, 0, -0.2])


def test_peers_lose_by_the_share_of_the_market_that_is_promoted() -> None:
    """One of the two others of b: half of what all would take. The other market stays."""
    before = plan(a=[0, 0], b=[0, 0], z=[0, 0])
    made = response_factors(before, plan(a=[1, 0], b=[0, 0], z=[0, 0]), table(PROMO, PEERS))
    assert made["factor"].log().to_list() == pytest.approx([0.5, 0, -0.3, 0, 0, 0])
    same = response_factors(before, before, table(PROMO, AFTER, PEERS))
    assert same["factor"].to_list() == [1.0] * 6
