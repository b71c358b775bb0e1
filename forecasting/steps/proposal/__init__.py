"""A first config for files that nobody has described yet: `propose` takes a Request and returns a Proposal."""

from forecasting.steps.proposal.propose import Proposal, propose
from forecasting.steps.proposal.request import Request

__all__ = ["Proposal", "Request", "propose"]
