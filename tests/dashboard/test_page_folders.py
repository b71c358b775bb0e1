"""Pages and API resources are found by their folders."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dashboard import pages
from dashboard.api import create_api, v1
from dashboard.page import Page
from dashboard.pages import find_pages

PAGE = """
from dashboard.page import Page

PAGE = Page("Glossary", "/glossary", 0, "What words mean", lambda config, query: "words", lambda app, config: None)
"""
RESOURCE = """
from fastapi import APIRouter


def routes(context):
    router = APIRouter()
    router.get("/name")(lambda: context.config.name)
    return router
"""


@pytest.fixture
def further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder where further pages and resources are looked for, too."""
    for package in (pages, v1):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_every_folder_of_pages_is_a_page_with_a_path_and_a_place_of_its_own():
    found = find_pages()
    folders = {folder.parent.name for folder in Path(pages.__file__).parent.glob("*/__init__.py")}
    assert {page.layout.__module__.split(".")[2] for page in found} == folders
    for part in ("name", "path", "order"):
        assert len({getattr(page, part) for page in found}) == len(folders)


def test_a_further_page_is_one_folder(further):
    (further / "glossary").mkdir()
    (further / "glossary" / "__init__.py").write_text(PAGE)
    first, *rest = find_pages()
    assert isinstance(first, Page)
    assert (first.name, first.path) == ("Glossary", "/glossary")
    assert [page.name for page in rest] == ["Overview", "Forecasts", "Scenario", "Drift", "Models", "Access"]


def test_a_further_resource_is_one_file(further, bare):
    (further / "name.py").write_text(RESOURCE)

    async def get() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(create_api(bare)), base_url="http://api") as client:
            return await client.get("/api/v1/name")

    assert asyncio.run(get()).json() == "corner"
