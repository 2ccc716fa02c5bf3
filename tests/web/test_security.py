"""What stands between the network and the pages."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from kaon.artifacts.web import create_app

HERE = "http://127.0.0.1:8080"


@pytest.fixture
def client() -> Iterator[TestClient]:
    with TestClient(create_app("memory://"), base_url=HERE, follow_redirects=False) as made:
        yield made


@pytest.fixture
def guarded() -> Iterator[TestClient]:
    app = create_app("memory://", token="a long token", hosts={"kaon.example"})
    with TestClient(app, base_url="http://kaon.example", follow_redirects=False) as made:
        yield made


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "10.0.0.7"])
def test_a_foreign_host_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/login", headers={"Host": host})

    assert answer.status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9000", "[::1]:80"])
def test_the_loopback_has_three_names(client: TestClient, host: str) -> None:
    assert client.get("/login", headers={"Host": host}).status_code == 200


def test_a_change_without_its_token_is_refused(client: TestClient) -> None:
    client.get("/login")  # which gives the cookie

    assert client.post("/login", data={"to": "/"}).status_code == 403
    assert client.post("/login", data={"to": "/", "csrf_token": "0" * 64}).status_code == 403


def test_a_change_with_its_token_is_let_through(client: TestClient) -> None:
    token = client.get("/login").text.partition('name="csrf_token" value="')[2].partition('"')[0]

    assert client.post("/login", data={"to": "/runs", "csrf_token": token}).headers["location"] == "/runs"


def test_the_token_of_another_browser_does_not_serve(client: TestClient) -> None:
    token = client.get("/login").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    client.cookies.clear()
    client.get("/login")

    assert client.post("/login", data={"csrf_token": token}).status_code == 403


def test_a_change_asked_for_from_elsewhere_is_refused_with_its_token_too(client: TestClient) -> None:
    token = client.get("/login").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    answer = client.post("/login", data={"csrf_token": token}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/login", "/static/kaon.css", "/nothing"])
def test_every_answer_says_what_it_may_load(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


def test_no_page_is_shown_without_the_token(guarded: TestClient) -> None:
    browser = guarded.get("/runs?state=failed", headers={"Accept": "text/html"})
    program = guarded.get("/runs")

    assert browser.headers["location"] == "/login?to=%2Fruns%3Fstate%3Dfailed"
    assert program.status_code == 401


def test_the_token_is_given_once(guarded: TestClient) -> None:
    shown = guarded.get("/login?to=/nothing").text
    form = {"csrf_token": shown.partition('name="csrf_token" value="')[2].partition('"')[0], "to": "/nothing"}

    assert guarded.post("/login", data={**form, "token": "a wrong token"}).status_code == 403
    answer = guarded.post("/login", data={**form, "token": "a long token"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/nothing")
    assert "a long token" not in answer.headers["set-cookie"]
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=strict" in answer.headers["set-cookie"]
    assert guarded.get("/nothing").status_code == 404  # let in, and told that there is no such page


def test_the_token_may_stand_in_the_first_address(guarded: TestClient) -> None:
    answer = guarded.get("/runs?state=failed&token=a+long+token")

    assert answer.headers["location"] == "/runs?state=failed"
    assert guarded.get("/nothing").status_code == 404


def test_programs_give_the_token_as_bearer(guarded: TestClient) -> None:
    assert guarded.get("/nothing", headers={"Authorization": "Bearer a long token"}).status_code == 404
    assert guarded.get("/nothing", headers={"Authorization": "Bearer x"}).status_code == 401


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_nobody_is_sent_elsewhere_after_the_login(client: TestClient, to: str) -> None:
    shown = client.get("/login", params={"to": to}).text
    token = shown.partition('name="csrf_token" value="')[2].partition('"')[0]

    assert client.post("/login", data={"to": to, "csrf_token": token}).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py"])
def test_static_files_are_only_those_of_their_folder(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
