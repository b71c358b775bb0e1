"""What names of columns mean, in seven languages: `meaning_of` takes a name and returns its Meaning or None.

`sales_rank` tells how well a name fits sales, and `date_rank` how well it fits the date of a sale; smaller is better.
Names only decide between columns whose content allows both.
"""

from __future__ import annotations

import re
from typing import Literal

Meaning = Literal[
    "price",
    "cost",
    "promo",
    "open",
    "stock",
    "receipt",
    "place",
    "moment",
    "derived",
    "product",
    "shop",
    "area",
    "group",
    "code",
]

PATTERNS: dict[Meaning, str] = {
    "receipt": r"\b(orders?|invoice|receipt|transactions?|trans|tx|ticket|basket|customers?|client|user|member|row|"
    r"line|bon|beleg|rechnung|kunde|kunden|auftrag|bestell|commande|facture|pedido|factura|ordine|fattura|uuid|token|device|"
    r"payment|card|email|phone|telefon|address|adresse|notes?|memo|vendor|employee|cashier|dining|event type)\b",
    "stock": r"\b(stock(?! code)|inventory|on hand|bestand|lager(bestand)?|existencias|giacenza|voorraad|estoque)\b",
    "promo": r"\b(promos?|promotion(s|al)?|on promo\w*|is promo\w*|aktion|discount\w*|deal|offer|oferta|sconto|remise|"
    r"rabatt|on sale|feat|feature|promo\w*|aanbieding|coupon)\b",
    "open": r"\b(is )?(open|opened|ge[oö]ffnet|offen|ouvert|abierto|aperto|aberto)\b",
    "price": r"(\b(price|preis|prix|precio|prezzo|preço|preco|prijs|rate per|msrp)|price\b|preis\b|\bvk\b)",
    "cost": r"\b(cost|costs|einkaufspreis|ek|co[uû]t|costo|custo|kosten|cogs)\b",
    "place": r"\b(zip|postal|plz|postcode|lat|latitude|lon|lng|longitude|city|stadt|ville|ciudad|street)\b",
    "moment": r"\b(year|jahr|ann[eé]e|a[nñ]o|anno|month|monat|mois|mes|mese|week|woche|kw|semaine|semana|day|tag|"
    r"jour|d[ií]a|weekday|wochentag|hour|stunde|heure|hora|time|zeit|uhrzeit|quarter|season|weekofyear|dow|yr|mnth|"
    r"w ?day|wm yr wk|time of day)\b",
    "derived": r"\b(tax|mwst|tva|iva|profit|margin|marge|gewinn|tip|tips|fee|fees|shipping|commission|rating|"
    r"percent\w*|"
    r"pct|share|ratio|temp\w*|weather|rain|humidity|wind\w*|precip\w*|cpi|unemployment|holidays?|is holiday|feiertag|"
    r"visitors?|visits|traffic|footfall|age|gender|index|rank|weight|distance|forecast|target|budget|plan\w*|returns?|"
    r"refunds?|hhs|spend|base|display|size)\b",
    "product": r"\b(products?|items?|sku|skus|articles?|artikel\w*|ware|produkt\w*|art[ií]culos?|articolo|produit|prod|"
    r"article|stock ?code|asin|ean|upc|style|category name|coffee|dish|menu|pizza|brand|title|lineitem|descripti\w+|"
    r"material\w*|part|model)\b",
    "shop": r"\b(stores?|shops?|branch\w*|outlets?|filialen?|laden|markt|magasin|tienda|negozio|loja|winkel|warehouse|"
    r"location|site|restaurants?|kiosk|depot|machine|center)\b",
    "area": r"\b(region|country|land|channel|market|state|division|area|territory|kanal)\b",
    "group": r"\b(categor\w*|kategorie\w*|famil\w*|departments?|dept|group|gruppe|warengruppe|segment|class|classe|"
    r"type|sub ?category|department|clase|reparto|rayon|abteilung)\b",
    "code": r"\b(id|ids|no|nr|num|number|nummer|code|key|unique id|ref)\b",
}
"""Meaning -> pattern of names in small letters, with single spaces between words; the first that fits counts."""

FOREIGN = r"\b(holidays?|fuel|oil|gas|energy|competitor|competition)\b"
"""Words of columns that are about the world around the shop, whatever else they are called."""

SALES = (
    r"^(y|sales|sale|units?|demand|unit sales|units sold|sales units|absatz|verk[aä]ufe?|ventes?|ventas?|vendite|"
    r"vendas|verkoop|verkopen|afzet|quantity sold|items sold|qty sold|num sold|number sold)$",
    r"\b(qty|quantity|quantit[eéàa]s?|mengen?|anzahl|st(ü|ue)ck(zahl)?|cantidad|quantidade|aantal|units|pieces|sold|"
    r"demand|hoeveelheid|absatz\w*|verkaufte|verkaufsmenge|vendus?|move|nachfrage|bedarf)\b",
    r"(sales|\bmeals\b|\bportions\b|\bessen\b|ventes|ventas|vendite|vendas|verkauf|\bsale\b|\bcovers\b|\bguests\b|\bcnt\b|\bcount\b|orders|bookings)",
    r"\b(revenue|turnover|umsatz\w*|amount|total|net|gross|erl[oö]s|betrag|importe|montant|ca|chiffre|fatturato|"
    r"ingresos|receita|omzet|money|value|valor|wert|volume|paid|passengers|sum)\b",
)
"""Patterns of names of sales, the best ones first: the sales themselves, amounts, what contains the word, money."""
UNFIT = 9
"""The rank of a name that says nothing about sales."""

DATES = (
    r"^(date|ds|day|datum|fecha|data|jour|tag|d[ií]a|giorno|dag|week|woche|kw|semaine|semana|month|monat|mois|mes|mese|"
    r"period|periode|timestamp|datetime|year|jahr|quarter|quartal)$",
    r"\b(order|invoice|transaction|sales?|verkaufs?|business|created|purchase|kauf|bestell|rechnungs?|beleg|buchungs?|"
    r"week|woche|month|monat) ?(date|datum|day|tag|at|time|zeit|ending|start(ing)?|beginn?)\b",
    r"(date|datum|fecha|\bdata\b|time|zeit|day|tag\b)",
)
"""Patterns of names of the date of a sale, the best ones first."""
OTHER_DATES = (
    r"\b(ship\w*|deliver\w*|due|birth\w*|expir\w*|updated|paid|fulfilled|cancel\w*|launch\w*|end|ende|liefer\w*)"
)
"""Dates of something else."""


def words_of(name: str) -> str:
    """The name in small letters with single spaces between words: UnitPrice and unit_price are `unit price`."""
    apart = re.sub(r"(?<=[a-zäöüß\d])(?=[A-ZÄÖÜ])", " ", name)
    return " ".join(re.sub(r"[\W_]+", " ", apart).split()).lower()


def meaning_of(name: str) -> Meaning | None:
    """What a column of this name holds, as far as the name tells."""
    words = words_of(name)
    if re.search(FOREIGN, words):
        return "derived"
    return next((meaning for meaning, pattern in PATTERNS.items() if re.search(pattern, words)), None)


def sales_rank(name: str) -> int:
    """How well a name fits sales, 0 being best; UNFIT where it says nothing."""
    words = words_of(name)
    return next((i for i, pattern in enumerate(SALES) if re.search(pattern, words)), UNFIT)


def date_rank(name: str) -> int:
    """How well a name fits the date of a sale, 0 being best."""
    words = words_of(name)
    if re.search(OTHER_DATES, words):
        return len(DATES) + 1
    return next((i for i, pattern in enumerate(DATES) if re.search(pattern, words)), len(DATES))


def is_code(name: str) -> bool:
    """Whether the name is that of a number or key of something."""
    return bool(re.search(PATTERNS["code"], words_of(name)))
