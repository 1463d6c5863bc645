"""Images side by side come back as they were, and a convolution of the whole is that of each."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from kamerton.machine.mosaics import Mosaic

SHAPES = {
    "images": st.integers(1, 40),
    "height": st.integers(1, 12),
    "width": st.integers(1, 12),
    "kernel": st.sampled_from([3, 5]),
}


@given(**SHAPES)
def test_images_come_back_as_they_were(images: int, height: int, width: int, kernel: int) -> None:
    images_nchw = torch.randn(images, 2, height, width)
    mosaic = Mosaic.of(images_nchw, kernel)
    whole = mosaic.lay(images_nchw)
    assert whole.shape == (1, 2, *mosaic.sides)
    assert torch.equal(mosaic.take(whole), images_nchw)
    torch.testing.assert_close(whole.double().sum(), images_nchw.double().sum())


@given(**SHAPES)
def test_a_convolution_of_the_whole_is_that_of_each(images: int, height: int, width: int, kernel: int) -> None:
    images_nchw = torch.randn(images, 2, height, width, dtype=torch.float64)
    weight = torch.randn(3, 2, kernel, kernel, dtype=torch.float64)
    mosaic = Mosaic.of(images_nchw, kernel)
    found = mosaic.take(F.conv2d(mosaic.lay(images_nchw), weight, padding=kernel // 2))
    torch.testing.assert_close(found, F.conv2d(images_nchw, weight, padding=kernel // 2))


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_images_may_lie_in_memory_as_they_like(memory_format: torch.memory_format) -> None:
    images_nchw = torch.randn(5, 4, 6, 7).contiguous(memory_format=memory_format)
    mosaic = Mosaic.of(images_nchw, 3)
    assert torch.equal(mosaic.take(mosaic.lay(images_nchw)), images_nchw)


@pytest.mark.parametrize(
    ("images", "side", "kernel", "most_tiles"),
    # By themselves AlexNet's at 128 px would take 128 tiles of 16 pixels, and ResNet-18's at 256 px 288 of 8.
    [(32, 14, 5, 60), (32, 16, 3, 275)],
)
def test_few_tiles_cover_the_whole(images: int, side: int, kernel: int, most_tiles: int) -> None:
    mosaic = Mosaic.of(torch.empty(images, 1, side, side), kernel)
    outputs = {3: 6, 5: 12}[kernel]
    rows, columns = (-(-length // outputs) for length in mosaic.sides)
    assert mosaic.rows * mosaic.columns - images < mosaic.columns
    assert rows * columns <= most_tiles
