"""Drift: what changed in the data since a year before, per column and over time, and the full report."""

from dashboard.page import Page
from dashboard.pages.drift.callbacks import PATH, layout, register

PAGE = Page("Drift", PATH, 4, "What changed in the data", layout, register)
