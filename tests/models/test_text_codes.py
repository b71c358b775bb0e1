"""Text columns of any size: few values are categories, many are places in an order that holds what sells under them."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl

from forecasting import models
from forecasting.data.cut import Cut
from forecasting.models.lightgbm.text_codes import FEWEST, MOST_CATEGORIES, PRIOR, category_codes, is_category
from tests.models.conftest import CUTOFF, LAST, START, H, make_panel, small_config

DAYS = [START + timedelta(d) for d in range((LAST - START).days + 1)]
THEMES = 90


def themed_rows(seed: int = 1) -> pl.DataFrame:
    """Twelve series under one of 90 themes a day, each with its own effect from half to double."""
    rng = np.random.default_rng(seed)
    lift = np.linspace(0.5, 2.0, THEMES)[rng.permutation(THEMES)]
    parts = []
    for i in range(12):
        theme = rng.integers(0, THEMES, len(DAYS))
        y = np.round((20 + 5 * i) * lift[theme] * rng.gamma(200, 1 / 200, len(DAYS)), 2)
        names = [f"theme {t:02d}" for t in theme]
        parts.append(pl.DataFrame({"unique_id": f"s{i}", "ds": DAYS, "y": y, "theme": names, "label": f"maker {i}"}))
    return pl.concat(parts)


def cut_of(rows: pl.DataFrame, **columns) -> Cut:
    named = {"known_ahead": ["theme"], "static": ["label"]} | columns
    recipe = ["ladder", {"lightgbm": {"trees": 60, "params": {"min_data_in_leaf": 10}}}]
    config = small_config(columns=named, models=recipe, blocks=[H], calendar={})
    return Cut(make_panel(config, rows), CUTOFF, H)


def error(rows: pl.DataFrame, cut: Cut) -> float:
    said = models.build(cut.config)[-1].fit(cut).predict(cut, 0)
    both = rows.join(said.select("unique_id", "ds", "yhat"), on=["unique_id", "ds"])
    return (both["yhat"] - both["y"]).abs().sum() / both["y"].sum()


def test_a_column_of_many_values_is_ordered_by_what_sells_under_them():
    rows, cut = themed_rows(), cut_of(themed_rows())
    codes = category_codes(cut)
    assert not is_category(codes["theme"])
    assert is_category(codes["label"])
    known = rows.filter(pl.col("ds") <= CUTOFF)
    shares: dict[str, float] = {}
    means = {name: part["y"].mean() for (name,), part in known.group_by("unique_id")}
    for (theme,), part in known.group_by("theme"):
        due = [means[name] for name in part["unique_id"]]
        usual = PRIOR * np.mean(due)
        if part.height >= FEWEST:
            shares[theme] = (part["y"].sum() + usual) / (sum(due) + usual)
    assert len(shares) > MOST_CATEGORIES, "the sample has enough rows for most"
    assert sorted(shares, key=shares.__getitem__) == sorted(codes["theme"], key=codes["theme"].__getitem__)


def test_it_makes_forecasts_that_know_the_theme():
    rows = themed_rows()
    assert error(rows, cut_of(rows)) < 0.6 * error(rows, cut_of(rows, known_ahead=[]))


def test_nothing_after_the_cutoff_decides_and_unseen_values_are_none():
    rows = themed_rows()
    after = pl.col("ds") > CUTOFF
    spoilt = rows.with_columns(y=pl.when(after).then(9999.0).otherwise("y"))
    new = spoilt.with_columns(theme=pl.when(after).then(pl.lit("never seen")).otherwise("theme"))
    known = category_codes(cut_of(rows))
    assert category_codes(cut_of(spoilt)) == known == category_codes(cut_of(new))
    assert error(new.with_columns(y=rows["y"]), cut_of(new)) < 1


def test_a_static_column_of_many_values_is_ordered_by_the_size_of_its_series():
    day = [START + timedelta(d) for d in range(FEWEST + 10)]
    size = {f"item {i:02d}": float((37 * i) % 101 + 1) for i in range(80)}
    rows = pl.concat(
        pl.DataFrame({"unique_id": name, "ds": day, "y": [y] * len(day), "theme": "none", "label": name})
        for name, y in size.items()
    )
    codes = category_codes(cut_of(rows))
    assert "theme" not in codes, "one value says nothing"
    assert sorted(codes["label"], key=codes["label"].__getitem__) == sorted(size, key=size.__getitem__)


def test_rare_values_of_many_are_taken_together():
    rows = themed_rows().with_columns(
        theme=pl.when(pl.col("ds") == START, pl.col("unique_id") == "s0").then(pl.lit("once")).otherwise("theme")
    )
    assert "once" not in category_codes(cut_of(rows))["theme"]


def test_a_saved_model_keeps_the_order(tmp_path):
    cut = cut_of(themed_rows())
    fitted = models.build(cut.config)[-1].fit(cut)
    fitted.save(tmp_path)
    again = models.load("lightgbm", tmp_path)
    assert replace(again, boosters=fitted.boosters).predict(cut, 0).equals(fitted.predict(cut, 0))
