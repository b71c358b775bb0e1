"""`state_cards(session)` returns what is worth knowing and the state of model, data and drift, one card each.

Read from the facts (what a step recorded of its run) of the newest runs, and from the newest drift check.
"""

from typing import Any

import dash_mantine_components as dmc
import polars as pl

from dashboard.components import card, status_light
from dashboard.formats import format_percent
from dashboard.labels import run_command
from forecasting.steps import queries
from forecasting.steps.reports.known_ahead import describe_windows
from forecasting.steps.reports.recipe_report import recipe_lines, recipe_table
from forecasting.steps.session import Session

REMARKING_STEPS = ("ingest", "backtest", "predict")
STATUS_OF_HARM = {"numbers": "bad", "forecast": "watch", "none": "ok"}
"""The light of a remark by the harm that it tells of."""


def state_cards(session: Session) -> dmc.Stack:
    """Remarks of the newest runs, champion and promotion, choice of models, quarantined lines, drifted columns."""
    cards = [*_remarks(session), _model(session), *_recipe(session), _data_quality(session), _drift(session)]
    return dmc.Stack(cards, gap="lg")


def _remarks(session: Session) -> list[dmc.Card]:
    """A card with the remarks of the newest runs, as their summaries print them; none where there is no remark."""
    facts = [queries.read_run_facts(session, step) for step in REMARKING_STEPS]
    remarks = [remark for found in facts for remark in found.get("remarks") or ()]
    if not remarks:
        return []
    body = [status_light(STATUS_OF_HARM[remark["harm"]], remark["message"]) for remark in remarks]
    return [card("Worth knowing", body, "overview-remarks")]


def _model(session: Session) -> dmc.Card:
    train = queries.read_run_facts(session, "train")
    if not train:
        command = dmc.Code(run_command(session.config, "train"))
        return card("Model", [dmc.Text("Nothing has been trained yet.", c="dimmed"), command])
    status, verdict = ("ok", "promoted") if train.get("promoted") else ("watch", "kept, the newer one was not promoted")
    version = dmc.Badge(f"version {train.get('version')}", variant="light", tt="none")
    scored = queries.read_run_facts(session, "backtest")
    windows = describe_windows(scored.get("known_ahead", ""), scored.get("known_counts", {}))
    body = [
        dmc.Group([dmc.Text(train.get("champion"), fw=600), version]),
        status_light(status, verdict),
        dmc.Text(train.get("reason"), size="sm", c="dimmed"),
        *(dmc.Text(f"Scored with {line}", size="sm", c="dimmed") for line in windows),
    ]
    return card("Model", body, "overview-model")


def _recipe(session: Session) -> list[dmc.Card]:
    """A card with every candidate of the newest backtest and why it was chosen or left out; none for listed models."""
    stored = queries.read_run_facts(session, "backtest").get("chosen")
    if not stored:
        return []
    lines = [dmc.Text(line, size="sm", c="dimmed") for line in recipe_lines(stored)]
    verdicts = [
        status_light("ok" if chosen == "yes" else "unknown", f"{model}{' is left out' * (chosen == 'no')}: {why}")
        for model, chosen, _, why in recipe_table(stored).iter_rows()
    ]
    return [card("Recipe", [*lines, *verdicts], "overview-recipe")]


def _data_quality(session: Session) -> dmc.Card:
    ingest = queries.read_run_facts(session, "ingest")
    lines, quarantined = ingest.get("lines") or 0, ingest.get("quarantined") or 0
    keys, filled = ingest.get("keys") or 0, ingest.get("filled") or 0
    share = quarantined / lines if lines else 0.0
    status = "ok" if not quarantined else "watch" if share <= session.config.limits.quarantined else "bad"
    rules = ", ".join(f"{rule} {n:,}" for rule, n in (ingest.get("quarantined_by_rule") or {}).items())
    gaps = f"{filled:,} of {keys:,} rows filled in for gaps ({format_percent(filled / keys if keys else 0)})"
    body: list[Any] = [
        status_light(status, f"{quarantined:,} of {lines:,} lines quarantined ({format_percent(share, 2)})"),
        dmc.Text(rules, size="sm", c="dimmed") if rules else None,
        dmc.Text(gaps, size="sm"),
    ]
    return card("Data quality", [part for part in body if part is not None], "overview-quality")


def _drift(session: Session) -> dmc.Card:
    checks = queries.read_drift(session)
    if checks.is_empty():
        body = [status_light("unknown", "not checked yet"), dmc.Code(run_command(session.config, "monitor"))]
        return card("Drift", body, "overview-drift")
    last = checks.filter(pl.col("cutoff") == pl.col("cutoff").max())
    drifted = last.filter("drifted")["column"].to_list()
    text = f"{len(drifted) or 'none'} of {last.height} columns drifted"
    body = [
        status_light("watch" if drifted else "ok", text),
        dmc.Text(", ".join(drifted), size="sm", c="dimmed"),
        dmc.Anchor("See the report", href="/drift", size="sm"),
    ]
    return card("Drift", body, "overview-drift")
