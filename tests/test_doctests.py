"""The examples in docstrings are run and hold; each module of evaluation and planning with functions has one."""

import doctest
import importlib

import pytest

from tests.conftest import ROOT

PACKAGES = ("forecasting", "flows", "dashboard", "demandcast")
EXPLAINED = ("forecasting.evaluation.", "forecasting.planning.")
"""In these every module that defines functions has an example."""


def _modules_with_examples() -> list[str]:
    """The modules whose docstrings hold examples, or should."""
    found = []
    for file in sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        name = file.relative_to(ROOT).as_posix().removesuffix(".py").replace("/", ".")
        text = file.read_text(encoding="utf-8")
        if ">>> " in text or (name.startswith(EXPLAINED) and "\ndef " in text):
            found.append(name)
    return found


@pytest.mark.parametrize("module", _modules_with_examples())
def test_examples_hold(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted, f"{module} has no example: add a small one to a public function"
    assert not found.failed, f"{module}: {found.failed} of {found.attempted} examples fail (see the captured output)"
