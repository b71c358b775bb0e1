"""Sales of a file that are not loaded, as rows of the panel: `read_new_rows` takes a Session and the file's path.

It reads the file as the source of the config would be read, checks it by the same contracts, and returns the rows of
the panel that it alone would make, with what was left out. Nothing is written.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from forecasting.config import Config
from forecasting.data import contracts
from forecasting.data.side_tables import load_with_side_tables
from forecasting.errors import Option, UserError
from forecasting.steps.data_check.check import panel_rows
from forecasting.steps.ingestion import load_state
from forecasting.steps.session import Session

SOLD = pl.col("y").is_not_null()


def read_new_rows(session: Session, file: str) -> tuple[pl.DataFrame, list[str]]:
    """Rows like those of the panel, up to the last day with sales, and sentences about what does not count of the file.

    Raises UserError when the file is not there, or would be refused as a load.
    """
    if not Path(file).exists():
        raise UserError("there is no such file", where=Option("new_data", file))
    config = _reading(session.config.with_stored_formats(load_state.known_formats(session.config, session.meta)), file)
    checked = contracts.check_load(load_with_side_tables(config), config)
    rows = panel_rows(checked, config)
    last = rows.filter(SOLD)["ds"].max()
    known = session.store.scan("series").select("unique_id").collect()
    strange = rows.filter(SOLD).join(known, on="unique_id", how="anti")
    lines = []
    if bad := checked.account.get("quarantined", 0):
        lines.append(f"{bad:,} lines of {file} break a rule and do not count: look at them with a check of the data")
    if strange.height:
        names, y = strange["unique_id"].unique().sort().to_list(), strange["y"].sum()
        more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
        lines.append(f"series {names[0]}{more}, y {y:,.6g} in all, are not loaded, so no forecast of them is judged")
    return rows.filter(pl.col("ds") <= last), lines


def _reading(config: Config, file: str) -> Config:
    """The config with this file as its source, and without the age of the newest sales as a reason to refuse it."""
    source = config.source.model_copy(update={"path": file})
    limits = config.limits.model_copy(update={"max_age": None})
    return config.model_copy(update={"source": source, "limits": limits})
