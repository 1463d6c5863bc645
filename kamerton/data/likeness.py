"""Whether two pictures show the same galaxy, though resized, encoded anew, turned, mirrored or shifted by a little.

A picture becomes a small one of the logarithm of its light, less the same smoothed: stars, neighbours, arms and the
grain of the sky stay, and what all galaxies share goes. Two are compared by their normalised correlation, the best over
the eight turns and mirror images and over small shifts; only those are compared whose power spectra, which know neither
turns nor shifts, are nearest. ``python benchmarks/likeness.py`` measures what is missed and what is found in vain.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Complex64, Float32, Int8
from scipy.ndimage import gaussian_filter

from kamerton.arrays import ImagesNHWC
from kamerton.data.marks import FEATURE_BYTES, Features
from kamerton.data.marks import SMALL_SIDE as SIDE
from kamerton.progress import Progress, Silent

ALIKE = 0.55
"""From this correlation on two pictures are of one galaxy, most likely; chosen by ``benchmarks/likeness.py``."""

CANDIDATES = 16
"""Pictures that each is compared with, itself aside: those with the nearest power spectra."""

DARKEST = 8.0
"""Added to pixels before their logarithm is taken, lest the noise of a dark sky counts for more than light."""

SMOOTHING, TAPER, HIGHEST = 2.0, 4, 12
"""Of the small picture: sigma of what is taken away and width of the fading edge, pixels; most waves across it."""

WHITENING, CLIP = 0.5, 2.0
"""Each wave is divided by this power of its amplitude, and then no pixel stands out by more sigma: otherwise a bright
core with one star beside it is like any other."""

SHIFTS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
"""Along each axis, pixels of the small picture: 2 pixels of 64."""

BLOCK, QUERIES = 1024, 64
"""Pictures that are worked on at once, and of these the compared ones; both bound the memory."""

OtherFeatures = Int8[np.ndarray, f"others {FEATURE_BYTES}"]

Small = Float32[np.ndarray, f"n {SIDE} {SIDE}"]
Spectra = Complex64[np.ndarray, f"n {SIDE} {SIDE // 2 + 1}"]


class AlikePair(NamedTuple):
    """Two rows whose pictures are alike, and how much, up to 1."""

    first: int
    second: int
    likeness: float


def picture_features(images_nhwc: ImagesNHWC) -> Features:
    """Reduce pictures of any size and number of channels to what they are known again by.

    A picture with a pixel that is no number, of nothing but one brightness, or of fewer than `SIDE` pixels a side has a
    feature of zeros, which is like none.
    """
    features = np.zeros((len(images_nhwc), FEATURE_BYTES), np.int8)
    if images_nhwc.shape[1] < SIDE:
        return features
    small = _small(images_nhwc)
    sound = np.isfinite(small).all((1, 2)) & (small >= 0).all((1, 2))
    light = np.log(small[sound] + DARKEST)
    detail = (light - gaussian_filter(light, (0, SMOOTHING, SMOOTHING))) * _taper()
    highest = np.abs(detail).max((1, 2), keepdims=True)
    # Less than a hundredth of a level is the rounding of a blank picture.
    detail = np.where(highest < 1e-4, 0, detail / np.maximum(highest, 1e-4))
    features[sound] = np.rint(127 * detail).astype(np.int8).reshape(-1, FEATURE_BYTES)
    return features


def alike_pairs(
    features: Features, others: OtherFeatures | None = None, *, at_least: float = ALIKE, watcher: Progress | None = None
) -> list[AlikePair]:
    """Find the rows of ``features`` and of ``others`` that are of one galaxy, most likely, by rows.

    Without ``others`` they are looked for among ``features`` themselves, and the first row is the smaller. Time grows
    with both counts, memory with neither but for 300 bytes a picture.
    """
    known = features if others is None else others
    rows, known_rows = np.flatnonzero(features.any(1)), np.flatnonzero(known.any(1))
    best: dict[tuple[int, int], float] = {}
    if not len(known_rows):
        return []
    power = _power(known[known_rows])
    with (watcher or Silent()).task("comparing pictures", len(rows), "galaxies") as advance:
        for start in range(0, len(rows), QUERIES):
            part = rows[start : start + QUERIES]
            nearness = _power(features[part]) @ power.T
            nearest = np.argpartition(-nearness, min(CANDIDATES, len(known_rows) - 1), axis=1)[:, : CANDIDATES + 1]
            for row, candidates in zip(part.tolist(), known_rows[nearest], strict=True):
                for other, likeness in zip(
                    candidates.tolist(), _likeness(features[row], known[candidates]), strict=True
                ):
                    pair = (row, other) if others is not None else (min(row, other), max(row, other))
                    if likeness >= at_least and (others is not None or row != other):
                        best[pair] = max(best.get(pair, 0.0), float(likeness))
            advance(len(part))
    return [AlikePair(*pair, best[pair]) for pair in sorted(best)]


def _likeness(feature: Int8[np.ndarray, " bytes"], others: Features) -> Float32[np.ndarray, " n"]:
    """Correlate a picture with others, the best over its shifts and their views."""
    spectrum = np.fft.rfft2(_whitened(feature[np.newaxis])[0])
    shifted = _unit(np.fft.irfft2(spectrum * _phases(), (SIDE, SIDE)).astype(np.float32).reshape(-1, FEATURE_BYTES)).T
    flat = _unit(_whitened(others).reshape(-1, FEATURE_BYTES)).reshape(-1, SIDE, SIDE)
    return np.asarray(
        np.max([(view.reshape(-1, FEATURE_BYTES) @ shifted).max(1) for view in _eight_views(flat)], axis=0)
    )


def _whitened(features: Features) -> Small:
    """Let every wave count nearly alike, and no pixel for much more than others."""
    spectra = _spectra(features)
    amplitude = np.abs(spectra)
    floor = 1e-3 * amplitude.max((1, 2), keepdims=True) + 1e-9
    flat = np.fft.irfft2(spectra / np.maximum(amplitude, floor) ** WHITENING, (SIDE, SIDE))
    limit = CLIP * np.sqrt((flat**2).mean((1, 2), keepdims=True))
    return np.clip(flat, -limit, limit).astype(np.float32)


def _spectra(features: Features) -> Spectra:
    spectra = np.fft.rfft2(features.reshape(-1, SIDE, SIDE).astype(np.float32)).astype(np.complex64)
    spectra[:, 0, 0] = 0
    return spectra


def _power(features: Features) -> Float32[np.ndarray, "n waves"]:
    """Root amplitudes of the long waves, the mean over all views, as vectors of length 1."""
    half = SIDE // 2
    one, two = np.triu_indices(half + 1)
    length = np.hypot(one, two)
    waves = (length > 0) & (length <= HIGHEST)
    found = [np.empty((0, int(waves.sum())), np.float32)]
    for start in range(0, len(features), BLOCK):
        amplitude = np.abs(_spectra(features[start : start + BLOCK]))
        # Waves up and down are those of the mirrored picture.
        amplitude = amplitude[:, : half + 1] + amplitude[:, -np.arange(half + 1)]
        amplitude = amplitude + amplitude.transpose(0, 2, 1)
        found.append(_unit(np.sqrt(amplitude[:, one[waves], two[waves]])))
    return np.concatenate(found)


def _unit(vectors: Float32[np.ndarray, "n dims"]) -> Float32[np.ndarray, "n dims"]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9)))


def _eight_views(pictures: Small) -> Iterator[Small]:
    for turns in range(4):
        turned = np.rot90(pictures, turns, (1, 2))
        yield turned
        yield turned[:, :, ::-1]


@cache
def _phases() -> Complex64[np.ndarray, f"shifts {SIDE} {SIDE // 2 + 1}"]:
    """Spectra's factors for every shift along both axes."""
    down, right = np.fft.fftfreq(SIDE)[:, np.newaxis], np.fft.rfftfreq(SIDE)[np.newaxis]
    both = [-2j * np.pi * (y * down + x * right) for y in SHIFTS for x in SHIFTS]
    return np.asarray(np.exp(np.array(both)).astype(np.complex64))


@cache
def _taper() -> Float32[np.ndarray, f"{SIDE} {SIDE}"]:
    """Fade out the edges, where a shift brings other pixels in."""
    from_edge = np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]) + 0.5
    edge = np.sin(np.pi / 2 * np.minimum(from_edge / TAPER, 1)).astype(np.float32) ** 2
    return np.outer(edge, edge)


def _small(images_nhwc: ImagesNHWC) -> Small:
    """Average the light over the pixels, or their shares, that fall into each pixel of the small picture."""
    count, height, width, channels = images_nhwc.shape
    down, right = _shares(height), np.repeat(_shares(width) / channels, channels, axis=1)
    small = np.empty((count, SIDE, SIDE), np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        for row, image_hwc in enumerate(images_nhwc):
            small[row] = down @ image_hwc.reshape(height, width * channels).astype(np.float32) @ right.T
    return small


def _shares(side: int) -> Float32[np.ndarray, f"{SIDE} side"]:
    """The share that each of ``side`` pixels has in the mean of each of `SIDE`."""
    edges = np.linspace(0, side, SIDE + 1)
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:, np.newaxis], pixels + 1) - np.maximum(edges[:-1, np.newaxis], pixels)
    return np.asarray((np.maximum(overlap, 0) * (SIDE / side)).astype(np.float32))
