"""How the command line words an error: `sentence` takes a UserError, `failure` any error; both return one sentence.

Overrides become `--set h`, parameters `--cutoff`, a missing step the command that runs it.
"""

from __future__ import annotations

from forecasting.errors import Option, UserError, Wording

COMMANDS = {"predict": "run", "features": "features build", "training_set": "features training-set"}
"""Step -> the command that brings its result, where it is not called like the step (a forecast needs all steps)."""

OPTIONS = {"first": "from", "last": "to"}
"""Parameter -> its option, where it is not called like the parameter."""


class CommandLineWording(Wording):
    """Overrides, parameters and steps as words of the command line."""

    def override(self, key: str) -> str:
        return f"--set {key}"

    def option(self, option: Option) -> str:
        name = OPTIONS.get(option.name, option.name.replace("_", "-"))
        return f"--{name} {option.value}".rstrip()

    def prerequisite(self, step: str) -> str:
        return f"run `demandcast {COMMANDS.get(step, step)}` with this config first"


def sentence(error: UserError) -> str:
    """The error as one sentence of the command line."""
    return error.worded(CommandLineWording())


def failure(error: Exception) -> str:
    """What a step has failed with, in a sentence; of an error of the program its kind and the beginning of its text."""
    return sentence(error) if isinstance(error, UserError) else f"{type(error).__name__}: {str(error)[:300]}"
