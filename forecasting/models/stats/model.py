"""Any StatsForecast class by its name, fitted series by series, with known-ahead numbers as regressors where it can.

`build` returns an untrained Stats from its entry in the config; `fit` takes a Cut and returns a FittedStats, whose
`predict` returns [unique_id, ds, yhat, source, cold_start, lo-L, hi-L ...], bounds only where the class gives some.

A fitted class is kept as its order and coefficients. A class with `forward` applies them to the history of any later
cut without estimating anything again; the others (Croston, TBATS, ...) hold no state that outlives their history and
are estimated again on it in every `predict`, which `source` shows: "TSB (refit)".
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any, Literal

import polars as pl
from pydantic import ConfigDict, TypeAdapter, ValidationError

from forecasting.columns import column_name
from forecasting.config import Config, ModelSpec
from forecasting.data.cut import Cut
from forecasting.data.panel import KEY, Engine, InProcess
from forecasting.data.schemas import interval_columns
from forecasting.models import naive, sources
from forecasting.models.base import Model, finish
from forecasting.models.stats import fitting
from forecasting.models.stats.statsforecast_spec import StatsForecastSpec, classes

NOT_HERE = {
    "SklearnModel": "it needs a Python object",
    "NaNModel": "it forecasts nothing",
    "ConformalSeasonalPool": "it draws at random without a seed, so that no forecast could be repeated",
}
TRUE_TYPES = {"lags": int | list[int], "trend_forecaster": str, "method": Literal["CSS-ML", "ML"]}
"""What these options take, where StatsForecast's annotation is wrong, cannot stand in YAML, or is too wide: from
`method: CSS` of a differenced model it forecasts nothing but zeros."""


@dataclass(frozen=True)
class Stats:
    """An untrained model of one StatsForecast class; `key` is its place in the config."""

    name: str
    spec: StatsForecastSpec
    key: str
    on: str = "series"
    family: str = "stats"

    def fit(self, cut: Cut) -> FittedStats:
        """Fit every series that the cut forecasts. Raises UserError when a chosen regressor is no number."""
        self._check_regressors(cut)
        engine: Engine = InProcess() if self.spec.quick else cut.panel.engine
        parts = fitting.parts_of(cut, at_most=1 if self.spec.quick else fitting.PARTS)
        fitted = engine.map(partial(fitting.fit_part, self.spec, cut), parts)
        return FittedStats(self.name, self.spec, pl.concat(fitted).sort("unique_id"))

    def _check_regressors(self, cut: Cut) -> None:
        schema = cut.panel.scan(cut.panel.buckets[0]).collect_schema()
        for column in self.spec.regressors or ():
            if column not in schema or not schema[column].is_numeric():
                found = str(schema[column]) if column in schema else "missing on these series"
                raise cut.config.fault(f"{self.key}.regressors", f"{column} must be a number, and it is {found}")


@dataclass(frozen=True)
class FittedStats:
    """A fitted model: `series` [unique_id, params, regressors, reason] is one row per series (see fitting.FITTED)."""

    name: str
    spec: StatsForecastSpec
    series: pl.DataFrame
    family: str = "stats"
    _label: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "_label", self.name if self.spec.forwards else self.name + sources.REFITTED)

    @property
    def failures(self) -> pl.DataFrame:
        """[unique_id, reason]: one row per series that could not be fitted; the ladder forecasts it."""
        return self.series.filter(pl.col("reason").is_not_null()).select("unique_id", "reason")

    def predict(self, cut: Cut, bucket: int) -> pl.DataFrame:
        """[unique_id, ds, yhat, source, cold_start] and lo-* / hi-* where the class gives bounds.

        The ladder forecasts series that are new since the fit, that could not be fitted, and whose forecast is not
        finite or runs away; `source` names it row by row.
        """
        frame = cut.frame(bucket)
        fitted = fitting.predict_bucket(self.spec, cut, frame, self.series)
        both = naive.ladder_forecasts(cut, bucket).join(fitted, on=KEY, how="left", maintain_order="left")
        rows = both.with_columns(
            yhat=pl.coalesce("_yhat", "yhat"),
            source=pl.when(pl.col("_yhat").is_not_null()).then(pl.lit(self._label)).otherwise("source"),
            cold_start=pl.col("cold_start") & pl.col("_yhat").is_null(),
        )
        given = [c for c in interval_columns(cut.config.level) if c in fitted.columns]
        return finish(rows).select(*KEY, "yhat", "source", "cold_start", *given)

    def coefficients(self) -> pl.DataFrame:
        """[unique_id, name, value]: what was estimated; a regressor's coefficient has its column's name."""
        return fitting.coefficient_table(self.series)

    def save(self, folder: Path) -> None:
        """Write recipe.json and series.parquet."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"name": self.name, "recipe": self.spec.to_json()}, indent=1)
        (folder / "recipe.json").write_text(text, encoding="utf-8")
        self.series.write_parquet(folder / "series.parquet")


def load(folder: Path) -> FittedStats:
    """The fitted model that `save` wrote into the folder."""
    stored = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    spec = StatsForecastSpec.from_json(stored["recipe"])
    return FittedStats(stored["name"], spec, pl.read_parquet(folder / "series.parquet"))


def build(entry: ModelSpec, config: Config) -> list[Model]:
    """One model.

    Options: `class`, what its constructor takes (season_length is the config's unless given), `regressors`: names of
    known-ahead columns, or none (left out: all numeric ones), `transform`: none or log, which is taken of series whose
    values are all above 0, and `periods`: the newest ones that are used of a series (left out: all; three seasons at
    least). Raises UserError for anything else.
    """
    key = f"models.{config.models.index(entry)}"
    options = dict(entry.options)
    name = options.pop("class", None)
    cls = _class(name, key, config)
    regressors = _regressors(options.pop("regressors", "all"), key, config)
    transform = options.pop("transform", "none")
    if transform not in ("none", "log"):
        raise config.fault(f"{key}.transform", f"{transform!r} is no transform: use none or log")
    periods = options.pop("periods", None)
    if periods is not None and (not isinstance(periods, int) or isinstance(periods, bool) or periods <= 0):
        raise config.fault(f"{key}.periods", "must be a whole number above 0")
    if regressors and not getattr(cls, "uses_exog", False):
        raise config.fault(f"{key}.regressors", f"{name} takes no regressors: leave them out, or use ARIMA")
    checked = _options(cls, options, key, config)
    spec = StatsForecastSpec(str(name), checked, regressors, str(transform), periods)
    return [Stats(entry.name, spec, key, entry.on)]


def _class(name: Any, key: str, config: Config) -> type:
    available = classes()
    if name in NOT_HERE:
        raise config.fault(key, f"{name} cannot be used: {NOT_HERE[name]}")
    if name not in available:
        usable = {n.lower(): n for n in available if n not in NOT_HERE}
        near = ", ".join(usable[n] for n in get_close_matches(str(name).lower(), usable, 3, 0))
        raise config.fault(key, f"StatsForecast has no class {name!r}; nearest: {near}")
    return available[name]


def _regressors(given: Any, key: str, config: Config) -> tuple[str, ...] | None:
    """The chosen columns; None for all numeric known-ahead columns of the data."""
    if given == "all":
        return None
    named = () if given in (None, "none") else (given,) if isinstance(given, str) else tuple(given)
    columns = tuple(column_name(str(c)) for c in named)
    unknown = [str(c) for c in columns if c not in config.columns.known_ahead]
    if unknown:
        ahead = ", ".join(config.columns.known_ahead) or "nothing"
        raise config.fault(f"{key}.regressors", f"{unknown[0]} is not known ahead; columns.known_ahead holds {ahead}")
    return columns


def _options(cls: type, given: dict[str, Any], key: str, config: Config) -> dict[str, Any]:
    """The options as the constructor takes them: checked against its signature, lists as tuples where needed."""
    takes = dict(inspect.signature(cls).parameters)
    if "alias" in given:
        raise config.fault(f"{key}.alias", "use `name`: it is the name in the rows of this model")
    takes.pop("alias")
    if "season_length" in takes:
        given = {"season_length": config.season} | given
    for option in given:
        if option not in takes:
            near = get_close_matches(option, takes, 3, 0.3) or sorted(takes)
            raise config.fault(f"{key}.{option}", f"is no option of {cls.__name__}; nearest: {', '.join(near)}")
    needed = [n for n, p in takes.items() if p.default is p.empty and n not in given]
    if needed:
        raise config.fault(key, f"{cls.__name__} needs {', '.join(needed)}: give a value")
    return {option: _value(takes[option], value, f"{key}.{option}", config) for option, value in given.items()}


def _value(takes: inspect.Parameter, value: Any, key: str, config: Config) -> Any:
    kind = TRUE_TYPES.get(takes.name, takes.annotation)
    try:
        checked = TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(value)
    except ValidationError as e:
        raise config.fault(key, f"{value!r} does not fit: {e.errors()[0]['msg']}") from None
    if isinstance(checked, tuple) and any(isinstance(v, int) and v < 0 for v in checked):
        raise config.fault(key, f"{value!r} does not fit: orders are not negative")
    return checked
