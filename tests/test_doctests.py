"""The examples in the docstrings of evaluation, planning and the grammar of edits are run and hold."""

import doctest
import importlib

import pytest

from tests.conftest import ROOT

FOLDERS = ("forecasting/evaluation", "forecasting/planning")
MODULES = [
    file.relative_to(ROOT).as_posix().removesuffix(".py").replace("/", ".")
    for folder in FOLDERS
    for file in sorted((ROOT / folder).rglob("*.py"))
    if "\ndef " in file.read_text(encoding="utf-8")
] + ["forecasting.data.edits"]


@pytest.mark.parametrize("module", MODULES)
def test_examples_hold(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted, f"{module} has no example: add a small one to a public function"
    assert not found.failed, f"{module}: {found.failed} of {found.attempted} examples fail (see the captured output)"
