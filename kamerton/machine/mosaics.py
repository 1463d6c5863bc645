"""A batch of images laid side by side as one large image, zeros between them, for convolutions in tiles.

NNPACK computes one image in blocks that fit the caches, where a batch goes through memory three times; and tiles of 12
pixels, which leave a third of images of 14 in a row unused, fill a row of many. A convolution that keeps the sides of
images, with zeros around them, gives the same of the whole as of each.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple, Self

import torch

TILE_OUTPUTS = {3: 6, 5: 12}
"""Pixels a side that a tile of NNPACK gives, by the kernel's side; the tiles have 8 and 16 pixels."""


class Mosaic(NamedTuple):
    """How many images are laid in rows and columns, and their sides, pixels."""

    images: int
    rows: int
    columns: int
    height: int
    width: int
    gap: int
    """Zeros behind each image, along both axes."""

    @classmethod
    def of(cls, images_nchw: torch.Tensor, kernel: int) -> Self:
        """Choose rows and columns so that the fewest tiles of a kernel cover the whole."""
        images, _, height, width = images_nchw.shape
        gap = kernel // 2
        rows, columns = _fewest_tiles(images, height + gap, width + gap, TILE_OUTPUTS[kernel])
        return cls(images, rows, columns, height, width, gap)

    @property
    def sides(self) -> tuple[int, int]:
        """Height and width of the whole, the last gaps included."""
        return self.rows * (self.height + self.gap), self.columns * (self.width + self.gap)

    def lay(self, images_nchw: torch.Tensor) -> torch.Tensor:
        """Lay images (n, channels, height, width) out, (1, channels, *sides)."""
        whole = images_nchw.new_zeros(1, images_nchw.shape[1], *self.sides)
        for images, places in zip(self._rows(images_nchw), self._places(whole), strict=True):
            places.copy_(images)
        return whole

    def take(self, whole: torch.Tensor) -> torch.Tensor:
        """Take the images out again, (n, channels, height, width), which may be changed in place."""
        images_nchw = whole.new_empty(self.images, whole.shape[1], self.height, self.width)
        for images, places in zip(self._rows(images_nchw), self._places(whole), strict=True):
            images.copy_(places)
        return images_nchw

    def _rows(self, images_nchw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See images as whole rows (rows, columns, channels, height, width), and as those of the last, cut row."""
        whole_rows = self.images // self.columns
        images = images_nchw[: whole_rows * self.columns]
        return images.view(whole_rows, self.columns, *images.shape[1:]), images_nchw[len(images) :]

    def _places(self, whole: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """See their places as `_rows` sees the images, without the gaps."""
        whole_rows, more = divmod(self.images, self.columns)
        cells = whole.view(-1, self.rows, self.height + self.gap, self.columns, self.width + self.gap)
        places = cells[:, :, : self.height, :, : self.width].permute(1, 3, 0, 2, 4)
        return places[:whole_rows], places[whole_rows, :more] if more else places[0, :0]


@lru_cache(maxsize=1024)
def _fewest_tiles(images: int, height: int, width: int, outputs: int) -> tuple[int, int]:
    def cost(rows: int) -> tuple[int, int]:
        columns = math.ceil(images / rows)
        return math.ceil(rows * height / outputs) * math.ceil(columns * width / outputs), abs(columns - rows)

    rows = min(range(1, images + 1), key=cost)
    # No row stays empty.
    columns = math.ceil(images / rows)
    return math.ceil(images / columns), columns
