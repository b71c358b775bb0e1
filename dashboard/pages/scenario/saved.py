"""`saved_scenarios_card()` returns the form and dialog of saved scenarios, `draw_saved_scenarios(session)` their list.

Only components: saving, opening and withdrawing happen in `saved_callbacks`.
"""

from typing import Any
from urllib.parse import urlencode

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard.access.visits import may
from dashboard.components import card
from dashboard.pages.scenario.change_list import describe_edit
from forecasting.steps import actions
from forecasting.steps.session import Session


def saved_scenarios_card(name: str = "") -> dmc.Card:
    """Name, reason and save button, the place of the list, and the dialog for withdrawals.

    Who may not save sees why.
    """
    mine = may("planner")
    columns = {"base": 12, "sm": 5}
    fields = [
        (dmc.TextInput(id="scenario-name", label="Name", value=name, placeholder="for example spring sale"), columns),
        (dmc.TextInput(id="scenario-reason", label="Reason", placeholder="why it is worth a look"), columns),
        (
            dmc.Button("Save", id="scenario-save", variant="light", fullWidth=True, disabled=not mine),
            {"base": 12, "sm": 2},
        ),
    ]
    form = dmc.Grid([dmc.GridCol(field, span=span) for field, span in fields], gutter="md", align="flex-end")
    hint = "Keeps series and changes under a name, for everybody. The plan stays as it is."
    hint = hint if mine else "Saving needs the role planner; trying changes does not."
    parts = [
        dmc.Text(hint, size="sm", c="dimmed"),
        form,
        html.Div(id="scenario-save-message", role="status"),
        html.Div(id="scenario-saved"),
        dcc.Store(id="scenario-saved-revision", data=0),
        _withdrawal_dialog(),
    ]
    return card("Saved scenarios", parts)


def draw_saved_scenarios(session: Session) -> Any:
    """One row per saved scenario, the newest first; a sentence when there is none."""
    saved = actions.list_saved_scenarios(session)
    if not saved:
        return dmc.Text("No scenario is saved yet.", size="sm", c="dimmed")
    return dmc.Stack([_row(scenario) for scenario in saved], gap="sm")


def _row(saved: actions.SavedScenario) -> dmc.Group:
    version = dmc.Badge(f"version {saved.version}", variant="light", tt="none")
    lines = [
        dmc.Group([dmc.Text(saved.name, fw=600), version], gap="xs"),
        dmc.Text(
            f"{saved.unique_id or saved.where or 'all series'} · {'; '.join(map(describe_edit, saved.edits))}",
            size="sm",
        ),
        dmc.Text(f"{saved.author}, {saved.time:%Y-%m-%d %H:%M} UTC: {saved.reason}", size="sm", c="dimmed"),
    ]
    link = dmc.Anchor("Link", href=f"/scenario?{urlencode({'saved': saved.name})}", size="sm")
    buttons = [_button("Open", "open", saved.name)]
    if may("planner"):
        buttons += [_button("Duplicate", "duplicate", saved.name), _button("Withdraw", "withdraw", saved.name)]
    buttons.append(link)
    texts = dmc.Stack(lines, gap=2, className="saved-scenario-text")
    return dmc.Group([texts, dmc.Group(buttons, gap="xs")], justify="space-between", className="saved-scenario")


def _button(label: str, action: str, name: str) -> dmc.Button:
    return dmc.Button(
        label,
        id={"type": f"scenario-{action}", "name": name},
        size="compact-sm",
        variant="default" if action == "withdraw" else "light",
        **{"aria-label": f"{label} {name}"},
    )


def _withdrawal_dialog() -> dmc.Modal:
    parts = [
        dmc.Text(id="scenario-withdraw-name", fw=600),
        dmc.Text("It is no longer listed; its entries stay in the log.", size="sm", c="dimmed"),
        dmc.TextInput(id="scenario-withdraw-reason", label="Reason", placeholder="for example overtaken by events"),
        dmc.Button("Withdraw scenario", id="scenario-withdraw-confirm"),
    ]
    close = {"aria-label": "Keep the scenario"}
    return dmc.Modal(
        dmc.Stack(parts), id="scenario-withdraw-dialog", title="Withdraw a saved scenario", closeButtonProps=close
    )
