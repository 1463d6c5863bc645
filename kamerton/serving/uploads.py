"""What a browser sends: counted while it arrives, and looked at before it is read.

Nothing here believes a name or a header of the request: files get names of our own, and what counts is what arrives.
"""

from __future__ import annotations

import asyncio
import gzip
import shutil
import zlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from kamerton.config.serving import Caps
from kamerton.data.fits.letters import printable
from kamerton.data.fits.structure import walk_structure
from kamerton.data.fits.unpacking import CHUNK_BYTES, GZIP_MAGIC
from kamerton.data.importers.galaxy10_file import is_hdf5
from kamerton.data.pictures.cutout import is_fits
from kamerton.errors import DataError, FitsError, UsageError
from kamerton.opening import open_plain

NAME_LETTERS = 120
"""Of a file's name as it is shown; the rest is left out."""


@dataclass(frozen=True)
class Given:
    """One file of a request."""

    name: str
    """As it is shown: its last part, printable, and never a path."""
    path: Path
    """Where it is kept, under a name of our own."""
    size_bytes: int


async def receive_files(request: Request, caps: Caps, folder: Path) -> tuple[list[Given], dict[str, str]]:
    """Take the files and fields of a form into a folder.

    HTTPException 413 for more bytes, files or parts than allowed, 408 for one that stops arriving, 400 for no form.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HTTPException(415, "multipart/form-data")
    parser = MultiPartParser(
        request.headers,
        counted_stream(request, caps.upload_bytes, caps),
        max_files=caps.files,
        max_fields=caps.parts - caps.files,
        max_part_size=caps.form_bytes,
    )
    try:
        form = await parser.parse()
    except MultiPartException as error:
        too_many = error.message.startswith(("Too many", "Part exceeded"))
        raise HTTPException(413 if too_many else 400, error.message) from error
    except (FormParserError, ValueError) as error:
        raise HTTPException(400, "multipart/form-data") from error
    fields: dict[str, str] = {}
    given: list[Given] = []
    try:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                fields[name] = value
            elif value.filename or value.size:
                given.append(await asyncio.to_thread(_keep, value, folder / f"{len(given):04d}"))
    finally:
        await form.close()
    return given, fields


async def receive_form(request: Request, caps: Caps) -> dict[str, str]:
    """Take a form without files; HTTPException 413 where it is longer than allowed."""
    body = b""
    async for chunk in counted_stream(request, caps.form_bytes, caps):
        body += chunk
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=caps.parts))
    except ValueError as error:
        raise HTTPException(413) from error


async def counted_stream(request: Request, most_bytes: int, caps: Caps) -> AsyncGenerator[bytes, None]:
    """Give the body of a request as it arrives; HTTPException 413 for a long one, 408 for one that stops arriving."""
    promised = request.headers.get("content-length", "0")
    if not promised.isdecimal() or len(promised) > 18 or int(promised) > most_bytes:
        raise HTTPException(413)
    body = request.stream()
    taken = 0
    try:
        async with asyncio.timeout(caps.upload_seconds):
            while True:
                async with asyncio.timeout(caps.idle_seconds):
                    chunk = await anext(body, None)
                if chunk is None:
                    return
                taken += len(chunk)
                if taken > most_bytes:
                    raise HTTPException(413)
                yield chunk
    except TimeoutError as error:
        raise HTTPException(408) from error


def _keep(upload: UploadFile, path: Path) -> Given:
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)
    return Given(shown_name(upload.filename or ""), path, path.stat().st_size)


def shown_name(name: str) -> str:
    """Give a file's name as it is shown: what stands behind the last slash of any kind, in printable letters."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return printable(last.encode("utf-8", "replace").decode())[:NAME_LETTERS].strip() or "-"


def without_folders(name: str) -> str:
    """Show an id that is a path of this machine by its last part."""
    return name.rpartition("/")[2] if name.startswith("/") else name


def require_small(path: Path, caps: Caps) -> None:
    """Refuse, by its headers alone, a file that unpacks to more than the page takes (DataError); unpack a gzipped one.

    Pictures are bounded by their reader, which looks at their headers first.
    """
    if is_hdf5(path):
        raise UsageError(
            f"{path}: an HDF5 file",
            allowed="pictures, FITS cutouts and small FITS cubes",
            next_step="use `kamerton predict`, which reads it",
        )
    with open_plain(path) as file:
        is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    if is_packed:
        _unpack(path, caps.unpacked_bytes)
    if not is_fits(path):
        return
    promised = 0
    with open_plain(path) as file:
        for number, layout in enumerate(walk_structure(path, file), start=1):
            packed = layout.compressed
            promised += layout.data_bytes if packed is None else packed.image_bytes
            if number > caps.hdus or promised > caps.unpacked_bytes:
                raise DataError(
                    f"{path}: more than this page takes",
                    received=f"{number} HDUs with {promised} bytes and more",
                    allowed=f"{caps.hdus} HDUs with {caps.unpacked_bytes} bytes together",
                    next_step="use `kamerton predict`, or cut the galaxies out",
                )


def _unpack(path: Path, most_bytes: int) -> None:
    """Put a gzipped file's content in its place, in constant memory and no longer than allowed."""
    plain = path.with_name(f"{path.name}-plain")
    try:
        with gzip.open(path) as packed, plain.open("wb") as file:
            while chunk := packed.read(CHUNK_BYTES):
                if file.tell() + len(chunk) > most_bytes:
                    raise DataError(
                        f"{path}: unpacks to more than this page takes",
                        received=f"more than {most_bytes} bytes",
                        next_step="unpack it, and use `kamerton predict`",
                    )
                file.write(chunk)
        plain.replace(path)
    except (OSError, EOFError, zlib.error) as error:
        raise FitsError(
            f"{path}: cannot be unpacked", received=type(error).__name__, next_step="fetch it again"
        ) from error
    finally:
        plain.unlink(missing_ok=True)
