"""Signing in, keys, what other sites may not do, what is noted, and no server for others without accounts."""

import time
from datetime import UTC, datetime

import httpx
import pytest

from dashboard.access import policy, trail
from dashboard.access.entry.sessions import local_path
from dashboard.access.settings import Access, is_loopback, open_access
from dashboard.app import create_guarded, prepare
from demandcast.client import Client, ProblemError
from flows.cli import main
from forecasting.data.edits import parse_edit
from forecasting.errors import UserError
from forecasting.services.accounts import audit, keys, sign_ins, users
from forecasting.steps import actions
from forecasting.steps.lifecycle import champions
from forecasting.steps.session import open_session
from tests.dashboard import fake_store
from tests.dashboard.guarded import PASSWORD, House, open_house

CALLBACK = "/_dash-update-component"


@pytest.fixture(scope="module")
def house(serving, tmp_path_factory) -> House:
    return open_house(tmp_path_factory.mktemp("house"), serving, fake_store.fill)


@pytest.fixture
def clean(house: House) -> House:
    """The house without memories of sign-ins that failed."""
    with house.accounts.begin() as connection:
        connection.exec_driver_sql("DELETE FROM access_audit")
    return house


def noted(house: House, event: str) -> list[tuple]:
    rows = audit.read_audit(house.accounts).filter(event=event)
    return rows.select("who", "method", "route", "object", "status").rows()


def test_a_page_sends_who_is_not_signed_in_to_sign_in_and_back(clean):
    asked = httpx.get(f"{clean.address}/forecasts?show=total", headers={"Accept": "text/html"})
    assert (asked.status_code, asked.headers["location"]) == (303, "/sign-in?next=%2Fforecasts%3Fshow%3Dtotal")
    page = httpx.get(clean.address + asked.headers["location"])
    assert 'value="/forecasts?show=total"' in page.text
    form = {"name": " Planner ", "password": PASSWORD, "next": "/forecasts?show=total"}
    entered = httpx.post(f"{clean.address}/sign-in", data=form)
    assert (entered.status_code, entered.headers["location"]) == (303, "/forecasts?show=total")
    cookie = entered.headers["set-cookie"]
    assert cookie.startswith("demandcast-corner=")
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert noted(clean, "sign-in") == [("planner", "POST", "/sign-in", "", None)]


def test_the_client_asks_with_its_key(clean):
    with Client(clean.address, key=clean.keys["viewer"]) as client:
        assert client.status().config == clean.config.name
    with Client(clean.address, key="dck_none") as client, pytest.raises(ProblemError, match="401"):
        client.status()


@pytest.mark.parametrize(
    ("wanted", "path"),
    [("/drift?a=b", "/drift?a=b"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("https://evil.example", "/"),
     ("javascript:alert(1)", "/"), ("/a\r\nSet-Cookie: x=y", "/"), ("", "/"), ("/sign-out", "/")],
)  # fmt: skip
def test_one_comes_back_to_this_server_only(wanted, path):
    assert local_path(wanted) == path


def test_behind_https_the_cookie_is_for_https_only(clean, serving):
    settings = clean.config.access.model_copy(update={"public_url": "https://forecasts.example.com"})
    config = clean.config.model_copy(update={"access": settings})
    address = serving(create_guarded(config, Access(config, clean.accounts)).app)
    origin = {"Origin": "https://forecasts.example.com"}
    entered = httpx.post(f"{address}/sign-in", data={"name": "viewer", "password": PASSWORD}, headers=origin)
    cookie = entered.headers["set-cookie"]
    assert cookie.startswith("__Host-demandcast-corner=")
    assert "Secure" in cookie.split("; ")
    assert entered.headers["strict-transport-security"] == "max-age=31536000"
    foreign = httpx.post(
        f"{address}/sign-in", data={"name": "viewer", "password": PASSWORD}, headers={"Origin": address}
    )
    assert foreign.status_code == 403


def test_signing_out_makes_the_cookie_worthless(clean):
    with clean.signed_in("viewer") as browser:
        assert browser.get("/api/v1/status").status_code == 200
        token = dict(browser.cookies)
        assert browser.post("/sign-out").headers["location"] == "/sign-in"
    assert httpx.get(f"{clean.address}/api/v1/status", cookies=token).status_code == 401
    assert [row[0] for row in noted(clean, "sign-out")] == ["viewer"]


def test_access_ends_at_once(clean, monkeypatch):
    monkeypatch.setattr(trail, "EVERY", 0.0)
    users.add_user(clean.accounts, "leaver", "planner", PASSWORD)
    with clean.signed_in("leaver") as browser:
        assert browser.get("/_dash-layout").status_code == 200
        users.remove_user(clean.accounts, "leaver")
        assert browser.get("/_dash-layout").status_code == 401
    key = keys.add_key(clean.accounts, "short", "viewer")
    with httpx.Client(base_url=clean.address, headers={"Authorization": f"bearer {key}"}) as program:
        assert program.get("/metrics").status_code == 200
        keys.revoke_key(clean.accounts, "short")
        answer = program.get("/metrics")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert answer.json()["detail"] == "this key is not valid"
    for _ in range(100):  # an entry is written after the answer is sent
        if len(noted(clean, "refused")) == 2:
            break
        time.sleep(0.05)
    assert [row[:3] for row in noted(clean, "refused")] == [
        ("nobody", "GET", "/metrics"),
        ("nobody", "GET", "/_dash-layout"),
    ]
    monkeypatch.setattr(trail, "EVERY", 60.0)
    for _ in range(3):
        httpx.get(f"{clean.address}/metrics")
    assert len(noted(clean, "refused")) == 2, "nobody can fill the log"


@pytest.mark.parametrize("value", ["Basic dmlld2VyOng=", "Bearer", "Bearer x y", "Bearer dck_", "dck_x", ""])
def test_what_is_no_key_opens_nothing(house, value):
    assert httpx.get(f"{house.address}/api/v1/status", headers={"Authorization": value}).status_code == 401


def test_guessing_is_slowed_down(clean):
    form = {"name": "viewer", "password": "a wrong password"}
    tried = [httpx.post(f"{clean.address}/sign-in", data=form).status_code for _ in range(6)]
    assert tried == [401] * 5 + [429]
    right = httpx.post(f"{clean.address}/sign-in", data=form | {"password": PASSWORD})
    assert (right.status_code, right.headers["retry-after"]) == (429, "900"), "not even the right one"
    assert "set-cookie" not in right.headers
    clean.signed_in("planner").close()  # others are not locked out
    many = [httpx.post(f"{clean.address}/sign-in", data=form | {"name": f"user{n}"}).status_code for n in range(20)]
    assert many == [401] * 15 + [429] * 5
    assert len(noted(clean, "sign-in refused")) == 20


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", ""])
def test_another_site_cannot_write_with_the_cookie_of_a_user(clean, origin):
    with clean.signed_in("planner") as browser:
        browser.headers["Origin"] = origin
        for method, path in (
            ("POST", CALLBACK),
            ("POST", "/api/v1/scenarios"),
            ("DELETE", "/api/v1/scenarios/x"),
            ("POST", "/sign-out"),
            ("POST", "/sign-in"),
        ):
            assert browser.request(method, path).status_code == 403
        assert browser.get("/api/v1/status").status_code == 200, "reading is safe: no site sees the answer"


def test_a_cookie_without_a_word_from_where_is_not_enough(clean):
    with clean.signed_in("planner") as browser:
        del browser.headers["Origin"]
        assert browser.delete("/api/v1/scenarios/x?reason=a").status_code == 403
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 404)):
            asked = browser.delete("/api/v1/scenarios/x?reason=a", headers={"Sec-Fetch-Site": site})
            assert asked.status_code == status
    with clean.with_key("planner") as program:
        assert program.delete("/api/v1/scenarios/x?reason=a").status_code == 404


def test_bodies_have_a_size(house):
    def in_parts():
        yield b"x" * policy.JSON_LIMIT
        yield b"x"

    with house.with_key("planner") as asking:
        for content in (b"x" * (policy.JSON_LIMIT + 1), in_parts()):
            answer = asking.post(CALLBACK, content=content, headers={"Content-Type": "application/json"})
            assert answer.status_code == 413
            assert answer.json()["detail"] == "a request may have 2,000,000 bytes, and this has more"
    assert httpx.post(f"{house.address}/sign-in", content=b"x" * (policy.FORM_LIMIT + 1)).status_code == 413


def test_every_answer_is_hardened(house):
    with house.with_key("viewer") as asking:
        for path in ("/", "/assets/app.css", "/api/v1/status", "/sign-in", "/api/v1/nothing", "/health"):
            headers = asking.get(path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "SAMEORIGIN"
            policies = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
            assert policies["default-src"] == "'none'"
            scripts = policies.get("script-src", "")
            assert "unsafe" not in scripts
            assert "http" not in scripts
        report = asking.get(f"/reports/drift/{fake_store.LAST}").headers["content-security-policy"]
    assert "sandbox allow-scripts;" in report


def test_writes_and_refusals_are_noted_with_their_object(clean):
    day = fake_store.LAST
    edits = [parse_edit(f"price=2@{day}:{day}")]
    actions.save_scenario(open_session(clean.config, "ann", "planner"), "sale", "S1/tea", edits, "a test")
    with clean.with_key("viewer") as viewer, clean.with_key("planner") as planner:
        assert viewer.delete("/api/v1/scenarios/sale?reason=over").status_code == 403
        assert planner.delete("/api/v1/scenarios/sale?reason=over").status_code == 204
        assert planner.get("/api/v1/scenarios").json() == []
    route = "/api/v1/scenarios/{name}"
    assert noted(clean, "refused") == [("key:viewer", "DELETE", route, "/api/v1/scenarios/sale", 403)]
    assert noted(clean, "write") == [("key:planner", "DELETE", route, "/api/v1/scenarios/sale", 204)]
    entry = actions.action_log.read_actions(open_session(clean.config), "scenario").row(0, named=True)
    assert (entry["operation"], entry["author"]) == ("withdraw", "key:planner")
    newest = audit.read_audit(clean.accounts, 1)["time"][0]
    assert abs((datetime.now(UTC).replace(tzinfo=None) - newest).total_seconds()) < 60


def test_the_core_refuses_too(house):
    viewer, planner = (open_session(house.config, "ann", role) for role in ("viewer", "planner"))
    day = fake_store.LAST
    with pytest.raises(UserError, match="this needs the role planner, and ann is viewer"):
        actions.save_scenario(viewer, "sale", "S1/tea", [parse_edit(f"price=2@{day}:{day}")], "a test")
    with pytest.raises(UserError, match="this needs the role admin, and ann is planner"):
        champions.promote(planner, 1, "a test")


def test_without_accounts_only_this_machine_is_answered(bare, serving):
    address = serving(create_guarded(bare, open_access(bare)).app)
    assert httpx.get(f"{address}/api/v1/scenarios").status_code == 200
    assert httpx.delete(f"{address}/api/v1/scenarios/x?reason=a").status_code == 404
    for headers in ({"Host": "forecasts.example.com"}, {"Host": "127.0.0.1.evil.example"}, {"Host": ""}):
        assert httpx.get(f"{address}/api/v1/scenarios", headers=headers).status_code == 403
    foreign = httpx.delete(f"{address}/api/v1/scenarios/x?reason=a", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403
    assert httpx.get(f"{address}/sign-in").headers["location"] == "/"


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.0.0.2", True), ("0.0.0.0", False), ("::", False),
     ("", False), ("192.0.2.7", False), ("no such host", False)],
)  # fmt: skip
def test_loopback(host, only_here):
    assert is_loopback(host) is only_here


def test_no_server_for_others_without_accounts(tmp_path, capsys, monkeypatch):
    config = fake_store.config_in(tmp_path)
    with pytest.raises(UserError):
        prepare(config, "0.0.0.0", 0)
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path / "corner.yaml"), "--host", "0.0.0.0", "--port", "0"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(
        "demandcast: --host 0.0.0.0: other machines could open it, and nobody would have to sign in;"
    )
    assert said.count("\n") == 1
    assert not (tmp_path / "lake-access.db").exists()
    monkeypatch.setenv("DEMANDCAST_PASSWORD", PASSWORD)
    main(["users", "add", str(tmp_path / "corner.yaml"), "Anna", "--role", "admin"])
    assert prepare(config, "0.0.0.0", 0).config.host == "0.0.0.0"


def test_accounts_by_the_command_line(tmp_path, capsys, monkeypatch):
    config, file = fake_store.config_in(tmp_path), str(tmp_path / "corner.yaml")
    monkeypatch.setenv("DEMANDCAST_PASSWORD", PASSWORD)
    main(["users", "add", file, "Anna", "--role", "admin"])
    main(["users", "add", file, "bob", "--role", "viewer"])
    main(["users", "role", file, "bob", "planner"])
    main(["users", "list", file])
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()[-2:]] == [
        ["anna", "admin", "password"],
        ["bob", "planner", "password"],
    ]
    accounts = open_access(config).accounts
    user = users.check_password(accounts, "bob", PASSWORD)
    token = sign_ins.sign_in(accounts, user, 1)
    monkeypatch.setenv("DEMANDCAST_PASSWORD", "yet another password")
    main(["users", "password", file, "bob"])
    assert sign_ins.find_session(accounts, token) is None
    main(["users", "remove", file, "bob"])
    capsys.readouterr()
    main(["keys", "add", file, "export", "--role", "viewer", "--days", "7"])
    key = capsys.readouterr().out.strip()
    assert keys.find_key(accounts, key).name == "key:export"
    main(["keys", "list", file])
    shown = capsys.readouterr().out
    assert "export" in shown
    assert key not in shown
    main(["keys", "revoke", file, "export"])
    assert keys.find_key(accounts, key) is None
    audit.note(accounts, audit.Entry("sign-in", "anna"))
    main(["audit", file, "--out", str(tmp_path / "audit.csv")])
    assert "sign-in,anna" in (tmp_path / "audit.csv").read_text()
    monkeypatch.delenv("DEMANDCAST_PASSWORD")
    with pytest.raises(SystemExit):
        main(["users", "password", file, "anna"])
    assert "DEMANDCAST_PASSWORD" in capsys.readouterr().err
