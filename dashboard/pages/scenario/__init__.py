"""Scenario: other prices, promotions or openings for one series over chosen days, and the forecast that follows."""

from dashboard.page import Page
from dashboard.pages.scenario.callbacks import register
from dashboard.pages.scenario.controls import PATH, layout

PAGE = Page("Scenario", PATH, 3, "What if", layout, register)
