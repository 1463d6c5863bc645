"""Hostile requests, each one way to ask for what is not to be had: paths, hosts, origins, sizes, names, broken HTTP."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from starlette.routing import Route

from kamerton.serving.app import create_app
from tests.serving.asking import MULTIPART, form, part, png, request, upload
from tests.serving.bombs import bombs
from tests.serving.hostile_values import FIELDS, HOSTS, NAMES, ORIGINS, PATHS, QUERIES, STARTS, STEPS, TYPES, VALUES
from tests.serving.running import TOKEN, Running


def every_route() -> Iterator[tuple[str, str]]:
    """Give method and address of all that the page answers, also of parts that come later."""
    for route in create_app(Path()).routes:
        if isinstance(route, Route):
            yield from ((method, route.path) for method in sorted((route.methods or set()) - {"HEAD"}))


@dataclass
class Attacks:
    """All kinds of hostile requests; each call makes another one."""

    at: Running
    rng: random.Random
    bombs: dict[str, bytes] = field(default_factory=bombs)
    routes: list[tuple[str, str]] = field(default_factory=lambda: list(every_route()))

    def __iter__(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        kinds = [getattr(self, name) for name in dir(self) if name.startswith("by_")]
        while True:
            for kind in self.rng.sample(kinds, len(kinds)):
                yield kind.__name__, kind

    def pick(self, several: tuple[str, ...]) -> str:
        return self.rng.choice(several)

    def by_path(self) -> bytes:
        step = self.pick(STEPS) * self.rng.randint(1, 8)
        return self.at.raw(request(self.at, self.pick(STARTS) + step + self.pick(PATHS)))

    def by_host(self) -> bytes:
        return self.at.raw(request(self.at, Host=self.pick(HOSTS)))

    def by_origin(self) -> bytes:
        return self.at.raw(upload(self.at, ("a.png", png()), Origin=self.pick(ORIGINS)))

    def by_other_site(self) -> bytes:
        return self.at.raw(
            upload(self.at, ("a.png", png()), Sec_Fetch_Site=self.pick(("cross-site", "same-site", "x")))
        )

    def without_secret(self) -> bytes:
        return self.at.raw(request(self.at, self.pick(STARTS), known=False, Cookie="kamerton-0=x; " * 50))

    def by_secret(self) -> bytes:
        return self.at.raw(
            request(self.at, "/?token=" + self.pick(NAMES[:1]), known=False, X_Kamerton_Token="\xff\xfe")
        )

    def by_promised_size(self) -> bytes:
        size = self.pick(("99999999999", "-1", "1e9", "0x10", "104857601", "9" * 40))
        return self.at.raw(upload(self.at, ("a.png", png()), Content_Length=size))

    def by_parts(self) -> bytes:
        count = self.rng.choice((300, 3000, 100_000))
        body = part('name="run"', b"") * count
        return self.at.raw(request(self.at, "/classify", "POST", body, Content_Type=MULTIPART))

    def by_many_files(self) -> bytes:
        return self.at.raw(upload(self.at, *[("a.png", b"x")] * 1000))

    def by_bomb(self) -> bytes:
        name = self.rng.choice(list(self.bombs))
        return self.at.raw(upload(self.at, (name, self.bombs[name])))

    def by_several_bombs(self) -> bytes:
        names = self.rng.sample(list(self.bombs), 3)
        return self.at.raw(upload(self.at, *[(name, self.bombs[name]) for name in names]))

    def by_noise(self) -> bytes:
        heads = (
            b"",
            b"\xff\xd8\xff",
            b"\x89PNG\r\n\x1a\n",
            b"SIMPLE  =",
            b"GIF89a",
            b"II*\x00",
            b"RIFFxxxxWEBP",
            b"\x1f\x8b",
        )
        return self.at.raw(upload(self.at, ("a.png", self.rng.choice(heads) + self.rng.randbytes(3000))))

    def by_damage(self) -> bytes:
        whole = bytearray(png(seed=self.rng.randrange(99)))
        for _ in range(self.rng.randint(1, 40)):
            whole[self.rng.randrange(len(whole))] = self.rng.randrange(256)
        return self.at.raw(upload(self.at, ("a.png", bytes(whole))))

    def by_name(self) -> bytes:
        return self.at.raw(upload(self.at, (self.pick(NAMES), b"no picture")))

    def by_run(self) -> bytes:
        return self.at.raw(upload(self.at, ("a.png", png()), run=self.pick(NAMES)))

    def by_type(self) -> bytes:
        body = self.rng.choice((form(("a.png", png())), b'{"a": 1}', b"", b"\x00" * 999))
        return self.at.raw(request(self.at, "/classify", "POST", body, Content_Type=self.pick(TYPES)))

    def by_query(self) -> bytes:
        return self.at.raw(
            request(self.at, self.pick(("/", "/classify", "/classify/x/0/map.png")) + self.pick(QUERIES))
        )

    def by_number(self) -> bytes:
        row = self.pick(("-1", "99999999999999999999", "1.5", "x", "0x0", "%31", "٣"))
        return self.at.raw(
            request(self.at, f"/classify/x/{row}/{self.pick(('map.png', 'similar', 'picture.png', ''))}")
        )

    def by_route(self) -> bytes:
        """Ask every address of every part, with names, numbers and fields that mean no good."""
        method, template = self.rng.choice(self.routes)
        path = re.sub(r"{\w+:int}", lambda _: self.pick(("0", "7", "99999999999999999999")), template)
        path = re.sub(r"{\w+}", lambda _: quote(self.pick(VALUES), safe="", errors="replace"), path)
        fields = {self.pick(FIELDS): self.pick(VALUES) for _ in range(self.rng.randint(0, 6))}
        query, body = urlencode(fields, errors="replace"), b""
        if method == "POST":
            body, query = self.rng.choice((query.encode(), json.dumps(fields).encode(), b"[1", b"\xff\x00=%")), ""
        kind = self.pick(("application/x-www-form-urlencoded", "application/json", "text/plain", MULTIPART))
        return self.at.raw(request(self.at, f"{path}?{query}", method, body, Content_Type=kind))

    def by_method(self) -> bytes:
        method = self.pick(("TRACE", "CONNECT", "OPTIONS", "PATCH", "DELETE", "PROPFIND", "A" * 3000, "get"))
        return self.at.raw(request(self.at, self.pick(("/", "/classify", "*")), method))

    def by_cutting(self) -> bytes:
        whole = upload(self.at, ("a.png", png(256)))
        return self.at.raw(whole[: self.rng.randrange(10, len(whole))], half=True)

    def by_leaving(self) -> bytes:
        return self.at.raw(upload(self.at, ("a.png", png())), half=True)

    def by_broken_http(self) -> bytes:
        host = self.at.host.encode()
        known = b"X-Kamerton-Token: " + TOKEN.encode() + b"\r\n"
        return self.at.raw(
            self.rng.choice(
                (
                    b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nHost: evil.example\r\n" + known + b"\r\n",
                    b"GET / HTTP/1.1\r\n" + known + b"\r\n",
                    b"POST /classify HTTP/1.1\r\nHost: "
                    + host
                    + b"\r\n"
                    + known
                    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
                    b"POST /classify HTTP/1.1\r\nHost: "
                    + host
                    + b"\r\n"
                    + known
                    + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
                    b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
                    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n",
                    b"GET / HTTP/9.9\r\n\r\n",
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
                    b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n",
                    bytes(4000),
                )
            ),
            seconds=5,
        )


def by_oversize(at: Running) -> bytes:
    """Send more than is taken, without saying so before."""
    head = request(at, "/classify", "POST", b"", Content_Length="", Content_Type=MULTIPART, Transfer_Encoding="chunked")
    block = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
    start = form()[:-20] + part('name="files"; filename="a.png"', b"")
    return at.raw(head + f"{len(start):x}\r\n".encode() + start + b"\r\n" + block * 120)


def by_slowness(at: Running, seconds: float) -> bytes:
    """Stop in the middle of an upload."""
    return at.raw(upload(at, ("a.png", png(256))), pause=seconds)
