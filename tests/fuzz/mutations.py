"""Seeded mutations of sound files: of any bytes, and of the headers that each format lives by.

``MUTATIONS`` maps the ending of a file to what may happen to it; each function takes the content and a random generator
and gives other content. The same seed gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import random
import zipfile

from tests.fuzz.of_bytes import BYTES, UNREADABLE, Mutation, flip_bits
from tests.fuzz.of_structures import (
    edit_directory,
    edit_hdf5,
    edit_jpeg,
    edit_parquet,
    edit_png,
    edit_safetensors,
)
from tests.fuzz.of_texts import edit_card, edit_json, edit_table, edit_toml


def edit_archive(content: bytes, rng: random.Random) -> bytes:
    """Change an entry of a zip and pack it soundly again, so that the change is not caught by the checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
    except UNREADABLE:
        return flip_bits(content, rng)
    if not entries:
        return flip_bits(content, rng)
    # Most of a model is in its HDF5.
    name = next((name for name in entries if name.endswith(".h5") and rng.random() < 0.5), rng.choice(sorted(entries)))
    what = rng.choice(("inside", "inside", "inside", "inside", "rename", "remove", "add", "twice"))
    written = list(entries.items())
    if what == "inside":
        entries[name] = apply(name, entries[name], rng)
        written = list(entries.items())
    elif what == "rename":
        new = rng.choice(("../" + name, "/" + name, name.upper(), "a/" + name, name + "\0", "", "config.json"))
        written = [(new if old == name else old, data) for old, data in written]
    elif what == "remove":
        written = [(old, data) for old, data in written if old != name]
    elif what == "add":
        written.append((rng.choice(("a.txt", "assets/", "inner.zip", "../a", "model.weights.npz")), content[:1000]))
    else:
        written.append((name, rng.choice((b"", entries[name]))))
    return _packed(written, rng)


def _packed(entries: list[tuple[str, bytes]], rng: random.Random) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        names: set[str] = set()
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = archive.compression
            info.external_attr = rng.choice((0o600, 0o600, 0o600, 0o120777, 0o40755)) << 16 if rng.random() < 0.1 else 0
            if name not in names:
                archive.writestr(info, data)
            names.add(name)
    return packed.getvalue()


def edit_packed(content: bytes, rng: random.Random) -> bytes:
    """Change what is inside a gzipped cube, and pack it soundly again."""
    try:
        plain = gzip.decompress(content)
    except UNREADABLE:
        return flip_bits(content, rng)
    return gzip.compress(apply(".fits", plain, rng), 1, mtime=0)


MUTATIONS: dict[str, tuple[Mutation, ...]] = {
    ".fits": (edit_card, edit_card, edit_card),
    ".gz": (edit_packed, edit_packed),
    ".keras": (edit_archive, edit_archive, edit_archive, edit_directory),
    ".json": (edit_json, edit_json, edit_json),
    ".h5": (edit_hdf5, edit_hdf5, edit_hdf5),
    ".safetensors": (edit_safetensors, edit_safetensors, edit_safetensors),
    ".csv": (edit_table, edit_table, edit_table),
    ".parquet": (edit_parquet, edit_parquet, edit_parquet),
    ".png": (edit_png, edit_png, edit_png),
    ".jpg": (edit_jpeg, edit_jpeg),
    ".toml": (edit_toml, edit_toml, edit_toml),
}
"""What may happen to a file by its ending, besides ``BYTES``; named several times, it happens more often."""

SHARE_OF_FORMAT = 0.7
"""How often a mutation knows the format."""


def apply(name: str, content: bytes, rng: random.Random) -> bytes:
    """Apply one mutation that suits the file's ending."""
    own = next((known for ending, known in MUTATIONS.items() if name.endswith(ending)), ())
    return rng.choice(own if own and rng.random() < SHARE_OF_FORMAT else BYTES)(content, rng)


def mutate(name: str, content: bytes, rng: random.Random) -> bytes:
    """Apply one to four mutations to a file."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        content = apply(name, content, rng)
    return content
