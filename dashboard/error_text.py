"""How a page words an error of the core: `error_text(error)` takes a UserError and returns one sentence.

It speaks of what the dashboard shows, without options of the command line.
"""

from forecasting.errors import Option, UserError, Wording

FIRST = {"predict": "the job has to run once before this can be shown", "ingest": "the data have to be loaded first"}
"""Step -> what a page says where its result is missing."""


class PageWording(Wording):
    """Parameters as labelled values, and steps by what they bring."""

    def option(self, option: Option) -> str:
        return f"{option.name.replace('_', ' ')} {option.value}".rstrip()

    def prerequisite(self, step: str) -> str:
        return FIRST.get(step, super().prerequisite(step))


def error_text(error: UserError) -> str:
    """The error as one sentence on a page."""
    return error.worded(PageWording())
