"""What a config can ask of LightGBM, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from forecasting.config import Config, ModelSpec
from forecasting.features.groups import Level

CHOICES = {"predicts": ("mean", "median"), "kind": ("boosted", "forest"), "price_effect": ("free", "falling")}
WHOLE = ("trees", "rows", "seeds", "stop")
ABSOLUTE = ("regression_l1", "l1", "mean_absolute_error", "mae", "quantile", "mape", "mean_absolute_percentage_error")
LOGARITHMIC = ("tweedie", "poisson", "gamma")


@dataclass(frozen=True)
class Options:
    """How boosters are made; every field is a key of the entry in the config.

    `params` are LightGBM's own; `trees` (None: 200, or with `stop` as many as pay); `years` of training rows, and the
    most `rows` of a block; `predicts` the mean or the median; `priors`, the groupings whose priors are features;
    `seeds`, boosters per block whose forecasts are averaged; `stop`, rounds without gain on the newest known periods
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
    priors: tuple[Level, ...] = ()
    seeds: int = 1
    stop: int | None = None
    kind: str = "boosted"
    price_effect: str = "free"


def read(spec: ModelSpec, config: Config) -> Options:
    """The options of an entry; raises UserError for unknown ones, wrong values and those that exclude each other."""
    key, given = f"models.{config.models.index(spec)}", {"params": {}, "priors": ()} | dict(spec.options)
    known = [f.name for f in fields(Options)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        told = f"{', '.join(known[1:])} and params"
        raise config.fault(key, f"{unknown[0]} is not an option of lightgbm: it takes {told}")
    priors = tuple((level,) if isinstance(level, str) else tuple(level) for level in given["priors"])
    for name, problem in (*_wrong(given), *_strange(priors, config)):
        raise config.fault(f"{key}.{name}", problem)
    options = Options(**given | {"priors": priors})
    for name, problem in _clashes(options, config):
        raise config.fault(f"{key}.{name}", problem)
    return options


def _wrong(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Options that hold something else than they take."""
    for name in (*WHOLE, "years"):
        value, kind = given.get(name, 1), int | float if name == "years" else int
        if not isinstance(value, kind) or isinstance(value, bool) or value <= 0:
            yield name, f"must be a {'number' if name == 'years' else 'whole number'} above 0"
    if not isinstance(given["params"], Mapping):
        yield "params", "must be a mapping of LightGBM's own parameters"
    for name, known in CHOICES.items():
        if given.get(name, known[0]) not in known:
            yield name, f"{given[name]!r} is not one of {', '.join(known)}"


def _strange(priors: tuple[Level, ...], config: Config) -> Iterator[tuple[str, str]]:
    known = config.static_columns
    for column in (c for level in priors for c in level if c not in known):
        yield "priors", f"{column} is not in columns.static, which holds {', '.join(known) or 'nothing'}"


def _clashes(options: Options, config: Config) -> Iterator[tuple[str, str]]:
    """Options that cannot go together."""
    objective = options.params.get("objective")
    if options.kind == "forest" and options.stop:
        yield "stop", "is for boosters: further trees do no harm to a forest"
    if options.kind == "forest" and objective in LOGARITHMIC:
        yield "params.objective", f"{objective} takes steps on a logarithm, of which a forest makes one: leave it out"
    if options.price_effect == "falling" and config.columns.price is None:
        yield "price_effect", "falling needs a price: say in columns.price which column it is"
    if options.price_effect == "falling" and (options.predicts == "median" or objective in ABSOLUTE):
        yield "price_effect", "LightGBM keeps no direction for medians and quantiles: leave it out or predict the mean"
