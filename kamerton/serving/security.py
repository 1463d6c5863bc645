"""Who may ask the page, and from where: before anything else sees a request.

A page that listens on this machine can be reached by every other page that a browser shows, and by every user of the
machine. So a request needs a secret (the token in the printed address, which becomes a cookie, or the password), a
Host that is this page's own, which a rebound name of somebody else's is not, and an Origin that is the same.
"""

from __future__ import annotations

import asyncio
import hmac
import html
import ipaddress
import secrets
import socket
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kamerton.config.serving import ServeSettings
from kamerton.errors import UsageError, heard, warn_again
from kamerton.serving.errors import error_response
from kamerton.serving.site import Site
from kamerton.serving.uploads import receive_form
from kamerton.version import PACKAGE

TOKEN_HEADER = "X-Kamerton-Token"
SAFE_METHODS = {"GET", "HEAD"}
METHODS = {*SAFE_METHODS, "POST", "PUT", "DELETE"}
LOGIN = "/login"
OPEN_PATHS = ("/static/",)
"""What holds nothing of anybody: style, scripts, the icon."""

WRONG_SECRET_SECONDS = 1.0
"""A guess costs so long, one guess after another."""

MAX_LOGIN_BYTES = 4096

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Of every answer, unless a route has set its own."""


@dataclass(frozen=True)
class Gate:
    """Who is let in."""

    token: str
    password: str | None
    names: frozenset[str]
    """Names of this machine by which the page may be asked for; addresses in numbers always may."""
    is_local: bool
    """Whether only this machine can ask."""
    cookie: str
    """Name of the cookie: browsers know no ports, and two pages must not lock each other out."""
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    """What the cookie holds; another one for each server."""

    @classmethod
    def of(cls, settings: ServeSettings) -> Gate:
        """Make the gate of a server; UsageError for an address that others reach, without a secret of its own."""
        is_local = settings.is_local
        if not is_local and settings.password is None and settings.token is None:
            raise UsageError(
                "Others reach this address, so the page needs a secret that you choose",
                received=f"--host {settings.host}",
                next_step="add --password or --token, or leave --host out",
            )
        names = {"localhost", settings.host.lower()}
        if not is_local:
            names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        token = settings.token or secrets.token_urlsafe(24)
        return cls(token, settings.password, frozenset(names), is_local, f"kamerton-{settings.port}")

    def allows_host(self, host: str) -> bool:
        """Whether a Host header names this machine: ``name``, ``name:port``, ``[address]:port``.

        A page of somebody else's that has its name point here (DNS rebinding) still asks by that name.
        """
        name = host_name(host)
        if name is None:
            return False
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self.names
        return address.is_loopback or not self.is_local

    def knows(self, secret: str) -> bool:
        """Whether it is the token or the password."""
        known = [self.token] if self.password is None else [self.token, self.password]
        return sum(_same(secret, one) for one in known) > 0

    def knows_cookie(self, value: str) -> bool:
        """Whether a browser was let in before."""
        return _same(value, self.session)


def _same(first: str, second: str) -> bool:
    return hmac.compare_digest(first.encode("utf-8", "surrogatepass"), second.encode("utf-8", "surrogatepass"))


def host_name(host: str) -> str | None:
    """Give the name or the address of a Host header, without port and brackets; None where it is not well formed."""
    if not host or not host.isascii() or set(host) & set("/?#@\\ \t,%"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    name = parts.hostname
    if not name or (":" in name) != host.startswith("["):
        return None
    return name.rstrip(".")


class Guard:
    """Lets a request through to the application, or answers it; nothing of a failure goes out but a sentence."""

    def __init__(self, app: ASGIApp, gate: Gate, site: Site) -> None:
        self.app, self.gate, self.site = app, gate, site
        self._guesses = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        with heard() as lines:
            await self._answered(scope, receive, send)
        # What no page has shown is for the terminal.
        for line in lines:
            warn_again(line)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _add_headers(message, is_open=scope["path"].startswith(OPEN_PATHS))
            await send(message)

        request = Request(scope, receive)
        try:
            refused = await self._answer(request)
            await (refused or self.app)(scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001  # a visitor is told nothing of it, and the next request is answered
            print(f"kamerton: {_where(error)}", file=sys.stderr)
            if not has_begun:
                text = self.site.words(request).frame.defect
                await error_response(self.site, request, 500, text)(scope, receive, send_with_headers)

    async def _answer(self, request: Request) -> Response | None:
        """Give the answer to a request that does not reach the application."""
        words = self.site.words(request).frame
        hosts = request.headers.getlist("host")
        if len(hosts) != 1 or not self.gate.allows_host(hosts[0]):
            return error_response(self.site, request, 403, words.refused_host)
        if request.method not in METHODS:
            return error_response(self.site, request, 405, words.not_allowed)
        if _is_foreign(request.headers, request.method):
            return error_response(self.site, request, 403, words.refused_origin)
        if request.url.path.startswith(OPEN_PATHS) and request.method in SAFE_METHODS:
            return None
        if request.url.path == LOGIN and request.method == "POST":
            return await self._login(request)
        return await self._without_secret(request)

    async def _without_secret(self, request: Request) -> Response | None:
        """Turn away who brings no secret; the token of an address becomes a cookie, and leaves the address."""
        given = request.headers.get(TOKEN_HEADER, "")
        if self.gate.knows(given):
            return None
        if self.gate.knows_cookie(request.cookies.get(self.gate.cookie, "")):
            if request.method in SAFE_METHODS or "origin" in request.headers:
                return self._without_token(request) if "token" in request.query_params else None
            return error_response(self.site, request, 403, self.site.words(request).frame.refused_origin)
        asked = request.query_params.get("token", "") if request.method in SAFE_METHODS else ""
        if self.gate.knows(asked):
            return self._let_in(self._without_token(request))
        if given or asked:
            await self._guessed()
        return self._locked(request)

    async def _guessed(self) -> None:
        """Let a wrong secret cost its time, by whatever door it came."""
        async with self._guesses:
            await asyncio.sleep(WRONG_SECRET_SECONDS)

    def _locked(self, request: Request, *, wrong: bool = False) -> Response:
        if "application/json" in request.headers.get("accept", ""):
            return error_response(self.site, request, 401, self.site.words(request).frame.sign_in)
        return self.site.page(request, "login.html", 401, wrong=wrong, login=LOGIN)

    def _without_token(self, request: Request) -> Response:
        """Send a browser to the same address without the token, so that no history and no screenshot shows it."""
        left = [(name, value) for name, value in parse_qsl(request.url.query) if name != "token"]
        # Two slashes would begin the name of another machine.
        path = "/" + quote(request.url.path.lstrip("/"))
        target = f"{path}?{urlencode(left)}" if left else path
        if request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}:
            return RedirectResponse(target, 303)
        # Along a link from elsewhere a browser sends no cookie that is for this page alone; from here it does.
        return HTMLResponse(f'<a href="{html.escape(target)}">Kamerton</a>', headers={"Refresh": f"0; url={target}"})

    def _let_in(self, response: Response) -> Response:
        response.set_cookie(self.gate.cookie, self.gate.session, httponly=True, samesite="strict", path="/")
        return response

    async def _login(self, request: Request) -> Response:
        """Take the token or the password from the form of the locked page; guesses come one after another."""
        try:
            fields = await receive_form(request, replace(self.site.caps, form_bytes=MAX_LOGIN_BYTES))
        except HTTPException as error:
            return error_response(self.site, request, error.status_code, self.site.words(request).frame.too_large)
        secret = fields.get("secret", "")
        if self.gate.knows(secret):
            return self._let_in(RedirectResponse("/", 303))
        await self._guessed()
        return self._locked(request, wrong=True)


def _is_foreign(headers: Headers, method: str) -> bool:
    """Whether a browser says that another page asks; a link that somebody follows from there is none such."""
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and not _is_same_origin(origin, host):
        return True
    if headers.get("sec-fetch-site", "none") in {"same-origin", "none"}:
        return False
    is_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return not (is_link and method == "GET")


def _is_same_origin(origin: str, host: str) -> bool:
    """Whether an Origin is the page's own, also behind a proxy that speaks HTTPS."""
    with suppress(ValueError):
        parts = urlsplit(origin)
        return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()
    return False


def _add_headers(message: MutableMapping[str, Any], *, is_open: bool) -> None:
    headers = MutableHeaders(scope=message)
    if is_open:
        # Asked for anew, but sent only where it is another.
        headers.setdefault("Cache-Control", "no-cache")
    for name, value in HEADERS.items():
        headers.setdefault(name, value)


def _where(error: Exception) -> str:
    """Say in one line where Kamerton failed, as every command does."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(str(PACKAGE)):
            place = f" at kamerton{file.removeprefix(str(PACKAGE))}:{trace.tb_lineno}"
        trace = trace.tb_next
    return " ".join(f"a defect of Kamerton: {type(error).__name__}{place}: {error}".split())[:500]
