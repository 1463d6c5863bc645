"""The galaxies of shards as batches of images, read and decoded beside the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from jaxtyping import Bool

from kamerton.arrays import SquareHWC, SquaresNHWC
from kamerton.catalogue.manifest import PLACE, SOURCE
from kamerton.data.sources.source import Source
from kamerton.errors import PictureError
from kamerton.inference.engines import BATCH_IMAGES

if TYPE_CHECKING:
    import pyarrow as pa

READ_AHEAD = 3
"""Batches that are read while the network computes; more would only cost memory."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """Consecutive galaxies of one shard and one source."""

    first: int
    """Row of the first in the shard."""
    images_nhwc: SquaresNHWC | None
    """Of those that can be read; None where there is none."""
    is_doubtful: Bool[np.ndarray, " galaxies"]
    """Whether the image of each galaxy may show more or less of the sky than those learned from."""
    reasons: tuple[str | None, ...]
    """Why a galaxy cannot be read, in one line; None for those that can."""

    @property
    def count(self) -> int:
        """Galaxies, with images and without."""
        return len(self.reasons)


def read_shard(rows: pa.Table, sources: Sequence[Source]) -> Iterator[Batch]:
    """Read the galaxies of a shard in their order; what cannot be read is a reason, and stops nothing."""
    numbers, places = rows[SOURCE].to_pylist(), rows[PLACE].to_pylist()
    for number, group in groupby(range(len(rows)), key=numbers.__getitem__):
        source = sources[number]
        for some in _parts(list(group)):
            yield _batch(some[0], [places[row] for row in some], source)


def _parts(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    return (rows[start : start + BATCH_IMAGES] for start in range(0, len(rows), BATCH_IMAGES))


def _batch(first: int, places: Sequence[str], source: Source) -> Batch:
    doubtful: set[str] = set()
    found = list(source.images(places, doubtful))
    reasons = tuple(_why_not(image, source) for image in found)
    good = [
        image
        for image, reason in zip(found, reasons, strict=True)
        if reason is None and not isinstance(image, PictureError)
    ]
    is_doubtful = np.array([place in doubtful for place in places])
    return Batch(first, np.stack(good) if good else None, is_doubtful, reasons)


def _why_not(image_hwc: SquareHWC | PictureError, source: Source) -> str | None:
    """Say why a network could not answer for an image; None where it can."""
    if isinstance(image_hwc, PictureError):
        return str(image_hwc)
    wanted = (source.side_px, source.side_px, source.channels)
    if image_hwc.shape != wanted:
        return f"an image of {image_hwc.shape}; {wanted} was promised"
    if (image_hwc == image_hwc[0, 0, 0]).all():
        return f"a picture that shows nothing: {image_hwc[0, 0, 0]:g} in every pixel"
    if image_hwc.dtype == np.uint8:
        return None
    lowest, highest = float(image_hwc.min()), float(image_hwc.max())
    # NaN compares as false.
    return None if lowest >= 0 and highest <= 255 else f"pixels from {lowest:.6g} to {highest:.6g}, not from 0 to 255"


def read_ahead(items: Iterator[Item]) -> Generator[Item, None, None]:
    """Give the same items, the next ones made by a thread meanwhile."""
    end = object()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="kamerton-read") as thread:
        waiting = deque(thread.submit(next, items, end) for _ in range(READ_AHEAD))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(thread.submit(next, items, end))
            yield cast(Item, item)
