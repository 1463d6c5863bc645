"""Data augmentation: random turns, mirror images, shifts and zooms of the training images.

All randomness comes from the generator that is passed in; training seeds a new one for each step from (seed, epoch,
step), so that a resumed training augments as the uninterrupted one would.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float, Float32, Int64, Shaped
from torch.nn import functional as F

from kamerton.config.recipe import AugmentSettings

Images = Float[torch.Tensor, "n channels height width"]

EIGHT = 8
"""Number of symmetries of the square, turns and mirror images: the dihedral group D4."""


def eight_views(images_nchw: Images) -> Iterator[Images]:
    """Yield square images (n, channels, side, side) under each of the eight symmetries, the identity first."""
    for number in range(EIGHT):
        yield turned(images_nchw, number)


def turned(squares: Shaped[torch.Tensor, "*axes side side"], number: int) -> Shaped[torch.Tensor, "*axes side side"]:
    """Apply one of the eight symmetries to the last two axes (..., side, side), without interpolation.

    Numbers 0 to 3 rotate by that many times 90 degrees; 4 to 7 mirror first and then rotate by ``number - 4`` times 90.
    """
    mirrored = squares.flip(-1) if number >= 4 else squares
    return torch.rot90(mirrored, number % 4, (-2, -1))


def augment(
    images_nchw: Images,
    settings: AugmentSettings,
    generator: torch.Generator,
    *,
    share: slice = slice(None),
    batch_images: int | None = None,
) -> Images:
    """Rotate, mirror, shift and zoom each image by a random amount of its own.

    ``images_nchw`` are square, (n, channels, side, side), on any device, and so is the result; beyond its edge an image
    is continued by reflection. ``generator`` is a CPU generator, so that CPU and GPU augment alike. With several
    processes, ``share`` is the slice of a batch of ``batch_images`` that this process holds; each image is augmented as
    it would be in the whole batch.
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
    """Draw affine matrices (count, 2, 3) that map output to input coordinates, both from -1 to 1 (`F.affine_grid`)."""

    def uniform() -> Float32[torch.Tensor, " count"]:
        return torch.rand(count, generator=generator) * 2 - 1

    any_turn = settings.turns == "any"
    angle = uniform() * math.pi if any_turn else torch.zeros(count)
    mirror = torch.where(uniform() < 0, -1.0, 1.0) if any_turn else torch.ones(count)
    scale = torch.exp(uniform() * math.log(settings.zoom))
    # A side is 2 long in these coordinates.
    shifts = torch.stack([2 * settings.shift * uniform(), 2 * settings.shift * uniform()], 1)
    cosine, sine = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [torch.stack([cosine * mirror, -sine], 1), torch.stack([sine * mirror, cosine], 1)]
    return torch.cat([torch.stack(rows, 1), shifts.unsqueeze(2)], 2)
