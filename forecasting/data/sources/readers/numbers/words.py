"""Words in the place of numbers: those that mean no number, yes and no in several languages, and currencies.

All are in lower case but the currencies, which are a pattern that knows no case.
"""

from __future__ import annotations

NOTHING = (
    *("", "na", "n/a", "n.a.", "k.a.", "#n/a", "#na", "#nv", "null", "(null)", "none", "nil", "nan", "<na>", "\\n"),
    *("-", "--", "---"),
)
"""Texts that mean no value; dashes of any length and kind are written as hyphens here."""
YES_OR_NO = (
    *(("yes", "no"), ("true", "false"), ("ja", "nein"), ("ja", "nee"), ("ja", "nej"), ("ja", "nei"), ("oui", "non")),
    *(("si", "no"), ("sí", "no"), ("sì", "no"), ("sim", "não"), ("sim", "nao"), ("tak", "nie"), ("ano", "ne")),
    *(("wahr", "falsch"), ("vrai", "faux"), ("verdadero", "falso"), ("vero", "falso"), ("verdadeiro", "falso")),
    *(("on", "off"), ("y", "n"), ("j", "n"), ("o", "n"), ("s", "n"), ("t", "f"), ("x", "")),
)
"""Pairs of words for 1 and 0. A mark such as x has no partner: empty cells are its 0."""
YES = frozenset(yes for yes, _ in YES_OR_NO)
NO = frozenset(no for _, no in YES_OR_NO if no)
MARKS = ("x", "✓", "✔")
ALWAYS_NUMBERS = frozenset(("yes", "no", "true", "false"))
"""Words that are numbers in any column, among other numbers as well."""
_CODES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP
CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR
ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT
MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR
SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV
WST XAF XCD XOF XPF YER ZAR ZMW ZWL RMB
"""
_LOCAL = r"euros?|s?fr\.?|kr\.?|zł|kč|ft|rs\.?|rp\.?|rm|r|tl|lei|лв\.?|руб\.?|din\.?"
CURRENCY = rf"(?:[A-Za-z]{{0,3}}\p{{Sc}}[A-Za-z]{{0,2}}|(?i:{'|'.join(_CODES.split())}|{_LOCAL}))"
"""A currency sign, its code, or its short name."""
SAME_CURRENCY = {
    "€": "EUR",
    "EURO": "EUR",
    "EUROS": "EUR",
    "$": "USD",
    "US$": "USD",
    "£": "GBP",
    "₹": "INR",
    "RS": "INR",
    "RS.": "INR",
    "FR": "CHF",
    "FR.": "CHF",
    "SFR": "CHF",
    "SFR.": "CHF",
    "ZŁ": "PLN",
    "KČ": "CZK",
    "FT": "HUF",
    "KR.": "KR",
    "RP": "IDR",
    "RP.": "IDR",
    "RM": "MYR",
    "R": "ZAR",
    "TL": "TRY",
    "₺": "TRY",
    "LEI": "RON",
    "R$": "BRL",
    "₽": "RUB",
    "РУБ": "RUB",
    "РУБ.": "RUB",
    "ЛВ": "BGN",
    "ЛВ.": "BGN",
    "DIN": "RSD",
    "DIN.": "RSD",
}
"""Currency as written, in upper case -> its code."""
