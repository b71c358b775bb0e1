"""Descriptions of features: `describe_feature` takes a feature's name and the config and returns one line of text.

It is found by the pattern of the name. `describe_table` returns the line of a feature table, given its lead (the least
number of periods back from which sales are used).
"""

from __future__ import annotations

import re

from forecasting.config import Config

PATTERNS = (
    (r"cal_weekday", "day of the week, 1 is Monday"),
    (r"cal_monthday", "day of the month"),
    (r"cal_month", "month of the year"),
    (r"cal_quarter", "quarter of the year"),
    (r"cal_quarter_easter", "share of the quarter in which people shop for Easter"),
    (r"cal_quarter_feast", "share of the quarter in which people get ready for a feast that follows the moon"),
    (r"cal_(quarter|year)_workdays", "working days of the {0}"),
    (r"cal_yearday", "day of the year"),
    (r"cal_yearweek", "ISO week of the year"),
    (r"cal_month_left", "days left to the end of the month"),
    (r"cal_easter_month", "whether Easter is in the month"),
    (r"cal_easter", "days since Easter Sunday, negative before it"),
    (r"cal_holiday", "code of the public holiday, 0 for none"),
    (r"cal_next_holiday", "days to the next public holiday, at most 15"),
    (r"cal_last_holiday", "days since the last public holiday, at most 15"),
    (r"cal_holiday_before", "code of the holiday in the 7 days up to this one"),
    (r"cal_holiday_after", "code of the holiday in the 7 days from this one"),
    (r"cal_workdays", "working days of the month"),
    (r"cal_holiday_later", "code of the holiday in the week after the next 7 days"),
    (r"cal_holidays_before", "share of holidays among the 7 days up to this one"),
    (r"cal_holidays_after", "share of holidays among the 7 days from this one"),
    (r"cal_next_holiday_code", "code of the next public holiday"),
    (r"cal_last_holiday_code", "code of the last public holiday"),
    (r"cal_free_days", "length of the run of free days that this one is in, 0 on a working day"),
    (r"cal_bridge", "a working day between two free ones"),
    (r"cal_easter_share", "share of the month in which people shop for Easter"),
    (r"cal_next_feast", "days to the next feast that follows the moon"),
    (r"cal_last_feast", "days since the last feast that follows the moon"),
    (r"cal_feast_share", "share of the month in which people get ready for a feast that follows the moon"),
    (r"cal_(easter|feast)_share_ago", "{0}_share of the same month a year ago"),
    (r"cal_quarter_(easter|feast)_ago", "quarter_{0} of the same quarter a year ago"),
    (r"cal_next_payday", "days to the next payday"),
    (r"cal_last_payday", "days since the last payday"),
    (r"event_(.+)_today", "code of the event of {0} on this {unit}, 0 for none"),
    (r"event_(.+)_day", "which day of its event of {0} this is"),
    (r"event_(.+)_next", "days to the next event of {0}, at most 30"),
    (r"event_(.+)_last", "days since the last event of {0}, at most 30"),
    (r"event_(.+)_next_code", "code of the next event of {0}"),
    (r"event_(.+)_last_code", "code of the last event of {0}"),
    (r"event_(.+)_code", "code of the first event of {0} in the {unit}, 0 for none"),
    (r"event_(.+)_share_before", "share of the 7 days up to this one that are events of {0}"),
    (r"event_(.+)_share_after", "share of the 7 days from this one that are events of {0}"),
    (r"event_(.+)_before", "code of the event of {0} in the 7 days up to this one"),
    (r"event_(.+)_after", "code of the event of {0} in the 7 days from this one"),
    (r"event_(.+)_share", "share of the {unit} that is events of {0}"),
    (r"event_(.+)_again", "sales in the same {unit} of the same event of {0} before"),
    (r"steps_ahead", "{unit}s between the row and the newest sales that may be used"),
    (r"steps_year_ago_(\d+)", "what so many {unit}s ahead brought {0} years ago"),
    (r"moved_in_a_year_(\d+)", "mean sales of the last {0} {unit}s less those a year before"),
    (r"moved_(\d+)", "mean sales of the last {0} {unit}s less those of the {0} before"),
    (r"like_year_ago", "sales on the day of last year that is as far from the same holiday"),
    (r"like_years_ago", "mean sales on the comparable days of the last two years"),
    (r"lag_(\d+)", "sales {0} {unit}s before the newest that may be used"),
    (r"season_(\d+)", "sales in the same phase of the season, {0} seasons before the newest usable one"),
    (r"season_mean_(\d+)", "mean sales in the same phase of the last {0} seasons"),
    (r"mean_(\d+)", "mean sales of the last {0} {unit}s that may be used"),
    (r"std_(\d+)", "standard deviation of sales in the last {0} {unit}s that may be used"),
    (r"year_ago", "sales in the same phase a year ago"),
    (r"year_ago_around", "mean sales around the same phase a year ago"),
    (r"year_ago_level", "mean sales of the quarter that was the newest one a year ago"),
    (r"zeros", "share of recent {unit}s without a sale"),
    (r"seen", "share of recent {unit}s in which sales were observed"),
    (r"price_to_mean", "price against its recent mean"),
    (r"price_to_high", "price against its recent highest"),
    (r"price_slope_(\d+)", "price elasticity of the series over its last {0} {unit}s that may be used"),
    (
        r"price_dear_(\d+)",
        "recent level against the sales that the elasticity of {0} {unit}s predicts at this price",
    ),
    (r"price_change", "price against the {unit} before"),
    (r"(.+)_share_before", "share of the {unit}s just before on which {0} was up"),
    (r"(.+)_share_after", "share of the {unit}s just after on which {0} is up"),
    (r"(.+)_share_long", "share of the {unit}s of a longer time before on which {0} was up"),
    (r"(.+)_peers_price", "price against the mean one of {0} on this {unit}"),
    (r"(.+)_peers_discount", "price over its recent mean against the same of {0} on this {unit}"),
    (r"(.+)_peers_promo", "promotion less the share of {0} that is on promotion on this {unit}"),
    (r"(.+)_alike", "mean sales in the same phase when {0} was as it is now"),
    (r"(.+)_lately", "mean recent sales when {0} was as it is now"),
    (r"(.+)_lift", "recent sales with {0} against those without"),
    (r"(.+)_now", "recent sales of the group {0} against those of its last quarter"),
    (r"(.+)_trend", "last quarter of the group {0} against the same one a year ago"),
    (r"(.+)_season", "sales of the group {0} around this phase a year ago against that year's quarter"),
    (r"(.+)_before", "{0} one {unit} before"),
    (r"(.+)_after", "{0} one {unit} after, or as it is now where that is unknown"),
)
"""Pattern of the name -> description; the first that fits counts. {0} is its group, {unit} is day, week, month ..."""
SCALED = r"lag_|season_|mean_|std_|year_ago|like_|event_.+_again|.+_alike$|.+_lately$"
UNKNOWN = "see forecasting/features"


def describe_feature(feature: str, config: Config) -> str:
    """One line about a feature; UNKNOWN where no pattern fits."""
    if feature in config.columns.known_ahead:
        return f"{feature}, as it is planned"
    if feature in config.static_columns:
        return f"{feature} of the series"
    for pattern, text in PATTERNS:
        if found := re.fullmatch(pattern, feature):
            line = text.format(*found.groups(), unit=config.frequency.unit)
            return line + (", in levels" if re.match(SCALED, feature) else "")
    return UNKNOWN


def describe_table(config: Config, lead: int) -> str:
    """The content of a feature table, in one line."""
    unit = config.frequency.unit
    back = f"{lead} {unit}{'s' if lead > 1 else ''} back"
    return f"calendar, plans, past sales and groups of every series and {unit}; sales are at least {back}"
