"""Sources of every kind, small, and all that one gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from kamerton.config.pictures import ImportSettings, PictureSettings
from kamerton.data.sources import open_source
from kamerton.data.sources.source import Source, SourceRequest
from kamerton.errors import DataError, PictureError


@dataclass
class Read:
    """All that a source gave."""

    source: Source
    """Closed already."""
    table: pa.Table
    images: list[Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows

    def column(self, name: str) -> list[Any]:
        cells: list[Any] = self.table[name].to_pylist()
        return cells


def request(path: Path, **settings: Any) -> SourceRequest:
    return SourceRequest(path, PictureSettings(**settings), ImportSettings.path_column)


def read_source(path: Path, *, rows: int = 2, places: Sequence[str] | None = None, **settings: Any) -> Read:
    """Read a source to its end, two rows at a time."""
    with open_source(request(path, **settings)) as source:
        batches = list(source.batches(rows))
        assert all(0 < batch.num_rows <= rows for batch in batches)
        table = pa.Table.from_batches(batches)
        assert table.column_names == ["place", "id", "ra", "dec", *source.columns]
        images = list(source.images(table["place"].to_pylist() if places is None else places))
        for image_hwc in images:
            if not isinstance(image_hwc, PictureError):
                assert image_hwc.shape == (source.side_px, source.side_px, source.channels)
                assert image_hwc.dtype == source.dtype
        # What is worked out when it is asked for is kept.
        assert len(source.identity) == 64
        return Read(source, table, images)


def refusal(path: Path, **settings: Any) -> str:
    """Read what must be refused as a whole, in one line, before its first row."""
    with pytest.raises(DataError) as caught, open_source(request(path, **settings)) as source:
        next(source.batches(2))
    message = str(caught.value)
    assert message.isprintable()
    return message


def same_images(found: Sequence[Any], expected: Any) -> bool:
    return len(found) == len(expected) and all(map(np.array_equal, found, expected))
