"""Comparisons of models: `compare_models` says which differences in WAPE are more than chance.

It takes rows of `backtests` of single series and the names of reference models and returns [model, reference, wape,
reference_wape, gain, lo, hi, resampled, verdict]. `gain_scores` takes rows of all grains and the names of the ladder
(naive models), and returns gains over its best as rows for the table `scores`; it writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.evaluation.paired_test import Comparison, best_model_rows, compare_pair

SCHEMA = {"model": pl.String, "reference": pl.String, "wape": pl.Float64, "reference_wape": pl.Float64}
SCHEMA |= {"gain": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "resampled": pl.String, "verdict": pl.String}


def compare_models(rows: pl.DataFrame, references: Sequence[str]) -> pl.DataFrame:
    """[model, reference, wape, reference_wape, gain, lo, hi, resampled, verdict]: one row per model and reference.

    `rows` are backtest rows of single series. The gain is in WAPE, lo and hi are its 95 % interval by a paired
    bootstrap (see paired_test) over what `resampled` names; verdict: better, worse, or no difference, when the interval
    holds 0. Raises ValueError when a row with an observation has no forecast.

    >>> rows = pl.DataFrame({"unique_id": [f"s{i}" for i in range(8)], "ds": 1, "cutoff": 0, "y": 10.0})
    >>> both = pl.concat(rows.with_columns(model=pl.lit(m), yhat=pl.lit(f)) for m, f in (("A", 9.0), ("B", 6.0)))
    >>> compare_models(both, ["B"]).select("model", "wape", "reference_wape", "resampled", "verdict").row(0)
    ('A', 0.1, 0.4, '8 series', 'better')
    """
    by_model = dict(sorted((str(name), part) for (name,), part in rows.partition_by("model", as_dict=True).items()))
    found = []
    for reference in dict.fromkeys(r for r in references if r in by_model):
        for name, part in by_model.items():
            compared = compare_pair(part, by_model[reference]) if name != reference else None
            if compared:
                figures = (compared.wape, compared.reference, compared.gain, compared.lo, compared.hi, compared.units)
                found.append((name, reference, *figures, _verdict(compared)))
    return pl.DataFrame(found, schema=SCHEMA, orient="row").sort("reference", "wape", "model", maintain_order=True)


def _verdict(compared: Comparison) -> str:
    if compared.lo > 0:
        return "better"
    return "worse" if compared.hi < 0 else "no difference"


def gain_scores(rows: pl.DataFrame, ladder: Sequence[str]) -> pl.DataFrame:
    """[model, recipe, cutoff, grain, segment, horizon, metric, value] in some order, for the table `scores`: gain,
    gain_lo and gain_hi of every model over the best of the ladder, in WAPE of single series over all cutoffs.

    Raises ValueError when a row with an observation has no forecast.
    """
    single = rows.filter(pl.col("grain") == "series")
    rungs = single.filter(pl.col("model").is_in(list(ladder)))
    best = [str(best_model_rows(rungs)["model"][0])] if (rungs["y"].fill_null(0.0) != 0).any() else []
    compared = compare_models(single, best).select("model", "gain", gain_lo="lo", gain_hi="hi")
    long = compared.unpivot(index="model", variable_name="metric")
    recipe = single["recipe"].first() if single.height else None
    everything = {"grain": pl.lit("series"), "segment": pl.lit("all"), "horizon": pl.lit("all")}
    return long.with_columns(**everything, recipe=pl.lit(recipe, pl.String), cutoff=pl.lit(None, pl.Date))
