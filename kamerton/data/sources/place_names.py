r"""Paths as text that any table holds, and back: bytes of a name that are no UTF-8 are written as ``\xb3``."""

from __future__ import annotations

import os
import re

ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def place_of(name: str) -> str:
    r"""Write a name of a file as text; a backslash becomes ``\x5c``, so that `name_of` gives the very name back."""
    if "\\" not in name and name.isascii():
        return name
    return os.fsencode(name.replace("\\", "\\x5c")).decode("utf-8", errors="backslashreplace")


def name_of(place: str) -> str:
    """Give the name that `place_of` wrote."""
    if "\\" not in place:
        return place
    return os.fsdecode(ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), place.encode("utf-8")))
