"""Bands of light as RGB pixels, by the asinh stretch of Lupton et al. (2004, PASP 116, 133), as Astropy computes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kamerton.arrays import BandHW, BandsCHW, RgbHWC, ValuesN
from kamerton.config.pictures import PictureSettings

RIM_FRACTION = 0.1
"""Share of a cutout's side, at each edge, where the sky is measured: the galaxy stands in the middle."""
BRIGHTEST_PERCENT = 99.9
"""Percentile of the intensity that is nearly white; above it are nuclei and stars."""
NEARLY_WHITE = 0.8
"""Its brightness after the stretch, of 1. Higher, the nuclei of large galaxies burn out."""
STRETCH_PER_NOISE = (20.0, 60.0)
"""Limits of the linear stretch in units of the sky noise, so that faint arms show (60) and noise does not (20)."""


@dataclass(frozen=True)
class Stretch:
    """The asinh stretch one FITS cutout was given."""

    q: float
    """Softening Q."""
    stretch: float
    """Linear stretch, in units of the cutout's middle band."""
    sky_rgb: tuple[float, float, float]
    """Sky level of the bands shown as red, green and blue, in the cutout's units; it becomes black."""
    weight_rgb: tuple[float, float, float]
    """Factors of the same bands after the sky is taken off."""


def resolve_stretch(bands_chw: BandsCHW, weights: Sequence[float], settings: PictureSettings) -> Stretch:
    """Choose the stretch of one cutout; ``bands_chw`` is (1 or 3, H, W), from blue to red.

    Sky and noise are the sigma-clipped median and deviation of the cutout's rim. Where ``settings.stretch`` is None,
    the linear stretch makes the brightest parts nearly white, within limits that the sky noise sets.
    """
    sky = [float(_clipped(_rim(band_hw))[0]) for band_hw in bands_chw]
    intensity_hw = _weighted(bands_chw, sky, weights).mean(axis=0)
    linear = settings.stretch or _linear_stretch(intensity_hw, settings.q)
    return Stretch(float(settings.q), float(linear), _rgb(sky), _rgb(weights))


def apply_stretch(bands_chw: BandsCHW, stretch: Stretch) -> RgbHWC:
    """Turn bands (1 or 3, H, W), from blue to red, into RGB pixels (H, W, 3), uint8, the top row first.

    Lupton et al. (2004, PASP 116, 133): the intensity is stretched and each pixel keeps its colour.
    """
    from astropy.visualization import make_lupton_rgb

    # FITS counts rows from the bottom, pictures from the top: unflipped, every spiral would wind the wrong way.
    bands_rgb = np.broadcast_to(bands_chw[::-1, ::-1], (3, *bands_chw.shape[1:]))
    red, green, blue = _weighted(bands_rgb, stretch.sky_rgb, stretch.weight_rgb)
    with np.errstate(invalid="ignore", divide="ignore"):
        # Astropy divides 0 by 0 where a pixel is exactly sky, and then sets it to black.
        rgb_hwc: RgbHWC = make_lupton_rgb(red, green, blue, stretch=stretch.stretch, Q=stretch.q)
    return rgb_hwc


def _linear_stretch(intensity_hw: BandHW, q: float) -> float:
    noise = _clipped(_rim(intensity_hw))[1]
    brightest = np.percentile(intensity_hw, BRIGHTEST_PERCENT)
    if brightest <= 0:
        brightest = np.abs(intensity_hw).max()
    # Astropy's curve is 0.1 asinh(q x / stretch) / asinh(0.1 q); solved for the stretch at x = brightest.
    linear = q * brightest / np.sinh(NEARLY_WHITE * np.arcsinh(0.1 * q) / 0.1)
    if noise > 0:
        lowest, highest = (limit * noise for limit in STRETCH_PER_NOISE)
        linear = min(max(linear, lowest), highest)
    return float(linear)


def _weighted(bands_chw: BandsCHW, sky: Sequence[float], weights: Sequence[float]) -> BandsCHW:
    result: BandsCHW = (bands_chw - np.reshape(sky, (-1, 1, 1))) * np.reshape(weights, (-1, 1, 1))
    return result


def _rim(band_hw: BandHW) -> ValuesN:
    margin = max(1, round(RIM_FRACTION * min(band_hw.shape)))
    rim_hw = np.ones(band_hw.shape, bool)
    rim_hw[margin:-margin, margin:-margin] = False
    return band_hw[rim_hw]


def _clipped(values: ValuesN) -> tuple[float, float]:
    """Median and standard deviation after clipping at 3 sigma, which removes neighbours and stars."""
    from astropy.stats import sigma_clipped_stats

    _, median, deviation = sigma_clipped_stats(values, sigma=3.0)
    return float(median), float(deviation)


def _rgb(from_blue: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = from_blue[::-1] if len(from_blue) == 3 else tuple(from_blue) * 3
    return float(red), float(green), float(blue)
