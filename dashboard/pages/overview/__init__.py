"""Overview: accuracy, volume, freshness and data quality at a glance."""

from dashboard.page import Page
from dashboard.pages.overview.callbacks import layout, register

PAGE = Page("Overview", "/", 1, "How good, how much", layout, register)
