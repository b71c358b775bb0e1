"""UserError: a mistake that the user can correct, as data that every front end words in its own terms.

It takes what is wrong, and where (a Place in the config, an Option or a name), how to mend it, and the step it needs;
`worded` takes the Wording of a front end and returns one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forecasting.columns import as_users_write


@dataclass(frozen=True)
class Place:
    """Where a key of the config stands: a line of a file (1-based; 0: unknown), or an override for one run."""

    file: str = ""
    line: int = 0
    override: str = ""


@dataclass(frozen=True)
class Option:
    """A parameter of a step, a query or an export, and the value that was given for it."""

    name: str
    value: object = ""


class Wording:
    """How an error names overrides, options and steps; a front end overrides the methods with its own terms."""

    def place(self, place: Place) -> str:
        """`job.yaml, line 3`, `job.yaml with override h` or `override h`."""
        if place.line:
            return f"{place.file}, line {place.line}"
        parts = (place.file, self.override(place.override) if place.override else "")
        return " with ".join(filter(None, parts))

    def override(self, key: str) -> str:
        """A key of the config that is set for one run."""
        return f"override {key}"

    def option(self, option: Option) -> str:
        """A parameter with its value."""
        return f"{option.name} {option.value}".rstrip()

    def prerequisite(self, step: str) -> str:
        """That another step has to run before."""
        return f"the step {step} has to run first"


class UserError(Exception):
    """A mistake that the user can correct: `str(error)` is one sentence that says where, what, and how to correct it.

    `where` is a place in the config, a parameter, or the name of a job, file or table; `mend` says how to correct it;
    `needs` names the step that has to run first. An error with `causes` stands for several mistakes at once.
    """

    def __init__(
        self,
        what: str,
        *,
        where: Place | Option | str = "",
        mend: str = "",
        needs: str = "",
        causes: Sequence[UserError] = (),
    ) -> None:
        super().__init__(what)
        self.what = as_users_write(what)
        self.where = where
        self.mend = mend
        self.needs = needs
        self.causes = tuple(causes)

    @classmethod
    def of_several(cls, causes: Sequence[UserError]) -> UserError:
        """One error for several mistakes; its text is theirs, one after the other."""
        return cls("; ".join(map(str, causes)), causes=causes)

    def worded(self, wording: Wording) -> str:
        """The sentence in the terms of a front end."""
        if self.causes:
            return "; ".join(cause.worded(wording) for cause in self.causes)
        what = f"{where}: {self.what}" if (where := self._worded_place(wording)) else self.what
        return "; ".join(filter(None, (what, self.mend, wording.prerequisite(self.needs) if self.needs else "")))

    def _worded_place(self, wording: Wording) -> str:
        match self.where:
            case Place():
                return wording.place(self.where)
            case Option():
                return wording.option(self.where)
        return self.where

    def __str__(self) -> str:
        return self.worded(Wording())
