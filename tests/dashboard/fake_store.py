"""A small job as its tables would be after a run: 20 daily series, 400 days, price and promotion, two vintages."""

import json
import math
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from forecasting.config import Config, load
from forecasting.data.aggregates import group_sums
from forecasting.data.buckets import bucket_of
from forecasting.data.schemas import AGGREGATE_BUCKET, tables
from forecasting.services.store import Store
from forecasting.services.store.report_files import write_report_file
from forecasting.services.store.vintages import publish_vintage

FIRST, DAYS, H = date(2023, 1, 3), 400, 14
LAST = FIRST + timedelta(days=DAYS - 1)
STORES, ITEMS = ("S1", "S2", "S3", "S4"), ("bread", "butter", "cheese", "milk", "tea")
CUTOFFS = (LAST - timedelta(days=2 * H), LAST - timedelta(days=H))
VINTAGES = ((LAST - timedelta(days=7), 1), (LAST, 2))
MODELS = {"SeasonalNaive": 0.22, "HistoricAverage": 0.30, "LightGBM": 0.10}
NEW = "S1/milk"
"""A series that is forecast from similar ones."""
REPORT = "<!doctype html><title>Drift</title><h1 id='r'>Drift report</h1><script>document.title='drawn'</script>"
DRIVERS = {
    "price": pl.Float64(), "promo": pl.Float64(), "open": pl.Float64(), "event": pl.String(),
    "store": pl.String(), "item": pl.String(),
}  # fmt: skip
YAML = """
name: corner
source: {{kind: table, path: sales.csv, columns: {{unique_id: [store, item], ds: day, y: pieces}}}}
freq: 1d
h: 14
columns: {{known_ahead: [price, promo, open, event], price: price, promo: promo, open: open}}
levels_of_aggregation: [[], [store]]
backtest: {{windows: 2}}
models: [ladder, {{lightgbm: {{}}}}]
store: {{root: {root}/lake, buckets: 3}}
tracking: {{uri: "sqlite:///{root}/mlflow.db"}}
"""


def config_in(folder: Path) -> Config:
    """The job's config as a file in `folder`."""
    file = folder / "corner.yaml"
    file.write_text(YAML.format(root=folder))
    return load(file)


def store_of(config: Config) -> Store:
    """The job's tables."""
    return Store(f"{config.store.root}/{config.name}", tables(config, DRIVERS))


def fill(config: Config) -> dict[str, pl.DataFrame]:
    """Write all tables of the job; returns their frames, from which tests compute the expected figures."""
    frames = build_frames(config)
    store = store_of(config)
    for name, frame in frames.items():
        if name != "vintages":
            _write(store, name, frame)
    for row in frames["vintages"].to_dicts():
        publish_vintage(store, row)
    write_report_file(store, f"reports/drift-{LAST}.html", REPORT.encode())
    return frames


def _write(store: Store, name: str, frame: pl.DataFrame) -> None:
    if name == "scores":
        store.replace(name, frame)  # their cutoff is null over all cutoffs
    else:
        store.merge(name, frame)


def _levers() -> pl.DataFrame:
    """An elasticity of all series."""
    names = {"version": 1, "cutoff": LAST, "grain": "total", "unique_id": "total", "lever": "price", "column": "price"}
    return pl.DataFrame([names | {"kind": "price", "estimate": -1.5, "std_error": 0.1, "lo": -1.66, "hi": -1.34}])


def build_frames(config: Config) -> dict[str, pl.DataFrame]:
    """Every table as a frame of its schema."""
    panel = _panel()
    frames = {
        "panel": panel,
        "series": _series(panel),
        "groups": group_sums(panel, config, [(), ("store",)]),
        "backtests": pl.concat([_backtest(panel, cutoff, model) for cutoff in CUTOFFS for model in MODELS]),
        "scores": _scores(),
        "forecasts": pl.concat([_vintage(panel, cutoff, version) for cutoff, version in VINTAGES]),
        "vintages": _vintages(),
        "drift": _drift(),
        "realised": _realised(),
        "alerts": _alerts(),
        "levers": _levers(),
        "runs": _runs(),
        "quarantine": _quarantine(),
        "meta": pl.DataFrame(
            {"key": ["buckets", "drivers"], "value": ["3", json.dumps({c: str(k) for c, k in DRIVERS.items()})]}
        ),
    }
    shapes = tables(config, DRIVERS)
    return {name: _shaped(frame, shapes[name].schema) for name, frame in frames.items()}


def _shaped(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    missing = [pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in frame.columns]
    return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in schema.items())


def level_of(store: str, item: str) -> float:
    """Mean units per day of a series."""
    return 10.0 + 5 * STORES.index(store) + 8 * ITEMS.index(item)


def _panel() -> pl.DataFrame:
    rng = random.Random(7)
    rows = []
    for store in STORES:
        for item in ITEMS:
            for i in range(DAYS + H):
                ds = FIRST + timedelta(days=i)
                promo, is_open = int(i % 21 in (0, 1, 2)), int(ds.weekday() != 6)
                season = 1 + 0.3 * math.sin(2 * math.pi * i / 7) + 0.2 * math.sin(2 * math.pi * i / 364)
                y = max(0.0, round(level_of(store, item) * season * (1.5 if promo else 1) * rng.uniform(0.85, 1.15)))
                flag = "ahead" if i >= DAYS else "observed" if is_open else "closed"
                rows.append(
                    {
                        "unique_id": f"{store}/{item}", "ds": ds, "store": store, "item": item, "flag": flag,
                        "y": y if flag == "observed" else None,
                        "price": 2.0 + ITEMS.index(item) * (0.9 if promo else 1.0),
                        "promo": promo, "open": is_open, "event": "fair" if i % 90 == 0 else "none",
                    }
                )  # fmt: skip
    frame = pl.DataFrame(rows)
    return frame.with_columns(bucket_of(frame["unique_id"], 3), y_raw=pl.col("y"))


def _series(panel: pl.DataFrame) -> pl.DataFrame:
    history = panel.filter(pl.col("flag") != "ahead")
    facts = {
        "first": pl.col("ds").min(),
        "last": pl.col("ds").max(),
        "n": pl.col("y").count(),
        "mean": pl.col("y").mean(),
    }
    zeros = (pl.col("y") == 0).mean()
    return history.group_by("unique_id", "bucket", "store", "item").agg(**facts, zeros=zeros, segment=pl.lit("smooth"))


def truth(panel: pl.DataFrame) -> pl.DataFrame:
    """[unique_id, grain, bucket, ds, y] of the series, the stores and the total; y is 0 where not observed."""
    keys = {"total": pl.lit("total"), "store": pl.concat_str(pl.lit("store="), "store")}
    value = pl.col("y").fill_null(0.0)
    below = panel.select("unique_id", pl.lit("series").alias("grain"), "bucket", "ds", y=value)
    above = [
        panel.group_by(name.alias("unique_id"), "ds").agg(y=value.sum())
        .select("unique_id", grain=pl.lit(grain), bucket=pl.lit(AGGREGATE_BUCKET, pl.Int32), ds="ds", y="y")
        for grain, name in keys.items()
    ]  # fmt: skip
    return pl.concat([below, *above])


def _forecasts(panel: pl.DataFrame, cutoff: date, model: str, off: float) -> pl.DataFrame:
    """Forecasts that are `off` by a share of the same weekday two weeks ago, with bounds that are wider further out."""
    step = (pl.col("ds") - pl.lit(cutoff)).dt.total_days().cast(pl.Int32)
    week = pl.col("y").shift(14 if model != "HistoricAverage" else 21).over("unique_id")
    rows = truth(panel).sort("unique_id", "ds").with_columns(yhat=(week * (1 + off / 4)), step=step)
    rows = rows.filter(pl.col("step").is_between(1, H))
    wide = pl.col("yhat") * off * (1 + pl.col("step") / 20)
    bounds = {f"{side}-{level}": pl.col("yhat") + sign * k * wide
              for level, k in ((80, 1.3), (95, 2.0)) for side, sign in (("lo", -1), ("hi", 1))}  # fmt: skip
    return rows.with_columns(
        **bounds, q50=pl.col("yhat") * 0.98, cutoff=pl.lit(cutoff), model=pl.lit(model), source=pl.lit(model),
        block=pl.when(pl.col("step") <= 7).then(7).otherwise(14), interval=pl.lit("horizon block"),
    )  # fmt: skip


def _backtest(panel: pl.DataFrame, cutoff: date, model: str) -> pl.DataFrame:
    rows = _forecasts(panel, cutoff, model, MODELS[model])
    return rows.with_columns(recipe=pl.lit("r1"), reported=pl.lit(value=True), closed=pl.lit(value=False))


def _vintage(panel: pl.DataFrame, cutoff: date, version: int) -> pl.DataFrame:
    rows = pl.concat(_forecasts(panel, cutoff, model, MODELS[model]) for model in ("LightGBM", "SeasonalNaive"))
    # the older vintage is from before there were rows for the total
    rows = rows.filter(pl.col("grain") != "total") if version == 1 else rows
    rows = rows.drop("y").with_columns(version=pl.lit(version), closed=pl.lit(value=False))
    new = pl.col("unique_id") == NEW
    similar = {"source": "similar series (item=milk) with launch curve", "interval": "cold start"}
    texts = {name: pl.when(new).then(pl.lit(text)).otherwise(name) for name, text in similar.items()}
    return rows.with_columns(**texts, cold_start=new)


def _scores() -> pl.DataFrame:
    ladder = MODELS["SeasonalNaive"]
    metrics = [
        {"model": m, "metric": metric, "value": value}
        for m, wape in MODELS.items()
        for metric, value in (
            ("wape", wape), ("bias", wape / 8), ("coverage-80", 0.80 - wape / 5), ("skill", 1 - wape / ladder)
        )
    ]  # fmt: skip
    rows = pl.DataFrame(metrics).join(pl.DataFrame({"cutoff": [*CUTOFFS, None]}), how="cross")
    cells = {"recipe": "r1", "grain": "series", "segment": "all", "horizon": "all"}
    return rows.with_columns(pl.lit(v).alias(k) for k, v in cells.items())


def _vintages() -> pl.DataFrame:
    rows = [
        {"cutoff": c, "version": v, "champion": "LightGBM", "recipe": "r1", "data_version": v, "rows": 350,
         "published_at": datetime(2024, 2, 4, 3, v, tzinfo=UTC)}
        for c, v in VINTAGES
    ]  # fmt: skip
    return pl.DataFrame(rows)


def _drift() -> pl.DataFrame:
    columns = {"price": ("data", 0.04), "promo": ("data", 0.02), "y": ("target", 0.18), "yhat": ("prediction", 0.07)}
    rows = [
        {"cutoff": LAST - timedelta(days=7 * back), "column": column, "kind": kind,
         "score": score * (1 + 0.2 * (2 - back)),
         "method": "Wasserstein distance (normed)", "threshold": 0.1, "run_at": datetime(2024, 2, 4, 4, tzinfo=UTC)}
        for back in (2, 1, 0) for column, (kind, score) in columns.items()
    ]  # fmt: skip
    return pl.DataFrame(rows).with_columns(drifted=pl.col("score") > pl.col("threshold"))


def _realised() -> pl.DataFrame:
    cell = {"cutoff": CUTOFFS[-1], "version": 1, "model": "LightGBM", "origin": "published", "through": LAST}
    cell |= {"segment": "all", "horizon": "all"}
    return pl.DataFrame([cell | {"metric": "wape", "value": 0.2}, cell | {"metric": "bias", "value": -0.05}])


def _alerts() -> pl.DataFrame:
    opened, closed = (datetime(2024, 2, day, 4, tzinfo=UTC) for day in (2, 3))
    row = {"id": "0a1b2c3d", "kind": "damage", "subject": "all", "severity": "critical", "message": "WAPE is 50 %"}
    row |= {"owner": None, "link": None, "cutoff": LAST, "opened_at": opened, "seen_at": closed, "seen": 2}
    return pl.DataFrame([row | {"closed_at": closed, "snoozed_until": None, "delivered": "{}"}])


def _runs() -> pl.DataFrame:
    facts = {
        "ingest": {"lines": 8290, "quarantined": 3, "quarantined_by_rule": {"number": 2, "negative_price": 1},
                   "keys": 8000, "filled": 12, "observed": 7988, "series": 20,
                   "remarks": [{"check": "outliers", "message": "1 value lies far out", "harm": "numbers"}]},
        "backtest": {"cutoffs": [str(c) for c in CUTOFFS], "recipe": "r1", "known_ahead": "as_served",
                     "known_counts": {"price": [140, 280]}},
        "train": {"version": 2, "champion": "LightGBM", "promoted": True,
                  "reason": "first champion: wape 0.100 beats SeasonalNaive's 0.220"},
        "predict": {"cutoff": str(LAST), "version": 2, "rows": 350},
        "monitor": {"drifted": ["y"]},
    }  # fmt: skip
    rows = [
        {
            "step": step,
            "run_at": datetime(2024, 2, 4, 3, minute, tzinfo=UTC),
            "cutoff": LAST,
            "facts": json.dumps(fact),
        }
        for minute, (step, fact) in enumerate(facts.items())
    ]
    return pl.DataFrame(rows)


def _quarantine() -> pl.DataFrame:
    lines = [(17, "S1,bread,2023-01-04,twelve", "number", "twelve"), (40, "S1,tea,2023-01-05,=1+1", "number", "=1+1"),
             (99, "S2,milk,2023-01-09,3", "negative_price", "-1")]  # fmt: skip
    rows = [{"file": "sales.csv", "line": n, "row": row, "rule": rule, "value": value} for n, row, rule, value in lines]
    seen = {"loaded": date(2024, 2, 4), "first_seen": datetime(2024, 2, 4, 3, tzinfo=UTC)}
    return pl.DataFrame(rows).with_columns(pl.lit(v).alias(k) for k, v in seen.items())
