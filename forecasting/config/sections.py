"""Every section of the config, its keys, their types and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from forecasting.config.value_types import Buckets, Names, Number, Renamed, Span, Whole

FAMILIES = {
    "naive": "ladder",
    "stats": "stats",
    "lightgbm": "LightGBM",
    "ensemble": "Ensemble",
    "reconcile": "MinTrace",
}
"""Model family -> the name of a model that is given neither name nor class."""


class Part(BaseModel):
    """Base of every section: frozen, an unknown key is an error, numbers are finite (JSON knows no others)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Source(Part):
    """Where the raw rows come from; `options` belong to the kind of source and are checked by it.

    `reads`: everything at each load, or only the files that no load has read yet (a landing folder).
    """

    kind: str = "table"
    path: str | None = None
    columns: dict[str, Names] | None = None
    ds_format: str | None = None
    reads: Literal["everything", "new_files"] = "everything"
    options: dict[str, Any] = {}
    _only: tuple[str, ...] = PrivateAttr(default=())

    @property
    def only(self) -> tuple[str, ...]:
        """The files that one load reads of a landing folder; empty: whatever `path` means."""
        return self._only


class SideTable(Part):
    """A further table (stores, items, events, prices, promotions, stock) that is joined to the rows of the source.

    Joined by the columns `on`, and by date where one of `ds` (a day) or `start` and `end` (both included; no end: until
    the next start) is named. `columns` are taken; `=1` or `=text` in the place of a file's column is the same on all
    rows. `on` and `columns` are names of the panel with those of the file, or a list of names that are alike. `missing`
    says what a row without a match gets: null, or the value given here.
    """

    path: str
    on: Renamed = Field(default_factory=dict)
    ds: str | None = None
    start: str | None = None
    end: str | None = None
    ds_format: str | None = None
    columns: Renamed
    missing: dict[str, float | str] = Field(default_factory=dict)

    @property
    def dated(self) -> bool:
        """Whether a row of the table is about a day or some days."""
        return bool(self.ds or self.start)


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


class Events(Part):
    """An own table of events (campaigns, fairs, school holidays, matches): a row is a day `ds`, or `start` to `end`.

    `name` is the column that names the event (without one all rows are the same event), `on` are static columns of the
    panel that stand in the file, too: the event counts for their series only, and for all where the cell is empty.
    """

    path: str
    ds: str | None = None
    start: str | None = None
    end: str | None = None
    ds_format: str | None = None
    name: str | None = None
    on: Names = ()


class Calendar(Part):
    """Whose public holidays count, own events, and paydays.

    `country` and `region` hold for all series but those for which the static columns `country_column` and
    `region_column` say otherwise. Paydays are days of the month (-1: the last one); one that is no working day moves
    to the working day before, or stays with `paydays_move: never`.
    """

    country: str | None = None
    region: str | None = None
    country_column: str | None = None
    region_column: str | None = None
    events: dict[str, Events] = Field(default_factory=dict)
    paydays: tuple[Whole, ...] = ()
    paydays_move: Literal["before", "never"] = "before"

    @property
    def place_columns(self) -> tuple[str, ...]:
        """The static columns that tell the place of a series."""
        return tuple(c for c in (self.country_column, self.region_column) if c)


class Outliers(Part):
    """How outliers are found, and what is done with them.

    `threshold` is in units of the rule (quartile ranges for iqr, scaled median deviations for the others; null: the
    rule's own), `window` in periods (null: by frequency).
    """

    rule: Literal["none", "iqr", "hampel", "level_shift"] = "none"
    action: Literal["keep", "cap", "drop"] = "cap"
    threshold: Annotated[float, Field(gt=0)] | None = None
    window: Annotated[Whole, Field(ge=3)] | None = None


class Clean(Part):
    """What happens to gaps, small values, fractions, leading zeros, unmarked closings and outliers.

    `below` is done to a y below y_min; `closed` and `stock_outs` may be inferred from zeros where no column tells them.
    `closed_by` names static columns whose series close together (none: the levels of aggregation do, the whole job
    among them).
    """

    gaps: Literal["missing", "zero"] = "missing"
    y_min: Number | None = 0.0
    below: Literal["quarantine", "zero", "missing"] = "quarantine"
    fractions: Literal["keep", "round", "quarantine"] = "keep"
    leading_zeros: Literal["keep", "drop"] = "keep"
    closed: Literal["as_told", "infer"] = "as_told"
    closed_by: Names = ()
    stock_outs: Literal["as_told", "infer"] = "as_told"
    outliers: Outliers = Outliers()


class Limits(Part):
    """When a load is refused: share of quarantined rows, share of rows that a further table says nothing of (unless
    its `missing` does), lines as a share of the last load's (at least, at most), age in days of the newest row,
    plausible dates.
    """

    quarantined: Number = Field(default=0.01, ge=0, le=1)
    unmatched: Number = Field(default=1.0, ge=0, le=1)
    volume: tuple[Number, Number] | None = None
    max_age: Whole | None = Field(default=None, ge=0)
    dates: Span = (date(1900, 1, 1), date(2100, 1, 1))


class Backtest(Part):
    """Rolling origins: reported `windows`, `step` periods apart (default h), and older ones for the intervals: at most
    `calibration`, and no more than hold enough errors.
    """

    windows: Whole = Field(default=2, ge=1)
    step: Whole | None = Field(default=None, ge=1)
    calibration: Whole = Field(default=2, ge=0)


class ModelSpec(Part):
    """One model of the recipe: a family, the name its rows bear, options, and the series that it is fitted on.

    It is left out where the panel has more than `most` rows: what serves a hundred series may not serve a million.
    """

    family: Literal["naive", "stats", "lightgbm", "ensemble", "reconcile"]
    name: str = Field(min_length=1)
    options: dict[str, Any] = {}
    on: Literal["series", "aggregates"] = "series"
    most: Annotated[Whole, Field(ge=1)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: Any) -> Any:
        """Accept the short forms `ladder`, `{stats: AutoETS}` and `{lightgbm: {...}}`."""
        if isinstance(value, str):
            value = {"naive" if value == "ladder" else value: None}
        if not isinstance(value, Mapping) or "family" in value:
            return value
        if len(value) != 1:
            raise ValueError(f"a model is `ladder` or one of the keys {', '.join(FAMILIES)} with its options below it")
        family, options = next(iter(value.items()))
        if family not in FAMILIES:
            raise ValueError(_no_family(str(family)))
        if not isinstance(options, str | Mapping | None):
            raise ValueError(f"{family} takes a mapping of options, not {options!r}")
        options = {"class": options} if isinstance(options, str) else dict(options or {})
        name = options.pop("name", None) or options.get("class") or FAMILIES[family]
        kept = {"on": options.pop("on", "series"), "most": options.pop("most", None)}
        return {"family": family, "name": name, "options": options} | kept


def _no_family(family: str) -> str:
    known = ["ladder", *FAMILIES]
    close = get_close_matches(family, known, n=1)
    return f"{family!r} is no model; there are {', '.join(known)}" + (f": did you mean {close[0]}?" if close else "")


class StoreConfig(Part):
    """Where tables live: a folder or s3://...; how many buckets; days that old versions are kept."""

    root: str = "data/lake"
    buckets: Buckets = "auto"
    retention: Whole = Field(default=30, ge=0)


class Tracking(Part):
    """The MLflow database and, optionally, where its files go (default: a folder beside the database)."""

    uri: str = "sqlite:///data/mlflow.db"
    artifacts: str = "data/mlartifacts"
