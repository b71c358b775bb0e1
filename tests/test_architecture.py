"""The picture of the rooms, kept true: imports run down, every outside library has one door, functions stay short.

Each rule is a function from a parsed module to the lines that break it; the second half shows every rule failing on
code that breaks it, so that a rule which finds nothing is known to look.
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

# From the ground up. A room may import what stands before its own row; rooms of one row do not know each other.
ROOMS = (
    ("forecasting.columns", "demandcast"),
    ("forecasting.errors", "forecasting.remarks", "forecasting.sorted_rows"),
    ("forecasting.frequency",),
    ("forecasting.config", "forecasting.io"),
    ("forecasting.features",),
    ("forecasting.data",),
    ("forecasting.models", "forecasting.services"),
    ("forecasting.evaluation",),
    ("forecasting.planning", "forecasting.recipe"),
    ("forecasting.steps",),
    ("flows", "dashboard"),
)
HEIGHT = {room: height for height, row in enumerate(ROOMS) for room in row}

# Frames in, frames out: these never reach for the outside world, though it lies lower in the picture.
PURE = (
    "forecasting.features",
    "forecasting.data",
    "forecasting.models",
    "forecasting.evaluation",
    "forecasting.planning",
    "forecasting.recipe",
)

# Where one top room starts the other: `demandcast serve` hands its config over and knows nothing else of the pages.
HANDOVERS = {("flows/commands/serve.py", "dashboard.app")}

# Outside library -> the only files that import it.
DOORS = {
    "argon2": ("forecasting/services/accounts/passwords.py",),
    "authlib": ("dashboard/access/entry/provider.py",),
    "cyclopts": ("flows/cli.py", "flows/arguments.py", "flows/commands/*"),
    # processes are the engine's; blocks of boosters are trained by threads, which share the panel
    "concurrent.futures": ("forecasting/services/engine/*", "forecasting/models/lightgbm/model.py"),
    "dash": ("dashboard/*",),
    "dash_ag_grid": ("dashboard/*",),
    "dash_mantine_components": ("dashboard/*",),
    "dask": (),
    "deltalake": ("forecasting/io/delta/*",),
    "distributed": ("forecasting/services/engine/dask_*",),
    "evidently": ("forecasting/services/drift.py",),
    "fastapi": ("dashboard/*",),
    "fastexcel": ("forecasting/data/sources/readers/workbook.py",),
    "holidays": ("forecasting/features/*", "forecasting/data/sources/layouts/synthetic.py"),
    "lightgbm": ("forecasting/models/lightgbm/*",),
    "mlflow": ("forecasting/services/tracking/*",),
    "multiprocessing": ("forecasting/services/engine/local.py",),
    "opentelemetry": ("forecasting/services/traces.py",),
    "optuna": ("forecasting/services/hyperparameter_search/*",),
    "pandas": ("forecasting/services/drift.py",),  # Evidently takes nothing else
    "pandera": ("forecasting/data/*",),
    "plotly": ("dashboard/*",),
    "prefect": ("flows/orchestration/*", "dashboard/runs.py"),
    "prometheus_client": ("dashboard/*",),
    "psycopg": (),  # SQLAlchemy finds it by its name
    "pyarrow.fs": ("forecasting/io/storage.py",),
    "sklearn": ("forecasting/models/cold_start/series_level.py",),
    "sqlalchemy": (
        "forecasting/io/database.py",
        "forecasting/services/accounts/*",
        "forecasting/services/tracking/client.py",
    ),
    "statsforecast": ("forecasting/models/stats/*",),
}
# They collect two queries of one bucket, or stream.
COLLECT_AT_ONCE = ("forecasting/data/launch_curves.py", "forecasting/steps/monitoring/drift_check.py")
# What is loaded with these runs whatever code the file holds.
UNSAFE = ("pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve")

FREQUENCIES = {"1d", "1w", "1mo", "1q", "1y"}
# They define what the frequencies are, or read a layout that exists in one of them only.
KNOW_FREQUENCIES = ("forecasting/frequency.py", "forecasting/data/sources/*")
PACKAGES = ("forecasting", "flows", "dashboard", "demandcast")
LONGEST_FILE = 200
LONGEST_BODY = 40
MOST_FILES = 12
"""Python files in one folder, tests apart."""
MOST_METHODS = 12
"""Public methods of one class."""
MOST_PARAMETERS = 6
"""Of one function, self apart; more of them belong together, and their dataclass has a name."""


@dataclass(frozen=True)
class Module:
    """One parsed file: its path below the repository, its lines and its tree."""

    path: str
    lines: int
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """All of the tree, walked once for all rules."""
        return tuple(ast.walk(self.tree))

    @property
    def dotted(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def finding(self, node: ast.AST, message: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)} {message}"


def parse(path: str, source: str) -> Module:
    return Module(path, len(source.splitlines()), ast.parse(source))


@cache
def modules() -> list[Module]:
    files = (file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))
    return [parse(file.relative_to(ROOT).as_posix(), file.read_text()) for file in files]


@cache
def imports(module: Module) -> list[tuple[ast.AST, str]]:
    """Every import anywhere in the file, by name too; `from a import b` counts as a.b (b may be a module)."""
    return [(node, name) for node in module.nodes for name in imported(module, node)]


def imported(module: Module, node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [name.name for name in names]
        case ast.ImportFrom(names=names):
            return [f"{origin(module, node)}.{name.name}" for name in names]
        case ast.Call(args=[ast.Constant(value=str(name)), *_]) if called(node) in ("import_module", "__import__"):
            return [name]
    return []


def called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def origin(module: Module, node: ast.ImportFrom) -> str:
    """The absolute name behind a relative import."""
    package = module.dotted.split(".") if module.path.endswith("__init__.py") else module.dotted.split(".")[:-1]
    above = package[: len(package) - node.level + 1] if node.level else []
    return ".".join([*above, *filter(None, [node.module])])


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def room(name: str) -> str | None:
    """The room a dotted name stands in; None for outside libraries and for the bare package."""
    return next((known for known in HEIGHT if inside(name, known)), None)


def unknown_rooms(module: Module) -> list[str]:
    at_home = room(module.dotted) or module.dotted == "forecasting"
    return [] if at_home else [module.finding(module.tree, "stands in no room of the picture")]


def upward_imports(module: Module) -> list[str]:
    here = room(module.dotted) or "forecasting.columns"  # forecasting/__init__.py lies under everything
    return [
        module.finding(node, f"{here} imports {name}, which does not lie below it")
        for node, name in imports(module)
        if (there := room(name))
        and there != here
        and HEIGHT[there] >= HEIGHT[here]
        and (module.path, name) not in HANDOVERS
    ]


def impure_imports(module: Module) -> list[str]:
    return [
        module.finding(node, f"a pure room imports {name}")
        for node, name in imports(module)
        if room(module.dotted) in PURE and inside(name, "forecasting.services")
    ]


def reads_outside_sources(module: Module) -> list[str]:
    """In `data` only sources read files, object stores and databases; the rest takes and returns frames."""
    if not inside(module.dotted, "forecasting.data") or inside(module.dotted, "forecasting.data.sources"):
        return []
    return [
        module.finding(node, f"only data.sources reads from the outside, but this imports {name}")
        for node, name in imports(module)
        if (inside(name, "forecasting.io") and not inside(name, "forecasting.io.table"))
        or name.split(".")[0] in ("os", "pathlib", "shutil", "tempfile")
    ]


def side_doors(module: Module) -> list[str]:
    return [
        module.finding(node, f"{library} is imported only by {', '.join(doors)}")
        for node, name in imports(module)
        for library, doors in DOORS.items()
        if inside(name, library) and not any(fnmatch(module.path, door) for door in doors)
    ]


def unsafe_imports(module: Module) -> list[str]:
    return [
        module.finding(node, f"{name} runs what it loads: use a native format")
        for node, name in imports(module)
        for library in UNSAFE
        if inside(name, library)
    ]


def pages_in_figures(module: Module) -> list[str]:
    """dashboard/figures/: frames in, plotly out, no Dash."""
    return [
        module.finding(node, f"figures know no pages, but this imports {name}")
        for node, name in imports(module)
        if inside(module.dotted, "dashboard.figures") and name.split(".")[0].split("_")[0] == "dash"
    ]


def all_buckets_at_once(module: Module) -> list[str]:
    """Queries of all buckets are collected one after the other, or memory would hold the whole panel."""
    if any(fnmatch(module.path, known) for known in COLLECT_AT_ONCE):
        return []
    named = (node for node in module.nodes if isinstance(node, ast.Attribute) and node.attr == "collect_all")
    return [module.finding(node, "collects all buckets at once: use data.buckets.collect_each") for node in named]


def frequency_switches(module: Module) -> list[str]:
    """Day, week and month differ in frequency.py only: nobody else compares their names or keys a dict by them."""
    if any(fnmatch(module.path, known) for known in KNOW_FREQUENCIES):
        return []
    return [module.finding(node, "decides by freq: ask the Frequency") for node in module.nodes if switches(node)]


def switches(node: ast.AST) -> bool:
    match node:
        case ast.Compare(left=left, comparators=others):
            return any(names_freq(side) for side in (left, *others))
        case ast.Match(subject=subject):
            return names_freq(subject)
        case ast.Dict(keys=keys):
            return any(isinstance(key, ast.Constant) and key.value in FREQUENCIES for key in keys)
    return False


def names_freq(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="freq") | ast.Attribute(attr="freq"):
            return True
        case ast.Constant(value=value):
            return isinstance(value, str) and value in FREQUENCIES
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return any(names_freq(part) for part in parts)
    return False


def long_files(module: Module) -> list[str]:
    if module.lines <= LONGEST_FILE:
        return []
    return [module.finding(module.tree, f"has {module.lines} lines, more than {LONGEST_FILE}")]


def long_bodies(module: Module) -> list[str]:
    return [
        module.finding(node, f"{node.name} has a body of {length} lines, more than {LONGEST_BODY}")
        for node in functions(module)
        if (length := body_length(node)) > LONGEST_BODY
    ]


def long_signatures(module: Module) -> list[str]:
    return [
        module.finding(node, f"{node.name} takes {count} parameters, more than {MOST_PARAMETERS}")
        for node in functions(module)
        if (count := parameter_count(node)) > MOST_PARAMETERS
    ]


def parameter_count(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return sum(parameter.arg not in ("self", "cls") for parameter in every)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in module.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the end."""
    body = node.body[ast.get_docstring(node) is not None :]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def large_classes(module: Module) -> list[str]:
    """A class with very many public methods does several jobs."""
    return [
        module.finding(node, f"{node.name} has {count} public methods, more than {MOST_METHODS}")
        for node in module.nodes
        if isinstance(node, ast.ClassDef) and (count := public_methods(node)) > MOST_METHODS
    ]


def public_methods(node: ast.ClassDef) -> int:
    methods = [child for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)]
    return sum(not method.name.startswith("_") for method in methods)


def switch_parameters(module: Module) -> list[str]:
    """No boolean switches below the command line; `force` of a step is the one that the commands promise."""
    return [
        module.finding(node, f"{node.name} takes the switch {parameter.arg}: make two functions of it")
        for node in functions(module)
        for parameter in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if inside(module.dotted, "forecasting") and is_bool(parameter) and not is_force(module, parameter)
    ]


def is_bool(parameter: ast.arg) -> bool:
    return isinstance(parameter.annotation, ast.Name) and parameter.annotation.id == "bool"


def is_force(module: Module, parameter: ast.arg) -> bool:
    return parameter.arg == "force" and room(module.dotted) == "forecasting.steps"


CLI_WORDS = re.compile(r"\bdemandcast [a-z]|(?<![\w-])--[a-z]")


def cli_words(module: Module) -> list[str]:
    """The core speaks of no command and no option: errors carry data, and every front end words its own hint."""
    if not inside(module.dotted, "forecasting"):
        return []
    texts = (node for node in module.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return [
        module.finding(node, f"speaks of the command line: {found.group(0)}")
        for node in texts
        if (found := CLI_WORDS.search(str(node.value)))
    ]


RULES = (
    cli_words,
    unknown_rooms,
    upward_imports,
    impure_imports,
    reads_outside_sources,
    side_doors,
    unsafe_imports,
    pages_in_figures,
    all_buckets_at_once,
    frequency_switches,
    long_files,
    long_bodies,
    long_signatures,
    large_classes,
    switch_parameters,
)


def crowded_folders(house: list[Module]) -> list[str]:
    """Folders that hold more files than can be taken in at a glance."""
    counts = Counter(str(Path(module.path).parent) for module in house)
    return [f"{folder} holds {n} files, more than {MOST_FILES}" for folder, n in counts.items() if n > MOST_FILES]


def import_circles(house: list[Module]) -> list[str]:
    """A circle of imports, within a room or between rooms; an import inside a function counts, too."""
    names = {module.dotted for module in house}
    graph = {
        module.dotted: {found for _, name in imports(module) if (found := target(name, names))} for module in house
    }
    order = TopologicalSorter({name: sorted(found - {name}) for name, found in sorted(graph.items())})
    try:
        order.prepare()
    except CycleError as error:
        return [" -> ".join(reversed(error.args[1]))]
    return []


def target(name: str, names: set[str]) -> str | None:
    """The module that an import of `name` reaches: itself, or the one that defines it; None outside."""
    return next((known for known in (name, name.rpartition(".")[0]) if known in names), None)


HOUSE_RULES = (crowded_folders, import_circles)


@pytest.mark.parametrize("rule", HOUSE_RULES, ids=lambda rule: rule.__name__)
def test_the_house_as_a_whole_keeps(rule: Callable[[list[Module]], list[str]]) -> None:
    assert rule(modules()) == []


CIRCLES = (
    [("flows/a.py", "from flows import b"), ("flows/b.py", "from flows.a import x")],
    [("flows/a.py", "def f():\n    import flows.b"), ("flows/b.py", "from .a import x")],
    [("flows/a.py", "import flows.b"), ("flows/b.py", "import flows.c.d"), ("flows/c/d.py", "import flows.a")],
)


@pytest.mark.parametrize("files", CIRCLES)
def test_a_circle_of_imports_is_found(files: list[tuple[str, str]]) -> None:
    house = [parse(path, code) for path, code in files]
    assert import_circles(house)
    assert import_circles(house[:-1]) == []


def test_a_crowded_folder_is_found() -> None:
    house = [parse(f"flows/f{i}.py", "x = 1") for i in range(MOST_FILES + 1)]
    assert crowded_folders(house)
    assert crowded_folders(house[1:]) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: Callable[[Module], list[str]]) -> None:
    house = modules()
    assert house, "no module found: the rules would hold of nothing"
    broken = [line for module in house for line in rule(module)]
    assert not broken, "\n" + "\n".join(broken)


LONG_BODY = "def long():\n    '''Doc.'''\n" + "    x = 1\n" * (LONGEST_BODY + 1)

# rule, file, code that breaks the rule
BROKEN = (
    (cli_words, "forecasting/steps/train.py", "x = 'run `demandcast ingest` first'"),
    (cli_words, "forecasting/steps/train.py", "x = f'{y}: give a later --cutoff'"),
    (cli_words, "forecasting/config/job.py", 'def f():\n    """What --set gives."""'),
    (unknown_rooms, "forecasting/utils.py", "x = 1"),
    (upward_imports, "forecasting/data/panel.py", "from forecasting.models import naive"),
    (upward_imports, "forecasting/data/panel.py", "def f():\n    import forecasting.steps.train"),
    (upward_imports, "forecasting/data/panel.py", "from ..steps import train"),
    (upward_imports, "forecasting/models/naive.py", "from forecasting.evaluation import metrics"),
    (upward_imports, "forecasting/models/naive.py", "from forecasting.services import store"),
    (upward_imports, "forecasting/models/naive.py", "from forecasting import services"),
    (upward_imports, "forecasting/services/tracking/registry.py", "from forecasting.models import lightgbm"),
    (upward_imports, "forecasting/frequency.py", "from forecasting.config import Config"),
    (upward_imports, "forecasting/__init__.py", "from .models import naive"),
    (upward_imports, "flows/orchestration/deployments.py", "from dashboard import app"),
    (upward_imports, "flows/orchestration/tasks.py", "import_module('dashboard.app')"),
    (upward_imports, "flows/cli.py", "import_module('dashboard.figures')"),
    (upward_imports, "dashboard/app.py", "import importlib\nimportlib.import_module('flows.cli')"),
    (impure_imports, "forecasting/evaluation/backtest.py", "from forecasting.services.store import Store"),
    (reads_outside_sources, "forecasting/data/events.py", "from forecasting.io import storage"),
    (reads_outside_sources, "forecasting/data/cut.py", "from pathlib import Path"),
    (side_doors, "forecasting/steps/ingest.py", "from deltalake import DeltaTable"),
    (side_doors, "forecasting/services/store/store.py", "from deltalake.exceptions import DeltaError"),
    (side_doors, "forecasting/services/store/store.py", "import mlflow.tracking"),
    (side_doors, "forecasting/services/tracking/registry.py", "import evidently"),
    (side_doors, "forecasting/steps/train.py", "from prefect import flow"),
    (side_doors, "dashboard/app.py", "from prefect.client import get_client"),
    (side_doors, "forecasting/models/naive.py", "from statsforecast.models import Naive"),
    (side_doors, "forecasting/models/naive.py", "import lightgbm as lgb"),
    (side_doors, "forecasting/features/sales.py", "import pandas as pd"),
    (side_doors, "flows/cli.py", "from dash import html"),
    (side_doors, "forecasting/models/stats.py", "from concurrent.futures import ProcessPoolExecutor"),
    (side_doors, "forecasting/models/stats.py", "import concurrent.futures"),
    (side_doors, "flows/cli.py", "import multiprocessing as mp"),
    (all_buckets_at_once, "forecasting/data/windows.py", "parts = pl.collect_all(scans)"),
    (unsafe_imports, "forecasting/models/stats.py", "import pickle"),
    (unsafe_imports, "dashboard/app.py", "from joblib import load"),
    (pages_in_figures, "dashboard/figures/forecast.py", "from dash import dcc"),
    (pages_in_figures, "dashboard/figures/forecast.py", "import dash_mantine_components as dmc"),
    (pages_in_figures, "dashboard/figures/forecast.py", "from dash.dependencies import Input"),
    (frequency_switches, "forecasting/data/panel.py", "if freq == '1d': pass"),
    (frequency_switches, "forecasting/data/panel.py", "x = 7 if config.freq in ('1d', '1w') else 1"),
    (frequency_switches, "forecasting/data/panel.py", "if every == '1mo': pass"),
    (frequency_switches, "forecasting/data/panel.py", "lags = {'1d': 7, '1w': 52}[every]"),
    (frequency_switches, "forecasting/data/panel.py", "match config.freq:\n    case other: pass"),
    (long_files, "flows/cli.py", "x = 1\n" * (LONGEST_FILE + 1)),
    (long_bodies, "flows/cli.py", LONG_BODY),
    (long_bodies, "flows/cli.py", LONG_BODY.replace("def", "async def")),
    (long_signatures, "flows/cli.py", "def f(a, b, /, c, d, *, e, f, g): pass"),
    (large_classes, "flows/cli.py", "class Large:\n" + "".join(f"    def f{i}(self): pass\n" for i in range(13))),
    (switch_parameters, "forecasting/models/naive.py", "def fit(cut, fast: bool = False): pass"),
    (switch_parameters, "forecasting/services/store.py", "def merge(table, *, force: bool): pass"),
)

# file, code that no rule may mind
SOUND = (
    ("flows/cli.py", "x = 'run `demandcast ingest` first, or see --cutoff'"),
    ("forecasting/io/database.py", "x = 'install demandcast[postgres] -- or not'"),
    ("forecasting/io/delta/commits.py", "from deltalake import DeltaTable\nfrom forecasting.io.table import Table"),
    ("forecasting/data/schemas/entry.py", "from forecasting.io.table import Table"),
    ("forecasting/data/sources/readers/text/text_table.py", "from forecasting.io import storage"),
    ("forecasting/services/drift.py", "def report():\n    import evidently, pandas"),
    (
        "forecasting/services/engine/local.py",
        "from concurrent.futures import ProcessPoolExecutor\nimport multiprocessing",
    ),
    (
        "forecasting/steps/train.py",
        "from forecasting.services.tracking import registry\ndef train(c, *, force: bool = False): pass",
    ),
    ("forecasting/models/lightgbm/model.py", "from .. import naive\nfrom forecasting.frequency import FREQS"),
    ("forecasting/evaluation/backtest.py", "from forecasting.models import naive"),
    ("forecasting/features/sales.py", "column.dt.truncate('1mo')\nevery = FREQS[config.freq].every"),
    ("forecasting/data/sources/layouts/synthetic.py", "if config.freq != '1d': pass"),
    ("flows/commands/serve.py", "import_module('dashboard.app')"),
    ("forecasting/frequency.py", "if freq == '1d': pass"),
    ("dashboard/figures/forecast.py", "import plotly.graph_objects as go\nfrom dashboard.theme import FONT"),
    ("dashboard/runs.py", "from prefect import get_client"),
    ("flows/cli.py", "def run(debug: bool = False): pass\nimport pandasticsearch"),
    ("flows/cli.py", LONG_BODY.removesuffix("    x = 1\n")),
    ("flows/cli.py", "class A:\n    def f(self, a, b, c, d, e, f, **more): pass"),
)


@pytest.mark.parametrize(("rule", "path", "code"), BROKEN)
def test_a_rule_finds_what_breaks_it(rule: Callable[[Module], list[str]], path: str, code: str) -> None:
    assert rule(parse(path, code))


@pytest.mark.parametrize(("path", "code"), SOUND)
def test_no_rule_minds_sound_code(path: str, code: str) -> None:
    assert [line for rule in RULES for line in rule(parse(path, code))] == []


def test_the_line_that_breaks_a_rule_is_named() -> None:
    module = parse("forecasting/data/panel.py", "x = 1\n\nimport pickle")
    assert unsafe_imports(module) == ["forecasting/data/panel.py:3 pickle runs what it loads: use a native format"]


def test_the_checker_reads_the_repository() -> None:
    assert {"forecasting", "flows", "dashboard"} <= {Path(module.path).parts[0] for module in modules()}


@pytest.mark.parametrize(
    ("module", "unloaded"),
    [
        (
            "flows.cli",
            ("evidently", "mlflow", "statsforecast", "lightgbm", "prefect", "dash", "polars", "pydantic"),
        ),  # seconds each
        ("dashboard.figures", ("dash", "dash_mantine_components", "dash_ag_grid")),
    ],
)
def test_a_module_is_imported_without(module: str, unloaded: tuple[str, ...]) -> None:
    """Also through others: looked up in a fresh process."""
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & set({unloaded!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
