"""Deletion and insertion: whether an answer hangs on the pixels that a map calls important (Petsiuk et al. 2018)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64

from kamerton.explaining.layers import Classes, Images, PixelMaps
from kamerton.explaining.methods import Subject

STEPS = 16
"""In which all pixels go, or come."""

SEED = 0

Curves = Float64[np.ndarray, "n steps"]


@dataclass(frozen=True, eq=False)
class Hanging:
    """How the probability of the explained class goes as pixels are taken away, or brought."""

    deletion: Curves
    """With 0, 1/16 ... of the pixels replaced by sky, the most important first."""
    insertion: Curves
    """With as many put onto nothing but sky."""

    @property
    def deleted(self) -> Float64[np.ndarray, " n"]:
        """Area under each curve of deletion: small where the answer soon falls."""
        return _areas(self.deletion)

    @property
    def inserted(self) -> Float64[np.ndarray, " n"]:
        """Area under each curve of insertion: large where the answer is soon there."""
        return _areas(self.insertion)

    @property
    def scores(self) -> Float64[np.ndarray, " n"]:
        """Insertion less deletion: one number a galaxy, the larger the better."""
        return np.asarray(self.inserted - self.deleted)


def _areas(curves: Curves) -> Float64[np.ndarray, " n"]:
    return np.asarray(np.trapezoid(curves, dx=1 / STEPS, axis=1))


def hanging(subject: Subject, images_nchw: Images, classes: Classes, maps: PixelMaps, sky_nchw: Images) -> Hanging:
    """Take the pixels away in the order of the maps, and bring them; what is gone is sky."""
    places = _places(maps)
    pixels = places[0].numel()
    deletion, insertion = [], []
    for step in range(STEPS + 1):
        first = (places < round(pixels * step / STEPS))[:, None]
        deletion.append(subject.probabilities(torch.where(first, sky_nchw, images_nchw), classes))
        insertion.append(subject.probabilities(torch.where(first, images_nchw, sky_nchw), classes))
    return Hanging(*(torch.stack(curves, 1).double().cpu().numpy() for curves in (deletion, insertion)))


def _places(maps: PixelMaps) -> torch.Tensor:
    """Tell the place of each pixel in the order of its map, 0 for the largest; equal ones stand in any order."""
    n, size, _ = maps.shape
    shuffled = torch.randperm(size**2, generator=torch.Generator("cpu").manual_seed(SEED)).to(maps.device)
    order = maps.flatten(1)[:, shuffled].argsort(dim=1, descending=True, stable=True)
    places = torch.empty_like(order)
    places.scatter_(1, shuffled[order], torch.arange(size**2, device=maps.device).expand(n, -1))
    return places.view(n, size, size)


def centred_gaussian(maps: PixelMaps) -> PixelMaps:
    """Give what a map would be that knows nothing but that galaxies stand in the middle.

    Of whatever width: what counts is the order of the pixels, which is that of their distance.
    """
    size = maps.shape[-1]
    across = torch.arange(size, device=maps.device, dtype=torch.float64) - (size - 1) / 2
    squares = across[:, None] ** 2 + across**2
    return torch.exp(-squares / (2 * (size / 6) ** 2)).expand(len(maps), -1, -1)


def random_maps(maps: PixelMaps, cells: int, seed: int) -> PixelMaps:
    """Give maps of noise, as smooth as maps of so many cells a side are."""
    noise = torch.randn((len(maps), 1, cells, cells), generator=torch.Generator("cpu").manual_seed(seed))
    size = (maps.shape[-1],) * 2
    return torch.nn.functional.interpolate(noise, size=size, mode="bilinear", align_corners=False)[:, 0].to(maps.device)
