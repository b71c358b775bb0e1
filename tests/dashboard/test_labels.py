"""Words and numbers of the pages."""

import pytest

from dashboard.formats import format_metric, format_number, format_percent
from dashboard.labels import INTERVAL_LABELS, aggregate_label, interval_label, metric_label, source_label
from forecasting.evaluation.intervals import labels as intervals


def test_every_origin_of_an_interval_has_words():
    texts = {value for name, value in vars(intervals).items() if name.isupper()}
    assert set(INTERVAL_LABELS) == texts
    assert interval_label("pooled") == "pooled"  # as older versions wrote


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("LightGBM", "LightGBM"),
        ("similar series (store=S1)", "similar series (store: S1)"),
        ("LightGBM (capped)", "LightGBM (capped)"),
    ],
)
def test_a_source_in_words(source, words):
    assert source_label(source) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("total", "All series"),
        ("store=S1", "store: S1"),
        ("store=S1/item=tea", "store: S1, item: tea"),
        ("category=food/drink", "category: food/drink"),
    ],
)
def test_an_aggregate_in_words(name, words):
    assert aggregate_label(name) == words


def test_numbers_and_missing_ones():
    assert (format_number(12345.6), format_number(None)) == ("12,346", "–")
    assert (format_percent(0.1234), format_percent(0.05, 0, "+"), format_percent(None)) == ("12.3 %", "+5 %", "–")


def test_a_metric_follows_its_entry():
    assert (metric_label("wape"), metric_label("bias"), metric_label("coverage-80")) == ("WAPE", "Bias", "In 80 %")
    assert (format_metric("wape", 0.1234), format_metric("bias", 0.0125, "+")) == ("12.3 %", "+1.2 %")
    assert (format_metric("rmsse", 0.76543), format_metric("wape", None)) == ("0.765", "–")
