"""Which cubes are Kamerton's own, so that new ones may take their place."""

from __future__ import annotations

import os
from pathlib import Path

from kamerton.data.cubes.origin import WRITTEN_BY
from kamerton.errors import OutputError
from kamerton.files import OR_OVERWRITE, require_new
from kamerton.opening import open_plain

BLOCK_BYTES, CARD_BYTES = 2880, 80
ORIGIN_CARD = f"ORIGIN  = '{WRITTEN_BY}'".encode("ascii")


def require_cube_place(path: Path, *, overwrite: bool) -> None:
    """Refuse a place that is taken (OutputError); with ``overwrite``, one taken by anything but a cube of ours."""
    if overwrite and os.path.lexists(path):
        require_own_cube(path)
    else:
        require_new(path, OR_OVERWRITE)


def require_own_cube(path: Path) -> None:
    """Refuse what is no cube that Kamerton wrote (OutputError): it would be lost."""
    is_file = path.is_file() and not path.is_symlink()
    if not (is_file and _is_of_kamerton(path)):
        raise OutputError(
            f"{path} is no cube that Kamerton wrote",
            received="a file of another origin" if is_file else "a link, a folder or a device",
            next_step="choose another name or move it away; nothing was changed",
        )


def require_another(source: Path, out_path: Path) -> None:
    """Refuse to write over what is read from (OutputError)."""
    if source.resolve() == out_path.resolve():
        raise OutputError(f"{out_path} is what is read from", next_step="choose another name; nothing was changed")


def _is_of_kamerton(path: Path) -> bool:
    """Tell whether the first block of a file is a FITS header that names us as its origin."""
    try:
        with open_plain(path) as file:
            block = file.read(BLOCK_BYTES)
    except OSError:
        return False
    cards = [block[start : start + CARD_BYTES] for start in range(0, len(block), CARD_BYTES)]
    return block.startswith(b"SIMPLE  =") and any(card.startswith(ORIGIN_CARD) for card in cards)
