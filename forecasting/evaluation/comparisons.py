"""Which differences between models are more than chance: each against the best of the ladder and the champion."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from forecasting.evaluation import promotion

SCHEMA = {"model": pl.String, "reference": pl.String, "wape": pl.Float64, "reference_wape": pl.Float64}
SCHEMA |= {"gain": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "over": pl.String, "verdict": pl.String}


def compare_models(rows: pl.DataFrame, references: Sequence[str]) -> pl.DataFrame:
    """[model, reference, wape, reference_wape, gain, lo, hi, over, verdict]: every model against each reference.

    `rows` are backtest rows of single series. The gain is in WAPE with its 95 % interval by a paired bootstrap (see
    promotion.compare_pair); verdict: better, worse, or no difference, when the interval holds 0.
    """
    parts = dict(sorted((str(name), part) for (name,), part in rows.partition_by("model", as_dict=True).items()))
    told = []
    for reference in dict.fromkeys(r for r in references if r in parts):
        for name, part in parts.items():
            found = promotion.compare_pair(part, parts[reference]) if name != reference else None
            if found:
                figures = (found.wape, found.reference, found.gain, found.lo, found.hi, found.units)
                told.append((name, reference, *figures, _verdict(found)))
    return pl.DataFrame(told, schema=SCHEMA, orient="row").sort("reference", "wape", "model", maintain_order=True)


def _verdict(found: promotion.Comparison) -> str:
    if found.lo > 0:
        return "better"
    return "worse" if found.hi < 0 else "no difference"


def gain_scores(rows: pl.DataFrame, ladder: Sequence[str]) -> pl.DataFrame:
    """Rows as in the table `scores`: gain, gain_lo and gain_hi of every model over the best of the ladder, in WAPE of
    single series over all cutoffs.
    """
    single = rows.filter(pl.col("grain") == "series")
    rungs = single.filter(pl.col("model").is_in(list(ladder)))
    best = [str(promotion.best_model_rows(rungs)["model"][0])] if (rungs["y"].fill_null(0.0) != 0).any() else []
    told = compare_models(single, best).select("model", "gain", gain_lo="lo", gain_hi="hi")
    long = told.unpivot(index="model", variable_name="metric")
    recipe = single["recipe"].first() if single.height else None
    place = {"grain": pl.lit("series"), "segment": pl.lit("all"), "horizon": pl.lit("all")}
    return long.with_columns(**place, recipe=pl.lit(recipe, pl.String), cutoff=pl.lit(None, pl.Date))
