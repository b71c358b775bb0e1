"""Names of months and weekdays in seven languages, and the words for a week and a quarter, in lower case.

MONTHS maps each name and abbreviation of a month to its number; WEEKDAYS is a regular expression of the names of
weekdays; WEEK and QUARTER are those of the words that stand before a number of a week or a quarter.
"""

from __future__ import annotations

_MONTHS = (
    "january jan januar jän jänner janvier janv enero ene gennaio gen januari janeiro",
    "february feb februar feber février fevrier févr fevr fév febrero febbraio februari fevereiro fev",
    "march mar märz mär mrz maerz mars marzo maart mrt março marco",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag mei maio",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août aout agosto ago augustus",
    "september sept sep septembre septiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre déc diciembre dic dicembre dezembro",
)
MONTHS: dict[str, int] = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}
"""Name or abbreviation of a month in English, German, French, Spanish, Italian, Dutch or Portuguese -> its number."""

_WEEKDAYS = (
    "monday mon montag mo lundi lun lunes lunedì lunedi maandag ma segunda-feira segunda seg",
    "tuesday tues tue dienstag di mardi mar martes martedì martedi dinsdag terça-feira terca-feira terça ter",
    "wednesday wed mittwoch mi mercredi mer miércoles miercoles mié mie mercoledì mercoledi woensdag wo quarta-feira",
    "thursday thurs thur thu donnerstag do jeudi jeu jueves jue giovedì giovedi gio donderdag quinta-feira quinta qui",
    "friday fri freitag fr vendredi ven viernes vie venerdì venerdi vrijdag vr sexta-feira sexta sex",
    "saturday sat samstag sonnabend sa samedi sam sábado sabado sáb sab sabato zaterdag za",
    "sunday sun sonntag so dimanche dim domingo dom domenica zondag zo",
)
WEEKDAYS = "|".join(sorted({name for names in _WEEKDAYS for name in names.split()}, key=len, reverse=True))

WEEK = "(?:week|wk|woche|kw|cw|semaine|semana|settimana|sem|w|s)"
QUARTER = "(?:quarter|qtr|quartal|trimestre|trim|kwartaal|q|t|k)"
FILLERS = "de|del|di|of|the|le|den|der"
"""Words between the parts of a date that say nothing."""
