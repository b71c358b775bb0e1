"""Scores of past forecasts as a small JSON file: `scores_of` makes them, `compare_with_baseline` reads an earlier file.

The file holds the newest scores over all series and by segment: {"wape": 0.2, "bias": ..., "coverage-80": ...,
"segments": {"smooth": {...}}}. `compare_with_baseline` returns a sentence for each score that is worse than there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from forecasting.config import Config
from forecasting.errors import Option, UserError
from forecasting.steps.alerts import EVERYTHING
from forecasting.steps.monitoring.findings import MORE_MISSES, Verdict

Scores = Mapping[str, Any]


def scores_of(config: Config, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The scores of these verdicts, as a file of them holds them; empty without past forecasts."""
    level = min(config.level)
    found = {v["segment"]: _scores(v, level) | {"rows": v["n"]} for v in verdicts}
    whole = found.pop(EVERYTHING, {})
    span = {name: verdicts[0][name] for name in ("first", "last", "model")} if verdicts else {}
    return {**span, **whole, "segments": found} if whole else {}


def _scores(verdict: Verdict, level: int) -> dict[str, float | None]:
    covered = None if verdict["misses"] is None else 1 - verdict["misses"]
    return {"wape": verdict["wape"], "bias": verdict["bias"], f"coverage-{level}": covered}


def compare_with_baseline(config: Config, scores: Scores, file: str) -> list[str]:
    """A sentence for each score that is worse than the file says: WAPE by more than monitoring.tolerance, and sales
    outside the interval more than 1.5 times as often.

    Raises UserError when the file cannot be read, and when there are no past forecasts to compare.
    """
    baseline = _read(file)
    if not scores:
        raise UserError(
            "there are no past forecasts whose sales have come, so nothing can be compared",
            where=Option("baseline", file),
            mend="compare once a forecast was published and sales after its cutoff are there",
        )
    now = {EVERYTHING: scores} | dict(scores["segments"])
    then = {EVERYTHING: baseline} | dict(baseline.get("segments") or {})
    return [text for name, known in then.items() if name in now for text in _worse(config, name, known, now[name])]


def _worse(config: Config, segment: str, then: Scores, now: Scores) -> Iterator[str]:
    of = "" if segment == EVERYTHING else f" of {segment} series"
    before, wape = then.get("wape"), now.get("wape")
    if before is not None and wape is not None and wape > before * (1 + config.monitoring.tolerance):
        yield f"WAPE{of} is {wape:.1%}, {before:.1%} in the baseline"
    name = f"coverage-{min(config.level)}"
    inside, covered = then.get(name), now.get(name)
    if inside is not None and covered is not None and 1 - covered > MORE_MISSES * max(1 - inside, 0.01):
        yield f"{covered:.1%}{of} lie within the interval of {min(config.level)} %, {inside:.1%} in the baseline"


def _read(file: str) -> dict[str, Any]:
    where = Option("baseline", file)
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        mend = "an earlier check with a report folder writes its scores.json, which can be kept as the baseline"
        raise UserError("there is no such file", where=where, mend=mend) from None
    except (OSError, ValueError) as error:
        raise UserError(f"cannot be read as JSON: {error}", where=where) from None
    if not isinstance(found, dict) or not isinstance(found.get("wape"), int | float):
        raise UserError('holds no "wape" of all series: {"wape": 0.2} is the least', where=where)
    return found
