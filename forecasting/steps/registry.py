"""The registry of steps: STEPS has a Step by name, from which its command, flow, deployment and summary follow.

A step returns an Outcome: its name, its facts (what it recorded of its run, {name: JSON value}), and `reused`.
Light on purpose: the command line imports it to print its help, so a step's own module is imported when it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from types import ModuleType
from typing import Any

from forecasting.errors import UserError
from forecasting.steps.monitoring.options import MonitorOptions
from forecasting.steps.tuning.options import TuneOptions

Facts = Mapping[str, Any]
"""The facts of a step's outcome: plain JSON values."""


@dataclass(frozen=True)
class Outcome:
    """What a step reports: `facts` as plain JSON values; `reused` when nothing had to be done; `logged` is False for a
    look at something else than the job's own tables, which the run log does not tell of.
    """

    step: str
    facts: dict[str, Any]
    reused: bool = False
    logged: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The outcome as a plain dict."""
        return asdict(self)


@dataclass(frozen=True)
class Section:
    """A part of a summary: a title, sentences, and perhaps a table (rows {column: text}, all of the same columns)."""

    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Step:
    """One step of a job.

    Its module `forecasting.steps.<name>` holds the function `<name>(session, cutoff, *, force)`, which returns an
    Outcome, and `summarize(facts)`, the sections of its summary. A step with `options` takes them as `options=` too.
    """

    name: str
    description: str
    schedule: str
    """When its deployment runs: cron, in UTC."""
    hours: float = 4
    """How long a run of its deployment may take before it is stopped: many times what it should, as it may hang."""
    in_pipeline: bool = True
    """Whether it is part of the main job (`run`)."""
    scheduled: bool = True
    """Whether the schedule of its deployment is switched on."""
    reads_source: bool = False
    """Whether it reads the raw data: their place is looked up before anything is started."""
    uses_registry: bool = False
    """Whether it opens the model registry."""
    fits_models: bool = False
    """Whether it fits the models of the config."""
    options: type[Any] | None = None
    """A dataclass of further options; the text below each of its fields is the help of the command."""

    def module(self) -> ModuleType:
        """The step's own module."""
        return import_module(f"forecasting.steps.{self.name}")

    def summarize(self, facts: Facts) -> list[Section]:
        """The sections of the summary of an outcome with these facts, at least one; remarks come last."""
        sections: list[Section] = self.module().summarize(facts)
        remarks = tuple(remark["message"] for remark in facts.get("remarks", ()))
        return [*sections, Section("Worth knowing", remarks)] if remarks else sections

    def parse_options(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The keyword arguments for the step's function; raises UserError for an option that it does not have."""
        names = [field.name for field in fields(self.options)] if self.options else []
        unknown = [name for name in given if name not in names]
        if unknown:
            allowed = f"it takes {', '.join(names)}" if names else "it takes none"
            raise UserError(f"{self.name} has no option {unknown[0]!r}: {allowed}")
        return {"options": self.options(**given)} if self.options else {}


_ENTRIES = (
    Step(
        "ingest",
        "Read the source, check it, and merge the good rows into the panel.",
        schedule="0 2 * * *",
        reads_source=True,
    ),
    Step(
        "backtest",
        "Score all models of the config on past cutoffs.",
        schedule="0 8 * * 6",
        hours=12,
        uses_registry=True,
        fits_models=True,
    ),
    Step(
        "train",
        "Fit the models, register them, and decide which one forecasts.",
        schedule="0 20 * * 6",
        hours=12,
        uses_registry=True,
        fits_models=True,
    ),
    Step(
        "predict",
        "Forecast with the champion and publish the forecasts.",
        schedule="0 4 * * *",
        uses_registry=True,
    ),
    Step(
        "shadow",
        "Forecast with the challenger, where there is one, to score it beside the champion; nothing is published.",
        schedule="30 4 * * *",
        uses_registry=True,
    ),
    Step(
        "monitor",
        "Score past forecasts whose actuals have come, look for drift in the data, and open alerts where forecasts "
        "are worse than expected. Exit code 2 where they are worse than a baseline.",
        schedule="0 5 * * *",
        hours=2,
        options=MonitorOptions,
    ),
    Step(
        "tune",
        "Search options of LightGBM on windows before the reported ones and write the best as a config to review. "
        "After an interruption the same command continues the search.",
        schedule="0 8 1 * *",
        hours=48,
        in_pipeline=False,
        scheduled=False,
        uses_registry=True,
        fits_models=True,
        options=TuneOptions,
    ),
    Step(
        "maintain",
        "Merge small files of the tables, remove versions older than store.retention, and refresh online feature rows.",
        schedule="0 6 * * *",
        in_pipeline=False,
        uses_registry=True,
    ),
)

STEPS: Mapping[str, Step] = {step.name: step for step in _ENTRIES}
"""All steps by name, in the order in which they depend on each other."""

PIPELINE = tuple(step.name for step in _ENTRIES if step.in_pipeline)
"""The steps of the main job, in order."""
