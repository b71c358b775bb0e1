"""The course of events: `Course(machine, notes).through()` lets two nights pass on a Machine and notes what is seen.

The same steps run undisturbed on a store beside it, the twin: what they write is what the nights have to come to.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import polars as pl
import pytest
import yaml

from benchmarks.kills import contents
from demandcast.client import Client
from forecasting.config import load
from forecasting.io.storage import list_files
from forecasting.steps import run_step
from forecasting.steps.session import open_registry, open_session
from tests.prefect_server import ENDS, PATIENCE
from tests.receivers import mailbox, webhook
from tests.servers import PASSWORD
from tests.system.job import BUCKETS, CUTOFFS, DAYS, JOB, NIGHT, NIGHTLY, OWNER, RECEIVERS, sales, schedules
from tests.system.machine import Machine, kill, take_one_processor

TOMORROW = CUTOFFS[2] + timedelta(1)


class Notes(SimpleNamespace):
    """What is kept of the course, and the lines that it prints."""

    def __init__(self) -> None:
        super().__init__(lines=[])
        self.began = time.monotonic()

    def add(self, line: str) -> None:
        self.lines.append(f"{time.monotonic() - self.began:6.1f} s  {line}")
        print(self.lines[-1], flush=True)  # pytest shows it where something fails; else these lines end its report


class Course:
    """What happens on a machine, one thing after the other."""

    def __init__(self, machine: Machine, notes: Notes) -> None:
        self.machine, self.notes, self.margin = machine, notes, 12.0
        (machine.folder / "sales").mkdir()
        beside = machine.folder / "twin"
        self.places = f"{machine.bucket}/lake", machine.mlflow, f"{machine.bucket}/artifacts"
        self.shop = self._written("shop", *self.places)
        self.twin = self._written("twin", f"{beside}/lake", f"sqlite:///{beside}.db", f"{beside}/models")

    def _written(self, name: str, root: str, uri: str, artifacts: str, **more: Any) -> Path:
        """A config of the job over the delivered files, with its tables and models in these places."""
        places = {"store": {"root": root, "buckets": BUCKETS}, "tracking": {"uri": uri, "artifacts": artifacts}}
        source = JOB["source"] | {"path": str(self.machine.folder / "sales" / "*.csv")}
        job = JOB | places | {"source": source} | more
        (file := self.machine.folder / f"{name}.yaml").write_text(yaml.safe_dump(job))
        return file

    def through(self) -> None:
        """A first run by hand, two nights by the clock of the schedule, questions."""
        with ExitStack() as parts:
            self.mail, self.hook = parts.enter_context(mailbox()), parts.enter_context(webhook())
            self.say = parts.enter_context(self.machine.shell())
            aside = parts.enter_context(ThreadPoolExecutor())
            key = self._set_up()
            web = aside.submit(parts.enter_context, self.machine.serve("shop.yaml"))
            self._first_run(aside)
            web.result()
            self.client = parts.enter_context(Client(self.machine.web, key=key))
            self._first_night(parts)
            self._second_night()
            self._ask()
        self.notes.mail, self.notes.posted = self.mail.received, self.hook.received
        self.notes.tables = contents(self.shop), contents(self.twin)

    def _set_up(self) -> str:
        """Receivers and accounts; returns the key of a program."""
        mailto = f"mailto://127.0.0.1:{self.mail.port}?from=robot@example.com&to={OWNER}"
        addresses = mailto, f"http://127.0.0.1:{self.hook.port}/alerts"
        for receiver, address in zip(RECEIVERS, addresses, strict=True):
            self.say(f"alerts connect {receiver}", DEMANDCAST_RECEIVER_URL=address)
        self.say("users add shop.yaml anna --role admin", DEMANDCAST_PASSWORD=PASSWORD)
        key = self.say("keys add shop.yaml nightly --role viewer").strip()
        self.notes.add("receivers of alerts, a user and a key are known")
        return key

    def _first_run(self, aside: ThreadPoolExecutor) -> None:
        self._deliver(0, DAYS)
        by_hand = aside.submit(self.say, "run shop.yaml")
        self._alone("ingest", "backtest", "train", "predict")
        by_hand.result()
        self.notes.add(f"demandcast run: forecasts from {CUTOFFS[0]} on")

    def _first_night(self, parts: ExitStack) -> None:
        """Planted drift with damage; the worker is killed while it forecasts, and another one starts."""
        self._deliver(DAYS, NIGHT, y=4, price=0.5)
        with self.machine.worker() as worker:
            self._deploy()
            self._kill_in_predict(worker)
        parts.enter_context(self.machine.worker())
        self._alone("ingest", "backtest", "train", "predict")
        self._wait_for_monitoring(CUTOFFS[1])
        self._wait_for_retraining()
        self._wait_for_restart()

    def _second_night(self) -> None:
        """The new level stays: nobody is told again, and nothing is trained again."""
        self._deliver(DAYS + NIGHT, NIGHT, y=4, price=0.5)
        self._deploy()
        self._alone("ingest", "predict")
        self._wait_for_monitoring(CUTOFFS[2])
        self.notes.nights = self._runs_of("ingest", *ENDS)
        self.notes.lines += [f"          {line}" for line in self.machine.began()]

    def _deploy(self) -> None:
        """The nightly steps are due in some seconds, and each day at this time; later where that has come too late."""
        for seconds in (self.margin, 3 * self.margin, 9 * self.margin, 27 * self.margin):
            began = time.monotonic()
            night = (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0)
            self._written("shop", *self.places, schedules=schedules(night))
            said = self.say("deploy shop.yaml").splitlines()[-1]
            self.margin = max(self.margin, 5 + 2 * (time.monotonic() - began))
            if self._is_planned(night):
                break
            self.notes.add(f"{said}, too late for {night:%H:%M:%S} UTC")
        self.notes.due = [*getattr(self.notes, "due", ()), night]
        self.notes.add(f"{said}; the night begins at {night:%H:%M:%S} UTC")

    def _is_planned(self, night: datetime) -> bool:
        """Whether the server has planned all runs of the night before it is over."""
        over = night + timedelta(seconds=len(NIGHTLY))
        span = {"after_": night.isoformat(), "before_": over.isoformat()}
        while len(self.machine.runs(expected_start_time=span)) < len(NIGHTLY):
            if datetime.now(UTC) > over:
                return False
            time.sleep(0.2)
        return True

    def _deliver(self, first: int, days: int, **planted: float) -> None:
        """A file of so many days, whole at once."""
        rows = sales(first, days, **planted)
        (part := self.machine.folder / "part.csv").write_text(rows.write_csv())
        part.rename(self.machine.folder / "sales" / f"{first:04d}.csv")
        changes = "".join(f", {column} x {factor}" for column, factor in planted.items())
        self.notes.add(f"sales up to {rows['ds'].max()} are delivered{changes}")

    def _alone(self, *steps: str) -> None:
        """Steps of the twin, on one processor as those of the shop."""
        before = os.sched_getaffinity(0)
        take_one_processor()
        for step in steps:
            run_step(step, load(self.twin))
        os.sched_setaffinity(0, before)

    def _wait_for_monitoring(self, cutoff: date) -> None:
        """Until the monitoring of the night has come to its end, which has judged the sales up to this day."""
        since = self.notes.due[-1].isoformat()
        self._until(lambda: self._runs_of("monitor", "COMPLETED", since=since), f"monitoring of {cutoff}")
        rows = open_session(load(self.shop)).store.scan("runs").filter(pl.col("step") == "monitor").collect()
        facts = json.loads(rows.sort("run_at")["facts"][-1])
        self.notes.monitored = [*getattr(self.notes, "monitored", ()), facts]
        errors = ", ".join(f"{row['cutoff']} WAPE {row['wape']:.2f}" for row in facts["realised"])
        self.notes.add(f"monitored up to {facts['cutoff']}: drifted {facts['drifted']}, {errors}")

    def _kill_in_predict(self, worker: subprocess.Popen[bytes]) -> None:
        """SIGKILL to the worker and its run once rows of a bucket are written and those of others are not."""
        before = len(self._forecast_files())
        self._until(lambda: self._runs_of("predict", "RUNNING"), "run of predict", 0.2)
        (run,) = self._runs_of("predict", "RUNNING")
        self._until(lambda: len(self._forecast_files()) > before, "rows of the first night", 0.05)
        kill(worker, int(run["infrastructure_pid"].rpartition(":")[2]))
        self.notes.killed, self.notes.served_then = run["id"], self.client.status().cutoff
        self.notes.add(f"worker and run {run['name']} are killed: {len(self._forecast_files()) - before} new files")

    def _forecast_files(self) -> list[str]:
        found = list_files(f"{self.machine.bucket}/lake/shop/forecasts")
        return [file.name for file in found if file.name.endswith(".parquet")]

    def _runs_of(self, step: str, *types: str, since: str = "2000-01-01T00:00:00Z") -> list[dict[str, Any]]:
        """Runs of a step in such a state that were due since then."""
        due = {"after_": since}
        return self.machine.runs({"name": {"any_": [step]}}, state={"type": {"any_": types}}, expected_start_time=due)

    def _wait_for_restart(self) -> None:
        run = self._ended(self.notes.killed, "second start of the killed run", "COMPLETED", "FAILED")
        self.notes.restarted = run
        self.notes.add(f"the killed run was started {run['run_count']} times and ended as {run['state']['name']}")

    def _wait_for_retraining(self) -> None:
        """Until a training that the monitoring has asked for is served."""
        asked_for = partial(self.machine.runs, tags={"all_": ["retrain"]})
        self._until(asked_for, "retraining")
        self.notes.retraining = run = self._ended(asked_for()[0]["id"], "end of the retraining", *ENDS)
        self.notes.versions = open_registry(load(self.shop)).versions()
        self.notes.tags = json.loads(self.notes.versions["tags"][0])
        version, why = self.client.status().version, self.notes.tags.get("retrained_for", "").partition(";")[0]
        self.notes.add(f"{run['name']}: {run['state']['name']}; version {version} serves, trained for: {why}")

    def _ended(self, run: str, what: str, *types: str) -> dict[str, Any]:
        """The run once it is in such a state."""
        self._until(lambda: self.machine.runs(id={"any_": [run]}, state={"type": {"any_": types}}), what)
        return self.machine.api.runs([run])[run]

    def _until(self, true: Callable[[], object], what: str, pause: float = 0.5) -> None:
        """Wait for something, but not for ever; then it is told what was not seen, and what was."""
        end = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > end:
                pytest.fail(
                    "\n".join([f"no {what} within {PATIENCE:.0f} s", *self.notes.lines, *self.machine.last_words()])
                )
            time.sleep(pause)

    def _ask(self) -> None:
        """The API and the pages, of nobody, of a program with a key, and of somebody who signs in."""
        notes, client, url = self.notes, self.client, self.machine.web
        notes.nobody = httpx.get(f"{url}/api/v1/status").status_code, httpx.get(f"{url}/").status_code
        notes.status = client.status()
        notes.answer = client.predict("S1/bread", TOMORROW)
        notes.dearer = client.predict("S1/bread", TOMORROW, {"price": 2.0})
        with httpx.Client(base_url=url, headers={"Origin": url}, timeout=60) as browser:
            notes.signed_in = browser.post("/sign-in", data={"name": "anna", "password": PASSWORD}).status_code
            notes.page = browser.get("/")
        notes.add(f"nobody gets {notes.nobody}, anna signs in ({notes.signed_in}, then {notes.page.status_code})")
        notes.add(f"S1/bread on {TOMORROW}: {notes.answer.mean:.2f} from version {notes.answer.version}")
