"""Sky to put in a galaxy's place."""

from __future__ import annotations

import torch

from kamerton.explaining.sky import sky_like


def test_sky_is_made_of_pixels_of_the_rim_without_its_stars() -> None:
    images_nchw = torch.rand(2, 3, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.1
    images_nchw[:, :, 10:30, 10:30] = 0.7
    images_nchw[:, :, 1, 1:4] = 1.0
    filled = sky_like(images_nchw)
    assert filled.shape == images_nchw.shape
    assert float(filled.max()) <= 0.1
    pixels = {tuple(pixel.tolist()) for pixel in images_nchw[0].flatten(1).T}
    assert all(tuple(pixel.tolist()) in pixels for pixel in filled[0].flatten(1).T)


def test_the_same_galaxy_gets_the_same_sky() -> None:
    images_nchw = torch.rand(2, 1, 20, 20)
    assert torch.equal(sky_like(images_nchw), sky_like(images_nchw))


def test_a_cutout_of_one_colour_is_its_own_sky() -> None:
    assert torch.equal(sky_like(torch.full((1, 3, 16, 16), 0.25)), torch.full((1, 3, 16, 16), 0.25))
