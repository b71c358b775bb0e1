"""A dashboard with accounts on a real server, and clients for everybody who might ask: nobody, and one of each role."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from argon2 import PasswordHasher

from dashboard.access.settings import open_access
from dashboard.app import Guarded, create_guarded
from forecasting.config import Config
from forecasting.services.accounts import keys, passwords, users
from forecasting.services.accounts.database import Accounts, open_accounts
from forecasting.services.accounts.identity import ROLES
from tests.dashboard import fake_store

PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Hashes that take no time: how strong they are is not tested with it."""


@dataclass(frozen=True)
class House:
    """The dashboard, its address and accounts, a user of each role called like it, and a key of each role."""

    config: Config
    guarded: Guarded
    address: str
    accounts: Accounts
    keys: dict[str, str]

    def with_key(self, role: str) -> httpx.Client:
        """A client with the key of a role; without any for "nobody"."""
        header = {"Authorization": f"Bearer {self.keys[role]}"} if role in self.keys else {}
        anew = httpx.Limits(max_keepalive_connections=0)  # a server closes the connection after an answer of 500
        return httpx.Client(base_url=self.address, headers=header, timeout=60, limits=anew)

    def signed_in(self, name: str, password: str = PASSWORD) -> httpx.Client:
        """A client as a browser is it after signing in: with a cookie, and saying from where it asks."""
        origin = {"Origin": self.address}
        answer = httpx.post(f"{self.address}/sign-in", data={"name": name, "password": password}, headers=origin)
        assert answer.status_code == 303, answer.text
        return httpx.Client(base_url=self.address, headers=origin, cookies=answer.cookies, timeout=60)


def open_house(folder: Path, serving: Callable, fill: Callable[[Config], object] | None = None) -> House:
    """A job without models in `folder`, its accounts, and its dashboard on a server."""
    config = fake_store.config_in(folder)
    if fill:
        fill(config)
    passwords.HASHER = CHEAP
    accounts = open_accounts(config)
    for role in ROLES:
        users.add_user(accounts, role, role, PASSWORD)
    made = {role: keys.add_key(accounts, role, role) for role in ROLES}
    guarded = create_guarded(config, open_access(config))
    return House(config, guarded, serving(guarded.app), accounts, made)
