"""The door to MLflow: backtest and tuning runs, and the registry of bundle versions."""
