"""The bucket worker: a BucketWorker takes the number of a bucket, forecasts it and writes its part of the table.

It runs here or in another process, and returns a BucketSummary: counts, and what its rows add to the aggregates.
Shared is what all buckets have in common. Rows that are reconciled later are left in its folder.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from forecasting.data.closures.ended import silent_series
from forecasting.data.cut import Cut
from forecasting.data.launch_curves import launch_curves_at
from forecasting.data.panel import KEY
from forecasting.steps.forecasting import reconciliation
from forecasting.steps.forecasting.aggregates import partial_sums
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.forecasting.ensembles import combine_medians
from forecasting.steps.forecasting.origin import memberships_in, scan_actuals
from forecasting.steps.forecasting.stored_rows import Destination
from forecasting.steps.forecasting.training import Trained, load_trained, save_trained


@dataclass(frozen=True)
class Shared:
    """What all buckets of an origin share: the cut, the trained models and the quantiles of their errors.

    It travels by reference: when it is pickled first it is saved in `folder`, and each process loads it from there
    once. An engine of several machines needs a folder that all of them see.
    """

    cut: Cut
    trained: Trained
    quantiles: pl.DataFrame
    folder: Path

    def __reduce__(self) -> tuple[Callable[[Cut, Path], Shared], tuple[Cut, Path]]:
        if not (self.folder / "shared.json").exists():
            self._save()
        return _load, (self.cut, self.folder)

    def _save(self) -> None:
        _ = self.cut.group_data, launch_curves_at(self.cut)  # each worker would walk through all buckets for them
        frames = self.cut.shared_frames()
        for i, frame in enumerate(frames.values()):
            frame.write_parquet(self.folder / f"fact-{i}.parquet")
        self.quantiles.write_parquet(self.folder / "quantiles.parquet")
        text = json.dumps({"models": save_trained(self.trained, self.folder), "facts": list(frames)})
        (self.folder / "shared.json").write_text(text, encoding="utf-8")


_loaded: dict[Path, Shared] = {}
"""The one that this process has loaded last, with the cut that keeps what was made for the buckets before."""


def _load(cut: Cut, folder: Path) -> Shared:
    if folder not in _loaded:
        saved = json.loads((folder / "shared.json").read_text(encoding="utf-8"))
        facts = {name: pl.read_parquet(folder / f"fact-{i}.parquet") for i, name in enumerate(saved["facts"])}
        quantiles = pl.read_parquet(folder / "quantiles.parquet")
        _loaded.clear()
        _loaded[folder] = Shared(
            cut.with_shared_frames(facts), load_trained(saved["models"], folder), quantiles, folder
        )
    return _loaded[folder]


@dataclass(frozen=True)
class BucketSummary:
    """What a worker returns: counts, what its rows add to the aggregates (see `partial_sums`), and the series that
    are silent (see `closures.ended.silent_series`).
    """

    rows: int
    series: int
    days: tuple[date | None, date | None]
    sums: pl.DataFrame
    silent: pl.DataFrame


@dataclass(frozen=True)
class BucketWorker:
    """Forecasts a bucket and writes its rows; with `actuals_until` they hold the actuals up to that day."""

    shared: Shared
    destination: Destination
    actuals_until: date | None = None

    def __call__(self, bucket: int) -> BucketSummary:
        cut, trained = self.shared.cut, self.shared.trained
        rows = forecast_bucket(trained, cut, bucket)
        if self.actuals_until is not None:
            sold = scan_actuals(cut.panel, bucket, cut.cutoff, self.actuals_until).collect()
            rows = rows.join(sold, on=KEY, how="left")
            rows = rows.with_columns(y=pl.when(~pl.col("closed") | (pl.col("y") != 0)).then("y"))  # no sale, no score
        members = memberships_in(cut.frame(bucket), cut.config)
        sums = partial_sums(rows, members)
        models = self._keep_bases(bucket, rows, members)
        calibrated = calibrate(rows.with_columns(grain=pl.lit("series")), self.shared.quantiles, cut.config)
        calibrated = combine_medians(calibrated, trained.fitted_on("series"), cut.config.level)
        self.destination.write(calibrated, bucket, models)
        days = sorted(calibrated["ds"].unique())
        span = (days[0], days[-1]) if days else (None, None)
        silent = silent_series(cut.frame(bucket), cut.cutoff, cut.config)
        return BucketSummary(rows.height, rows["unique_id"].n_unique(), span, sums, silent)

    def _keep_bases(self, bucket: int, rows: pl.DataFrame, members: pl.DataFrame) -> list[str] | None:
        """Leave what is reconciled later in the shared folder; the models whose rows are written now, None for all."""
        joint = reconciliation.reconcilers(self.shared.trained)
        if not joint:
            return None
        reconciliation.base_rows(self.shared.trained, rows).write_parquet(base_file(self.shared.folder, bucket))
        members.write_parquet(members_file(self.shared.folder, bucket))
        return [name for name in self.shared.trained.fitted if name not in [f.name for f in joint]]


def base_file(folder: Path, bucket: int) -> Path:
    """Where a worker leaves the rows of a bucket that are reconciled later."""
    return folder / f"base-{bucket}.parquet"


def members_file(folder: Path, bucket: int) -> Path:
    """Where a worker leaves the memberships of a bucket's series."""
    return folder / f"members-{bucket}.parquet"
