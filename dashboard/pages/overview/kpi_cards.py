"""`kpi_cards(config, kpis)` returns the four key figures of the overview: accuracy, bias, coverage and volume.

Takes the Kpis of `queries.read_kpis`; each card has what its value is compared with and, where there is a value, a
verdict.
"""

import dash_mantine_components as dmc

from dashboard.components import kpi_card
from dashboard.formats import format_metric, format_number, format_percent
from dashboard.labels import count_periods, metric_label, unit_name
from forecasting.config import Config
from forecasting.steps.queries import Kpis

BIAS_BAND = 0.03
"""Bias as a share of sales that counts as none."""
COVERAGE_BAND = 0.04
"""Distance of the coverage from its level that counts as none."""


def kpi_cards(config: Config, kpis: Kpis) -> dmc.SimpleGrid:
    """Accuracy, bias, coverage and volume, side by side."""
    cards = [_accuracy(kpis), _bias(kpis), _coverage(kpis), _volume(config, kpis)]
    return dmc.SimpleGrid(cards, cols={"base": 1, "xs": 2, "lg": 4})


def _accuracy(kpis: Kpis) -> dmc.Card:
    name, label = "kpi-accuracy", f"Accuracy (1 − {metric_label('wape')})"
    value = format_metric("wape", None if kpis.wape is None else 1 - kpis.wape)
    if kpis.wape is None or kpis.ladder is None:
        return kpi_card(name, label, value, "no backtest scored yet")
    better = kpis.wape < kpis.ladder
    status, verdict = ("ok", "beats the naive models") if better else ("watch", "no better than the naive models")
    return kpi_card(name, label, value, f"best naive model {format_metric('wape', 1 - kpis.ladder)}", status, verdict)


def _bias(kpis: Kpis) -> dmc.Card:
    name, label, band = "kpi-bias", metric_label("bias"), f"band ±{BIAS_BAND:.0%}"
    if kpis.bias is None:
        return kpi_card(name, label, "–", band)
    inside = abs(kpis.bias) <= BIAS_BAND
    verdict = "inside the band" if inside else "forecasts too high" if kpis.bias > 0 else "forecasts too low"
    return kpi_card(name, label, format_metric("bias", kpis.bias, "+"), band, "ok" if inside else "watch", verdict)


def _coverage(kpis: Kpis) -> dmc.Card:
    name, label, nominal = "kpi-coverage", f"Coverage of the {kpis.level} % interval", f"nominal {kpis.level} %"
    if kpis.coverage is None:
        return kpi_card(name, label, "–", nominal)
    excess = kpis.coverage - kpis.level / 100
    close = abs(excess) <= COVERAGE_BAND
    verdict = "close to nominal" if close else "intervals too wide" if excess > 0 else "intervals too narrow"
    return kpi_card(name, label, format_metric("coverage", kpis.coverage), nominal, "ok" if close else "watch", verdict)


def _volume(config: Config, kpis: Kpis) -> dmc.Card:
    label, change = f"Forecast, next {count_periods(config, config.h)}", kpis.change
    total = format_number(kpis.total)
    if change is None or change.share is None:
        return kpi_card("kpi-volume", label, total, f"{unit_name(config)}; no year before to compare with")
    reference = f"{format_percent(change.share, 1, '+')} on the same {config.frequency.unit}s a year before"
    verdict = f"{change.matched} of {change.series} series compared"
    return kpi_card("kpi-volume", label, total, reference, "unknown", verdict)
