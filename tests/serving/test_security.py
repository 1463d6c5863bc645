"""Who is let in, and from where."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kamerton.config.serving import ServeSettings
from kamerton.errors import UsageError
from kamerton.serving import security
from kamerton.serving.security import HEADERS, TOKEN_HEADER, Gate
from kamerton.serving.words import WORDS
from kamerton.version import PACKAGE
from tests.serving.conftest import ADDRESS, site_of, visitor
from tests.serving.running import TOKEN


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A browser without a secret, whose guesses cost no time."""
    monkeypatch.setattr(security, "WRONG_SECRET_SECONDS", 0)
    return visitor(tmp_path, known=False)


@pytest.mark.parametrize("address", ["/", "/classify", "/none", "/?token=wrong", "/?token="])
def test_nobody_is_let_in_without_the_secret(stranger: TestClient, address: str) -> None:
    answer = stranger.get(address)
    assert answer.status_code == 401
    assert WORDS["en"].frame.sign_in_title in answer.text


def test_the_token_of_the_address_becomes_a_cookie_and_leaves_it(stranger: TestClient) -> None:
    answer = stranger.get(f"/classify?lang=pl&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/classify?lang=pl")
    told = answer.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=strict" in told
    assert TOKEN not in told
    assert stranger.get("/classify").status_code == 200


def test_along_a_link_from_elsewhere_the_page_itself_leads_on(stranger: TestClient) -> None:
    """With a redirection a browser would bring no cookie that is for this page alone."""
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = stranger.get(f"/classify?lang=pl&token={TOKEN}", headers=link)
    assert (answer.status_code, answer.headers["refresh"]) == (200, "0; url=/classify?lang=pl")
    assert "set-cookie" in answer.headers
    assert TOKEN not in answer.text


def test_a_token_in_an_address_leads_to_no_other_machine(stranger: TestClient) -> None:
    answer = stranger.get(f"{ADDRESS}//evil.example/?token={TOKEN}")
    assert answer.headers["location"].startswith("/evil")


@pytest.mark.parametrize(("secret", "status"), [(TOKEN, 303), ("the-password", 303), ("guess", 401), ("", 401)])
def test_the_locked_page_takes_token_or_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, status: int
) -> None:
    monkeypatch.setattr(security, "WRONG_SECRET_SECONDS", 0)
    stranger = visitor(tmp_path, known=False, password="the-password")
    assert stranger.post("/login", data={"secret": secret}, headers={"Origin": ADDRESS}).status_code == status


@pytest.mark.parametrize("door", ["address", "header", "form"])
def test_a_wrong_secret_costs_its_time_by_every_door(
    stranger: TestClient, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr(security, "WRONG_SECRET_SECONDS", 0.2)
    begin = time.monotonic()
    if door == "address":
        answer = stranger.get("/?token=wrong-word")
    elif door == "header":
        answer = stranger.get("/", headers={TOKEN_HEADER: "wrong-word"})
    else:
        answer = stranger.post("/login", data={"secret": "wrong-word"}, headers={"Origin": ADDRESS})
    assert answer.status_code == 401
    assert time.monotonic() - begin >= 0.2


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost", "LOCALHOST:1", "[::1]:8765", "[::1]", "127.0.0.2"])
def test_the_machine_itself_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host, "Origin": f"http://{host}"}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.7", "[fe80::1]", "", "::1"),
        *(
            "localhost:x",
            "localhost@evil.example",
            "localhost/evil",
            "[::1",
            "127.0.0.1:8765, evil.example",
            "2130706433",
        ),
    ],
)
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host, "Origin": f"http://{host}"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "file://127.0.0.1:8765"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    ],
)
def test_another_page_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/", headers=headers).status_code == 403


def test_a_link_from_another_page_may_be_followed(client: TestClient) -> None:
    del client.headers["Origin"]
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    assert client.post("/", headers=link).status_code == 403


def test_what_changes_something_needs_an_origin_or_the_header(client: TestClient, stranger: TestClient) -> None:
    del client.headers["Origin"]
    assert client.post("/none").status_code == 403
    assert client.post("/none", headers={"Origin": ADDRESS}).status_code == 404
    assert stranger.post("/none", headers={TOKEN_HEADER: TOKEN}).status_code == 404
    assert stranger.post("/none", headers={TOKEN_HEADER: "wrong", "Origin": ADDRESS}).status_code == 401


@pytest.mark.parametrize("address", ["/", "/none", "/static/site.css", "/static/none"])
def test_every_answer_has_the_headers(client: TestClient, address: str) -> None:
    headers = client.get(address).headers
    assert {name for name in HEADERS if name not in headers} == set()
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_no_template_needs_what_the_policy_forbids() -> None:
    for path in Path(PACKAGE, "serving", "templates").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not {
            word
            for word in (" style=", " onclick=", "<style", "javascript:", "|safe", "http:", "https:")
            if word in text
        }, path
        assert text.count("<script") == text.count('<script type="module" src="/static/'), path


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd"]
)
def test_static_files_are_those_of_their_folder(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "galaxies.example"])
def test_an_address_that_others_reach_needs_a_secret_of_ones_own(host: str) -> None:
    with pytest.raises(UsageError, match="--password or --token"):
        Gate.of(ServeSettings(host=host))
    assert not Gate.of(ServeSettings(host=host, password="long enough")).is_local


def test_a_failure_is_said_without_its_traceback(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the inner secret")

    monkeypatch.setattr(site_of(client), "run_folders", fail)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "RuntimeError" in capsys.readouterr().err
