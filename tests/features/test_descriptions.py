"""Every feature that exists can be described, whoever adds it."""

from dataclasses import replace

import pytest

from forecasting.config import Calendar
from forecasting.features import descriptions
from forecasting.features.base import Lead
from forecasting.features.descriptions import UNKNOWN, describe_feature

FULL = {"country": "TR", "paydays": [1, -1], "events": {"matches": {"path": "matches.csv", "ds": "day"}}}


@pytest.mark.parametrize("freq", ["1d", "1w", "1mo", "1q", "1y"])
def test_every_feature_has_a_line(bench, freq):
    made = bench(freq).made
    config = made.config.model_copy(update={"calendar": Calendar.model_validate(FULL)})
    told = {f.name: describe_feature(f.name, config) for f in replace(made, config=config).all(Lead.of(4))}
    own = {"1d": "event_matches_again", "1w": "event_matches_share_after"}.get(freq, "event_matches_share")
    assert own in told
    assert [name for name, line in told.items() if line == UNKNOWN] == [], "add a pattern to features/describe.py"
    assert len(set(told.values())) == len(told), "two features are described by the same words"


def test_the_first_pattern_that_fits_is_the_narrowest(bench):
    config = bench("1w").config
    assert describe_feature("cal_month_left", config) == "days left to the end of the month"
    assert describe_feature("promo_share_before", config) == "share of the weeks just before on which promo was up"
    assert describe_feature("season_mean_8", config) == "mean sales in the same phase of the last 8 seasons, in levels"
    assert describe_feature("promo", config) == "promo, as it is planned"
    assert describe_feature("store", config) == "store of the series"
    assert describe_feature("nobody knows", config) == UNKNOWN


def test_a_table_says_how_old_its_sales_are(bench):
    assert descriptions.describe_table(bench("1w").config, 4).endswith("sales are at least 4 weeks back")
    assert descriptions.describe_table(bench("1d").config, 1).endswith("sales are at least 1 day back")
