"""What to do: pure functions on forecasts."""
