"""Parts of the step `tune`: its options, search space, backtest windows, trials, the new config and the summary."""
