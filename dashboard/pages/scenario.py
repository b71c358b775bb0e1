"""Scenario."""

NAME, PATH, ORDER, ABOUT = "Scenario", "/scenario", 3, "What if"


def layout(config, _):
    return "soon"


def register(app, config):
    pass
