"""The one way from fitted models to forecast rows: backtests, nightly vintages and scenarios all take it."""
