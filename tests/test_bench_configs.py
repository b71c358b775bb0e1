"""The configs of public data sets share one recipe, so that a benchmark tells of the product and not of hand work."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

NAMES = (
    "breakfast_frat",
    "carparts",
    "champagne",
    "dominicks_oj",
    "favorita",
    "m3_monthly",
    "m5",
    "m5_store_dept",
    "online_retail",
    "rossmann",
    "store_item_demand",
    "tourism_monthly",
)
NATURAL = {
    "name",
    "source",
    "freq",
    "h",
    "season_length",
    "columns",
    "levels_of_aggregation",
    "calendar",
    "clean",
    "future",
}
"""What data say of themselves."""
WINDOWS = {"windows", "step"}
"""What the horizon says of the backtest."""


def told(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def handmade(path: Path, pattern: Path) -> set[str]:
    """The keys in which a config differs from the pattern, though its data do not say so."""
    one, other = told(path), told(pattern)
    keys = {k for k in one.keys() | other.keys() if k not in NATURAL and one.get(k) != other.get(k)}
    mine, theirs = (t.get("backtest", {}) for t in (one, other))
    within = {f"backtest.{k}" for k in mine.keys() | theirs.keys() if k not in WINDOWS and mine.get(k) != theirs.get(k)}
    return keys - {"backtest"} | within


def test_every_config_but_the_demo_is_compared() -> None:
    assert {path.stem for path in (ROOT / "configs").glob("*.yaml")} == {*NAMES, "demo"}


@pytest.mark.parametrize("name", NAMES)
def test_only_what_the_data_say_differs(name: str, configs: Path) -> None:
    assert handmade(configs / f"{name}.yaml", configs / "rossmann.yaml") == set()


@pytest.mark.parametrize("name", NAMES)
def test_models_windows_and_blocks_are_left_to_the_data(name: str, configs: Path) -> None:
    keys = told(configs / f"{name}.yaml")
    assert not {"models", "budget", "blocks"} & keys.keys()
    assert "calibration" not in keys["backtest"]


def test_a_backtest_step_is_a_horizon_or_part_of_it(configs: Path) -> None:
    """Else the bounds of tonight's forecast are not made as those of the backtest were."""
    for name in NAMES:
        config = told(configs / f"{name}.yaml")
        assert config["h"] % config["backtest"]["step"] == 0, name


def test_hand_work_is_found(configs: Path, tmp_path: Path) -> None:
    pattern, other = configs / "rossmann.yaml", tmp_path / "other.yaml"
    text = pattern.read_text()
    changes = {
        "engine: local\n": ("engine: local\nmodels: [ladder, {lightgbm: {trees: 900}}]\n", "models"),
        "known_ahead: recorded": ("known_ahead: recorded, calibration: 5", "backtest.calibration"),
        "level: [80, 95]": ("level: [80]", "level"),
        "freq: 1d\n": ("freq: 1d\nblocks: [7, 42]\n", "blocks"),
    }
    for before, (after, key) in changes.items():
        assert before in text
        other.write_text(text.replace(before, after))
        assert handmade(other, pattern) == {key}
    other.write_text(text.replace("h: 42", "h: 21"))
    assert handmade(other, pattern) == set()
