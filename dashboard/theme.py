"""Colours: `palette(scheme)` returns the Palette of charts for "light" or "dark"; MANTINE is the theme of components.

The hues are Okabe and Ito's (Color Universal Design, 2008), distinguishable with every common kind of colour blindness.
No meaning rests on colour alone: lines also differ in dash, bands in place, lights in their text.
"""

from dataclasses import dataclass
from typing import Any

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif'


@dataclass(frozen=True)
class Palette:
    """One scheme's colours; the bands are see-through so that the grid shows."""

    ink: str
    muted: str
    grid: str
    card: str
    forecast: str
    inner: str
    outer: str
    last_year: str
    scenario: str
    promo: str
    future: str


LIGHT = Palette(
    ink="#1f2933",
    muted="#5b6673",
    grid="#e4e8ed",
    card="#ffffff",
    forecast="#0072b2",
    inner="rgba(0,114,178,0.26)",
    outer="rgba(0,114,178,0.12)",
    last_year="#b35a00",
    scenario="#a3467f",
    promo="rgba(230,159,0,0.22)",
    future="rgba(91,102,115,0.07)",
)
DARK = Palette(
    ink="#e3e8ee",
    muted="#a3adb8",
    grid="#353c46",
    card="#1d2229",
    forecast="#56b4e9",
    inner="rgba(86,180,233,0.32)",
    outer="rgba(86,180,233,0.15)",
    last_year="#e69f00",
    scenario="#e08fc0",
    promo="rgba(230,159,0,0.24)",
    future="rgba(163,173,184,0.09)",
)


def palette(scheme: str | None) -> Palette:
    """The colours of "light" or "dark"; light until the browser has reported its scheme."""
    return DARK if scheme == "dark" else LIGHT


MANTINE: dict[str, Any] = {
    "fontFamily": FONT,
    "headings": {"fontFamily": FONT, "fontWeight": "600"},
    "primaryColor": "sea",
    "primaryShade": {"light": 7, "dark": 4},
    "defaultRadius": "md",
    "focusRing": "auto",
    "autoContrast": True,
    "colors": {
        "sea": [
            "#e8f5fd", "#d2e8f7", "#a5d1ee", "#77bae6", "#56b4e9",
            "#3198d4", "#1583c2", "#0072b2", "#005b8f", "#00466e",
        ],
        "dark": [
            "#e3e8ee", "#c3cbd4", "#a3adb8", "#6d7885", "#4a535e",
            "#353c46", "#272d35", "#1d2229", "#15191f", "#0e1116",
        ],
    },
    "components": {"Card": {"defaultProps": {"withBorder": True, "radius": "md", "padding": "md"}}},
}  # fmt: skip
