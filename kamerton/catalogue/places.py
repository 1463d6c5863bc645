"""Where a catalogue is written: a folder of shards, or a file that they become."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kamerton.catalogue.writers import WRITERS, files_of
from kamerton.checks import as_path
from kamerton.errors import OutputError, UsageError
from kamerton.files import require_new

SHARDS_OF = ".{name}.shards"
"""The folder of shards from which one file is made, beside it; it goes when the file is whole."""


@dataclass(frozen=True)
class Place:
    """Where a catalogue is written."""

    shards: Path
    file: Path | None
    """What the shards become; None where they stay."""


@contextmanager
def catalogue_place(out: str | Path | None, *, resume: bool) -> Iterator[Place]:
    """Tell where the shards go, and refuse a place that is taken (OutputError)."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="kamerton-") as folder:
            yield Place(Path(folder) / "catalogue", None)
        return
    out = as_path(out, "out")
    if out.suffix.lower() in WRITERS:
        shards = out.with_name(SHARDS_OF.format(name=out.name))
        whole = f"it is whole, if a kill came at the very end: then take {shards} away"
        for place in files_of(out):
            require_new(place, whole if shards.exists() else "choose another name or move it away")
        if shards.exists() and not resume:
            raise OutputError(
                f"{out} was begun and not finished",
                received=f"shards of it in {shards}",
                next_step="finish it with --resume, or take that folder away",
            )
        yield Place(shards, out)
        return
    if out.suffix and not out.is_dir():
        raise UsageError(
            f"{out}: no catalogue is written so",
            received=repr(out.suffix),
            allowed=f"{', '.join(WRITERS)}, or a folder, whose name has no ending",
            next_step="choose one of these endings, or none",
        )
    yield Place(out, None)
