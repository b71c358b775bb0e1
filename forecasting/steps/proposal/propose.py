"""The proposal of a job for a source: `propose` takes a Request and returns a Proposal; nothing is written.

A Proposal holds the config as commented YAML, the choices behind it, and the rows of the source as it reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from forecasting.config import Config
from forecasting.config.error_messages import error_messages
from forecasting.config.yaml_file import Origin, set_key
from forecasting.errors import UserError
from forecasting.steps.proposal.comments import comments_of, doubts_of, unused_of
from forecasting.steps.proposal.config_values import values_of
from forecasting.steps.proposal.draft import Draft, draft_of
from forecasting.steps.proposal.found.source import find_source
from forecasting.steps.proposal.reading import Reading, read_as_proposed
from forecasting.steps.proposal.request import Request
from forecasting.steps.proposal.yaml_text import render


@dataclass(frozen=True)
class Proposal:
    """A proposed job: its config, the rows as they are read by it, and doubts in words: those of the choices with their
    keys, then the remarks on the rows."""

    config: Config
    values: Mapping[str, Any]
    draft: Draft
    reading: Reading
    doubts: tuple[str, ...]

    def text(self, heading: Sequence[str]) -> str:
        """The config as commented YAML, below the lines of a heading."""
        unused = unused_of(self.draft)
        reading, (first, last) = self.reading, self.reading.span
        facts = [f"{reading.series:,} series, {first} to {last}, total of sales {reading.total:,.10g}."]
        facts += [f"Not used: {unused}."] if unused else []
        facts += [f"In doubt: {doubt}." for doubt in self.doubts]
        return render(self.values, comments_of(self.draft), [*heading, *facts])


def propose(request: Request) -> Proposal:
    """The job for a source; raises UserError where something is in doubt that would make numbers wrong."""
    found = find_source(request)
    draft = draft_of(found, request)
    proposal = _read(draft, request)
    if not draft.keys.single_sales and _single_sales(proposal.reading):
        return _read(draft_of(found, request.with_setting("source.kind", "transactions")), request)
    return proposal


def _single_sales(reading: Reading) -> bool:
    """Whether rows were refused since several are about one series and period."""
    return any("several_in_period" in remark.message for remark in reading.remarks)


def _read(draft: Draft, request: Request) -> Proposal:
    values = values_of(draft)
    for key, value in request.settings.items():
        set_key(values, key, value)
    config = _config(values)
    reading = read_as_proposed(config)
    remarks = (remark.message for remark in reading.remarks if remark.harm != "none")
    return Proposal(config, values, draft, reading, (*doubts_of(draft), *remarks))


def _config(values: Mapping[str, Any]) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise UserError.of_several(list(error_messages(error, Config, Origin("the proposal")))) from None
