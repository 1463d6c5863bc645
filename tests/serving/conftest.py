"""The page without a network: a client that was let in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from kamerton.config.serving import Caps, ServeSettings
from kamerton.evaluation.evaluate import evaluate
from kamerton.runs.folder import Run
from kamerton.serving.app import create_app
from kamerton.serving.site import Site
from tests.conftest import write_toy_splits

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


@pytest.fixture(scope="session")
def tested_run(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy run with results on the test cube beside it; do not change it."""
    folder = tmp_path_factory.mktemp("tested")
    shutil.copytree(toy_run.path, folder / "run")
    write_toy_splits(folder / "data")
    evaluate(folder / "run", folder / "data/test.fits")
    return folder / "run"
