"""The frame around the parts: start page, navigation, languages, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from kamerton.serving.app import PARTS
from kamerton.serving.words import WORDS
from tests.serving.conftest import site_of, visitor


def test_the_start_leads_to_every_part(client: TestClient) -> None:
    page = client.get("/").text
    for part in PARTS:
        assert f'href="{part.home}"' in page
        assert client.get(part.home).status_code == 200


def test_a_folder_without_runs_says_what_to_do(client: TestClient) -> None:
    assert "kamerton demo" in client.get("/").text


@pytest.mark.parametrize(
    ("address", "headers", "lang"),
    [
        ("/", {}, "en"),
        ("/", {"Accept-Language": "de, pl-PL;q=0.9, en;q=0.8"}, "pl"),
        ("/?lang=en", {"Accept-Language": "pl"}, "en"),
        ("/?lang=xx", {"Accept-Language": "fr"}, "en"),
    ],
)
def test_the_language_is_what_the_address_or_the_browser_asks_for(
    client: TestClient, address: str, headers: dict[str, str], lang: str
) -> None:
    page = client.get(address, headers=headers).text
    assert f'<html lang="{lang}"' in page
    assert WORDS[lang].frame.start_title in page


def test_a_chosen_language_is_remembered(client: TestClient) -> None:
    client.get("/?lang=pl")
    assert '<html lang="pl"' in client.get("/").text


@pytest.mark.parametrize(("cookie", "shown"), [("dark", 'data-theme="dark"'), ('"><b>', "<html lang")])
def test_light_or_dark_is_remembered_and_nothing_else(client: TestClient, cookie: str, shown: str) -> None:
    page = client.get("/", headers={"Cookie": f"kamerton-theme={cookie}; {_cookie(client)}"}).text
    assert shown in page
    assert "<b>" not in page


def _cookie(client: TestClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def test_an_unknown_address_is_said_on_a_page_or_in_json(client: TestClient) -> None:
    page = client.get("/none")
    assert page.status_code == 404
    assert WORDS["en"].frame.not_found in page.text
    assert client.get("/none", headers={"Accept": "application/json"}).json() == {"error": WORDS["en"].frame.not_found}


def test_runs_are_found_at_any_of_three_depths_and_named_by_their_paths(tmp_path: Path) -> None:
    for place in ("a", "sweep/b", "x/y/c", "x/y/z/too-deep"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "run.json").touch()
    assert list(site_of(visitor(tmp_path)).run_folders()) == ["a", "sweep/b", "x/y/c"]
