"""A model family is one module, found by its name, also one whose models combine others."""

import importlib
import pkgutil
import sys
from dataclasses import dataclass
from types import ModuleType

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import forecasting.models
from forecasting import models
from forecasting.config import ModelSpec
from forecasting.config.sections import FAMILIES
from tests.models.conftest import NoEvidence

MEMBERS = ("Naive", "SeasonalNaive")


@dataclass(frozen=True)
class Lowest:
    """The lower of two forecasts."""

    name: str = "Lowest"
    on: str = "series"
    family: str = "lowest"
    depends_on: tuple[str, ...] = MEMBERS

    def combine_fitted(self, trained, evidence):
        assert set(MEMBERS) <= set(trained), "its members are trained before it"
        return self

    def combine_forecasts(self, forecasts, cut):
        rows = pl.concat([forecasts[name] for name in self.depends_on], how="diagonal")
        lowest = rows.sort("unique_id", "ds", "yhat").group_by("unique_id", "ds", maintain_order=True).first()
        return lowest.with_columns(source=pl.lit(self.name))


@pytest.fixture
def recipe(config, monkeypatch):
    """A recipe that names the new family before its members."""
    module = ModuleType("forecasting.models.lowest")
    module.STAGE, module.build, module.load = 1, lambda spec, config: [Lowest()], lambda folder: Lowest()
    monkeypatch.setitem(sys.modules, module.__name__, module)
    spec = ModelSpec.model_construct(family="lowest", name="Lowest", options={}, most=None, on="series")
    return config.model_copy(update={"models": (spec, *config.models[:1])})


def test_a_family_that_combines_others_needs_no_further_place(recipe, cut):
    trained, forecasts = {}, {}
    for model in models.build(recipe):
        trained[model.name] = models.fit(model, cut, trained, NoEvidence())
        forecasts[model.name] = models.predict(trained[model.name], cut, 0, forecasts)
    assert list(trained)[-1] == "Lowest"
    assert models.dependencies(trained["Lowest"]) == list(MEMBERS)
    assert models.dependencies(trained["Naive"]) == []
    members = [forecasts[name].sort("unique_id", "ds")["yhat"] for name in MEMBERS]
    lowest = forecasts["Lowest"].sort("unique_id", "ds")["yhat"]
    assert_frame_equal(lowest.to_frame(), pl.select(yhat=pl.min_horizontal(*members)))
    assert models.load("lowest", None) == Lowest()


def test_a_family_is_named_in_the_config_as_its_module():
    modules = {m.name for m in pkgutil.iter_modules(forecasting.models.__path__)}
    loaded = {name: importlib.import_module(f"forecasting.models.{name}") for name in modules}
    assert {name for name, module in loaded.items() if hasattr(module, "build")} - {"families"} == set(FAMILIES)
    assert all(hasattr(loaded[name], "load") for name in FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_can_be_written_in_a_config(family):
    assert ModelSpec.model_validate({family: {}}).family == family
