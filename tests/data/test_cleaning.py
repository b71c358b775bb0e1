"""What is planted is found, what is sound is left alone, and no rule looks beyond the cutoff."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import Config
from forecasting.config import load as load_config
from forecasting.data import cleaning, contracts, sources
from forecasting.data.aggregates import aggregate_cut, group_sums
from forecasting.data.cut import Cut
from forecasting.data.panel import InMemory, Panel
from forecasting.data.panel_rows import fill_gaps, flag_observations
from forecasting.errors import UserError

MONDAY = date(2024, 1, 1)
DIRT = {"outliers": 350, "gaps": 300, "closed_weeks": 50, "stock_outs": 300}
CHAIN = {"stores": 12, "items": 10, "days": 730, "start": "2024-01-01", "seed": 7}
INFER = {"closed": "infer", "closed_by": ["store"], "stock_outs": "infer", "outliers": {"rule": "hampel"}}
BARE = {
    "columns": {"known_ahead": ["price", "promo"], "static": ["store", "item"], "price": "price", "promo": "promo"},
    "levels_of_aggregation": [[], ["store"]],
    "future": {"price": "last"},
}
"""No column holds openings or stocks."""


def cleaned(config: Config, long: pl.DataFrame) -> pl.DataFrame:
    """The panel of these rows as a load makes it."""
    good = long.drop(sources.TAGS)
    last = good.filter(pl.col("y").is_not_null())["ds"].max()
    rows = cleaning.apply_row_rules(fill_gaps(flag_observations(good, config), config, last), config)
    if config.clean.closed == "infer":
        closed = cleaning.infer_closings(group_sums(rows, config, cleaning.closing_levels(config)), config)
        rows = cleaning.mark_closings(rows, closed, config)
    return cleaning.apply_neighbour_rules(rows, config)


# 1,000 planted ones ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(configs):
    return lambda **keys: load_config(configs / "demo.yaml", {"source.options": CHAIN | {"dirt": DIRT}} | keys)


@pytest.fixture(scope="module")
def dirty(demo):
    """The chain with its dirt, with all that its stores know of themselves."""
    return sources.load(demo())


@pytest.fixture(scope="module")
def truth(dirty):
    """[unique_id, ds, kind, shut]: the planted days, and the others without anything to buy."""
    shut = dirty.long.filter((pl.col("open") == 0) | (pl.col("stock") == 0))
    every = dirty.injected_errors.select("unique_id", "ds", "kind")
    return every.join(shut.select("unique_id", "ds", shut=True), on=["unique_id", "ds"], how="full", coalesce=True)


def found(panel: pl.DataFrame, truth: pl.DataFrame, kind: str, flags: list[str], shut: bool) -> tuple[float, float]:
    """Recall of the planted days of a kind, precision of the flags; a day without anything to buy is no mistake."""
    rows = panel.join(truth, on=["unique_id", "ds"], how="left").filter(pl.col("flag") != "ahead")
    hit, planted = rows["flag"].is_in(flags), (rows["kind"] == kind).fill_null(False)
    sound = planted | rows["shut"].fill_null(False) if shut else planted
    return (hit & planted).sum() / planted.sum(), (hit & sound).sum() / hit.sum()


FLAGS = {
    "outlier": ["outlier"],
    "gap": ["filled"],
    "closed": ["closed", "inferred_closed", "inferred_out_of_stock"],
    "stock_out": ["out_of_stock", "inferred_out_of_stock"],
}


@pytest.mark.parametrize("rule", ["hampel", "iqr", "level_shift"])
@pytest.mark.parametrize("keys", [{}, BARE], ids=["given", "inferred"])
def test_planted_dirt_is_found(demo, dirty, truth, keys, rule):
    config = demo(**keys, clean=INFER | {"outliers": {"rule": rule}})
    panel = cleaned(config, dirty.long.select(sources.load(config).long.columns))
    for kind, flags in FLAGS.items():
        recall, precision = found(panel, truth, kind, flags, shut=kind in ("closed", "stock_out"))
        assert recall > 0.9, (kind, recall)
        assert precision > 0.9, (kind, precision)


def test_the_chain_is_the_same_with_and_without_dirt(demo, dirty):
    """Injected errors lie on top: no other number is drawn differently, and the correct ones are returned."""
    clean = sources.load(demo(**{"source.options": CHAIN}))
    assert clean.injected_errors.is_empty()
    both = clean.long.join(dirty.long, on=["unique_id", "ds"], how="left", suffix="_dirty")
    gaps = dirty.injected_errors.filter(pl.col("kind") == "gap").height
    assert clean.long.height - dirty.long.height == gaps == DIRT["gaps"]
    spoilt = both.filter(pl.col("y") != pl.col("y_dirty")).select("unique_id", "ds", "y")
    truth = dirty.injected_errors.filter(pl.col("kind") != "gap").select("unique_id", "ds", was="y")
    joined = spoilt.join(truth, on=["unique_id", "ds"], how="left")
    assert joined["was"].null_count() == 0
    assert joined["was"].to_list() == joined["y"].to_list()


@pytest.mark.parametrize("key", ["outliers", "gaps", "closed_weeks", "stock_outs"])
def test_more_errors_than_fit_are_refused(demo, key):
    with pytest.raises(UserError, match=rf"source.options.dirt.{key}: .*give fewer"):
        sources.load(demo(**{"source.options": CHAIN | {"stores": 1, "items": 2, "dirt": {key: 10**6}}}))


# what a cut may read --------------------------------------------------------------------------------------------------


def panel_of(config: Config, rows: pl.DataFrame) -> Panel:
    return Panel(config, InMemory(rows), (0,), InMemory(pl.DataFrame()))


@pytest.mark.parametrize("action", ["cap", "drop", "keep"])
def test_a_cut_is_cleaned_with_data_up_to_its_cutoff(demo, dirty, action):
    """Spoil all sales after the cutoff: stored flags change, the cut does not."""
    config = demo(**BARE, clean=INFER | {"outliers": {"rule": "level_shift", "action": action}})
    long = dirty.long.select(sources.load(config).long.columns).filter(pl.col("unique_id").str.starts_with("S1/"))
    cutoff = MONDAY + timedelta(500)
    late, y = pl.col("ds") > cutoff, pl.col("y")
    spoilt = long.with_columns(y=pl.when(late & y.is_not_null()).then(y * 50 + 1).otherwise(y))
    frames = [Cut(panel_of(config, cleaned(config, rows)), cutoff, 28).frame(0) for rows in (long, spoilt)]
    assert_frame_equal(*frames)
    history = frames[0].filter(pl.col("ds") <= cutoff)
    assert {"outlier", "inferred_out_of_stock"} <= set(history["flag"])
    later = [cleaned(config, rows).filter(pl.col("ds") <= cutoff).select("y", "flag") for rows in (long, spoilt)]
    assert not later[0].equals(later[1]), "the load looked beyond the cutoff, else this proves nothing"
    as_of = cleaned(config, long.filter(pl.col("ds") <= cutoff))
    assert_frame_equal(history.drop("bucket", strict=False), as_of.select(history.columns))


def test_sums_of_groups_hold_nothing_that_a_later_day_decided(demo, dirty):
    config = demo(**BARE, clean=INFER)
    long = dirty.long.select(sources.load(config).long.columns).filter(pl.col("unique_id").str.starts_with("S1/"))
    cutoff = MONDAY + timedelta(500)
    full = cleaned(config, long)
    as_of = cleaned(config, long.filter(pl.col("ds") <= cutoff))
    reverted = [
        group_sums(cleaned.filter(pl.col("ds") <= cutoff), config, [()]).sort("ds")
        for cleaned in (cleaning.revert_neighbour_rules(full, config), cleaning.revert_neighbour_rules(as_of, config))
    ]
    assert_frame_equal(*reverted)
    assert not group_sums(full, config, [()]).equals(
        group_sums(cleaning.revert_neighbour_rules(full, config), config, [()])
    )


def test_without_rules_a_cut_takes_rows_as_they_are(demo, dirty):
    config = demo(clean={"outliers": {"rule": "none"}})
    rows = cleaned(config, dirty.long)
    assert cleaning.clean_as_of_cutoff(rows, config) is rows


def test_aggregates_are_not_cleaned_twice(demo):
    config = demo(clean=INFER)
    bare = plain(outliers={"rule": "none"})
    rows = pl.concat([one([5.0] * 99 + [5000.0], name) for name in "ab"])
    cut = Cut(
        panel_of(bare, cleaning.apply_row_rules(fill_gaps(flag_observations(rows, bare), bare, day(99)), bare)),
        day(99),
        7,
    )
    assert aggregate_cut(cut, [()]).frame(0).filter(pl.col("ds") == day(99))["y"].item() == 10000
    assert aggregate_cut(Cut(cut.panel, day(99), 7), [()]).config.clean.outliers.rule == "none"
    assert config.clean.outliers.rule == "hampel"


# single rules ----------------------------------------------------------------------------------------------------


def day(i: int) -> date:
    return MONDAY + timedelta(i)


def one(y: list, name: str = "a", **columns) -> pl.DataFrame:
    rows = {"unique_id": [name] * len(y), "ds": [day(i) for i in range(len(y))], "y": y, **columns}
    return pl.DataFrame(rows, schema_overrides={"y": pl.Float64})


def plain(freq: str = "1d", **clean) -> Config:
    columns = clean.pop("columns", {})
    return Config.model_validate({"name": "x", "source": {}, "freq": freq, "h": 7, "columns": columns, "clean": clean})


def run(rows: pl.DataFrame, config: Config) -> pl.DataFrame:
    last = rows.filter(pl.col("y").is_not_null())["ds"].max()
    return cleaning.apply_neighbour_rules(
        cleaning.apply_row_rules(fill_gaps(flag_observations(rows, config), config, last), config), config
    )


@pytest.mark.parametrize(("action", "y"), [(None, None), ("drop", None), ("cap", 9.0), ("keep", 5000.0)])
def test_a_single_value_far_from_all_others_is_a_slip(action, y):
    made = run(one([5.0, 9.0, 0.0, None] * 10 + [5000.0, 6.0]), plain(outliers={"action": action}))
    assert made.row(40)[made.columns.index("y")] == y
    assert made["y_raw"][40] == 5000.0
    assert made.filter(pl.col("flag") == "far_out")["ds"].to_list() == [day(40)]


@pytest.mark.parametrize(
    "y",
    [
        [5.0, 9.0] * 20 + [170.0],  # 19 times the next largest
        [1.0, 0.0] * 20 + [30.0],  # few units vary by chance
        [5.0, 9.0] * 20 + [400.0, 500.0, 450.0],  # a season, one day beside the other
        [5.0, 9.0] * 4 + [5000.0],  # nobody knows yet how such a series sells
        [5.0, 9.0] * 10 + ([7.0] * 9 + [5000.0]) * 4,  # it does so every ten days
    ],
)
def test_large_values_are_no_slips(y):
    assert "far_out" not in run(one(y), plain())["flag"].to_list()


def test_a_slip_is_one_only_as_long_as_no_later_day_confirms_it():
    config = plain()
    both = run(one([5.0, 9.0] * 20 + [5000.0, 4000.0]), config)
    assert "far_out" not in both["flag"].to_list()
    earlier = cleaning.clean_as_of_cutoff(both.filter(pl.col("ds") <= day(40)), config)
    assert earlier.filter(pl.col("flag") == "far_out")["ds"].to_list() == [day(40)]


@pytest.mark.parametrize(("below", "y"), [("zero", 0.0), ("missing", None)])
def test_numbers_below_y_min_are_replaced_and_flagged(below, y):
    made = run(one([3, -2, 5]), plain(below=below))
    assert made["y"].to_list() == [3, y, 5]
    assert made["y_raw"].to_list() == [3, -2, 5]
    assert made["flag"].to_list() == ["observed", "below", "observed"]


def test_fractions_are_rounded_and_flagged():
    made = run(one([3, 2.6, 5]), plain(fractions="round"))
    assert made["y"].to_list() == [3, 3, 5]
    assert made["flag"].to_list() == ["observed", "rounded", "observed"]


def test_zeros_before_the_first_sale_are_not_observed():
    made = run(one([0, 0, 4, 0, 1]), plain(leading_zeros="drop"))
    assert made["y"].to_list() == [None, None, 4, 0, 1]
    assert made["flag"].to_list() == ["leading_zero", "leading_zero", "observed", "observed", "observed"]


@pytest.mark.parametrize(("keys", "rules"), [({"fractions": "quarantine"}, ["fraction"]), ({}, [])])
def test_fractions_stand_in_quarantine_where_the_config_wants_it(table_config, keys, rules):
    config = table_config("ds,y\n2024-01-01,2\n2024-01-02,2.5\n", clean=keys, limits={"quarantined": 1.0})
    assert contracts.check_load(sources.load(config), config).quarantine["rule"].to_list() == rules


def noisy(n: int, mean: float = 100.0, seed: int = 1) -> np.ndarray:
    """Poisson sales with a week: oracles of the rules below are what is put on top."""
    week = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.4, 0.9])
    return np.random.default_rng(seed).poisson(mean * week[np.arange(n) % 7]).astype(float)


@pytest.mark.parametrize("rule", ["hampel", "iqr", "level_shift"])
def test_a_sound_series_is_left_alone(rule):
    made = run(one(list(noisy(400))), plain(outliers={"rule": rule}))
    assert set(made["flag"]) == {"observed"}


@pytest.mark.parametrize(("action", "within"), [("cap", (90, 400)), ("drop", None), ("keep", (999, 1001))])
def test_an_outlier_is_treated_by_the_action(action, within):
    y = noisy(200)
    y[100] = 1000
    made = run(one(list(y)), plain(outliers={"rule": "hampel", "action": action}))
    odd = made.filter(pl.col("flag") == "outlier")
    assert odd["ds"].to_list() == [day(100)]
    assert odd["y_raw"].to_list() == [1000]
    assert odd["y"].item() is None if within is None else within[0] < odd["y"].item() < within[1]


def test_a_promotion_is_compared_with_promotions():
    """Five times the sales on each fourteenth day: outliers, unless a column marks them as promotions."""
    y, promo = noisy(280), [int(i % 14 == 3) for i in range(280)]
    y = y * (1 + 4 * np.array(promo))
    bare = run(one(list(y)), plain(outliers={"rule": "hampel"}, leading_zeros="keep"))
    columns = {"known_ahead": ["promo"], "promo": "promo"}
    rows = run(one(list(y), promo=promo), plain(outliers={"rule": "hampel"}, columns=columns))
    assert (bare["flag"] == "outlier").sum() > 5
    assert (rows["flag"] == "outlier").sum() == 0


def test_a_peak_that_comes_each_year_is_no_outlier():
    """Three days in December, each year: no outlier from the second year on."""
    y = noisy(364 * 3)
    for year in range(3):
        y[364 * year + 350 : 364 * year + 353] *= 4
    config = plain(outliers={"rule": "hampel"})
    assert (run(one(list(y)), config)["flag"] == "outlier").sum() == 0
    assert (run(one(list(y[:360])), config)["flag"] == "outlier").sum() == 3


def test_what_all_series_show_on_a_day_is_an_event():
    rows = []
    for k in range(20):
        y = noisy(200, seed=k)
        y[120] *= 5
        y[60 + k] *= 8 if k == 4 else 1
        rows.append(one(list(y), f"s{k:02}"))
    made = run(pl.concat(rows), plain(outliers={"rule": "hampel"}))
    odd = made.filter(pl.col("flag") == "outlier")
    assert odd.select("unique_id", "ds").rows() == [("s04", day(64))]


def test_a_level_that_shifts_for_good_is_flagged_and_kept():
    y = noisy(300)
    y[200:] *= 3
    made = run(one(list(y)), plain(outliers={"rule": "level_shift"}))
    assert made["y"].to_list() == y.tolist()
    assert (made["flag"] == "outlier").sum() == 0
    shifts = made.filter(pl.col("flag") == "level_shift")["ds"].to_list()
    assert len(shifts) == 1
    assert abs((shifts[0] - day(200)).days) <= 3
    as_of = run(one(list(y[:210])), plain(outliers={"rule": "level_shift"}))
    assert (as_of["flag"] == "outlier").sum() == 0, "ten days on a new level are no ten outliers"
    assert (run(one(list(y[:203])), plain(outliers={"rule": "level_shift"}))["flag"] == "outlier").sum() == 3


def test_a_stock_out_is_seen_where_it_can_be():
    """Four zeros of an item that sells ten a day cannot be chance; of one that sells one every fifth day they can."""
    rng = np.random.default_rng(5)
    fast, slow = rng.poisson(10, 200).astype(float), rng.poisson(0.2, 200).astype(float)
    fast[100:104] = slow[100:104] = 0
    made = run(pl.concat([one(list(fast), "fast"), one(list(slow), "slow")]), plain(stock_outs="infer"))
    out = made.filter(pl.col("flag") == "inferred_out_of_stock")
    assert out.select("unique_id", "ds").rows() == [("fast", day(i)) for i in range(100, 104)]
    assert out["y"].null_count() == out["y_raw"].len() == 4


def test_an_item_that_ended_is_not_out_of_stock():
    y = list(noisy(100, 10)) + [0.0] * 60
    assert set(run(one(y), plain(stock_outs="infer"))["flag"]) == {"observed"}
    assert (run(one(y[:110]), plain(stock_outs="infer"))["flag"] == "inferred_out_of_stock").sum() == 10


def test_a_weekly_day_of_rest_is_neither_closed_nor_out_of_stock():
    y = noisy(210, 30)
    y[6::7] = 0
    y[105:109] = 0
    config = plain(stock_outs="infer", closed="infer")
    rows = cleaning.apply_row_rules(fill_gaps(flag_observations(one(list(y)), config), config, day(209)), config)
    closed = cleaning.infer_closings(group_sums(rows, config, [()]), config)
    assert closed["ds"].to_list() == [day(i) for i in range(105, 109)]
    assert cleaning.mark_closings(rows, closed, config)["flag"].to_list().count("inferred_closed") == 4
    out = cleaning.apply_neighbour_rules(rows, config).filter(pl.col("flag") == "inferred_out_of_stock")
    assert out["ds"].to_list() == [day(i) for i in range(105, 109)]


def test_zeros_put_into_gaps_are_judged_and_made_again():
    """A gap is a zero with gaps: zero; taken for a stock-out it stays a row that no load brought."""
    y = [None if 100 <= i < 105 else v for i, v in enumerate(noisy(200, 20))]
    rows = one(y).drop_nulls("y")
    config = plain(gaps="zero", stock_outs="infer")
    made = run(rows, config)
    gap = made.filter(pl.col("ds").is_between(day(100), day(104)))
    assert gap["flag"].to_list() == ["inferred_out_of_stock"] * 5
    assert made.filter(~cleaning.is_filled()).select(rows.columns).equals(rows)
    assert_frame_equal(cleaning.clean_as_of_cutoff(made, config), made)
    back = cleaning.revert_neighbour_rules(made, config).filter(pl.col("ds").is_between(day(100), day(104)))
    assert (back["flag"].to_list(), back["y"].to_list()) == (["filled"] * 5, [0.0] * 5)


@pytest.mark.parametrize("freq", ["1w", "1mo"])
def test_other_rhythms_have_outliers_too(freq):
    rng, f = np.random.default_rng(3), plain(freq).frequency
    y = rng.poisson(200, 60).astype(float)
    y[30] = 2000
    ds = [f.shift(date(2020, 1, 1), i) for i in range(60)]
    made = run(pl.DataFrame({"unique_id": ["a"] * 60, "ds": ds, "y": y}), plain(freq, outliers={"rule": "hampel"}))
    assert made.filter(pl.col("flag") == "outlier")["ds"].to_list() == [ds[30]]


def test_closed_by_must_be_the_same_on_all_days(make_config):
    with pytest.raises(UserError, match=r"line \d+: clean.closed_by.0: price is not the same"):
        make_config(clean={"closed_by": ["price"]})
