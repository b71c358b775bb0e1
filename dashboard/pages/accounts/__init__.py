"""Access: who may sign in and in which role, keys of programs, and who did what."""

from dashboard.page import Page
from dashboard.pages.accounts.body import layout
from dashboard.pages.accounts.callbacks import register

PAGE = Page("Access", "/access", 6, "Users, keys, who did what", layout, register, "admin")
