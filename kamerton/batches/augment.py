"""Showing galaxies otherwise each time they are learned from.

The views follow from the random generator that is given, which the training makes anew from (seed, epoch, step).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float, Float32, Int64
from torch.nn import functional as F

from kamerton.config import AugmentSettings

Images = Float[torch.Tensor, "n channels height width"]

EIGHT = 8
"""Turns and mirror images of the square: the dihedral group D4."""


def eight_views(images_nchw: Images) -> Iterator[Images]:
    """Give square images (n, channels, side, side) in each of their eight turns and mirror images, the first as is."""
    for number in range(EIGHT):
        yield turned(images_nchw, number)


def turned(images_nchw: Images, number: int) -> Images:
    """Turn by ``number % 4`` times 90 degrees, mirrored first for numbers from 4 on; pixels only change places."""
    mirrored = images_nchw.flip(-1) if number >= 4 else images_nchw
    return torch.rot90(mirrored, number % 4, (-2, -1))


def augment(
    images_nchw: Images,
    settings: AugmentSettings,
    generator: torch.Generator,
    *,
    share: slice = slice(None),
    batch_images: int | None = None,
) -> Images:
    """Turn, mirror, shift and zoom each image by itself; the sky beyond its edge is the mirrored sky within.

    ``generator`` is the processor's, so that a card shows the same views. Images that are the ``share`` of a batch of
    ``batch_images`` are shown as they would be among the whole.
    """
    count = len(images_nchw) if batch_images is None else batch_images
    if settings.turns == "eight":
        numbers = torch.randint(EIGHT, (count,), generator=generator)
        images_nchw = _turn_each(images_nchw, numbers[share])
    if settings.turns != "any" and settings.shift == 0 and settings.zoom == 1:
        return images_nchw
    matrices = _matrices(count, settings, generator)[share].to(images_nchw.device)
    grid = F.affine_grid(matrices, list(images_nchw.shape), align_corners=False)
    return F.grid_sample(images_nchw, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _turn_each(images_nchw: Images, numbers: Int64[torch.Tensor, " n"]) -> Images:
    result = torch.empty_like(images_nchw)
    for number in range(EIGHT):
        rows = (numbers == number).nonzero().flatten().to(images_nchw.device)
        if len(rows):
            result[rows] = turned(images_nchw[rows], number)
    return result


def _matrices(count: int, settings: AugmentSettings, generator: torch.Generator) -> Float32[torch.Tensor, "count 2 3"]:
    """Draw (count, 2, 3) affine matrices, from places in the new image to places in the old one, in -1..1."""

    def uniform() -> Float32[torch.Tensor, " count"]:
        return torch.rand(count, generator=generator) * 2 - 1

    any_turn = settings.turns == "any"
    angle = uniform() * math.pi if any_turn else torch.zeros(count)
    mirror = torch.where(uniform() < 0, -1.0, 1.0) if any_turn else torch.ones(count)
    scale = torch.exp(uniform() * math.log(settings.zoom))
    # The coordinates run over two for a side.
    shifts = torch.stack([2 * settings.shift * uniform(), 2 * settings.shift * uniform()], 1)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [torch.stack([cosine * mirror, -sine], 1), torch.stack([sine * mirror, cosine], 1)]
    return torch.cat([torch.stack(rows, 1), shifts.unsqueeze(2)], 2)
