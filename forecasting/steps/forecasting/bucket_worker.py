"""The bucket worker: a BucketWorker takes the number of a bucket, forecasts it and writes its part of the table.

It runs here, in another process or on another machine, and returns a BucketSummary: counts, and what its rows add to
the aggregates. Shared is what all buckets have in common. The summary is also kept in a Progress, beside the rows that
are reconciled later, so that a run after this one does not do the bucket again.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from forecasting.data.closures.ended import silent_series
from forecasting.data.cut import Cut, forget_bucket
from forecasting.data.launch_curves import launch_curves_at
from forecasting.data.panel import KEY
from forecasting.io import files
from forecasting.services.store.unfinished import Progress
from forecasting.steps.forecasting import reconciliation
from forecasting.steps.forecasting.aggregates import partial_sums
from forecasting.steps.forecasting.bucket_forecasts import forecast_bucket
from forecasting.steps.forecasting.calibration import calibrate
from forecasting.steps.forecasting.ensembles import combine_medians
from forecasting.steps.forecasting.origin import memberships_in, scan_actuals
from forecasting.steps.forecasting.stored_rows import Destination
from forecasting.steps.forecasting.training import Trained, load_trained, save_trained

SHARED = "shared.zip"
"""The name of the shared data in the folder."""


@dataclass(frozen=True)
class Shared:
    """What all buckets of an origin share: the cut, the trained models and the quantiles of their errors.

    It travels by reference: when it is pickled first it is saved in `folder` (see services.store.scratch), and each
    process loads it from there once.
    """

    cut: Cut
    trained: Trained
    quantiles: pl.DataFrame
    folder: str

    def __reduce__(self) -> tuple[Callable[[Cut, str], Shared], tuple[Cut, str]]:
        return _load, (self.cut, self._saved)

    @cached_property
    def _saved(self) -> str:
        """The folder, in which the shared data then lie."""
        _ = (
            self.cut.coming_group_data,
            launch_curves_at(self.cut),
        )  # each worker would walk through all buckets for them
        frames = self.cut.shared_frames()
        with tempfile.TemporaryDirectory() as name:
            local = Path(name)
            for i, frame in enumerate(frames.values()):
                frame.write_parquet(local / f"fact-{i}.parquet")
            self.quantiles.write_parquet(local / "quantiles.parquet")
            text = json.dumps({"models": save_trained(self.trained, local), "facts": list(frames)})
            (local / "shared.json").write_text(text, encoding="utf-8")
            files.write_folder(self.folder, SHARED, local)
        return self.folder


_loaded: dict[str, Shared] = {}
"""The one that this process has loaded last, with the cut that keeps what was made for the buckets before."""


def _load(cut: Cut, folder: str) -> Shared:
    if folder not in _loaded:
        with tempfile.TemporaryDirectory() as name:
            local = Path(name)
            files.read_folder(folder, SHARED, local)
            saved = json.loads((local / "shared.json").read_text(encoding="utf-8"))
            facts = {name: pl.read_parquet(local / f"fact-{i}.parquet") for i, name in enumerate(saved["facts"])}
            quantiles = pl.read_parquet(local / "quantiles.parquet")
            trained = load_trained(saved["models"], local)
        _loaded.clear()
        _loaded[folder] = Shared(cut.with_shared_frames(facts), trained, quantiles, folder)
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

    def keep(self, progress: Progress, bucket: int) -> None:
        """Note that the bucket is done, for a run that goes on when this one is killed."""
        progress.keep_frame(f"sums-{bucket}", self.sums)
        progress.keep_frame(f"silent-{bucket}", self.silent)
        days = [day and str(day) for day in self.days]
        progress.keep(f"bucket-{bucket}", {"rows": self.rows, "series": self.series, "days": days})

    @classmethod
    def kept(cls, progress: Progress, bucket: int) -> BucketSummary | None:
        """What an earlier run has noted of the bucket; None when it has not come to its end."""
        if (facts := progress.facts(f"bucket-{bucket}")) is None:
            return None
        first, last = (date.fromisoformat(day) if day else None for day in facts["days"])
        frames = [progress.frame(f"{name}-{bucket}").collect() for name in ("sums", "silent")]
        return cls(facts["rows"], facts["series"], (first, last), *frames)


@dataclass(frozen=True)
class BucketWorker:
    """Forecasts a bucket and writes its rows; with `actuals_until` they hold the actuals up to that day."""

    shared: Shared
    destination: Destination
    progress: Progress
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
        summary = BucketSummary(rows.height, rows["unique_id"].n_unique(), span, sums, silent)
        summary.keep(self.progress, bucket)
        forget_bucket(cut, bucket)
        return summary

    def _keep_bases(self, bucket: int, rows: pl.DataFrame, members: pl.DataFrame) -> list[str] | None:
        """Keep what is reconciled later with the progress; the models whose rows are written now, None for all."""
        joint = reconciliation.reconcilers(self.shared.trained)
        if not joint:
            return None
        self.progress.keep_frame(f"base-{bucket}", reconciliation.base_rows(self.shared.trained, rows))
        self.progress.keep_frame(f"members-{bucket}", members)
        return [name for name in self.shared.trained.fitted if name not in [f.name for f in joint]]
