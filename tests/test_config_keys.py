"""Every key of the config declares what it changes and what it is for; identities and docs/CONFIG.md follow."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, TypeAdapter

from forecasting.config import Config, load, reference
from forecasting.config.declarations import CHANGES, Section, TopLevel, changes
from forecasting.config.formats import CONFIG_FORMAT
from forecasting.errors import UserError
from forecasting.steps import identity
from tests.conftest import ROOT

CHANGED: dict[str, Any] = {
    "freq": "1w",
    "h": 8,
    "season_length": 3,
    "blocks": [1, 7],
    "columns": {"known_ahead": ["price"]},
    "levels_of_aggregation": [[], []],
    "calendar": {"country": "DE"},
    "clean": {"gaps": "zero"},
    "backtest": {"windows": 5},
    "models": ["ladder", {"stats": "AutoETS"}],
    "budget": 300.0,
    "level": [50],
    "future": {"price": "last"},
    "levers": ["price"],
}
"""Key -> another value than that of `job`."""


def job(**other: Any) -> Config:
    base = {"name": "job", "source": {"path": "sales.csv"}, "freq": "1d", "h": 7}
    return Config.model_construct(**(dict(Config.model_validate(base)) | other))


def test_a_key_that_declares_nothing_is_no_key() -> None:
    """So a new key cannot silently reuse old results."""
    with pytest.raises(TypeError, match=r"Later\.smooth does not declare what it changes"):

        class Later(TopLevel):
            smooth: bool = Field(default=False, description="Whether forecasts are smoothed.")


def test_a_key_without_a_description_is_no_key() -> None:
    with pytest.raises(TypeError, match=r"Later\.smooth has no description"):

        class Later(Section):
            smooth: bool = False


@pytest.mark.parametrize("what", [(), ("forecast",), ("nothing", "data")])
def test_a_declaration_makes_sense(what: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="a key changes one or more of"):
        changes(*what)


def test_a_declared_key_enters_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """One declaration is enough: the identity of the recipe then differs with the value of the key."""
    monkeypatch.setitem(Config._declared, "limits", ("forecasts",))
    strict = job(limits=Config.model_fields["limits"].get_default().model_copy(update={"max_age": 1}))
    assert identity.recipe_of(strict) != identity.recipe_of(job())
    monkeypatch.undo()
    assert identity.recipe_of(strict) == identity.recipe_of(job())


@pytest.mark.parametrize("key", Config.model_fields)
def test_a_key_changes_what_it_declares_and_nothing_else(key: str) -> None:
    declared = Config.changes_of(key)
    assert set(declared) <= set(CHANGES)
    if declared == ("nothing",):
        assert key not in CHANGED, "then it would change something"
        return
    for what in CHANGES:
        keys = Config.keys_that_change(what)
        before, after = identity.hashed(job(), keys), identity.hashed(with_value(key, CHANGED[key]), keys)
        assert (before != after) == (what in declared), what


def with_value(key: str, value: Any) -> Config:
    """The job with another value of a key, read as in a file; combinations of keys are not checked."""
    return job(**{key: TypeAdapter(Config.model_fields[key].annotation).validate_python(value)})


def test_the_sets_of_keys_behind_the_identities() -> None:
    """A key that moves between sets makes earlier results invalid, or keeps wrong ones: only on purpose."""
    features = ("freq", "h", "season_length", "blocks", "columns", "calendar", "clean", "future")
    assert Config.keys_that_change("features") == features
    assert Config.keys_that_change("tuning") == features
    assert Config.keys_that_change("forecasts") == (*features, "backtest", "models", "budget")
    assert Config.keys_that_change("data") == ("freq", "season_length", "columns", "levels_of_aggregation", "clean")
    assert Config.keys_that_change("published") == ("levels_of_aggregation", "levers", "level")


def test_the_reference_of_the_keys_is_up_to_date() -> None:
    written = (ROOT / reference.FILE).read_text()
    assert written == reference.reference(), f"run: python -m forecasting.config.reference > {reference.FILE}"


def test_the_reference_holds_every_key_with_its_description() -> None:
    text = reference.reference()
    for section in (Config, *(section for _, section in reference.sections("", Config))):
        for name, field in section.model_fields.items():
            assert f"| `{name}` | " in text
            assert str(field.description).replace("|", "\\|") in text


def test_a_config_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    lines = "name: job\nsource: {path: sales.csv}\nfreq: 1d\nh: 7\n"
    file.write_text(f"format: {CONFIG_FORMAT + 1}\nsmooth: true\n{lines}")
    with pytest.raises(
        UserError, match=rf"line 1: format: this config has format {CONFIG_FORMAT + 1}, .* newer version"
    ):
        load(file)
    file.write_text(f"format: {CONFIG_FORMAT}\n{lines}")
    assert load(file) == load(_unnumbered(file, lines))


def _unnumbered(file: Path, lines: str) -> Path:
    """A config of today: it bears no number."""
    other = file.with_name("unnumbered.yaml")
    other.write_text(lines)
    return other
