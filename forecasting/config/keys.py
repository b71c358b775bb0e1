"""The top-level keys of the config, one field of Keys each: type, default, description, and what each changes.

Declarations only: Config (in job) inherits them, docs/CONFIG.md is made from them, sections declare the nested keys.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from forecasting.config.declarations import TopLevel, changes
from forecasting.config.formats import CONFIG_FORMAT
from forecasting.config.sections import (
    AUTO,
    Access,
    Alerts,
    Backtest,
    Calendar,
    Clean,
    Columns,
    DaskCluster,
    Limits,
    Models,
    Monitoring,
    Retrain,
    Schedules,
    Serving,
    SideTable,
    Source,
    StoreConfig,
    Tracking,
)
from forecasting.config.value_types import ColumnName, NameList, StrictInt

BUDGET = 600.0
"""Units for a backtest: three windows of AutoETS, AutoCES and Theta on 1,400 monthly series, and boosters."""


class Keys(TopLevel):
    """The keys of a config. A new one is a field here (or in a section) and the place that uses it."""

    format: StrictInt = Field(
        default=CONFIG_FORMAT,
        ge=1,
        description="Number of the config format; a newer one than the program knows is refused.",
        json_schema_extra=changes("nothing"),
    )
    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="Name of the job: of its folder in the store and of its bundles in the registry.",
        json_schema_extra=changes("nothing"),
    )
    source: Source = Field(
        description="Where the raw rows come from; every load compares them with what is stored.",
        json_schema_extra=changes("nothing"),
    )
    tables: dict[str, SideTable] = Field(
        default_factory=dict,
        description="Further tables by name, joined to the rows of the source in this order.",
        json_schema_extra=changes("nothing"),
    )
    freq: Literal["1d", "1w", "1mo", "1q", "1y"] = Field(
        description="Length of a period: a day, a week, a month, a quarter or a year.",
        json_schema_extra=changes("data", "features", "tuning", "forecasts"),
    )
    h: StrictInt = Field(
        ge=1,
        description="The horizon: how many periods ahead are forecast.",
        json_schema_extra=changes("features", "tuning", "forecasts"),
    )
    season_length: StrictInt | None = Field(
        default=None,
        ge=1,
        description="Periods in a season; null: 7 days, 52 weeks, 12 months, 4 quarters or 1 year.",
        json_schema_extra=changes("data", "features", "tuning", "forecasts"),
    )
    blocks: tuple[Annotated[StrictInt, Field(ge=1)], ...] | None = Field(
        default=None,
        description="Last step of each horizon block, which has boosters and bounds of its own. Null: by frequency "
        "and horizon, where days, weeks and months share boosters.",
        json_schema_extra=changes("features", "tuning", "forecasts"),
    )
    columns: Columns = Field(
        default=Columns(),
        description="Roles of the columns other than unique_id, ds and y.",
        json_schema_extra=changes("data", "features", "tuning", "forecasts"),
    )
    levels_of_aggregation: tuple[NameList, ...] = Field(
        default=((),),
        description="Static columns that group series, one list per level; [] is the total.",
        json_schema_extra=changes("data", "published"),
    )
    calendar: Calendar = Field(
        default=Calendar(),
        description="Public holidays, own events, paydays, closed weekdays and months.",
        json_schema_extra=changes("features", "tuning", "forecasts"),
    )
    clean: Clean = Field(
        default=Clean(),
        description="What happens to gaps, odd values, closed days, stock-outs and outliers.",
        json_schema_extra=changes("data", "features", "tuning", "forecasts"),
    )
    future: dict[ColumnName, Any] = Field(
        default_factory=dict,
        description="How a known-ahead column continues after its last value: null, repeat_last_year, same_weekday, "
        "last, a number or '=text'.",
        json_schema_extra=changes("features", "tuning", "forecasts"),
    )
    levers: NameList | None = Field(
        default=None,
        description="Known-ahead columns whose effect on sales is estimated and answers scenarios: prices, flags, "
        "depths, types. Null: columns.price and columns.promo.",
        json_schema_extra=changes("published"),
    )
    limits: Limits = Field(
        default=Limits(), description="When a load is refused as a whole.", json_schema_extra=changes("nothing")
    )
    backtest: Backtest = Field(
        default=Backtest(),
        description="The past cutoffs on which models are scored and intervals calibrated.",
        json_schema_extra=changes("forecasts"),
    )
    models: Models = Field(
        default=AUTO,
        validate_default=True,
        description="The models of the recipe: `auto`, by which they are chosen from the data, or a list that holds "
        "`ladder`, the naive forecasts.",
        json_schema_extra=changes("forecasts"),
    )
    budget: Annotated[float, Field(gt=0)] = Field(
        default=BUDGET,
        description="What a backtest of up to two windows may cost, with those for calibration, where models are "
        "`auto`; further windows come on top. A unit is about a second of one processor, as a cost model foresees it.",
        json_schema_extra=changes("forecasts"),
    )
    level: tuple[StrictInt, ...] = Field(
        default=(80, 95),
        description="Levels of the prediction intervals in percent.",
        json_schema_extra=changes("published"),
    )
    engine: Literal["local", "dask"] = Field(
        default="local",
        description="What walks the buckets of series: processes on this machine, or the workers of a Dask cluster.",
        json_schema_extra=changes("nothing"),
    )
    dask: DaskCluster = Field(
        default=DaskCluster(),
        description="The Dask cluster of `engine: dask`.",
        json_schema_extra=changes("nothing"),
    )
    store: StoreConfig = Field(
        default=StoreConfig(), description="Where the tables are kept.", json_schema_extra=changes("nothing")
    )
    tracking: Tracking = Field(
        default=Tracking(), description="Where runs and bundles are registered.", json_schema_extra=changes("nothing")
    )
    schedules: Schedules = Field(
        default=Schedules(),
        description="When the steps run once the job is deployed on a Prefect server.",
        json_schema_extra=changes("nothing"),
    )
    serving: Serving = Field(
        default=Serving(),
        description="How forecasts are served on request, by the API.",
        json_schema_extra=changes("nothing"),
    )
    access: Access = Field(
        default=Access(),
        description="How people sign in to the dashboard and the API.",
        json_schema_extra=changes("nothing"),
    )
    monitoring: Monitoring = Field(
        default=Monitoring(),
        description="What monitor looks at, and from where on it is wrong.",
        json_schema_extra=changes("nothing"),
    )
    alerts: Alerts = Field(
        default=Alerts(),
        description="Who is notified when something is wrong, and how.",
        json_schema_extra=changes("nothing"),
    )
    retrain: Retrain = Field(
        default=Retrain(),
        description="When a deployed job is trained again out of turn.",
        json_schema_extra=changes("nothing"),
    )
    data_version: StrictInt | None = Field(
        default=None,
        ge=0,
        description="Number of the load whose data are read; null: the newest.",
        json_schema_extra=changes("nothing"),
    )
