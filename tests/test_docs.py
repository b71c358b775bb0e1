"""What the documentation shows works: every example is taken by the config, every command and key is there."""

import re

import pytest
import yaml

from flows.cli import app
from forecasting.config import load
from tests.conftest import ROOT

DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BASE = {"name": "job", "source": {"path": "sales.csv"}, "freq": "1d", "h": 28}
EXAMPLES = [
    pytest.param(block, id=f"{path.stem}-{number}")
    for path in DOCS
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE))
]


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_is_a_config(block, tmp_path):
    file = tmp_path / "job.yaml"
    lacks = {key: value for key, value in BASE.items() if key not in yaml.safe_load(block)}
    file.write_text(block + yaml.safe_dump(lacks))
    assert load(file).name


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_a_command_that_is_told_is_there(path):
    told = re.findall(r"demandcast ([a-z-]+(?: [a-z-]+)?)", path.read_text())
    missing = [words for words in told if not _is_command(words.split())]
    assert not missing


def _is_command(words: list[str]) -> bool:
    if words[0] in ("features", "check", "models", "alerts"):
        return len(words) == 1 or words[1] in app[words[0]]
    return words[0] in app


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.stem)
def test_a_file_that_is_named_is_there(path):
    named = re.findall(r"`((?:forecasting|flows|dashboard|configs|tests|docs|scripts)/[\w/.-]+\w)`", path.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []
