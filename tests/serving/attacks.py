"""Hostile requests against a server: ``python -m tests.serving.attacks [--runs RUNS] [--requests N] [--seed S]``.

Each is one way to ask for what is not to be had: paths, hosts, origins, sizes, bombs, names, types, broken HTTP. None
may be answered with a file, a traceback or a path of this machine, leave anything behind, or keep an honest request
from its answer.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import re
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np
from PIL import Image
from starlette.routing import Route

from kamerton.serving.app import create_app
from kamerton.training.train import train
from tests.conftest import write_toy_splits
from tests.serving.running import TOKEN, Running, running

BOUNDARY = "kamertonboundary"
LEAKS = re.compile(rb"Traceback|File \"|/tmp/|/home/|/root/|root:x:|site-packages|kamerton-page-|\.py\b")
"""What no answer may hold."""

GROWTH_MB = 60
"""Of a server's memory, beside answers that it may keep."""

HONEST_EVERY = 25
"""Hostile requests between two honest ones."""


def request(
    running_at: Running,
    path: str = "/classify",
    method: str = "GET",
    body: bytes = b"",
    *,
    known: bool = True,
    **headers: str,
) -> bytes:
    """Write a request; headers replace the usual ones, and an empty one is left out."""
    usual = {"Host": running_at.host, "Connection": "close", "Accept": "application/json"}
    if known:
        usual["X-Kamerton-Token"] = TOKEN
    if body or method == "POST":
        usual["Content-Length"] = str(len(body))
    given = usual | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


def form(*parts: tuple[str, bytes], run: str = "") -> bytes:
    """Write a form of files, each with a name, and the name of a run."""
    body = _part('name="run"', run.encode())
    for name, content in parts:
        body += _part(f'name="files"; filename="{name}"', content)
    return body + f"--{BOUNDARY}--\r\n".encode()


def _part(disposition: str, content: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + content + b"\r\n"


MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def upload(at: Running, *parts: tuple[str, bytes], run: str = "", **headers: str) -> bytes:
    """Write a request with files."""
    body = form(*parts, run=run)
    content_type = headers.pop("Content_Type", MULTIPART)
    return request(at, "/classify", "POST", body, known=True, Content_Type=content_type, **headers)


def png(side: int = 32, seed: int = 0) -> bytes:
    """A small picture that is none of a galaxy, but sound."""
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _card(text: str) -> bytes:
    return text.ljust(80).encode()


def fits_of(*cards: str, blocks: int = 0) -> bytes:
    """A FITS header that may promise anything."""
    head = b"".join(map(_card, (*cards, "END")))
    return head.ljust(-(-len(head) // 2880) * 2880) + bytes(2880 * blocks)


PRIMARY = ("SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    0")
EXTENSION = (
    "XTENSION= 'IMAGE   '",
    "BITPIX  =                    8",
    "NAXIS   =                    0",
    "PCOUNT  =                    0",
    "GCOUNT  =                    1",
)


def _png_of(width: int, height: int) -> bytes:
    """A PNG of so many pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    text = b"a\0\0" + zlib.compress(bytes(1 << 26), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"zTXt", text) + chunk(b"IDAT", zlib.compress(bytes(99)))


def bombs() -> dict[str, bytes]:
    """Small files that promise, or unpack to, enormous ones."""
    axes = [f"NAXIS{axis}  =           {10**9:>10}" for axis in (1, 2, 3)]
    frames = io.BytesIO()
    first, *others = [Image.new("L", (64, 64), shade) for shade in range(60)]
    first.save(frames, "GIF", save_all=True, append_images=others)
    return {
        "wide.png": _png_of(60000, 60000),
        "text.png": _png_of(8, 8),
        # Members one after another are one file.
        "zeros.fits.gz": gzip.compress(fits_of(*PRIMARY)) + gzip.compress(bytes(1 << 26)) * 16,
        "nested.gz": gzip.compress(gzip.compress(bytes(1 << 26))),
        "promise.fits": fits_of(PRIMARY[0], PRIMARY[1], "NAXIS   =                    3", *axes),
        "negative.fits": fits_of(*PRIMARY[:2], "NAXIS   =                    1", "NAXIS1  =         -99999999"),
        "hdus.fits": fits_of(*PRIMARY) + fits_of(*EXTENSION) * 900,
        "cards.fits": fits_of(*PRIMARY, *["COMMENT " + "x" * 70] * 50_000),
        "frames.gif": frames.getvalue(),
        "scans.jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\xff\xda\x00\x08" * 5000,
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(4096),
        "list.csv": b"path\n/etc/passwd\n",
        "pickle.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O'}",
        "svg.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "xml.vot": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "empty": b"",
    }


def every_route() -> Iterator[tuple[str, str]]:
    """Give method and address of all that the page answers, also of parts that come later."""
    for route in create_app(Path()).routes:
        if isinstance(route, Route):
            yield from ((method, route.path) for method in sorted((route.methods or set()) - {"HEAD"}))


FIELDS = (
    *(
        "run",
        "catalogue",
        "id",
        "galaxy",
        "row",
        "page",
        "class",
        "sort",
        "label",
        "who",
        "name",
        "q",
        "stretch",
        "key",
    ),
    *("lang", "token", "path", "file", "from", "to", "least", "most", "set_size", "flags", "order", "seconds", "runs"),
)
VALUES = (
    *(
        "../../../etc/passwd",
        "/etc/passwd",
        "..",
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        "a\x00b",
        "\r\nX: y",
        "nan",
    ),
    *(
        "-1",
        "1e999",
        "99999999999999999999",
        "\ud800",
        "ł",
        "",
        "=cmd|'/C'!A0",
        "{{7*7}}",
        "%00",
        "x" * 4000,
        "true",
        "null",
    ),
)
PATHS = (
    "etc/passwd",
    "app.py",
    "run.json",
    "model.safetensors",
    "..",
    "kamerton/serving/security.py",
    "proc/self/environ",
)
STEPS = (
    "../",
    "..%2f",
    "%2e%2e/",
    "..\\",
    "%2e%2e%5c",
    "....//",
    "%252e%252e/",
    "%c0%ae%c0%ae/",
    "/",
    "//",
    "..;/",
    "%00/",
)
STARTS = ("/static/", "/classify/", "/", "/classify/x/", "/static/%00", "/classify/x/0/", "http://evil.example/")
HOSTS = (
    *("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "169.254.169.254", "[::2]", "[::1", "a b"),
    *(
        "0x7f.1",
        "2130706433",
        "127.1",
        "evil.example:80",
        "user@127.0.0.1",
        "127.0.0.1#",
        "127.0.0.1\\@evil",
        "[fe80::1%25lo]",
    ),
)
ORIGINS = (
    "http://evil.example",
    "null",
    "https://127.0.0.1",
    "file://",
    "http://127.0.0.1:1",
    "javascript:1",
    "http://[::1]",
)
NAMES = (
    *(
        "<script>alert(1)</script>.png",
        "../../../../tmp/owned.png",
        "/etc/passwd",
        "..\\..\\a.png",
        "a\x00b.png",
        "=cmd|'/C'!A0",
    ),
    *("{{7*7}}.png", "${7*7}", "%s%n.png", "a" * 5000, "\u202egnp.exe", "con", "a;b=c", "' OR 1=1 --", "-rf", "~", "."),
)
QUERIES = (
    "?lang=../../x",
    "?lang=<b>",
    "?token=x",
    "?run=../../etc",
    "?x=" + "a" * 3000,
    "?q=nan&stretch=1e999",
    "?class=-1",
)
TYPES = (
    *("application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "image/png", "x"),
    *(
        "multipart/form-data; boundary=x; charset=zip",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=" + "x" * 999,
    ),
)


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
        body = _part('name="run"', b"") * count
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
    start = form()[:-20] + _part('name="files"; filename="a.png"', b"")
    return at.raw(head + f"{len(start):x}\r\n".encode() + start + b"\r\n" + block * 120)


def by_slowness(at: Running, seconds: float) -> bytes:
    """Stop in the middle of an upload."""
    return at.raw(upload(at, ("a.png", png(256))), pause=seconds)


def honest(at: Running) -> str:
    """Ask what anybody may, and give the address of the answer."""
    answer = at.raw(upload(at, ("a.png", png(seed=1))))
    assert b" 200 " in answer.split(b"\r\n", 1)[0], answer[:500]
    address: str = json.loads(answer.partition(b"\r\n\r\n")[2])["address"]
    return address


@dataclass
class Found:
    """What came of it."""

    statuses: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)
    honest_seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    def take(self, kind: str, answer: bytes) -> None:
        """Look at an answer to a hostile request."""
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/") else "cut"
        self.statuses[status] += 1
        if status == "500":
            self.bad.append(f"{kind}: 500")
        leak = LEAKS.search(answer)
        if leak:
            self.bad.append(f"{kind}: {leak[0]!r} in {answer[:300]!r}")


def attack(at: Running, requests: int, seed: int, *, slow: int = 0) -> Found:
    """Send hostile requests, four at a time, and honest ones between."""
    found = Found()
    attacks = iter(Attacks(at, random.Random(seed)))
    with ThreadPoolExecutor(4) as threads, ThreadPoolExecutor(max(1, slow)) as slow_ones:
        waiting = [slow_ones.submit(by_slowness, at, 40) for _ in range(slow)]
        done = 0
        while done < requests:
            some = [next(attacks) for _ in range(min(HONEST_EVERY, requests - done))]
            for (kind, _), answer in zip(some, threads.map(lambda one: one[1](), some), strict=True):
                found.take(kind, answer)
            done += len(some)
            begin = time.perf_counter()
            honest(at)
            found.honest_seconds.append(time.perf_counter() - begin)
            found.memory_mb.append(at.memory_mb)
        for one in waiting:
            found.take("by_slowness", one.result())
    if slow:
        for _ in range(3):
            found.take("by_oversize", by_oversize(at))
        honest(at)
    return found


def main() -> None:
    """Read the command line; exit 1 where an attack did anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, help="folder of one run; by default a small one is trained")
    parser.add_argument("--requests", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = options.runs or _small_run(Path(folder))
        sys.exit(not _holds(runs, options.requests, options.seed))


def _small_run(folder: Path) -> Path:
    train(write_toy_splits(folder / "data"), network="lenet5", recipe="notebook", epochs=1, out=folder / "runs/toy")
    return folder / "runs"


def _holds(runs: Path, requests: int, seed: int) -> bool:
    """Attack a server, and say what came of it; tell whether nothing did."""
    before = sorted(runs.rglob("*"))
    with running(runs) as at:
        for _ in range(80):
            honest(at)
        start_mb, start_files = at.memory_mb, at.open_files
        found = attack(at, requests, seed, slow=8)
        end_mb, end_files, kept_mb, said = at.memory_mb, at.open_files, at.kept_mb, at.said.read_text()
    statuses = ", ".join(f"{status} {count}" for status, count in sorted(found.statuses.items()))
    print(f"{sum(found.statuses.values())} hostile requests: {statuses}")
    slowest = max(found.honest_seconds)
    print(f"{len(found.honest_seconds)} honest ones between, each answered, the slowest in {slowest:.2f} s")
    print(f"memory {start_mb:.0f} MB before, {end_mb:.0f} MB after; open files {start_files}, {end_files}")
    print(f"kept on disk: {kept_mb:.1f} MB")
    for line in found.bad[:20]:
        print("BAD:", line)
    if said:
        print("SAID:", said[:3000])
    has_grown = end_mb > start_mb + GROWTH_MB or end_files > start_files + 4
    return not (found.bad or said or has_grown) and sorted(runs.rglob("*")) == before


if __name__ == "__main__":
    main()
