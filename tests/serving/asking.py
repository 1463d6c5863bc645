"""Requests as a browser writes them, byte by byte, for tests that ask a server over a socket."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.serving.running import TOKEN, Running

BOUNDARY = "kamertonboundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


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
    body = part('name="run"', run.encode())
    for name, content in parts:
        body += part(f'name="files"; filename="{name}"', content)
    return body + f"--{BOUNDARY}--\r\n".encode()


def part(disposition: str, content: bytes) -> bytes:
    """Write a part of a form."""
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n"
    return head.encode("utf-8", "surrogateescape") + content + b"\r\n"


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
