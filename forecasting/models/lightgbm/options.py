"""Options of a LightGBM entry in the config: `read_options(spec, config)` returns checked Options or raises UserError,
`choose_steps` how many trees they mean for so many rows, and the learning rate.

It is called before anything is trained; parameters of LightGBM itself (`params`) are passed on unchecked but for
`objective`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from forecasting.columns import column_name
from forecasting.config import Config, ModelSpec
from forecasting.features.groups import Level
from forecasting.features.sales import CHANGE

CHOICES = {
    "predicts": ("mean", "median"),
    "target": ("level", "change"),
    "kind": ("boosted", "forest"),
    "price_effect": ("free", "falling"),
}
INTEGERS = ("trees", "rows", "seeds", "stop")
ABSOLUTE = ("regression_l1", "l1", "mean_absolute_error", "mae", "quantile", "mape", "mean_absolute_percentage_error")
LOGARITHMIC = ("tweedie", "poisson", "gamma")
RATE, TREES, MANY_ROWS = 0.06, 200, 250_000
"""The learning rate and the trees where there are so many rows to learn from. Of half as many and fewer, half as many
trees are made, at twice the rate: on windows of departments, juices and spare parts they erred by no more in half the
time, while those of drug stores erred by a fiftieth more."""


@dataclass(frozen=True)
class Options:
    """How boosters are trained; every field is a key of the entry in the config.

    `params` are parameters of LightGBM; `trees` (None: see choose_steps, or with `stop` as many as pay); `years` of
    training rows, and the most `rows` of a block; `predicts` mean or median; `target`, sales over the recent level, or
    for series that wander their change from the last value; `priors`, the groupings whose priors are features;
    `seeds`, boosters per block whose forecasts are averaged; `stop`, rounds without gain on the newest observed periods
    after which boosters end (None: all trees are made); `kind`, boosted or forest; `price_effect`, free or falling in
    the price.

    Priors are off by default. They are the same for all series of a day, and boosters learn such days by heart: without
    them errors were lower on all of five sets of real sales.
    """

    params: Mapping[str, Any]
    trees: int | None = None
    years: float = 2.0
    rows: int = 400_000
    predicts: str = "mean"
    target: str = "level"
    priors: tuple[Level, ...] = ()
    seeds: int = 1
    stop: int | None = None
    kind: str = "boosted"
    price_effect: str = "free"


def read_options(spec: ModelSpec, config: Config) -> Options:
    """The options of an entry. Raises UserError for unknown ones, wrong values and those that exclude each other."""
    key, given = f"models.{config.models.index(spec)}", {"params": {}, "priors": ()} | dict(spec.options)
    names = [f.name for f in fields(Options)]
    unknown = sorted(set(given) - set(names))
    if unknown:
        allowed = f"{', '.join(names[1:])} and params"
        raise config.fault(key, f"{unknown[0]} is not an option of lightgbm: it takes {allowed}")
    named = ((level,) if isinstance(level, str) else level for level in given["priors"])
    priors = tuple(tuple(map(column_name, level)) for level in named)
    for name, problem in (*_wrong_values(given), *_unknown_priors(priors, config)):
        raise config.fault(f"{key}.{name}", problem)
    options = Options(**given | {"priors": priors})
    for name, problem in _conflicts(options, config):
        raise config.fault(f"{key}.{name}", problem)
    return options


def choose_steps(options: Options, available: int) -> tuple[int, float]:
    """The number of trees and the learning rate for so many available rows (see MANY_ROWS), where none is given.

    >>> [choose_steps(Options({}), rows) for rows in (1_000, 200_000, 1_000_000)]
    [(100, 0.12), (160, 0.075), (200, 0.06)]
    """
    given = options.trees or options.stop or "learning_rate" in options.params or options.kind == "forest"
    trees = options.trees or (TREES if given else count_trees(available))
    return trees, RATE if given else RATE * TREES / trees


def count_trees(available: int) -> int:
    """The trees for so many available rows (see MANY_ROWS)."""
    return round(TREES * min(max(available / MANY_ROWS, 1 / 2), 1))


def _wrong_values(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and fault of each option whose value is of the wrong kind."""
    for name in (*INTEGERS, "years"):
        value, kind = given.get(name, 1), int | float if name == "years" else int
        if not isinstance(value, kind) or isinstance(value, bool) or value <= 0:
            yield name, f"must be a {'number' if name == 'years' else 'whole number'} above 0"
    if not isinstance(given["params"], Mapping):
        yield "params", "must be a mapping of parameters of LightGBM"
    for name, choices in CHOICES.items():
        if given.get(name, choices[0]) not in choices:
            yield name, f"{given[name]!r} is not one of {', '.join(choices)}"


def _unknown_priors(priors: tuple[Level, ...], config: Config) -> Iterator[tuple[str, str]]:
    statics = config.static_columns
    for column in (c for level in priors for c in level if c not in statics):
        yield "priors", f"{column} is not in columns.static, which holds {', '.join(statics) or 'nothing'}"


def _conflicts(options: Options, config: Config) -> Iterator[tuple[str, str]]:
    """Name and fault of each option that cannot be combined with another."""
    objective = options.params.get("objective")
    if options.target == CHANGE and (options.predicts == "median" or objective in LOGARITHMIC):
        yield "target", "change is below 0 half of the time: it has no median head and no objective with a logarithm"
    if options.kind == "forest" and options.stop:
        yield "stop", "is for boosters: further trees do no harm to a forest"
    if options.kind == "forest" and objective in LOGARITHMIC:
        yield "params.objective", f"{objective} takes steps on a logarithm, of which a forest makes one: leave it out"
    if options.price_effect == "falling" and config.columns.price is None:
        yield "price_effect", "falling needs a price: name its column in columns.price"
    if options.price_effect == "falling" and (options.predicts == "median" or objective in ABSOLUTE):
        yield "price_effect", "LightGBM keeps no direction for medians and quantiles: leave it out or predict the mean"
