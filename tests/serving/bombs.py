"""Small files that promise, or unpack to, enormous ones, and files that are something else."""

from __future__ import annotations

import gzip
import io
import zlib

from PIL import Image


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
