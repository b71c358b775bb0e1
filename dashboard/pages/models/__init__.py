"""Models: the versions of the job's models with their scores, which one forecasts, and changes of that by hand."""

from dashboard.page import Page
from dashboard.pages.models.callbacks import layout, register

PAGE = Page("Models", "/models", 5, "Which version forecasts", layout, register)
