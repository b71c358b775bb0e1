"""`demandcast features ...`: build feature tables and training sets, and look at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from flows.commands.arguments import File, Force, Sets, load_config, print_line

if TYPE_CHECKING:
    import polars as pl

    from forecasting.config import Config
    from forecasting.steps.registry import Outcome

FIRST_ROWS = 5
WIDE = ("n", "std", "q05", "q95")
"""Statistics for which a screen has no room."""
Leads = Annotated[
    tuple[int, ...],
    Parameter("--lead", help="Periods between a row and the newest sale it may see; repeatable. Default: 1st block."),
]
Lead = Annotated[int | None, Parameter(help="The table of this lead; the first block's if left out.")]
Version = Annotated[int | None, Parameter(help="An older version; the newest if left out.")]
Out = Annotated[Path | None, Parameter(help="Write to this .parquet, .csv or .xlsx file instead.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Which:
    """A feature table: offline by its lead, or the online one; the newest version, or an older one."""

    lead: Lead = None
    online: Annotated[bool, Parameter(help="The online table: the coming days of every series.")] = False
    version: Version = None

    def row(self, job: Config) -> dict[str, Any]:
        """Its row in the registry of feature tables."""
        from forecasting.steps import feature_store

        name = feature_store.table_name(job, self.lead, "online" if self.online else "offline")
        return feature_store.versioned(job, "features", name, self.version)


@Parameter(name="*")
@dataclass(frozen=True)
class Training:
    """A training set: the days of one that is to be made, or the version of one that is there."""

    from_: Annotated[date | None, Parameter("--from", help="The first day (YYYY-MM-DD).")] = None
    to: Annotated[date | None, Parameter(help="The last day; nothing that came later is in the rows.")] = None
    lead: Lead = None
    version: Annotated[int | None, Parameter(help="Read this version again; --from and --to are left out.")] = None


features = App(name="features", help="The feature store: feature tables, online rows and training sets.")


@features.command
def build(
    config: File,
    /,
    *,
    lead: Leads = (),
    years: Annotated[float | None, Parameter(help="Only rows of the last years.")] = None,
    set_: Sets = (),
    force: Force = False,
) -> None:
    """Build the feature table of each lead, and publish the online rows of the coming days."""
    job = load_config(config, set_)
    from forecasting.steps import feature_store

    made = [*feature_store.build(job, lead, years, force=force), feature_store.online(job, force=force)]
    print_line("\n".join(map(_told, made)))


@features.command(name="list")
def list_(config: File, /, *, out: Out = None, set_: Sets = ()) -> None:
    """All feature tables and training sets with their versions."""
    job = load_config(config, set_)
    from forecasting.steps import feature_store

    found = feature_store.listed(job)
    if found.is_empty():
        print_line(f"The feature store of {job.name} is empty: demandcast features build {config}")
        return
    _show(job, found, f"feature store of {job.name}", out)


@features.command
def preview(
    config: File,
    /,
    *,
    which: Which = Which(),
    series: Annotated[str | None, Parameter(help="Only rows of this series.")] = None,
    rows: Annotated[int | None, Parameter(help="How many rows; 5 on the screen, all in a file.")] = None,
    out: Out = None,
    set_: Sets = (),
) -> None:
    """The newest rows of a feature table, one column each."""
    job = load_config(config, set_)
    from forecasting.steps import feature_store

    row = which.row(job)
    found = feature_store.newest(job, row, series, rows or (None if out else FIRST_ROWS))
    _show(job, found if out else feature_store.turned(found), f"{row['name']} version {row['version']}", out)


@features.command
def describe(
    config: File,
    /,
    *,
    which: Which = Which(),
    out: Out = None,
    set_: Sets = (),
) -> None:
    """Every feature of a table: what it tells, its statistics, its histogram, its correlation with the target."""
    job = load_config(config, set_)
    from forecasting.services import console
    from forecasting.steps import feature_store

    row = which.row(job)
    told = feature_store.describe(job, row)
    if out is None:
        console.lines(f"{row['name']} version {row['version']}", feature_store.facts(row))
        told = told.drop(WIDE)
    _show(job, told, "features", out)


@features.command(name="training-set")
def training_set(
    config: File,
    /,
    *,
    asked: Training = Training(),
    out: Out = None,
    set_: Sets = (),
    force: Force = False,
) -> None:
    """Rows with labels of the days --from to --to as they were known on --to, kept as a version of their own."""
    job = load_config(config, set_)
    from forecasting.errors import UserError
    from forecasting.steps import feature_store

    if (asked.from_ is None or asked.to is None) == (asked.version is None):
        raise UserError("training-set: give --from and --to to make one, or --version alone to read an older one")
    version = asked.version
    if asked.from_ and asked.to:
        made = feature_store.training_set(job, asked.from_, asked.to, asked.lead, force=force)
        version = made.facts["version"]
        print_line(_told(made))
    name = feature_store.table_name(job, asked.lead, "offline")
    row = feature_store.versioned(job, "training_sets", name, version)
    found = feature_store.newest(job, row, None, None if out else FIRST_ROWS)
    _show(job, found if out else feature_store.turned(found), f"training set {name} version {version}", out)


def _told(outcome: Outcome) -> str:
    f = outcome.facts
    what = "training set" if outcome.step == "training_sets" else "feature table"
    done = "already there" if outcome.reused else "built"
    days = f"{f['first']} to {f['last']}"
    return f"{what} {f['name']} version {f['version']} {done}: {f['rows']:,} rows of {f['features']} features, {days}"


def _show(job: Config, frame: pl.DataFrame, title: str, out: Path | None) -> None:
    from forecasting.services import console
    from forecasting.steps.export import write_file

    if out is None:
        console.table(frame, title)
        return
    write_file(job, title, frame, out)
    print_line(f"{frame.height:,} rows written to {out}")
