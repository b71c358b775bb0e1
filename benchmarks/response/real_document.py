"""The chapter of docs/RESPONSE.md about the data sets that lie beside the repository, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from benchmarks.report import machine, table
from benchmarks.response.real_changes import ESTIMATES
from benchmarks.response.real_plans import ANSWERS, USUAL

TEXT = """## Real data sets

Measured on {machine}, in {seconds:.0f} s.

    make bench-response-real                        all of it; needs the data beside the repository
    make bench-response-real ARGS="--stores 10"     every tenth store; nothing is written

Nobody knows the true response of these. The jobs are `configs/breakfast_frat.yaml` and `configs/dominicks_oj.yaml`;
levers are the price and the feature.

### Signs before pooling

{signs}

Series whose price changed at least five times, at all or by more than 5 % from one observed period to the next, and the
share of them with a price elasticity below 0: as their unit told it before pooling (`own_estimate`), and as it is used.
Where stores share their prices an item is one unit in all of them, so `units` counts different own estimates. The aim
is 80 % before pooling: {aim_signs}.

### Price changes that were held out

{changes}

Effects are estimated up to three quarters of the periods. A change is a later period with sales whose price differs by
more than 5 % from that of the period just before, which had sales, too. What sales did is the log of their ratio, less
the median of it over the series that kept their price (within 1 %), feature and other flags in the same two periods:
what moves all series is no response. What effects foretell is the log of the product's own factor from the price and
feature before to those of the period. Errors are mean absolute differences over all changes of the series whose price
had changed five times before the cutoff: with no effect at all (`none`), with the mean effect of all series for each
(`one`), with own estimates, and with pooled ones; `better` is the share of series of which the pooled estimate errs
less than the own, and `slope` that of what sales did on what the pooled estimate foretold, above 1 where they did more.
Where people buy ahead, sales do more from one period to the next than from the usual level. The aim is that pooled
estimates err less over all: {aim_changes}.

### Promotions that the plan did not know

{scenario}

The job is run at a cutoff one horizon before the end, with boosters alone, on
every {stores},
and a plan without promotions: the median price of the newest {usual} periods without a flag, and all flags 0. The
published forecast of that plan is `planned`. Then the values that really were are given to the product's serving path.
`scenario` is its answer (the planned forecast times the response; what is no lever goes to the model), `boosters` that
of the same model when it gets price and feature itself. Given are price and feature, or all columns that are known
ahead. A promotion is a period with a feature, or with a price at least 5 % below the usual one. Shares beside an error
are the sum of the forecast over that of sales; `better` is the share of periods of the horizon in which the scenario
errs less than the plan. The aim is that on promotions, given price and feature, it errs less than the plan:
{aim_scenario}. To err less than the boosters there, too, is {beside}.
With so few stores it depends on those drawn which of the two is nearer on breakfast_frat.
"""
SIGNS = ("data set", "price changes", "series", "units", "own below 0", "pooled below 0")
CHANGES = ("data set", "changed", "changes", "series", "none", "one", "own", "pooled", "better", "slope")
SCENARIO = ("data set", "given", "periods", "series", "WAPE planned", "scenario", "boosters", "better")
AIM = 0.8


@dataclass(frozen=True)
class Found:
    """What one data set tells: signs of `elasticities` (real_chains.signs_of), errors on held-out `changes`
    (real_changes.errors), and those of the answers to a `scenario` (real_scenario.ask).
    """

    name: str
    elasticities: pl.DataFrame
    changes: pl.DataFrame
    scenario: pl.DataFrame


def text(found: Sequence[Found], stores: Mapping[str, int], seconds: float) -> str:
    """The whole chapter; `stores` tells of every how manyth store the scenario was asked."""
    signs = [_sign(of.name, row) for of in found for row in of.elasticities.iter_rows(named=True)]
    changes = [_change(of.name, row) for of in found for row in of.changes.iter_rows(named=True)]
    answers = [_answer(of.name, row) for of in found for row in of.scenario.iter_rows(named=True)]
    drawn = {"signs": table(SIGNS, signs), "changes": table(CHANGES, changes), "scenario": table(SCENARIO, answers)}
    aims = {
        "aim_signs": verdict({of.name: of.elasticities["own"].min() >= AIM for of in found}),
        "aim_changes": verdict({of.name: of.changes["pooled"][-1] < of.changes["own"][-1] for of in found}),
        "aim_scenario": verdict({of.name: of.scenario["scenario"][0] < of.scenario["planned"][0] for of in found}),
    }
    parts = " and ".join(f"{every}th store of {name}" for name, every in stores.items())
    beside = {of.name: of.scenario["scenario"][0] < of.scenario["boosters"][0] for of in found}
    words = {"stores": parts, "usual": USUAL, "beside": verdict(beside)}
    return TEXT.format(machine=machine(), seconds=seconds, **words, **drawn, **aims)


def verdict(met: Mapping[str, bool]) -> str:
    """Which data sets meet an aim.

    >>> verdict({"a": True, "b": False})
    'met on a, missed on b'
    >>> verdict({"a": True})
    'met on a'
    """
    sides = {"met": [n for n, yes in met.items() if yes], "missed": [n for n, yes in met.items() if not yes]}
    return ", ".join(f"{side} on {' and '.join(names)}" for side, names in sides.items() if names)


def _sign(name: str, row: Mapping[str, str | float]) -> list[str]:
    shares = [_number(row[c], "{:.0%}") for c in ("own", "pooled")]
    return [name, str(row["changes"]), *(_number(row[c], "{:,}") for c in ("series", "units")), *shares]


def _change(name: str, row: Mapping[str, str | float]) -> list[str]:
    counts = [_number(row[c], "{:,}") for c in ("changes", "series")]
    errors = [_number(row[c], "{:.4f}") for c in ESTIMATES]
    shares = [_number(row["better"], "{:.0%}"), _number(row["slope"], "{:.2f}")]
    return [name, str(row["kind"]), *counts, *errors, *shares]


def _answer(name: str, row: Mapping[str, str | float]) -> list[str]:
    errors = [f"{row[c]:.4f} ({row[f'{c}_total']:.0%})" for c in ANSWERS]
    periods = f"{row['on']} ({row['periods']:,})"
    return [name, str(row["given"]), periods, f"{row['series']:,}", *errors, _number(row["weeks"], "{:.0%}")]


def _number(value: str | float | None, form: str) -> str:
    return "" if value is None else form.format(value)
