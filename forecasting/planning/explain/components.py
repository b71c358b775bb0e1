"""The components of an explanation: COMPONENTS in their order, and WORDS, what each of them means to a planner."""

WORDS = {
    "level": "what the series sold at the beginning of the last two years, at the price of then, without promotion",
    "trend": "how far that level has moved since",
    "season": "the phase of the season and the time of the year",
    "holiday": "holidays and events, and the days around them",
    "price": "the planned price against that of the beginning, as sales have gone with prices",
    "promotion": "the planned promotion, as sales have gone with promotions",
    "other": "other columns known ahead against their usual values, and an unusual closing next",
    "rest": "what the model forecasts beyond these, from what was sold of late and from what they do together",
    "limits": "bounds of the forecast: no less than the least that is allowed, no more than the guard allows",
    "reconciliation": "what makes the forecasts of series agree with those of their aggregates",
}
COMPONENTS = tuple(WORDS)
ANSWERS = ("model_price", "model_promotion")
"""Beside the components: what the forecast has from its price and from promotions, by the model's own answer."""
