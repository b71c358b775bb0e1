"""The country of a shop: `country_of` takes profiles and returns its ISO code where a column holds just one country."""

from __future__ import annotations

import re
from collections.abc import Mapping

from forecasting.steps.proposal.columns.profiles import Profile
from forecasting.steps.proposal.columns.vocabulary import words_of

COLUMN = r"\b(country|land|pays|pa[ií]s|paese)\b"
NAMES = {
    "AT": "austria österreich",
    "AU": "australia",
    "BE": "belgium",
    "BR": "brazil brasil",
    "CA": "canada",
    "CH": "switzerland schweiz",
    "DE": "germany deutschland",
    "DK": "denmark",
    "EC": "ecuador",
    "ES": "spain españa",
    "FR": "france",
    "GB": "uk united-kingdom great-britain",
    "IE": "ireland",
    "IN": "india",
    "IT": "italy italia",
    "JP": "japan",
    "MX": "mexico méxico",
    "NL": "netherlands nederland",
    "PL": "poland polska",
    "PT": "portugal",
    "SE": "sweden",
    "US": "usa united-states united-states-of-america",
}
"""ISO code -> names of the country, with hyphens for spaces."""


def country_of(profiles: Mapping[str, Profile]) -> str:
    """The ISO code of the only country that a column called so holds; empty where there is none, or several."""
    found = [
        p for p in profiles.values() if p.kind == "text" and p.different == 1 and re.search(COLUMN, words_of(p.name))
    ]
    value = str(found[0].values.drop_nulls()[0]) if found else ""
    if value in NAMES:
        return value
    return next((code for code, names in NAMES.items() if value.lower().replace(" ", "-") in names.split()), "")
