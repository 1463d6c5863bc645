"""Whether a Parquet file of a catalogue is as it was written: its footer says what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kamerton.catalogue.columns import FACT_PREFIX
from kamerton.catalogue.writers.parquet_file import DATA_BYTES, DATA_SHA256, ROWS
from kamerton.opening import open_plain
from kamerton.parquet import parquet_metadata

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

BLOCK_BYTES = 1 << 20


def is_whole(path: Path, expected: Mapping[str, str]) -> bool:
    """Tell whether the footer says these facts, and all rows are there as they were written.

    OSError where the file cannot be read, ValueError where it is damaged.
    """
    described = parquet_metadata(path)
    facts, digest = _facts(described), hashlib.sha256()
    if not expected.items() <= facts.items():
        return False
    left = int(facts[DATA_BYTES]) if facts.get(DATA_BYTES, "").isdecimal() else 0
    with open_plain(path) as file:
        while left and (block := file.read(min(left, BLOCK_BYTES))):
            digest.update(block)
            left -= len(block)
    rows = str(described.num_rows)
    return not left and (digest.hexdigest(), rows) == (facts.get(DATA_SHA256), facts.get(ROWS))


def _facts(described: FileMetaData) -> dict[str, str]:
    found = described.metadata or {}
    texts = {name.decode(errors="replace"): text.decode(errors="replace") for name, text in found.items()}
    return {name.removeprefix(FACT_PREFIX): text for name, text in texts.items() if name.startswith(FACT_PREFIX)}
