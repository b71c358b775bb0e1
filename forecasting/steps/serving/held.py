"""What this process serves of each job: `served_for(session)` returns the Served of the newest vintage that it sees.

Pages, the command line and the REST API ask here, so that models, rows and plans are loaded once and then kept until
there is another vintage (a published forecast) or load. `open_served(config)` opens a session first. Safe for threads.
`open_challenger` finds the forecast of a challenger that may answer beside it.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from threading import Lock

import polars as pl

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.services.store.vintages import shadow_vintages
from forecasting.steps.serving.served import CHALLENGER, Served
from forecasting.steps.session import Session, open_session

log = logging.getLogger(__name__)
MOST_HELD = 2
"""Jobs that are kept; each holds rows up to HELD_BYTES."""
_HELD: OrderedDict[str, Served] = OrderedDict()
_GUARD = Lock()
_TOLD: set[str] = set()
"""Forecasts of challengers that cannot answer, and of which the log says so."""


def served_for(session: Session) -> Served:
    """The newest vintage of a session, as it is kept; raises UserError when there is none."""
    if session.vintages.is_empty():
        raise UserError("no forecast is published yet", where=session.config.name, needs="predict")
    new = Served(session, session.vintages.row(0, named=True))
    with _GUARD:
        held = _HELD.pop(session.store.root, new)
        same = held.identity == new.identity and held.config == new.config
        _HELD[session.store.root] = held if same else new
        while len(_HELD) > MOST_HELD:
            _HELD.popitem(last=False)
        return _HELD[session.store.root]


def open_served(config: Config) -> Served:
    """The newest vintage of a job; raises UserError when there is none."""
    return served_for(open_session(config))


def is_newest(served: Served) -> bool:
    """Whether the served vintage and load are still the newest ones."""
    now = open_session(served.config)
    newest = now.vintages.row(0, named=True) if now.vintages.height else None
    return now.store.load == served.session.store.load and newest == served.vintage


def open_challenger(served: Served, known: Served | None = None) -> Served | None:
    """The newest forecast that a challenger has made beside the one that is served; None without one, and where it is
    not about the same days and columns. `known` is what was found before, and is returned while it is still the newest.
    """
    session = open_session(served.config)
    made = shadow_vintages(session.store).filter(pl.col("cutoff") == served.cutoff)
    if made.is_empty():
        return None
    row = made.row(0, named=True)
    if known is not None and known.vintage == row and known.session.store.load == session.store.load:
        return known
    challenger = Served(session, row, CHALLENGER)
    try:
        same = (challenger.columns, challenger.days) == (served.columns, served.days)
        why = "" if same else "it knows other columns or days"
    except UserError as error:
        why = str(error)
    if why and challenger.identity not in _TOLD:
        _TOLD.add(challenger.identity)
        log.warning("the challenger, version %s, answers nothing: %s", challenger.version, why)
    return None if why else challenger
