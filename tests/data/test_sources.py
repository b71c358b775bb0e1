"""Every layout of raw data keeps what a source promises, and the imports of the room run one way."""

import ast
import inspect
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import get_args

import pytest

from forecasting.data import sources
from forecasting.data.sources import layouts
from forecasting.data.sources.raw_data import RawData
from forecasting.errors import UserError
from tests.conftest import ROOT

ROOM = "forecasting.data.sources"
LAYERS = (
    ("raw_data", "options", "readers", "simulator"),
    ("column_formats", "column_layout", "driver_columns", "names", "source_files"),
    ("tables", "periods"),
    ("reference_tables", "table_files", "long_frame"),
    ("table_rows",),
    ("layouts",),
    ("new_files",),
)
"""The modules of the room from the bottom up: one imports only what is in a layer below it, or in its own package."""


def layout(kind: str):
    return import_module(f"{layouts.__name__}.{kind}")


def test_the_layouts_are_found_in_their_folder():
    assert sources.kinds() == ["favorita", "m5", "rossmann", "sql", "synthetic", "table", "transactions"]


@pytest.mark.parametrize("kind", sources.kinds())
def test_a_layout_loads_raw_data_from_a_config(kind):
    signature = inspect.signature(layout(kind).load)
    assert list(signature.parameters) == ["config"]
    assert signature.return_annotation == RawData.__name__
    assert layout(kind).__doc__, "its module says which columns and files it reads"


@pytest.mark.parametrize("kind", sources.kinds())
def test_a_layout_says_itself_whether_it_reads_new_files(kind, make_config):
    rule = getattr(layout(kind), "NEW_FILES", None)
    assert rule in (*get_args(layouts.NewFiles), None)
    source = {"kind": kind, "path": "data", "columns": {"unique_id": "item", "ds": "ds", "y": "y"}}
    if rule is None:
        with pytest.raises(UserError, match=f"new_files is for the sources table and transactions, not for {kind}"):
            sources.landing_files(make_config(source=source))
    else:
        config = make_config(source=source | {"reads": "new_files"})
        assert sources.files_add_up(config) == (rule == "add")


def test_readers_know_no_config():
    folder = ROOT / ROOM.replace(".", "/") / "readers"
    files = list(folder.glob("*.py"))
    assert len(files) > 5
    assert [file.name for file in files if "forecasting.config" in file.read_text()] == []


def test_imports_of_the_room_run_one_way():
    upward = [line for path, name in imports() if (line := against_the_layers(path, name))]
    assert not upward, "\n" + "\n".join(upward)
    used = {path.split("/")[0].removesuffix(".py") for path, _ in imports()} - {"__init__"}
    assert used <= set(HEIGHT), f"{used - set(HEIGHT)} is in no layer"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("readers/cells.py", "long_frame.Faults"),
        ("readers/text/text_table.py", "layouts.table"),
        ("table_rows.py", "layouts.table.load"),
        ("layouts/table.py", "new_files.concat"),
        ("driver_columns.py", "column_layout.ColumnLayout"),
        ("layouts/sql.py", "layouts.table.load"),
    ],
)
def test_an_upward_import_is_found(path, name):
    assert against_the_layers(path, f"{ROOM}.{name}")


HEIGHT = {module: height for height, layer in enumerate(LAYERS) for module in layer}


def imports() -> Iterator[tuple[str, str]]:
    """Path in the room and dotted name of every import from the room."""
    folder = ROOT / ROOM.replace(".", "/")
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(ROOM):
                yield from (
                    (file.relative_to(folder).as_posix(), f"{node.module}.{alias.name}") for alias in node.names
                )


def against_the_layers(path: str, name: str) -> str:
    """What is wrong with an import, if anything; a layout may import its package and its folder, not another layout."""
    here, there = path.removesuffix(".py").split("/"), name.removeprefix(f"{ROOM}.").split(".")
    wrong = here[0] != "__init__" and here[0] != there[0] and HEIGHT[there[0]] >= HEIGHT[here[0]]
    if here[0] == there[0] == "layouts":
        wrong = there[1] in sources.kinds() and there[1] != here[1]
    return f"{path} imports {name}" if wrong else ""


TOY = '''
"""Days that are counted up from 1."""
from datetime import date

import polars as pl

from forecasting.data.buckets import Portions
from forecasting.data.sources.raw_data import RawData

NEW_FILES = "add"


def load(config):
    tags = {"file": "toy", "line": [1, 2], "fault": None, "fault_value": None}
    long = pl.DataFrame({"unique_id": "a", "ds": [date(2024, 1, 1), date(2024, 1, 2)], "y": [1.0, 2.0]} | tags)
    return RawData(Portions.of(long), 2, lambda keys: keys.with_columns(row=pl.lit("1")), {})
'''


def test_a_new_source_is_one_file(tmp_path, monkeypatch, make_config):
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(layouts, "__path__", [*layouts.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, f"{layouts.__name__}.toy", raising=False)
    assert "toy" in sources.kinds()
    config = make_config(source={"kind": "toy", "path": str(tmp_path), "reads": "new_files"})
    sources.check_available(config)
    assert sources.load(config).long["y"].to_list() == [1.0, 2.0]
    assert sources.files_add_up(config)
    with pytest.raises(UserError, match="new_files is for the sources table, toy and transactions, not for m5"):
        sources.landing_files(make_config(source={"kind": "m5", "path": str(tmp_path)}))


@pytest.mark.parametrize("kind", sources.kinds())
def test_every_source_is_in_the_documentation(kind):
    table = (ROOT / "docs" / "DATA.md").read_text().split("## Sources")[1].split("###")[0]
    assert f"`{kind}`" in table
