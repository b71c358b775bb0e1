"""Dockerfile and compose.yaml, read and not run: what they copy is there, nobody is root, nothing secret is in them."""

import ast
import re
import tomllib
from fnmatch import fnmatch
from itertools import pairwise
from typing import Any

import pytest
import yaml

from flows.cli import app
from tests.conftest import ROOT

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY")
REFERENCE = re.compile(r"\$\{[A-Z0-9_]+:\?[^}]+\}")
PINNED = re.compile(r"[\w./-]+:(?!latest)[\w.-]*\d[\w.-]*")


def instructions(text: str) -> list[tuple[str, str]]:
    """(word, rest) of each instruction, in order; continued lines are joined."""
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    return [
        (word, rest.strip()) for word, _, rest in (line.strip().partition(" ") for line in joined.splitlines()) if word
    ]


def stages(text: str) -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage by its name, those of the stage that it is built from included; "": the last."""
    found: dict[str, list[tuple[str, str]]] = {}
    for word, rest in instructions(text):
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found[name] = list(found.get(image, []))
            current = found[name]
        current.append((word, rest))
    return found


DOCKERFILE = (ROOT / "Dockerfile").read_text()
STAGES = stages(DOCKERFILE)
RUN = ["run", "objects", ""]
"""The stages of which containers are made."""


def test_what_is_copied_is_there_and_not_left_out() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copies = [rest.split() for word, rest in instructions(DOCKERFILE) if word == "COPY"]
    sources = {name for words in copies if not words[0].startswith("--from") for name in words[:-1]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert {*packages, "requirements-server.lock"} <= sources
    assert [name for name in sorted(sources) if not (ROOT / name).exists() or name not in kept] == []
    assert [name for name in kept if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", RUN)
def test_a_container_runs_as_nobody_special_and_tells_how_it_is(name: str) -> None:
    words = dict(STAGES[name])  # the last of each holds
    assert words["USER"] == "10001"
    assert "CMD" in words["HEALTHCHECK"]


def test_images_are_pinned_and_hold_no_secret() -> None:
    images = [rest.partition(" AS ")[0] for word, rest in instructions(DOCKERFILE) if word == "FROM"]
    assert [image for image in images if image not in STAGES and not PINNED.fullmatch(image)] == []
    assert [rest for word, rest in instructions(DOCKERFILE) if word in ("ENV", "ARG") and SECRET.search(rest)] == []
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_rules_find_what_breaks_them() -> None:
    bad = stages("FROM a:1 AS x\nUSER 1\nFROM x\nUSER root\nRUN a \\\n  b\n")
    assert dict(bad[""])["USER"] == "root"
    assert ("RUN", "a    b") in bad[""]
    assert not PINNED.fullmatch("postgres")
    assert not PINNED.fullmatch("postgres:latest")
    assert open_secrets({"DB_PASSWORD": "geheim", "URL": "postgresql://me:secret@host/x"}) == ["DB_PASSWORD", "URL"]
    assert open_secrets({"DB_PASSWORD": "${X:?set it}", "URL": "postgresql://me:${X:?set it}@host/x"}) == []


def open_secrets(environment: dict[str, str]) -> list[str]:
    """Names of variables that hold a secret as it is, alone or in an address."""
    return [
        name
        for name, value in environment.items()
        if (SECRET.search(name) and not REFERENCE.fullmatch(value))
        or re.search(r"://[^/@]*:[^/@]+@", REFERENCE.sub("", value))
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].partition(":")[0]) > 0
    assert PINNED.fullmatch(service["image"])
    assert open_secrets(service["environment"]) == []
    assert [port for port in service.get("ports", []) if not port.startswith("127.0.0.1:")] == []
    assert {volume.partition(":")[0] for volume in service.get("volumes", []) if volume[0] != "."} <= set(
        COMPOSE["volumes"]
    )


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_stays_has_a_check_and_what_others_wait_for_can_come(name: str) -> None:
    service = SERVICES[name]
    ends = service["restart"] == "no"
    assert service["healthcheck"].get("disable", False) is ends
    for other, wait in service.get("depends_on", {}).items():
        asked = {"service_completed_successfully"} if SERVICES[other]["restart"] == "no" else {"service_healthy"}
        assert wait["condition"] in asked


@pytest.mark.parametrize("name", SERVICES)
def test_the_commands_of_a_service_can_be_read(name: str) -> None:
    service = SERVICES[name]
    words = [*service.get("entrypoint", []), *service.get("command", []), *service["healthcheck"].get("test", [])]
    scripts = [code for before, code in pairwise(words) if before == "-c"]
    assert all(ast.parse(code).body for code in scripts)
    started = [*service.get("entrypoint", ["demandcast"]), *service.get("command", [])]
    if service["image"].startswith("demandcast:") and started[0] == "demandcast":
        given = [re.sub(r"\$\{JOB:-(.*)\}", r"\1", word) for word in started[1:]]
        command, _, _ = app.parse_args(given, exit_on_error=False, print_error=False)
        assert command.__name__ in given


def test_the_variables_that_are_asked_for_stand_in_the_example() -> None:
    asked = set(re.findall(r"\$\{([A-Z0-9_]+)", (ROOT / "compose.yaml").read_text()))
    example = {line.partition("=")[0] for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line}
    assert asked == example


def test_versions_are_those_of_the_project() -> None:
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    own = {service["image"] for service in SERVICES.values() if service["image"].startswith("demandcast")}
    assert {image.partition(":")[2] for image in own} == {version}


def test_what_is_ignored_is_left_out() -> None:
    first, *rest = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert first == "*"
    assert any(fnmatch("configs/a.tuned.yaml", line.removeprefix("**/")) for line in rest)
