"""The page without a network: a client that was let in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
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
from tests.browsing.conftest import catalogues, survey  # noqa: F401  # fixtures
from tests.conftest import write_toy_splits
from tests.serving.chromium import CHROMIUM, EVERY_PAIRING, FLAGS
from tests.serving.running import TOKEN, Running

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


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    """What drives the browser."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    """A browser of the tests of one file."""
    found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield found
    found.close()


@pytest.fixture(params=EVERY_PAIRING, ids=lambda pairing: f"{pairing[0]}-{pairing[1]}")
def page(request: pytest.FixtureRequest, browser: Any, served: Running) -> Iterator[Any]:
    """A page that was let in; whatever the browser complains of fails the test."""
    lang, width = request.param
    # Without motion a colour is at once what it is to be: a slow machine would show axe-core one in between.
    context = browser.new_context(viewport={"width": width, "height": 800}, locale=lang, reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{served.address}/?token={TOKEN}")
    page.lang = lang
    yield page
    assert complaints == []
    context.close()


@pytest.fixture
def night(catalogues: Path, tmp_path: Path) -> Path:  # noqa: F811
    """A folder with one catalogue of its own, a folder of shards."""
    shutil.copytree(catalogues / "night", tmp_path / "night")
    return tmp_path / "night"
