"""Dash pages and REST API in one ASGI process; they read through `forecasting.steps.queries`."""
