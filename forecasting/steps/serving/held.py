"""What this process serves of each job: `served_for(session)` returns the Served of the newest vintage that it sees.

Pages, the command line and the REST API ask here, so that models, rows and plans are loaded once and then kept until
there is another vintage (a published forecast) or load. `open_served(config)` opens a session first. Safe for threads.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.steps.serving.served import Served
from forecasting.steps.session import Session, open_session

MOST_HELD = 2
"""Jobs that are kept; each holds rows up to HELD_BYTES."""
_HELD: OrderedDict[str, Served] = OrderedDict()
_GUARD = Lock()


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
