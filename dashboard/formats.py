"""Numbers as text."""


def format_number(value: float | None, digits: int = 0) -> str:
    """12,345 with `digits` decimals, or a dash for None."""
    return "–" if value is None else f"{value:,.{digits}f}"


def format_percent(share: float | None, digits: int = 1, sign: str = "") -> str:
    """A share like 0.123 as "12.3 %", or a dash for None; sign "+" also marks positive values."""
    return "–" if share is None else f"{share * 100:{sign}.{digits}f} %"
