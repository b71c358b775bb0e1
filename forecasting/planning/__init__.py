"""What-if scenarios: edits of known-ahead columns checked, values outside the history named, forecasts compared."""
