"""The pages and the REST API: one ASGI process that asks `forecasting.steps.queries` and draws the answers."""
