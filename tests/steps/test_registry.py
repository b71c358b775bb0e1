"""One entry and one file make a step: command, flow, deployment and summary follow; a forgotten part is found."""

import importlib
import inspect
import pkgutil
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from flows import cli, summary
from flows.commands.steps import step_command
from flows.orchestration import launch
from flows.orchestration.deployments import step_flow
from flows.orchestration.prefect_yaml import prefect_yaml
from forecasting import steps
from forecasting.config import load
from forecasting.errors import UserError
from forecasting.steps import run_step
from forecasting.steps.registry import PIPELINE, STEPS, Outcome, Section, Step
from tests.conftest import ROOT


@dataclass(frozen=True)
class Options:
    """Options of the step of this test."""

    times: int = 1
    """How often."""


@pytest.mark.parametrize("step", STEPS.values(), ids=lambda step: step.name)
def test_a_step_has_its_function_and_its_summary(step: Step) -> None:
    parameters = inspect.signature(getattr(step.module(), step.name)).parameters
    options = ["options"] if step.options else []
    assert list(parameters)[1:] == ["cutoff", "force", *options]
    assert list(inspect.signature(step.module().summarize).parameters) == ["facts"]
    assert step.description[0].isupper()
    assert step.description.endswith(".")


def test_the_registry_is_keyed_by_name_and_the_pipeline_is_in_its_order() -> None:
    assert [step.name for step in STEPS.values()] == list(STEPS)
    assert list(PIPELINE) == [name for name, step in STEPS.items() if step.in_pipeline]


def test_every_module_with_a_summary_is_registered() -> None:
    """A step whose entry was forgotten would have no command and no flow."""
    found = (importlib.import_module(m.name) for m in pkgutil.iter_modules(steps.__path__, f"{steps.__name__}."))
    assert {m.__name__.rpartition(".")[2] for m in found if hasattr(m, "summarize")} == set(STEPS)


@pytest.fixture
def greet(monkeypatch: pytest.MonkeyPatch) -> Step:
    """A new step: a module with two functions, and its entry."""
    module = ModuleType("forecasting.steps.greet")

    def greet(config: Any, cutoff: Any = None, *, force: bool = False, options: Any = None) -> Outcome:
        return Outcome("greet", {"text": "hello " * options.times}, reused=True)

    module.greet, module.summarize = greet, lambda facts: [Section("Greeting", (facts["text"],))]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    step = Step("greet", "Greet the job.", schedule="1 1 * * *", in_pipeline=False, options=Options)
    monkeypatch.setitem(STEPS, "greet", step)
    return step


def test_a_new_step_runs_and_is_summarized(greet: Step) -> None:
    outcome = run_step("greet", load(ROOT / "configs/demo.yaml"), options={"times": 2})
    record = {"step": "greet", "facts": outcome.facts, "reused": False, "seconds": 1.0}
    told = summary.text([record], "job.yaml", "lake/tiny")
    assert told.startswith("Greeting\n  hello hello")
    assert "greet 1.0 s" in told
    assert "## Greeting" in summary.markdown([record])


def test_a_new_step_has_a_command_a_flow_and_a_deployment(greet: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []
    monkeypatch.setattr(launch, "run", lambda flow, job, **given: calls.append((flow, given["options"])) or [])
    app = cli.App(result_action="return_value")
    app.command(step_command(greet), name="greet")
    app(["greet", str(ROOT / "configs/demo.yaml"), "--times", "3"])
    assert calls == [("greet", {"times": 3})]
    flow = step_flow(greet)
    assert (flow.name, flow.description) == ("greet", "Greet the job.")
    assert "flows/orchestration/deployments.py:greet" in prefect_yaml()


@pytest.mark.parametrize(("name", "allowed"), [("ingest", "takes none"), ("tune", "takes trials, timeout")])
def test_an_unknown_option_is_refused(name: str, allowed: str) -> None:
    with pytest.raises(UserError, match=f"{name} has no option 'trails': it {allowed}"):
        STEPS[name].parse_options({"trails": 3})
