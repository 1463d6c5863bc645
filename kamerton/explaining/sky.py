"""Sky to put in a galaxy's place, taken from the rim of its own cutout."""

from __future__ import annotations

import torch
from jaxtyping import Bool

from kamerton.explaining.layers import Images

RIM_SHARE = 0.1
"""Of the side, at each edge, as wide as the rim that stretches the bands of a FITS cutout."""

CLIP_SIGMA, CLIP_TIMES = 3.0, 5
"""Brighter pixels of the rim are stars and neighbours."""

SEED = 0


def sky_like(images_nchw: Images) -> Images:
    """Fill images of the same shape with pixels drawn from the rim of each galaxy's own; the same each time.

    Pixels brighter or darker than 3 sigma about the rim's median, clipped again and again, are left out. A galaxy that
    fills its cutout has no sky: its outskirts stand for it.
    """
    n, channels, height, width = images_nchw.shape
    rim = images_nchw[:, :, _rim(height, width)]
    drawn = torch.rand((n, height * width), generator=torch.Generator("cpu").manual_seed(SEED))
    filled = torch.empty_like(images_nchw)
    for row in range(n):
        good = rim[row][:, _unclipped(rim[row].mean(0))]
        places = (drawn[row] * good.shape[1]).long().clamp(max=good.shape[1] - 1)
        filled[row] = good[:, places.to(good.device)].view(channels, height, width)
    return filled


def _rim(height: int, width: int) -> Bool[torch.Tensor, "height width"]:
    margin = max(1, round(RIM_SHARE * min(height, width)))
    rim = torch.ones(height, width, dtype=torch.bool)
    rim[margin : height - margin, margin : width - margin] = False
    return rim


def _unclipped(light: torch.Tensor) -> torch.Tensor:
    """Mark the pixels that are sky; at least the middle half of them stays."""
    kept = torch.ones_like(light, dtype=torch.bool)
    for _ in range(CLIP_TIMES):
        middle, spread = light[kept].median(), light[kept].std(correction=0)
        kept = (light - middle).abs() <= CLIP_SIGMA * spread
    return kept
