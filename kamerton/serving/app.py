"""The page as one ASGI application: its parts in one frame, behind the guard."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from kamerton.config.serving import Caps, ServeSettings
from kamerton.serving import browse, classify, runs_pages
from kamerton.serving.errors import handlers
from kamerton.serving.security import Gate, Guard
from kamerton.serving.site import Part, Site
from kamerton.version import PACKAGE

PARTS: tuple[Part, ...] = (classify.PART, browse.PART, runs_pages.PART)
"""In the order of the navigation."""

STATIC = PACKAGE / "serving" / "static"


def create_app(
    runs: str | Path, settings: ServeSettings | None = None, *, gate: Gate | None = None, caps: Caps | None = None
) -> Starlette:
    """Make the application for the runs below a folder; ``app.state`` holds its site and its gate."""
    settings = settings or ServeSettings()
    gate = gate or Gate.of(settings)
    site = Site(Path(runs), settings, caps or Caps(), PARTS)

    def start(request: Request) -> Response:
        return site.page(request, "start.html", runs=len(site.run_folders()), folder=site.root.name)

    routes: list[BaseRoute] = [Route("/", start), Mount("/static", StaticFiles(directory=STATIC), name="static")]
    for part in PARTS:
        routes += part.routes(site)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, gate=gate, site=site)],
        exception_handlers=handlers(site),
    )
    # A slash too many is no page; a redirection would lead where the request says.
    app.router.redirect_slashes = False
    app.state.site, app.state.gate = site, gate
    return app
