"""The database of accounts: what is stored of secrets, who may do what, and that access ends at once."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from forecasting.config import Config
from forecasting.errors import UserError
from forecasting.services.accounts import audit, keys, passwords, sign_ins, tables, users
from forecasting.services.accounts.database import ADDRESS, Accounts, open_accounts
from forecasting.services.accounts.identity import Identity, allows
from tests.servers import Postgres

PASSWORD = "correct horse battery"


def config_in(folder: Path) -> Config:
    base = {"name": "job", "source": {"path": "sales.csv"}, "freq": "1d", "h": 7}
    return Config.model_validate(base | {"store": {"root": str(folder / "lake")}})


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take no time: how strong they are is not tested here."""
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_in(tmp_path)


@pytest.fixture
def accounts(config: Config) -> Iterator[Accounts]:
    opened = open_accounts(config)
    yield opened
    opened.dispose()


def enter(accounts: Accounts, name: str, password: str = PASSWORD) -> str:
    user = users.check_password(accounts, name, password)
    assert user is not None
    return sign_ins.sign_in(accounts, user, 12)


def test_roles_include_those_below_them() -> None:
    roles = ("viewer", "planner", "admin")
    table = {(role, needed): allows(role, needed) for role in roles for needed in roles}
    assert [pair for pair, may in table.items() if may] == [
        ("viewer", "viewer"), ("planner", "viewer"), ("planner", "planner"),
        ("admin", "viewer"), ("admin", "planner"), ("admin", "admin"),
    ]  # fmt: skip
    assert not any(allows(role, "viewer") for role in ("nobody", "", "Admin", "root"))


def test_no_secret_is_in_the_database(accounts: Accounts, tmp_path: Path) -> None:
    users.add_user(accounts, "Anna", "admin", PASSWORD)
    key, token = keys.add_key(accounts, "export", "viewer"), enter(accounts, "anna")
    pending = sign_ins.put_pending(accounts, {"state": "x"})
    file = tmp_path / "lake-access.db"
    content = file.read_bytes()
    assert not [secret for secret in (PASSWORD, key, token, pending) if secret.encode() in content]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with sqlite3.connect(file) as database:
        (stored,) = database.execute("SELECT password FROM access_users").fetchone()
    assert stored.startswith("$argon2id$")
    assert PasswordHasher().verify(stored, PASSWORD)
    assert PasswordHasher().memory_cost >= 19 * 1024, "what OWASP asks for at least"


def test_signing_in_and_out(accounts: Accounts) -> None:
    users.add_user(accounts, "Anna", "planner", PASSWORD)
    assert users.check_password(accounts, "anna", PASSWORD + "x") is None
    assert users.check_password(accounts, "nobody", PASSWORD) is None
    first, second = enter(accounts, "ANNA"), enter(accounts, "anna")
    assert sign_ins.find_session(accounts, first) == Identity("anna", "planner", "session")
    sign_ins.sign_out(accounts, first)
    assert sign_ins.find_session(accounts, first) is None
    assert sign_ins.find_session(accounts, second)
    users.add_user(accounts, "root", "admin", PASSWORD)
    users.set_role(accounts, "anna", "viewer")
    assert sign_ins.find_session(accounts, second) == Identity("anna", "viewer", "session"), "at once"
    users.set_password(accounts, "anna", "another long password")
    assert sign_ins.find_session(accounts, second) is None
    assert users.check_password(accounts, "anna", PASSWORD) is None
    third = enter(accounts, "anna", "another long password")
    users.remove_user(accounts, "anna")
    assert sign_ins.find_session(accounts, third) is None


def test_a_session_ends_by_itself(accounts: Accounts) -> None:
    users.add_user(accounts, "anna", "viewer", PASSWORD)
    token = enter(accounts, "anna")
    with accounts.begin() as connection:
        connection.execute(update(tables.sessions).values(expires=tables.now() - timedelta(seconds=1)))
    assert sign_ins.find_session(accounts, token) is None
    enter(accounts, "anna")
    with accounts.connect() as connection:
        assert len(connection.execute(tables.sessions.select()).all()) == 1, "the old one is removed"


def test_keys(accounts: Accounts) -> None:
    key, short = keys.add_key(accounts, "export", "viewer"), keys.add_key(accounts, "trial", "planner", 1)
    assert keys.find_key(accounts, key) == Identity("key:export", "viewer", "key")
    assert keys.find_key(accounts, key[:-1]) is None
    assert keys.find_key(accounts, "") is None
    listed = keys.list_keys(accounts)
    assert listed["name"].to_list() == ["export", "trial"]
    assert listed.filter(pl.col("used").is_not_null())["name"].to_list() == ["export"]
    with accounts.begin() as connection:
        connection.execute(update(tables.keys).values(expires=tables.now()).where(tables.keys.c.name == "trial"))
    assert keys.find_key(accounts, short) is None
    keys.revoke_key(accounts, "export")
    assert keys.find_key(accounts, key) is None


def test_what_cannot_be_is_refused_in_a_sentence(accounts: Accounts) -> None:
    users.add_user(accounts, "anna", "admin", PASSWORD)
    keys.add_key(accounts, "export", "viewer")
    for attempt, sentence in (
        (lambda: users.add_user(accounts, "Anna", "viewer", PASSWORD), "there is a user anna already"),
        (lambda: users.add_user(accounts, "bo b", "viewer", PASSWORD), "cannot be the name of a user"),
        (lambda: users.add_user(accounts, "bob", "boss", PASSWORD), "there is no role 'boss'"),
        (lambda: users.add_user(accounts, "bob", "viewer", "short"), "has 5 characters: choose one of 12 or more"),
        (lambda: users.remove_user(accounts, "bob"), "there is no user 'bob'; there are: anna"),
        (lambda: users.remove_user(accounts, "anna"), "the only admin"),
        (lambda: users.set_role(accounts, "anna", "viewer"), "the only admin"),
        (lambda: keys.add_key(accounts, "Export", "viewer"), "there is a key export already"),
        (lambda: keys.add_key(accounts, "other", "viewer", 0), "cannot be valid for 0 days"),
        (lambda: keys.revoke_key(accounts, "other"), "there is no key 'other'"),
    ):
        with pytest.raises(UserError, match=sentence):
            attempt()
    assert users.count_users(accounts) == 1


def test_a_sign_in_elsewhere_comes_back_once(accounts: Accounts) -> None:
    token = sign_ins.put_pending(accounts, {"state": "abc"})
    assert sign_ins.take_pending(accounts, token) == {"state": "abc"}
    assert sign_ins.take_pending(accounts, token) is None
    late = sign_ins.put_pending(accounts, {"state": "abc"})
    with accounts.begin() as connection:
        connection.execute(update(tables.pending).values(expires=tables.now()))
    assert sign_ins.take_pending(accounts, late) is None


def test_the_audit_log_counts_what_failed_lately(accounts: Accounts) -> None:
    for who, address in (("anna", "1.1.1.1"), ("anna", "2.2.2.2"), ("bob", "1.1.1.1")):
        audit.note(accounts, audit.Entry("sign-in refused", who, address=address))
    audit.note(accounts, audit.Entry("write", "anna", "POST", "/x", "y" * 5000, 200, "1.1.1.1"))
    lately = timedelta(minutes=15)
    assert audit.refused_sign_ins(accounts, lately, who="anna") == 2
    assert audit.refused_sign_ins(accounts, lately, address="1.1.1.1") == 2
    assert audit.refused_sign_ins(accounts, lately, who="anna", address="1.1.1.1") == 1
    assert audit.refused_sign_ins(accounts, timedelta(0), who="anna") == 0
    newest = audit.read_audit(accounts, 1).row(0, named=True)
    assert (newest["event"], newest["who"], newest["status"], len(newest["object"])) == ("write", "anna", 200, 1000)


def test_the_place_of_the_database(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, f"sqlite:///{tmp_path}/other.db")
    open_accounts(config).dispose()
    assert (tmp_path / "other.db").is_file()
    monkeypatch.setenv(ADDRESS, "postgresql://me:geheim@127.0.0.1:1/none")
    with pytest.raises(UserError, match=f"{ADDRESS}: the database of accounts") as caught:
        open_accounts(config)
    assert "geheim" not in str(caught.value)
    monkeypatch.delenv(ADDRESS)
    remote = config.model_copy(update={"store": config.store.model_copy(update={"root": "s3://bucket/lake"})})
    with pytest.raises(UserError, match=f"name a database by the environment variable {ADDRESS}"):
        open_accounts(remote)


def test_accounts_of_a_newer_program_are_refused(config: Config, accounts: Accounts) -> None:
    with accounts.begin() as connection:
        connection.execute(update(tables.formats).values(format=tables.FORMAT + 1))
    with pytest.raises(UserError, match="a newer version of this program"):
        open_accounts(config)


@pytest.mark.system
def test_accounts_in_postgresql(config: Config, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS, postgres.url())
    accounts = open_accounts(config)
    users.add_user(accounts, "anna", "admin", PASSWORD)
    with pytest.raises(UserError, match="already"):
        users.add_user(accounts, "ANNA", "admin", PASSWORD)
    token, key = enter(accounts, "anna"), keys.add_key(accounts, "export", "viewer", 1)
    assert sign_ins.find_session(accounts, token)
    assert keys.find_key(accounts, key)
    audit.note(accounts, audit.Entry("write", "anna", object="x"))
    assert audit.read_audit(open_accounts(config))["object"].to_list() == ["x"]
    assert not os.path.exists(f"{config.store.root}-access.db")
    accounts.dispose()
