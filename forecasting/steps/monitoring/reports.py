"""Files of a check: `keep_reports` writes HTML and JSON beside the tables and removes those that are too old,
`write_folder` writes them into a folder, `log_alerts` adds lines to a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from forecasting.errors import Option, UserError
from forecasting.services.drift import DriftReport
from forecasting.services.store import Store
from forecasting.services.store.report_files import list_report_files, remove_report_file, write_report_file

FOLDER = "reports"


def keep_reports(store: Store, at: date, report: DriftReport | None, facts: Mapping[str, Any], keep: int) -> str | None:
    """Write reports/drift-<at>.html and reports/monitor-<at>.json, and remove those of more than `keep` days before.

    Returns where the HTML lies; None without one.
    """
    write_report_file(store, f"{FOLDER}/monitor-{at}.json", as_json(facts))
    if report is not None:
        write_report_file(store, f"{FOLDER}/drift-{at}.html", report.html.encode())
    for name in list_report_files(store, FOLDER):
        if (day := _day_of(name)) and day < at - timedelta(days=keep):
            remove_report_file(store, f"{FOLDER}/{name}")
    return f"{store.root}/{FOLDER}/drift-{at}.html" if report else None


def write_folder(
    folder: str, report: DriftReport | None, facts: Mapping[str, Any], scores: Mapping[str, Any]
) -> list[str]:
    """Write report.json, scores.json (where there are scores) and report.html (where there is a report) into a local
    folder; returns their names. Raises UserError when it cannot be written.
    """
    files = {"report.json": as_json(facts)} | ({"scores.json": as_json(scores)} if scores else {})
    files |= {"report.html": report.html.encode()} if report else {}
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror or error}", where=Option("report_dir", folder)) from None
    return list(files)


def log_alerts(file: str, lines: Iterable[Mapping[str, Any]]) -> None:
    """Add one line of JSON per alert to a file; raises UserError when it cannot be written."""
    text = "".join(json.dumps(line, default=str, sort_keys=True) + "\n" for line in lines)
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        with Path(file).open("a", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror or error}", where=Option("alert_log", file)) from None


def as_json(content: Mapping[str, Any]) -> bytes:
    """The content as JSON for people and programs."""
    return json.dumps(content, default=str, indent=1).encode()


def _day_of(name: str) -> date | None:
    """The cutoff in a report's name; None for other files."""
    stem, _, ending = name.rpartition(".")
    try:
        return date.fromisoformat(stem[-10:]) if ending in ("html", "json") else None
    except ValueError:
        return None
