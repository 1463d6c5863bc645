"""The page without a network: a client that was let in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kamerton.config.serving import Caps, ServeSettings
from kamerton.serving.app import create_app
from kamerton.serving.site import Site

TOKEN = "a-token-of-tests"
ADDRESS = "http://127.0.0.1:8765"

Visit = Callable[..., TestClient]


def visitor(runs: Path, *, known: bool = True, caps: Caps | None = None, **settings: Any) -> TestClient:
    """A browser at the page of a folder of runs; unless it is ``known``, it has no secret."""
    app = create_app(runs, ServeSettings(**{"token": TOKEN, **settings}), caps=caps)
    client = TestClient(app, base_url=ADDRESS, raise_server_exceptions=False, follow_redirects=False)
    if known:
        client.cookies.set(app.state.gate.cookie, app.state.gate.session)
        client.headers["Origin"] = ADDRESS
    return client


def site_of(client: TestClient) -> Site:
    """The site that a client visits."""
    assert isinstance(client.app, Starlette)
    site: Site = client.app.state.site
    return site


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """At the page of a folder without runs."""
    return visitor(tmp_path)
