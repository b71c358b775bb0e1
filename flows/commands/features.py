"""`demandcast features ... CONFIG`: one function per subcommand on the feature store, each takes the job's file.

`build` and `training_set` may add versions to the store; `list_`, `preview` and `describe` only read it. What those
find is printed as a table, or written to the .parquet, .csv or .xlsx file of --out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from flows.arguments import File, Force, Sets, load_config, print_line

if TYPE_CHECKING:
    import polars as pl

    from forecasting.steps.registry import Outcome
    from forecasting.steps.session import Session

FIRST_ROWS = 5
WIDE = ("n", "std", "q05", "q95")
"""Statistics that are left out on the screen, for want of room."""
Leads = Annotated[
    tuple[int, ...],
    Parameter("--lead", help="Periods between a row and the newest sale it may see; repeatable. Default: 1st block."),
]
Lead = Annotated[int | None, Parameter(help="The table of this lead; the first block's if left out.")]
Version = Annotated[int | None, Parameter(help="An older version; the newest if left out.")]
Out = Annotated[Path | None, Parameter(help="Write to this .parquet, .csv or .xlsx file instead.")]


@Parameter(name="*")
@dataclass(frozen=True)
class TableChoice:
    """The choice of a feature table: offline by its lead, or online; its newest version, or an older one."""

    lead: Lead = None
    online: Annotated[bool, Parameter(help="The online table: the coming days of every series.")] = False
    version: Version = None

    def row(self, session: Session) -> dict[str, Any]:
        """Its row in the registry of feature tables."""
        from forecasting.steps import feature_store

        name = feature_store.table_name(session.config, self.lead, "online" if self.online else "offline")
        return feature_store.find_version(session, "features", name, self.version)


@Parameter(name="*")
@dataclass(frozen=True)
class TrainingSetChoice:
    """The choice of a training set: the days of a new one, or the version of an existing one."""

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
    session = _open(config, set_)
    from forecasting.steps import feature_store

    outcomes = feature_store.build_feature_tables(session, lead, years, force=force)
    outcomes.append(feature_store.publish_online_table(session, force=force))
    print_line("\n".join(map(_outcome_line, outcomes)))


@features.command(name="list")
def list_(config: File, /, *, out: Out = None, set_: Sets = ()) -> None:
    """All feature tables and training sets with their versions."""
    session = _open(config, set_)
    from forecasting.steps import feature_store

    versions = feature_store.list_versions(session)
    if versions.is_empty():
        print_line(f"The feature store of {session.config.name} is empty: demandcast features build {config}")
        return
    _show(session, versions, f"feature store of {session.config.name}", out)


@features.command
def preview(
    config: File,
    /,
    *,
    table: TableChoice = TableChoice(),
    series: Annotated[str | None, Parameter(help="Only rows of this series.")] = None,
    rows: Annotated[int | None, Parameter(help="How many rows; 5 on the screen, all in a file.")] = None,
    out: Out = None,
    set_: Sets = (),
) -> None:
    """The newest rows of a feature table, one column each."""
    session = _open(config, set_)
    from forecasting.steps import feature_store

    row = table.row(session)
    found = feature_store.read_newest_rows(session, row, series, rows or (None if out else FIRST_ROWS))
    _show(session, found if out else feature_store.transpose(found), f"{row['name']} version {row['version']}", out)


@features.command
def describe(
    config: File,
    /,
    *,
    table: TableChoice = TableChoice(),
    out: Out = None,
    set_: Sets = (),
) -> None:
    """Every feature of a table: its description, statistics, histogram and correlation with the target."""
    session = _open(config, set_)
    from forecasting.services import console
    from forecasting.steps import feature_store

    row = table.row(session)
    features = feature_store.describe_features(session, row)
    if out is None:
        console.print_fields(f"{row['name']} version {row['version']}", feature_store.version_facts(row).items())
        features = features.drop(WIDE)
    _show(session, features, "features", out)


@features.command(name="training-set")
def training_set(
    config: File,
    /,
    *,
    choice: TrainingSetChoice = TrainingSetChoice(),
    out: Out = None,
    set_: Sets = (),
    force: Force = False,
) -> None:
    """Labelled rows of the days --from to --to, with what was available on --to, kept as a version."""
    session = _open(config, set_)
    from forecasting.errors import UserError
    from forecasting.steps import feature_store

    if (choice.from_ is None or choice.to is None) == (choice.version is None):
        raise UserError("training-set: give --from and --to to make one, or --version alone to read an older one")
    version = choice.version
    if choice.from_ and choice.to:
        outcome = feature_store.build_training_set(session, choice.from_, choice.to, choice.lead, force=force)
        version = outcome.facts["version"]
        print_line(_outcome_line(outcome))
    name = feature_store.table_name(session.config, choice.lead, "offline")
    row = feature_store.find_version(session, "training_sets", name, version)
    rows = feature_store.read_newest_rows(session, row, None, None if out else FIRST_ROWS)
    _show(session, rows if out else feature_store.transpose(rows), f"training set {name} version {version}", out)


def _open(config: Path, sets: tuple[str, ...]) -> Session:
    job = load_config(config, sets)
    from forecasting.steps.session import open_session

    return open_session(job)


def _outcome_line(outcome: Outcome) -> str:
    f = outcome.facts
    kind = "training set" if outcome.step == "training_sets" else "feature table"
    done = "already there" if outcome.reused else "built"
    days = f"{f['first']} to {f['last']}"
    return f"{kind} {f['name']} version {f['version']} {done}: {f['rows']:,} rows of {f['features']} features, {days}"


def _show(session: Session, frame: pl.DataFrame, title: str, out: Path | None) -> None:
    from forecasting.services import console
    from forecasting.steps.export import write_file

    if out is None:
        console.print_table(frame, title)
        return
    write_file(session.config, title, frame, out)
    print_line(f"{frame.height:,} rows written to {out}")
