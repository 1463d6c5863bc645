"""How the page says that something is wrong: a page for a person, JSON for a script, one line in both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from kamerton.errors import KamertonError
from kamerton.serving.queue import BusyError
from kamerton.serving.site import Site

OF_STATUS = {
    400: "not_this",
    404: "not_found",
    405: "not_allowed",
    408: "slow",
    413: "too_large",
    415: "not_this",
}
"""The words of a status; nothing that a library says goes out."""


def handlers(site: Site) -> dict[Any, Any]:
    """Give what answers each kind of error, in place of Starlette's own texts."""

    def of_http(request: Request, error: HTTPException) -> Response:
        text = getattr(site.words(request).frame, OF_STATUS.get(error.status_code, "refused"))
        return error_response(site, request, error.status_code, text, error.headers)

    def of_kamerton(request: Request, error: KamertonError) -> Response:
        return error_response(site, request, 400, site.said(error))

    def of_busy(request: Request, error: BusyError) -> Response:
        text = site.words(request).frame.busy.format(seconds=error.retry_seconds)
        return error_response(site, request, 503, text, {"Retry-After": str(error.retry_seconds)})

    return {HTTPException: of_http, KamertonError: of_kamerton, BusyError: of_busy}


def error_response(
    site: Site, request: Request, status_code: int, text: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Say an error: ``{"error": text}`` for a script that asks for JSON, a page for anybody else."""
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"error": text}, status_code, headers)
    response = site.page(request, "error.html", status_code, text=text)
    response.headers.update(headers or {})
    return response
