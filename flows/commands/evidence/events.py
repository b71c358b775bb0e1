"""`demandcast events CONFIG`: what past promotions and changes of price are associated with.

Takes the job's file and a condition on the series; prints the largest events and a sentence, and writes all to --out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.arguments import Cutoff, File, Sets, load_config, print_line

SHOWN = 20
"""Events on a screen: those with the largest uplift."""
Where = Annotated[str | None, Parameter(help="Which series, like \"store = 'CA_1'\"; all of them if left out.")]
Out = Annotated[Path | None, Parameter(help="Write all events to this .parquet, .csv or .xlsx file, too.")]


def events(config: File, /, *, where: Where = None, cutoff: Cutoff = None, out: Out = None, set_: Sets = ()) -> None:
    """Past promotions and changes of price: baseline, uplift with its interval, the dip after, the halo, money."""
    job = load_config(config, set_)
    import polars as pl

    from forecasting.services import console
    from forecasting.steps.explaining import past_events
    from forecasting.steps.export import write_file
    from forecasting.steps.scenario import SeriesFilter
    from forecasting.steps.session import open_session

    found = past_events(open_session(job), SeriesFilter(where), cutoff)
    largest = found.rows.sort(pl.col("uplift").abs(), descending=True).head(SHOWN).drop("dip_se", "halo_se", "periods")
    number = dict.fromkeys((c for c in largest.columns if largest.schema[c] == pl.Float64), "{:,.1f}")
    left = f", the {SHOWN} largest of {found.rows.height:,}" if found.rows.height > SHOWN else ""
    console.print_table(
        largest, f"Past events{left}", number | dict.fromkeys(("price", "price_before", "share"), "{:,.2f}")
    )
    if out:
        write_file(job, "events", found.rows, out)
    print_line("\n".join([*found.warnings, found.sentence, *([f"written to {out}"] if out else [])]))
