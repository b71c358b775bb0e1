"""`demandcast recipe CONFIG`: `recipe` prints which models `models: auto` means for the loaded data, and why.

Takes the job's file; nothing is fitted but small trials, and nothing is written.
"""

from __future__ import annotations

from flows.arguments import Cutoff, DataVersion, File, Sets, load_config, print_line


def recipe(config: File, /, *, cutoff: Cutoff = None, data_version: DataVersion = None, set_: Sets = ()) -> None:
    """Show the models that a backtest would run, what they would cost, and why others are left out."""
    job = load_config(config, set_, data_version)
    from forecasting.data.windows import resolve_cutoff
    from forecasting.services import console
    from forecasting.steps.recipes import choose_recipe
    from forecasting.steps.reports.recipe_report import recipe_lines, recipe_table
    from forecasting.steps.session import open_session

    session = open_session(job)
    stored = choose_recipe(session, resolve_cutoff(session.panel, cutoff)).to_json()
    if job.models:
        print_line("The config lists its models, which are run whatever is chosen here; `models: auto` would be:")
    console.print_table(recipe_table(stored), "Models; units are those of one window", {"units": "{:,.1f}"})
    for line in recipe_lines(stored):
        print_line(line)
