"""What the tests of hostile ``.keras`` files share: writing one, and how a refusal must be."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kamerton.errors import ModelFileError
from kamerton.formats.importing import import_keras_file

SIZE = 20
PEAK_BYTES = 12 << 20
"""What any of these files may cost; each would cost hundreds of megabytes, or run, where it was believed."""

Entries = dict[str, bytes]
CONFIG, WEIGHTS = "config.json", "model.weights.h5"


def write(path: Path, entries: Entries, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@contextmanager
def frugal() -> Iterator[None]:
    """Bound the memory of a block."""
    tracemalloc.start()
    try:
        yield
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < PEAK_BYTES, f"{peak_bytes >> 20} MiB"


def assert_refused(path: Path, says: str, scratch: Path) -> None:
    out = path.with_name("run")
    with frugal(), pytest.raises(ModelFileError, match=says) as caught:
        import_keras_file(path, out)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(str(path))
    assert len(message) < 2000
    assert not out.exists()
    assert list(scratch.iterdir()) == []
    assert sorted(path.parent.iterdir()) == sorted({path, scratch} | {p for p in path.parent.iterdir() if p.is_dir()})


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    return list(config["config"]["layers"])
