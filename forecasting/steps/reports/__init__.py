"""Reports on a job: summaries of its steps, and the accuracy of its models in the newest backtest."""
