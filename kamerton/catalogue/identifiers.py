"""Whether an identifier is there twice, among any number of them, in memory that does not grow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from jaxtyping import UInt64

if TYPE_CHECKING:
    import pyarrow as pa

HASHES_AT_ONCE = 1 << 20
"""Hashes, of 8 bytes each, that are in memory together."""

Hashes = UInt64[np.ndarray, "_"]


class Identifiers:
    """Hashes of all identifiers so far, in a file that goes when the block ends."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def add(self, ids: pa.ChunkedArray) -> None:
        """Take further identifiers."""
        self._file.write(hashes(ids).tobytes())
        self._count += len(ids)

    def suspects(self) -> Hashes:
        """Give the hashes that are there more than once: of equal identifiers, or by a rare chance of others.

        Each pass over the file looks at one part of all hashes, about a million of them, however many there are.
        """
        parts = np.uint64(-(-self._count // HASHES_AT_ONCE) or 1)
        found = [np.empty(0, np.uint64)]
        for part in range(int(parts)):
            kept = np.concatenate([np.empty(0, np.uint64), *(some[some % parts == part] for some in self._blocks())])
            values, counts = np.unique(kept, return_counts=True)
            found.append(values[counts > 1])
        return np.concatenate(found)

    def _blocks(self) -> Iterator[Hashes]:
        self._file.seek(0)
        while block := self._file.read(8 * HASHES_AT_ONCE):
            yield np.frombuffer(block, np.uint64)


def hashes(ids: pa.ChunkedArray) -> Hashes:
    """Hash identifiers to 64 bits each, the same in every process."""
    import pandas as pd

    return pd.util.hash_array(np.asarray(ids.to_pylist(), dtype=object), categorize=False)
