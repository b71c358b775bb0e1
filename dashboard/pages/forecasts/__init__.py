"""Forecasts: history and forecast of a series, an aggregate or a sum of series, for any vintage and model."""

from dashboard.page import Page
from dashboard.pages.forecasts.callbacks import register
from dashboard.pages.forecasts.controls import PATH, layout

PAGE = Page("Forecasts", PATH, 2, "Any series, any vintage", layout, register)
