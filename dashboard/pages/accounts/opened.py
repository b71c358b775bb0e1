"""`opened(config)`: the database of accounts for a few questions, closed afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

from forecasting.config import Config
from forecasting.services.accounts.database import Accounts, open_accounts


@contextmanager
def opened(config: Config) -> Iterator[Accounts]:
    """The accounts of the job; raises UserError where they cannot be opened."""
    accounts = open_accounts(config)
    try:
        yield accounts
    finally:
        accounts.dispose()
