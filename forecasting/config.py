"""The YAML of configs/ as one frozen object; every mistake names its key and its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from forecasting.errors import UserError
from forecasting.frequency import FREQS, Frequency

Key = tuple[str | int, ...]
RULES = ("repeat_last_year", "same_weekday", "last")


def _names(value: Any) -> Any:
    return () if value is None else (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]


class Part(BaseModel):
    """Base of every section: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Part):
    """Where the raw rows come from; `options` belong to the kind of source and are checked by it."""

    kind: str = "table"
    path: str | None = None
    columns: dict[str, Names] | None = None
    ds_format: str | None = None
    options: dict[str, Any] = {}


class Columns(Part):
    """Roles of the columns beside unique_id, ds and y."""

    known_ahead: Names = ()
    known_after: Names = ()
    static: Names = ()
    price: str | None = None
    cost: str | None = None
    promo: str | None = None
    open: str | None = None
    stock: str | None = None

    @model_validator(mode="after")
    def _one_role(self) -> Columns:
        roles = [*self.known_ahead, *self.known_after, *self.static]
        twice = sorted({c for c in roles if roles.count(c) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} stands in two of known_ahead, known_after, static: leave it in one")
        keys = sorted({"unique_id", "ds", "y"} & set(roles))
        if keys:
            raise ValueError(f"{', '.join(keys)} is a key or the target and cannot be a driver: take it out")
        return self


class Calendar(Part):
    """The country (and region) whose public holidays count."""

    country: str | None = None
    region: str | None = None


class Outliers(Part):
    """How outliers are found."""

    rule: Literal["none"] = "none"


class Clean(Part):
    """What happens to gaps, small values and outliers."""

    gaps: Literal["missing", "zero"] = "missing"
    y_min: float | None = 0.0
    outliers: Outliers = Outliers()


class Limits(Part):
    """When a load is refused: share of quarantined rows, age in days of the newest row, plausible dates."""

    quarantined: float = Field(default=0.01, ge=0, le=1)
    max_age: int | None = Field(default=None, ge=0)
    dates: tuple[date, date] = (date(1900, 1, 1), date(2100, 1, 1))


class Backtest(Part):
    """Rolling origins: reported `windows`, `step` periods apart (default h), and older ones for the intervals."""

    windows: int = Field(default=2, ge=1)
    step: int | None = Field(default=None, ge=1)
    calibration: int = Field(default=1, ge=0)


class ModelSpec(Part):
    """One model of the recipe: a family, the name its rows bear, options, and the series that it is fitted on."""

    family: Literal["naive", "stats", "lightgbm", "ensemble"]
    name: str
    options: dict[str, Any] = {}
    on: Literal["series", "aggregates"] = "series"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """Accept the short forms `ladder`, `{stats: AutoETS}` and `{lightgbm: {...}}`."""
        if value == "ladder":
            return {"family": "naive", "name": "ladder"}
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, Mapping) or "family" in value:
            return value
        if len(value) != 1:
            raise ValueError("a model is `ladder` or one key: stats, lightgbm, ensemble or naive")
        family, options = next(iter(value.items()))
        if not isinstance(options, str | Mapping | None):
            raise ValueError(f"{family} takes a mapping of options, not {options!r}")
        options = {"class": options} if isinstance(options, str) else dict(options or {})
        options = {"on" if key is True else key: v for key, v in options.items()}  # YAML 1.1 reads `on` as true
        default = {"lightgbm": "LightGBM", "ensemble": "Ensemble", "naive": "ladder"}
        name = options.pop("name", None) or options.get("class") or default.get(family, family)
        return {"family": family, "name": name, "on": options.pop("on", "series"), "options": options}


class StoreConfig(Part):
    """Where tables live: a folder or s3://...; how many buckets; days that old versions are kept."""

    root: str = "data/lake"
    buckets: int | Literal["auto"] = "auto"
    retention: int = Field(default=30, ge=0)


class Tracking(Part):
    """The MLflow database and, optionally, where its files go (default: a folder beside the database)."""

    uri: str = "sqlite:///data/mlflow.db"
    artifacts: str = "data/mlartifacts"


class Config(Part):
    """One forecasting job, whole."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    source: Source
    freq: Literal["1d", "1w", "1mo"]
    h: int = Field(ge=1)
    season_length: int | None = Field(default=None, ge=1)
    blocks: tuple[int, ...] | None = None
    columns: Columns = Columns()
    levels_of_aggregation: tuple[tuple[str, ...], ...] = ((),)
    calendar: Calendar = Calendar()
    clean: Clean = Clean()
    future: dict[str, Any] = {}
    limits: Limits = Limits()
    backtest: Backtest = Backtest()
    models: tuple[ModelSpec, ...] = (ModelSpec(family="naive", name="ladder"),)
    level: tuple[int, ...] = (80, 95)
    engine: Literal["local"] = "local"
    store: StoreConfig = StoreConfig()
    tracking: Tracking = Tracking()
    _lines: dict[Key, int] = PrivateAttr(default_factory=dict)
    _file: str = PrivateAttr(default="config")

    @property
    def frequency(self) -> Frequency:
        return FREQS[self.freq]

    @property
    def season(self) -> int:
        """Periods in the usual season."""
        return self.season_length or self.frequency.season

    @property
    def step(self) -> int:
        """Periods between the cutoffs of a backtest."""
        return self.backtest.step or self.h

    @property
    def block_ends(self) -> tuple[int, ...]:
        """Last step of each horizon block; the last one is h."""
        return self.blocks or self.frequency.blocks(self.h)

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The raw columns that are joined to unique_id (empty when there are fewer than two)."""
        ids = (self.source.columns or {}).get("unique_id", ())
        return ids if len(ids) > 1 else ()

    @property
    def static_columns(self) -> tuple[str, ...]:
        """columns.static and the joined id columns: what is the same on all days of a series."""
        return tuple(dict.fromkeys((*self.id_columns, *self.columns.static)))

    def fault(self, key: str, message: str) -> UserError:
        """The error for `key` (dotted), naming the file and the line where the key, or its nearest parent, stands."""
        path: Key = tuple(int(p) if p.isdigit() else p for p in key.split("."))
        return UserError(f"{_where(self._file, self._lines, path)}: {key}: {message}")

    @model_validator(mode="after")
    def _fits(self) -> Config:
        for key, message in _clashes(self):
            raise ValueError(f"@{key}@{message}")
        return self


def _clashes(c: Config) -> Iterator[tuple[str, str]]:
    """Combinations that cannot work: (key, message)."""
    if c.blocks is not None and (list(c.blocks) != sorted(set(c.blocks)) or c.blocks[-1] != c.h):
        yield "blocks", f"must rise and end with h = {c.h}, for example {list(c.frequency.blocks(c.h))}"
    if not c.level or any(not 0 < level < 100 for level in c.level) or len(set(c.level)) < len(c.level):
        yield "level", "must hold different percentages between 1 and 99, for example [80, 95]"
    ids, y = (c.source.columns or {}).get("unique_id", ()), (c.source.columns or {}).get("y", ())
    if set(y) & {*ids, *(c.source.columns or {}).get("ds", ())}:
        yield "source.columns.y", f"{y[0]} is also the key: the target must be a column of its own"
    drivers = {*c.columns.known_ahead, *c.columns.known_after, *c.static_columns}
    for role in ("price", "promo", "open"):
        column = getattr(c.columns, role)
        if column and column not in c.columns.known_ahead:
            yield f"columns.{role}", f"{column} must also stand in columns.known_ahead: it is needed for coming days"
    if set(y) & drivers:
        yield "columns", f"{y[0]} is the target and cannot be a driver: take it out"
    for column, rule in c.future.items():
        if column not in c.columns.known_ahead:
            yield f"future.{column}", "is not in columns.known_ahead"
        if isinstance(rule, str) and rule not in RULES and not rule.startswith("="):
            yield f"future.{column}", f"{rule!r} is not a rule: use null, {', '.join(RULES)}, a number, or '=text'"
    statics = {*c.static_columns, *(ids if len(ids) == 1 else ())}
    for level in c.levels_of_aggregation if c.source.kind == "table" else ():
        if set(level) - statics:
            yield "levels_of_aggregation", f"{', '.join(sorted(set(level) - statics))} is not in columns.static"
    names = [m.name for m in c.models]
    if len(set(names)) < len(names):
        yield "models", "two models bear the same name: give one of them a `name`"
    if not any(m.family == "naive" for m in c.models):
        yield "models", "the list must hold `ladder`: every score is told against it"


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read a config file, put the dotted `overrides` over it and check it; raises UserError naming key and line."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except FileNotFoundError:
        raise UserError(f"{file}: there is no such config file; the built-in ones are in configs/") from None
    except (OSError, UnicodeDecodeError) as e:
        raise UserError(f"{file}: cannot be read as a text file ({e})") from None
    except yaml.YAMLError as e:
        raise UserError(f"{file}: is not valid YAML: {' '.join(str(e).split())}") from None
    if not isinstance(raw, dict):
        raise UserError(f"{file}: must hold keys and values like `freq: 1d`; it is empty or a list")
    lines = dict(_key_lines(node))
    for key, value in (overrides or {}).items():
        _put(raw, key, value)
        lines[tuple(key.split("."))] = 0
    return _build(raw, str(file), lines)


def parse_set(pairs: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """`key=value` words of the command line as a mapping; values are read as YAML."""
    out = {}
    for pair in pairs:
        key, eq, value = pair.partition("=")
        if not eq or not key:
            raise UserError(f"--set {pair}: must look like key=value, for example --set h=14")
        out[key] = yaml.safe_load(value)
    return out


def _build(raw: dict[str, Any], file: str, lines: dict[Key, int]) -> Config:
    try:
        config = Config.model_validate(raw)
    except ValidationError as e:
        raise UserError("; ".join(_sentence(err, file, lines) for err in e.errors()[:5])) from None
    config._lines, config._file = lines, file
    return config


def _sentence(err: Any, file: str, lines: dict[Key, int]) -> str:
    loc: Key = tuple(
        p for p in err["loc"] if not (isinstance(p, str) and re.match(r"^(function|literal|constrained)", p))
    )
    message = str(err["msg"]).removeprefix("Value error, ")
    if message.startswith("@"):
        _, key, message = message.split("@", 2)
        loc = tuple(key.split("."))
    if err["type"] == "extra_forbidden":
        message = f"is not a key of the config{_nearest(loc)}"
    elif err["type"] == "missing":
        message = "is missing: every config needs it"
    else:
        message = f"{message} (it is {err['input']!r})" if not isinstance(err["input"], dict | Part) else message
    return f"{_where(file, lines, loc)}: {'.'.join(map(str, loc))}: {message}"


def _nearest(loc: Key) -> str:
    """A hint when the unknown key looks like a typo of a known one."""
    from difflib import get_close_matches

    section: Any = Config
    for part in loc[:-1]:
        field = getattr(section, "model_fields", {}).get(part)
        section = field.annotation if field else None
    close = get_close_matches(str(loc[-1]), list(getattr(section, "model_fields", {})), n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; take it out, or see {Config.__name__} for the known ones"


def _where(file: str, lines: dict[Key, int], path: Key) -> str:
    for end in range(len(path), 0, -1):
        line = lines.get(path[:end])
        if line is not None:
            return f"{file}, line {line}" if line else f"{file} with --set {'.'.join(map(str, path[:end]))}"
    return file


def _key_lines(node: Any, at: Key = ()) -> Iterator[tuple[Key, int]]:
    """The 1-based line of every key and list item."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = (*at, key.value)
            yield path, key.start_mark.line + 1
            yield from _key_lines(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            yield (*at, i), value.start_mark.line + 1
            yield from _key_lines(value, (*at, i))


def _put(raw: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    at: Any = raw
    for parent in parents:
        at = at.setdefault(parent, {}) if isinstance(at, dict) else None
    if not isinstance(at, dict):
        raise UserError(f"--set {key}: {'.'.join(parents)} is not a section of the config")
    at[last] = value.isoformat() if isinstance(value, datetime) else value
