"""What a target of the fuzzer is: sound files to start from, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kamerton.errors import KamertonError

Files = dict[str, bytes]
"""The files of a case, by their path inside its folder."""


@dataclass(frozen=True)
class Target:
    """One reader: the sound cases that mutations start from, how it reads one, and the error it may raise."""

    seeds: Callable[[Path], dict[str, Files]]
    """Make sound cases, by name, in an empty folder."""
    read: Callable[[Path], None]
    error: type[KamertonError]


def files_of(folder: Path) -> Files:
    """Read all files of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}
