"""The project itself: locks, versions, no package index named, configs that load, commands that exist."""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from forecasting import config
from tests import conftest
from tests.conftest import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = {
    "requirements.lock": PROJECT["dependencies"],
    "requirements-server.lock": PROJECT["dependencies"] + EXTRAS["server"],
    "requirements-dev.lock": PROJECT["dependencies"] + EXTRAS["test"] + EXTRAS["dev"],
}
CONFIGS = sorted(set((ROOT / "configs").glob("*.yaml")) - set((ROOT / "configs").glob("*.tuned.yaml")))
# In pieces, so that this file does not name them itself.
INDEX_HOSTS = re.compile(r"pypi\." r"org|python" r"hosted\.org|/simp" r"le\b|--(extra-)?index" r"-url|--find" r"-links")


def pins(text: str) -> list[tuple[Requirement, str]]:
    """Each entry of a lock: what is pinned, and its hashes as they stand."""
    entries = re.sub(r" *\\\n +", " ", text).strip().splitlines()
    halves = (entry.partition(" --hash=") for entry in entries)
    return [(Requirement(pin), hashes) for pin, _, hashes in halves]


def loose(text: str) -> list[str]:
    """The entries that are not pinned to one version with a SHA-256 hash, or that name an address."""
    hashed = re.compile(r"sha256:[0-9a-f]{64}( --hash=sha256:[0-9a-f]{64})*")
    return [
        str(pin)
        for pin, hashes in pins(text)
        if pin.url or [s.operator for s in pin.specifier] != ["=="] or not hashed.fullmatch(hashes)
    ]


def unmet(wanted: list[str], text: str) -> list[str]:
    """The requirements that a lock does not meet: missing, or pinned to a version they do not allow."""
    versions = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin, _ in pins(text)}
    requirements = [Requirement(line) for line in wanted]
    return [
        str(requirement)
        for requirement in requirements
        if not requirement.specifier.contains(versions.get(canonicalize_name(requirement.name), "0"), prereleases=True)
        or canonicalize_name(requirement.name) not in versions
    ]


def tracked() -> list[Path]:
    """Files of the repository, as git lists them, new ones included."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("needs git and the repository's history folder to tell which files belong to it")
    return [path for line in done.stdout.splitlines() if (path := ROOT / line).is_file()]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_of_a_lock_is_exact_and_hashed(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert len(pins(text)) > 100
    assert loose(text) == []
    assert "://" not in text


@pytest.mark.parametrize(("lock", "wanted"), LOCKS.items())
def test_a_lock_meets_pyproject(lock: str, wanted: list[str]) -> None:
    assert unmet(wanted, (ROOT / lock).read_text()) == [], "run make lock"


def test_the_runtime_lock_is_part_of_the_others() -> None:
    run, server, dev = ({str(pin) for pin, _ in pins((ROOT / lock).read_text())} for lock in LOCKS)
    assert run < dev
    assert run < server


def test_the_runtime_lock_builds_the_project_and_carries_no_tools() -> None:
    names = {canonicalize_name(pin.name) for pin, _ in pins((ROOT / "requirements.lock").read_text())}
    assert "setuptools" in names, "scripts/venv.sh installs the project without build isolation"
    assert not names & {"hypothesis", "mypy", "playwright", "pre-commit", "pytest", "ruff"}


def test_the_lock_checks_find_what_is_wrong() -> None:
    digest = "--hash=sha256:" + "0" * 64
    assert loose(f"a==1 \\\n    {digest} \\\n    {digest}\nb==2 ; python_version < '3.12' \\\n    {digest}\n") == []
    assert loose(f"a==1\nb>=2 \\\n    {digest}\nc==3 \\\n    --hash=md5:00\nd==4 {digest}\n") == [
        "a==1",
        "b>=2",
        "c==3",
    ]
    assert unmet(["a<2", "b>=3", "C-x"], f"a==1 {digest}\nb==2 {digest}\n") == ["b>=3", "C-x"]


def test_changelog_tells_of_this_version() -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == PROJECT["version"]


def test_every_upper_bound_gives_its_reason() -> None:
    reasons = (ROOT / "CONTRIBUTING.md").read_text().partition("## Pinned on purpose")[2]
    bounds = [
        f"`{requirement.name}<{specifier.version}`"
        for requirement in map(Requirement, PROJECT["dependencies"])
        for specifier in requirement.specifier
        if specifier.operator == "<"
    ]
    assert len(bounds) > 4
    assert [bound for bound in bounds if bound not in reasons] == []


def test_no_package_index_is_named() -> None:
    named = {
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for path in tracked()
        if path.suffix not in (".png", ".parquet", ".gz", ".xlsx")
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if INDEX_HOSTS.search(line) and "--no-emit" not in line
    }
    assert not named


def test_pre_commit_fetches_nothing() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repo["repo"] for repo in hooks["repos"]} == {"local"}
    assert {hook["language"] for repo in hooks["repos"] for hook in repo["hooks"]} == {"system"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_config_loads_and_bears_its_name(path: Path) -> None:
    assert config.load(path).name == path.stem


def test_the_promised_configs_are_there() -> None:
    assert {"demo", "champagne", "rossmann", "m5", "breakfast_frat"} <= {path.stem for path in CONFIGS}


def test_python_versions_agree() -> None:
    """What pyproject allows is what scripts/venv.sh takes and what CI tries at both ends."""
    matrix = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["check"]["strategy"]["matrix"]
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "scripts/venv.sh").read_text()
    assert matrix["python"] == ["3.11", "3.13"]


def test_what_killed_test_runs_have_left_is_thrown_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of runs that are at work stay, and so do those of which nobody knows whose they are."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    names = [f"{ended.pid}-a", f"{os.getpid()}-b", "1-c", "no_number-d"]
    for name in names:
        (tmp_path / f"{conftest.PREFIX}{name}" / "prefect").mkdir(parents=True)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    conftest.pytest_sessionstart()
    assert {path.name.removeprefix(conftest.PREFIX) for path in tmp_path.iterdir()} == set(names[1:])
