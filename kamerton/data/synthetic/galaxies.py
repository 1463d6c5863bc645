"""A synthetic survey: galaxies of known class photographed as DECaLS would, for demonstrations and tests."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle, offset_by
from astropy.modeling.functional_models import Moffat2D
from astropy.visualization import LuptonAsinhStretch
from jaxtyping import Float, Float32, Int64
from numpy.random import Generator
from scipy.ndimage import gaussian_filter

from kamerton.arrays import Labels, RgbHWC, ValuesN
from kamerton.config.surveys import SynthSettings
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.synthetic.shapes import RECIPES, LightGRZ, Plane, Range, SpectrumGRZ, band_column, spectrum_grz

FIELD_ARCSEC = 67.0
"""Side of every cutout: Galaxy10's 256 pixels of 0.262 arcsec. A smaller picture has larger pixels, not less sky."""
NATIVE_PIXEL_ARCSEC = 0.262
COARSEST_SAMPLING_ARCSEC = 0.7
"""Scenes are drawn on pixels no larger than this, about half a seeing disc, and then averaged down."""

CENTRING_ARCSEC = 0.4
"""Scatter of a galaxy's position along each axis; peaks of real Galaxy10 galaxies lie 0.3 arcsec off at the median.
Twice as much took four points of accuracy from AlexNet at 67 pixels, and about five from nearest neighbours."""

GALAXY10_COUNTS = (1081, 1853, 2645, 2027, 334, 2043, 1829, 2628, 1423, 1873)
"""Galaxies of each class in Galaxy10 DECaLS (Leung & Bovy 2019)."""
FEWEST_OF_A_CLASS = 3
"""A survey of 30 galaxies or more has this many of every class, so that train, valid and test can each have one."""

FOOTPRINT_DEC_DEG = (-18.0, 32.0)
PAIRS_PER_GALAXY = 0.02
PAIR_ARCSEC = (5.0, 30.0)

PSF_WIDTHS_GRZ = (1.12, 1.0, 0.92)
"""Seeing in g, r, z relative to r."""
MOFFAT_POWER = 3.0
"""Wings of a star's picture (Moffat 1969, A&A 3, 455)."""

SKY_GRZ = (1.6, 4.0, 18.0)
"""Brightness of the night sky, nanomaggies per square arcsec; sets how the noise grows with a galaxy's own light."""
LUMINANCE_GRAIN, COLOUR_GRAIN = 0.52, 2.2
"""How far the noise of the brightness and of the colour is alike, native pixels."""
LUMINANCE_NOISE, COLOUR_NOISE = 1.65, 3.2
"""Their strength before they are smoothed, in units of the exposure's noise."""

RGB_SCALES_GRZ = (6.0, 3.4, 2.2)
"""Weights of the bands, nanomaggies per native pixel, in the pictures of the DECaLS viewer."""
RGB_PEDESTAL = 0.03
"""Added to every band before the stretch there; gives the dark grey sky of 32 in 255."""


@dataclass(frozen=True)
class SyntheticGalaxy:
    """One galaxy of the survey."""

    image_hwc: RgbHWC
    """Picture (size, size, 3): red, green and blue from the bands z, r and g."""
    label: int
    """Index in ``CLASS_NAMES``."""
    id: str
    ra_deg: float
    """Right ascension, degrees, ICRS."""
    dec_deg: float
    """Declination, degrees, ICRS."""


def synthesise(settings: SynthSettings) -> Iterator[SyntheticGalaxy]:
    """Yield the galaxies of the survey one after another.

    Labels and positions follow from the seed and the count. The pixels of galaxy i follow from the seed, i and its
    label only. Galaxies that lie close together on the sky are drawn apart: neither appears in the other's picture.
    """
    labels = draw_labels(settings)
    ra_deg, dec_deg = draw_positions(settings)
    for i, label in enumerate(labels):
        yield SyntheticGalaxy(
            image_hwc=photograph(int(label), settings.size, np.random.default_rng([settings.seed, i])),
            label=int(label),
            id=f"synth{settings.seed}-{i:06d}",
            ra_deg=float(ra_deg[i]),
            dec_deg=float(dec_deg[i]),
        )


# The catalogue


def catalogue_rng(settings: SynthSettings, purpose: int) -> Generator:
    """A stream for the whole survey; three words, so it meets no galaxy's stream of two."""
    return np.random.default_rng([settings.seed, settings.count, purpose])


def class_counts(count: int) -> Int64[np.ndarray, " classes"]:
    """Share out galaxies as Galaxy10 does, by largest remainder, but leave no class nearly empty."""
    least = min(FEWEST_OF_A_CLASS, count // len(CLASS_NAMES))
    shares = np.array(GALAXY10_COUNTS) / sum(GALAXY10_COUNTS)
    wanted = np.maximum(shares * count - least, 0.0)
    exact = wanted / max(wanted.sum(), 1e-12) * (count - least * len(CLASS_NAMES))
    counts = np.floor(exact).astype(np.int64)
    largest_remainders = np.argsort(counts - exact, kind="stable")
    counts[largest_remainders[: count - least * len(CLASS_NAMES) - counts.sum()]] += 1
    return np.asarray(counts + least)


def draw_labels(settings: SynthSettings) -> Labels:
    """Labels (count,) in random order."""
    labels = np.repeat(np.arange(len(CLASS_NAMES)), class_counts(settings.count))
    return catalogue_rng(settings, 1).permutation(labels)


def draw_positions(settings: SynthSettings) -> tuple[ValuesN, ValuesN]:
    """Right ascensions and declinations (count,), degrees: even over the footprint, with some close pairs."""
    rng = catalogue_rng(settings, 2)
    ra_deg = rng.uniform(0, 360, settings.count)
    south, north = (math.sin(math.radians(edge)) for edge in FOOTPRINT_DEC_DEG)
    dec_deg = np.degrees(np.arcsin(rng.uniform(south, north, settings.count)))
    pairs = round(PAIRS_PER_GALAXY * settings.count)
    hosts, companions = rng.permutation(settings.count)[: 2 * pairs].reshape(2, pairs)
    position_angle = Angle(rng.uniform(0, 360, pairs), u.deg)
    distance = Angle(rng.uniform(*PAIR_ARCSEC, pairs), u.arcsec)
    lon, lat = offset_by(Angle(ra_deg[hosts], u.deg), Angle(dec_deg[hosts], u.deg), position_angle, distance)
    ra_deg[companions], dec_deg[companions] = lon.wrap_at(360 * u.deg).deg, lat.deg
    return ra_deg, dec_deg


# The scene


@dataclass(frozen=True)
class Exposure:
    """What one picture was taken through."""

    seeing_arcsec: float
    """Full width at half maximum in r."""
    noise: float
    """Sky noise of a native pixel, in units of the stretch."""
    transparency_grz: SpectrumGRZ
    """What the Milky Way's dust and the calibration leave of each band, around 1, (3, 1, 1)."""
    full_well_grz: SpectrumGRZ
    """Brightness (3, 1, 1) at which stars saturate, nanomaggies per square arcsec."""


def photograph(label: int, size: int, rng: Generator) -> RgbHWC:
    """A picture (size, size, 3) of a galaxy of this class."""
    # Separate streams: the galaxy and its neighbours stay the same whatever number of pixels the noise needs.
    shape_rng, field_rng, noise_rng = rng.spawn(3)
    exposure = draw_exposure(field_rng)
    oversampling = math.ceil(FIELD_ARCSEC / size / COARSEST_SAMPLING_ARCSEC)
    sky = sky_plane(size * oversampling)
    offset_arcsec = shape_rng.normal(0, CENTRING_ARCSEC, 2)
    light = RECIPES[CLASS_NAMES[label]](sky.shifted(*map(float, offset_arcsec)), shape_rng)
    scene = blurred(light, exposure)
    for spots in draw_field(field_rng):
        add_spots(scene, spots, exposure)
    scene = averaged(scene * exposure.transparency_grz, oversampling)
    rgb_hwc = stretched(scene, sky_noise(scene, exposure, noise_rng))
    return np.asarray(np.rint(255 * rgb_hwc).astype(np.uint8))


def draw_exposure(rng: Generator) -> Exposure:
    """Seeing, depth and saturation as they scatter over DECaLS."""
    return Exposure(
        seeing_arcsec=rng.uniform(1.0, 1.5),
        noise=0.0090 * math.exp(0.17 * rng.standard_normal()),
        transparency_grz=np.exp(rng.normal(0, 0.015, (3, 1, 1))).astype(np.float32),
        full_well_grz=np.exp(rng.normal(4.5, 1.0, (3, 1, 1))).astype(np.float32),
    )


def pixel_arcsec(scene_3hw: LightGRZ) -> float:
    """Side of a pixel: every scene shows the same field."""
    return FIELD_ARCSEC / int(scene_3hw.shape[-1])


def sky_plane(side_px: int) -> Plane:
    """The pixels of a square picture, seen from its middle."""
    axis_arcsec = ((np.arange(side_px) - (side_px - 1) / 2) * FIELD_ARCSEC / side_px).astype(np.float32)
    x_arcsec, y_arcsec = np.meshgrid(axis_arcsec, axis_arcsec)
    return Plane(x_arcsec, y_arcsec)


def blurred(light_3hw: LightGRZ, exposure: Exposure) -> LightGRZ:
    """The light behind the atmosphere; for extended bodies a Gaussian tells little from Moffat's profile."""
    pixel = pixel_arcsec(light_3hw)
    # The light was taken at pixel centres: a pixel's own width, as variance, stands in for averaging over it.
    sigmas_px = [math.hypot(width * exposure.seeing_arcsec / 2.355 / pixel, 12**-0.5) for width in PSF_WIDTHS_GRZ]
    bands = zip(light_3hw, sigmas_px, strict=True)
    return np.stack([gaussian_filter(band, sigma_px, mode="nearest", truncate=3) for band, sigma_px in bands])


def averaged(scene_3hw: LightGRZ, block_px: int) -> Float32[np.ndarray, "3 rows columns"]:
    """The scene on larger pixels, each the mean of a square block."""
    side_px = scene_3hw.shape[-1] // block_px
    blocks = scene_3hw.reshape(3, side_px, block_px, side_px, block_px)
    return np.asarray(blocks.mean(axis=(2, 4)), dtype=np.float32)


# Neighbours that have nothing to do with the galaxy


@dataclass(frozen=True)
class Spots:
    """Stars or small galaxies (n of them) at random positions in the field."""

    flux_grz: Float32[np.ndarray, "n 3"]
    """Nanomaggies, (n, 3)."""
    width_arcsec: Float32[np.ndarray, " n"]
    """Their own full width at half maximum, 0 for a star, (n,)."""
    axis_ratio: Float32[np.ndarray, " n"]
    """Minor to major axis, (n,)."""
    angle: Float32[np.ndarray, " n"]
    """Position angle, radians, (n,)."""
    positions_arcsec: Float32[np.ndarray, "n 2"]
    """y and x from the middle of the field, (n, 2)."""
    reach_arcsec: float
    """Beyond this distance none of them can be seen."""


def draw_field(rng: Generator) -> list[Spots]:
    """Faint distant galaxies, more red than blue; foreground stars; now and then a brighter galaxy."""
    return [
        draw_spots(rng, 32, (19.5, 24.5), 0.35, redness=(-0.3, 2.2), width_arcsec=(0.0, 1.0), reach_arcsec=4.0),
        draw_spots(rng, 1.2, (16.0, 20.5), 0.25, redness=(-0.3, 2.0), width_arcsec=(0.0, 0.0), reach_arcsec=14.0),
        draw_spots(rng, 0.7, (17.5, 20.5), 0.4, redness=(0.0, 1.2), width_arcsec=(1.0, 2.5), reach_arcsec=12.0),
    ]


def draw_spots(
    rng: Generator,
    mean_count: float,
    magnitudes: Range,
    slope: float,
    *,
    redness: Range,
    width_arcsec: Range,
    reach_arcsec: float,
) -> Spots:
    """Draw spots whose number grows tenfold in 1 / slope magnitudes."""
    n = rng.poisson(mean_count)
    bright, faint = (10 ** (slope * magnitude) for magnitude in magnitudes)
    flux = 10 ** (0.4 * (22.5 - np.log10(rng.uniform(bright, faint, (n, 1))) / slope))
    spectra_grz = np.array([spectrum_grz(red).ravel() for red in rng.uniform(*redness, n)]).reshape(n, 3)
    width = rng.uniform(*width_arcsec, n)
    return Spots(
        flux_grz=(flux * spectra_grz).astype(np.float32),
        width_arcsec=width.astype(np.float32),
        axis_ratio=np.where(width > 0, rng.uniform(0.5, 1.0, n), 1.0).astype(np.float32),
        angle=rng.uniform(0, math.pi, n).astype(np.float32),
        positions_arcsec=rng.uniform(-FIELD_ARCSEC / 2, FIELD_ARCSEC / 2, (n, 2)).astype(np.float32),
        reach_arcsec=reach_arcsec,
    )


def add_spots(scene_3hw: LightGRZ, spots: Spots, exposure: Exposure) -> None:
    """Draw each spot on a stamp of its own and lay the stamps over the scene."""
    pixel, side_px = pixel_arcsec(scene_3hw), scene_3hw.shape[-1]
    reach_px = math.ceil(spots.reach_arcsec / pixel)
    middles_px = spots.positions_arcsec / pixel + (side_px - 1) / 2
    corners_px = np.clip(np.rint(middles_px), 0, side_px - 1).astype(int)
    steps_px = np.arange(-reach_px, reach_px + 1)
    rows_arcsec, columns_arcsec = np.moveaxis((steps_px + (corners_px - middles_px)[..., None]) * pixel, 1, 0)
    stamps = spot_light(columns_arcsec[:, None, :], rows_arcsec[:, :, None], spots, exposure)
    # A margin as wide as a stamp's reach lets stamps hang over the edge.
    padded = np.pad(scene_3hw, ((0, 0), (reach_px, reach_px), (reach_px, reach_px)))
    for (row, column), stamp in zip(corners_px, stamps, strict=True):
        padded[:, row : row + len(steps_px), column : column + len(steps_px)] += stamp
    scene_3hw[:] = padded[:, reach_px:-reach_px, reach_px:-reach_px]


def spot_light(
    x_arcsec: Float[np.ndarray, "n 1 width"],
    y_arcsec: Float[np.ndarray, "n height 1"],
    spots: Spots,
    exposure: Exposure,
) -> Float32[np.ndarray, "n 3 height width"]:
    """Stamps (n, 3, h, w) of Moffat profiles as wide as the seeing and the spot together, flat where they saturate."""
    cos, sin, ratio = (a[:, None, None] for a in (np.cos(spots.angle), np.sin(spots.angle), spots.axis_ratio))
    along, across = x_arcsec * cos + y_arcsec * sin, (y_arcsec * cos - x_arcsec * sin) / ratio
    fwhm_arcsec = np.hypot(spots.width_arcsec[:, None], exposure.seeing_arcsec * np.array(PSF_WIDTHS_GRZ, np.float32))
    gamma = fwhm_arcsec / np.float32(2 * math.sqrt(2 ** (1 / MOFFAT_POWER) - 1))
    peak = spots.flux_grz * np.float32(MOFFAT_POWER - 1) / (np.float32(math.pi) * gamma**2 * spots.axis_ratio[:, None])
    gamma, peak = gamma[..., None, None], peak[..., None, None]
    light = Moffat2D.evaluate(along[:, None], across[:, None], peak, 0, 0, gamma, MOFFAT_POWER)
    return np.asarray(np.minimum(light, exposure.full_well_grz), dtype=np.float32)


# From light to pixels


def sky_noise(scene_3hw: LightGRZ, exposure: Exposure, rng: Generator) -> LightGRZ:
    """Noise (3, h, w), units of the stretch, that grows with the light as photons do.

    Its brightness is fine-grained and its colour comes in soft patches: the viewer's pictures were JPEG files, which
    keep little of the fine colour.
    """
    native_px = NATIVE_PIXEL_ARCSEC / pixel_arcsec(scene_3hw)
    white = rng.standard_normal((4, *scene_3hw.shape[1:]), dtype=np.float32)
    grey = gaussian_filter(white[0], LUMINANCE_GRAIN * native_px)
    colour = gaussian_filter(white[1:], (0, *[COLOUR_GRAIN * native_px] * 2), truncate=2.5)
    mixed = np.float32(LUMINANCE_NOISE) * grey + np.float32(COLOUR_NOISE) * colour
    growth = np.sqrt(1 + scene_3hw / band_column(SKY_GRZ))
    return np.asarray(exposure.noise * native_px * mixed * growth, dtype=np.float32)


def stretched(scene_3hw: LightGRZ, noise_3hw: LightGRZ) -> Float32[np.ndarray, "height width 3"]:
    """Red, green and blue (h, w, 3), 0 to 1, by the asinh stretch of Lupton et al. (2004, PASP 116, 133).

    DECaLS writes it asinh(20 I) / sqrt(20); Astropy writes the same with Q = 4.623 and a stretch of Q / 20. As in
    DECaLS, a band that passes white is cut off by itself, so bright cores lose their colour.
    """
    to_native = band_column(RGB_SCALES_GRZ) * np.float32(NATIVE_PIXEL_ARCSEC**2)
    bands = scene_3hw * to_native + noise_3hw + np.float32(RGB_PEDESTAL)
    intensity = np.maximum(np.maximum(bands, 0).mean(axis=0), np.float32(1e-6))
    softening = 10 * math.sinh(0.1 * math.sqrt(20))
    mapped = LuptonAsinhStretch(stretch=softening / 20, Q=softening)(intensity, clip=False)
    return np.moveaxis(np.clip(bands[::-1] * (mapped / intensity), 0, 1), 0, -1)
