"""The part that classifies pictures, cutouts and small cubes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kamerton.serving.site import Part, Site


def routes(site: Site) -> list[BaseRoute]:
    """Give the part's addresses."""

    def home(request: Request) -> Response:
        return site.page(request, "classify.html", runs=list(site.run_folders()))

    return [Route("/classify", home)]


PART = Part("classify", "/classify", routes)
