"""The pages of the dashboard: `find_pages()` returns the Page of every folder here, its `PAGE`, in navigation order."""

import importlib
import pkgutil

from dashboard.page import Page


def find_pages() -> list[Page]:
    """The pages in the order of the navigation."""
    modules = [importlib.import_module(m.name) for m in pkgutil.iter_modules(__path__, f"{__name__}.")]
    return sorted((module.PAGE for module in modules), key=lambda page: page.order)
