"""Work for the tests of engines, in a module of its own that workers can import."""

from forecasting.errors import UserError


def picky(n: int) -> int:
    if n == 3:
        raise KeyError("no such store")
    if n == 5:
        raise UserError("Column promo is missing: name it in the config.")
    return n
