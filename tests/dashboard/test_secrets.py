"""Planted secrets: after a whole run, and after what fails, they are in no log, table, config, tracked run or page."""

import logging
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import yaml

from dashboard.app import create_app
from dashboard.pages import find_pages
from flows.cli import main
from forecasting.config import Config, load
from forecasting.errors import UserError
from forecasting.services import log
from forecasting.services.accounts.database import ADDRESS, open_accounts
from forecasting.services.accounts.keys import add_key
from forecasting.services.accounts.users import add_user
from forecasting.steps import run_step
from forecasting.steps.session import open_session
from tests import chain
from tests.dashboard.pressed import press

PLANTED = "zwiebelkuchen-4711"
"""It is part of every secret here, so that a piece of one is found as well."""
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": PLANTED,
    "DEMANDCAST_PASSWORD": f"password {PLANTED}",
    "DEMANDCAST_OIDC_SECRET": PLANTED,
    "PREFECT_API_KEY": PLANTED,
}


@pytest.fixture(scope="module")
def planted() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in SECRETS.items():
            patched.setenv(name, value)
        yield patched


@pytest.fixture(scope="module")
def said(planted) -> Iterator[list[str]]:
    """Every line of the log, formatted as for people and as for machines."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.extend((log._Text().format(record), log._Json().format(record)))

    handler = Keep(logging.DEBUG)
    before = log.LOGGER.level
    for logger in (log.LOGGER, logging.getLogger()):
        logger.addHandler(handler)
    log.LOGGER.setLevel(logging.DEBUG)
    yield lines
    log.LOGGER.setLevel(before)
    for logger in (log.LOGGER, logging.getLogger()):
        logger.removeHandler(handler)


@pytest.fixture(scope="module")
def config(planted, said, tmp_path_factory) -> Config:
    """A job whose sales come from a database with a secret address, after all steps."""
    folder, hidden = tmp_path_factory.mktemp("job"), tmp_path_factory.mktemp(PLANTED)
    with sqlite3.connect(hidden / "sales.db") as database:
        database.execute("CREATE TABLE sales (item TEXT, day TEXT, units REAL)")
        days = [chain.START + timedelta(n) for n in range(120)]
        rows = [(item, str(day), float(n % 7 + len(item))) for item in ("tea", "milk") for n, day in enumerate(days)]
        database.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    planted.setenv("SALES_DB", f"sqlite:///{hidden}/sales.db")
    planted.setenv(ADDRESS, f"sqlite:///{hidden}/accounts.db")
    job = {
        "name": "secretive", "freq": "1d", "h": 7, "models": ["ladder"], "backtest": {"windows": 1, "calibration": 1},
        "source": {
            "kind": "sql", "columns": {"unique_id": "item", "ds": "day", "y": "units"},
            "options": {"query": "SELECT item, day, units FROM sales", "url_env": "SALES_DB"},
        },
        "store": {"root": str(folder / "lake")},
        "tracking": {"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": str(folder / "mlartifacts")},
        "serving": {"spool": str(folder / "spool")},
    }  # fmt: skip
    (folder / "job.yaml").write_text(yaml.safe_dump(job))
    made = load(folder / "job.yaml")
    for step in chain.STEPS:
        run_step(step, made, None)
    return made


def folder_of(config: Config) -> Path:
    return Path(config.store.root).parent


def test_the_run_worked_and_was_logged(config, said):
    assert open_session(config).vintages.height == 1
    assert len(said) > 10


def test_no_secret_is_in_the_log(config, said):
    assert [line for line in said if PLANTED in line] == []


def test_no_secret_is_in_a_table(config):
    store = open_session(config).store
    frames = {name: store.scan(name).collect() for name in store.tables if store.version(name) is not None}
    assert {"panel", "forecasts", "runs", "loads"} <= set(frames)
    found = [name for name, frame in frames.items() if PLANTED in repr(frame.to_dicts())]
    assert found == []


def test_no_secret_is_in_a_file_of_the_job(config):
    """Config, tracking database with parameters and tags, artefacts, logs of transactions, and the rest."""
    files = [file for file in folder_of(config).rglob("*") if file.is_file()]
    assert any(file.name == "mlflow.db" for file in files)
    assert [str(file) for file in files if PLANTED.encode() in file.read_bytes()] == []


def test_no_secret_is_on_a_page(config, serving):
    accounts = open_accounts(config)
    add_user(accounts, "anna", "admin", SECRETS["DEMANDCAST_PASSWORD"])
    key = add_key(accounts, "reader", "admin")
    address = serving(create_app(config))
    paths = ["/", "/_dash-layout", "/_dash-dependencies", "/sign-in", "/openapi.json", "/metrics", "/health"]
    paths += [f"/api/v1/{name}" for name in ("status", "models", "series", "scenarios", "forecasts/tea", "forecasts/x")]
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60) as asking:
        answers = {path: asking.get(path) for path in paths}
        queries = [f"query-{page.name}" for page in find_pages()]
        answers |= {name: press(asking, name, {name: {}}) for name in queries}
    assert all(answer.status_code < 500 for answer in answers.values())
    assert answers["/api/v1/forecasts/tea"].status_code == answers["query-Access"].status_code == 200
    assert "anna" in answers["query-Access"].text
    assert [path for path, answer in answers.items() if PLANTED in answer.text or key in answer.text] == []


def test_no_secret_is_in_what_fails(config, planted, capsys):
    file = folder_of(config) / "job.yaml"
    with planted.context() as wrong:
        for name, value in (
            ("SALES_DB", f"sqlite:////nowhere/{PLANTED}.db?password={PLANTED}"),
            ("SALES_DB", f"postgresql://me:{PLANTED}@127.0.0.1:1/sales"),
            ("SALES_DB", f"postgresql://me:{PLANTED}@@host"),
            ("SALES_DB", f"no address {PLANTED}"),
        ):
            wrong.setenv(name, value)
            with pytest.raises(SystemExit):
                main(["ingest", str(file), "--force", "--debug"])
        for value in (f"postgresql://me:{PLANTED}@127.0.0.1:1/x", f"no address {PLANTED}"):
            wrong.setenv(ADDRESS, value)
            with pytest.raises(UserError) as caught:
                open_accounts(config)
            assert PLANTED not in str(caught.value)
    said = capsys.readouterr()
    assert "demandcast: " in said.err
    told = [line for line in (said.out + said.err).splitlines() if PLANTED in line and "nowhere" not in line]
    assert told == [], "a path of a file is no secret, what is in the rest of an address is"
