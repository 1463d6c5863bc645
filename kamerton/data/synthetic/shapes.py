"""The galaxies of the synthetic survey: a recipe for each class, built from the profiles fitted to real galaxies.

Light is surface brightness in nanomaggies per square arcsecond, an array (3, height, width) of the bands g, r, z.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float32
from numpy.random import Generator
from scipy.ndimage import map_coordinates
from scipy.special import gammaincinv, k1

MapHW = Float32[np.ndarray, "height width"]
"""A number a pixel."""
LightGRZ = Float32[np.ndarray, "3 height width"]
"""Surface brightness in the bands g, r, z."""
SpectrumGRZ = Float32[np.ndarray, "3 1 1"]
"""A number a band, which meets light."""

Range = tuple[float, float]

SOFTENING_ARCSEC = 0.15
"""Radii are softened by this, so that a cuspy core does not depend on where it falls between pixel centres."""


@dataclass(frozen=True)
class Plane:
    """Where every pixel lies in a plane: coordinates (height, width) from the galaxy's centre, arcsec."""

    x_arcsec: MapHW
    y_arcsec: MapHW

    @cached_property
    def radius_arcsec(self) -> MapHW:
        """Distance from the centre (height, width), softened so that no profile has a spike there, arcsec."""
        return np.sqrt(self.x_arcsec**2 + self.y_arcsec**2 + np.float32(SOFTENING_ARCSEC**2))

    @cached_property
    def azimuth(self) -> MapHW:
        """Angle from the x axis to the y axis (height, width), radians."""
        return np.arctan2(self.y_arcsec, self.x_arcsec)

    def shifted(self, x_arcsec: float, y_arcsec: float) -> Plane:
        """The same pixels seen from another centre."""
        return Plane(self.x_arcsec - x_arcsec, self.y_arcsec - y_arcsec)

    def rotated(self, angle: float) -> Plane:
        """The same pixels with the x axis turned by an angle, radians."""
        cos, sin = math.cos(angle), math.sin(angle)
        return Plane(self.x_arcsec * cos + self.y_arcsec * sin, self.y_arcsec * cos - self.x_arcsec * sin)

    def tilted(self, axis_ratio: float) -> Plane:
        """The pixels as they lie in a round disc that the sky shows with this axis ratio, long axis along x."""
        return Plane(self.x_arcsec, self.y_arcsec / axis_ratio)

    def bent(self, rng: Generator, amplitude: float, scale_arcsec: float) -> Plane:
        """Coordinates displaced by a slow wave, at most ``amplitude`` of its scale: what tides do to a round body."""
        phases = rng.uniform(0, 2 * math.pi, 2)
        push = amplitude * scale_arcsec
        x_wave = np.sin(self.y_arcsec / scale_arcsec + np.float32(phases[0]))
        y_wave = np.sin(self.x_arcsec / scale_arcsec + np.float32(phases[1]))
        return Plane(self.x_arcsec + push * x_wave, self.y_arcsec + push * y_wave)


# Draws


def turned(plane: Plane, rng: Generator) -> Plane:
    """The plane with a random position angle."""
    return plane.rotated(rng.uniform(0, 2 * math.pi))


def size_around(rng: Generator, median_arcsec: float, spread: float = 0.28) -> float:
    """A log-normal size, arcsec, at most two deviations from its median."""
    return median_arcsec * math.exp(spread * min(max(rng.standard_normal(), -2.0), 2.0))


# Colours and brightness


def band_column(values_grz: Sequence[float]) -> SpectrumGRZ:
    """One number a band as an array (3, 1, 1) that meets pictures (3, h, w)."""
    return np.array(values_grz, dtype=np.float32)[:, None, None]


def surface_brightness(magnitude: float) -> float:
    """Magnitudes per square arcsec as nanomaggies per square arcsec (zero point 22.5)."""
    return 10 ** (0.4 * (22.5 - magnitude))


def spectrum_grz(redness: float) -> SpectrumGRZ:
    """Brightness in g, r, z relative to r: from a star-forming disc (0) to an old bulge (1), DECaLS colours."""
    g_minus_r = 0.34 + 0.65 * redness
    r_minus_z = 0.25 + 0.45 * redness
    return band_column([10 ** (-0.4 * g_minus_r), 1.0, 10 ** (0.4 * r_minus_z)])


def coloured(map_hw: MapHW, magnitude: float, redness: float) -> LightGRZ:
    """Light (3, h, w) of a map whose value 1 stands for this r magnitude per square arcsec."""
    return map_hw * (np.float32(surface_brightness(magnitude)) * spectrum_grz(redness))


def reddened(light_3hw: LightGRZ, depth_hw: MapHW) -> LightGRZ:
    """Light behind a screen of dust with this optical depth in r; slopes after Cardelli, Clayton & Mathis (1989)."""
    slopes_grz = band_column([1.4, 1.0, 0.57])
    return light_3hw * np.exp(-slopes_grz * depth_hw)


# Profiles


def sersic(plane: Plane, half_light_arcsec: float, index: float) -> MapHW:
    """Sersic's profile, 1 at the half-light radius (Sersic 1963, BAAA 6, 41)."""
    steepness = float(gammaincinv(2 * index, 0.5))
    return np.exp(-steepness * ((plane.radius_arcsec / half_light_arcsec) ** (1 / index) - 1))


def disc(plane: Plane, scale_arcsec: float) -> MapHW:
    """An exponential disc that ends near four scale lengths, 1 in the middle (Freeman 1970; van der Kruit 1979)."""
    radius = plane.radius_arcsec / scale_arcsec
    return np.exp(-radius) * below(radius, 4.2, 0.35)


def edge_on_disc(plane: Plane, scale_arcsec: float, height_arcsec: float) -> MapHW:
    """A disc seen from its edge, long axis along x, 1 in the middle (van der Kruit & Searle 1981, A&A 95, 105)."""
    radius = np.sqrt((plane.x_arcsec / scale_arcsec) ** 2 + np.float32(1e-4))
    height = np.minimum(np.abs(plane.y_arcsec) / height_arcsec, 20)
    return (radius * k1(radius) * below(radius, 3.8, 0.3) / np.cosh(height) ** 2).astype(np.float32)


def bar(plane: Plane, length_arcsec: float, axis_ratio: float) -> MapHW:
    """A boxy bar of this half-length along x, 1 in the middle and 0 outside (Ferrers 1877; Athanassoula 1990)."""
    x = np.abs(plane.x_arcsec) / length_arcsec
    y = np.abs(plane.y_arcsec) / (length_arcsec * axis_ratio)
    return np.clip(1 - (x * x * x + y * y * y), 0, 1)


def ring(plane: Plane, radius_arcsec: float, width_arcsec: float) -> MapHW:
    """A ring, 1 on its ridge."""
    return np.exp(-0.5 * ((plane.radius_arcsec - radius_arcsec) / width_arcsec) ** 2)


def below(values: MapHW, edge: float, softness: float) -> MapHW:
    """1 below the edge and 0 above it, with a soft passage."""
    return np.float32(0.5) - np.float32(0.5) * np.tanh((values - edge) / (2 * softness))


def arms(plane: Plane, rng: Generator, *, pitch_deg: float, count: int, start_arcsec: float) -> MapHW:
    """Logarithmic spiral arms, 1 on their ridges, through (``start_arcsec``, 0); they wander by some degrees."""
    winding = np.log(plane.radius_arcsec / start_arcsec)
    wander = 0.25 * np.sin(2.5 * winding + rng.uniform(0, 2 * math.pi))
    phase = count * (plane.azimuth - winding / math.tan(math.radians(pitch_deg)) + wander)
    sharpness = rng.uniform(1.2, 2.2)
    return np.exp(sharpness * (np.cos(phase) - 1))


def tail(plane: Plane, *, start_arcsec: float, reach_arcsec: float, width_arcsec: float, fading: float) -> MapHW:
    """A tidal tail that leaves the body along +x and curls away from it, fading (Toomre & Toomre 1972)."""
    turn = np.mod(plane.azimuth, np.float32(2 * math.pi))
    ridge = start_arcsec + reach_arcsec * turn
    width = width_arcsec * (1 + 0.6 * turn)
    rise = 1 - np.exp(-((turn / 0.25) ** 2))
    return rise * np.exp(-0.5 * ((plane.radius_arcsec - ridge) / width) ** 2 - fading * turn)


def shell(plane: Plane, radius_arcsec: float, opening: float) -> MapHW:
    """An arc of stars with a sharp outer edge, around +x (Malin & Carter 1980)."""
    inside = (plane.radius_arcsec - radius_arcsec) / radius_arcsec
    arc = np.exp(4 * np.minimum(inside, 0)) * below(inside, 0, 0.03)
    return arc * np.exp(-0.5 * (plane.azimuth / opening) ** 2)


def clumps(plane: Plane, rng: Generator, scale_arcsec: float, contrast: float) -> MapHW:
    """Log-normal patches of this size with a mean near 1: star-forming knots, holes, patchy dust.

    The patches are drawn on a fixed lattice, so the same galaxy has the same knots at every pixel scale.
    """
    lattice = rng.standard_normal((48, 48), dtype=np.float32)
    rows_columns = np.stack([plane.y_arcsec, plane.x_arcsec]) / np.float32(scale_arcsec)
    field = map_coordinates(lattice, rows_columns, order=1, mode="grid-wrap")
    return np.exp(np.float32(contrast) * field - np.float32(contrast**2 / 4))


# Bodies: whole galaxies or the larger part of one


def smooth_body(plane: Plane, rng: Generator, *, axis_ratio: Range, half_light_arcsec: float = 3.5) -> LightGRZ:
    """An elliptical or a featureless lenticular: a redder core in an envelope of the same shape."""
    plane = turned(plane, rng).tilted(rng.uniform(*axis_ratio))
    size = size_around(rng, half_light_arcsec, 0.4)
    redness, magnitude = rng.uniform(0.0, 1.0), rng.normal(21.5, 0.5)
    envelope = coloured(sersic(plane, size, rng.uniform(0.7, 1.8)), magnitude, redness)
    core = sersic(plane, size * rng.uniform(0.2, 0.5), rng.uniform(1.0, 3.0))
    return envelope + coloured(core, magnitude - rng.uniform(-1.0, 0.6), min(redness + 0.15, 1.1))


def bulge(plane: Plane, rng: Generator, size_arcsec: float, magnitude: float, redness: float) -> LightGRZ:
    """A bulge of old stars (de Vaucouleurs 1948; real ones scatter around index 1 to 4)."""
    return coloured(sersic(plane, size_arcsec, rng.uniform(1.0, 3.5)), magnitude, redness)


def disc_of_arms(
    plane: Plane, rng: Generator, ridges_hw: MapHW, *, scale_arcsec: float, start_arcsec: float, contrast: float
) -> LightGRZ:
    """A disc whose arms are bluer, brighter and knottier than what lies between them."""
    magnitude, redness = rng.normal(20.7, 0.4), rng.uniform(0.25, 0.85)
    beyond_start = 1 - below(plane.radius_arcsec, start_arcsec, 0.2 * start_arcsec)
    knots = clumps(plane, rng, rng.uniform(0.9, 1.6), rng.uniform(0.4, 0.9))
    young = ridges_hw * beyond_start * knots * one_sided(plane, rng, 0.35)
    # Arms take the gas from between them, and their own light reaches further out than the old disc's.
    old = disc(plane, scale_arcsec) * (1 - 0.5 * min(contrast, 1.5) * beyond_start)
    blue = redness - rng.uniform(0.25, 0.6)
    return coloured(old, magnitude, redness) + coloured(
        contrast * young * disc(plane, 1.2 * scale_arcsec), magnitude - 0.3, blue
    )


def one_sided(plane: Plane, rng: Generator, strength: float) -> MapHW:
    """A factor around 1 that favours a random side: hardly any disc is symmetric (Rix & Zaritsky 1995)."""
    return 1 + np.float32(rng.uniform(0, strength)) * np.cos(plane.azimuth - np.float32(rng.uniform(0, 2 * math.pi)))


def inclined(sky: Plane, rng: Generator, scale_arcsec: float) -> Plane:
    """The plane of a disc galaxy seen at a slant, slightly uneven, with a random direction for x."""
    slanted = turned(sky, rng).tilted(rng.uniform(0.45, 1.0)).bent(rng, rng.uniform(0.0, 0.12), 2 * scale_arcsec)
    return turned(slanted, rng)


# Recipes


def disturbed(sky: Plane, rng: Generator) -> LightGRZ:
    """One body that tides have pulled out of shape: bent, off-centre, with tails or shells."""
    size = size_around(rng, 3.0)
    redness, magnitude = rng.uniform(0.0, 0.7), rng.normal(20.7, 0.4)
    bent = turned(sky, rng).bent(rng, rng.uniform(0.2, 0.5), 1.6 * size)
    lopsided = bent.shifted(rng.uniform(0.3, 0.9) * size, 0.0).tilted(rng.uniform(0.45, 0.9))
    knots = clumps(bent, rng, rng.uniform(1.2, 2.2), rng.uniform(0.2, 0.6))
    body = coloured(disc(lopsided, size) * knots, magnitude, redness)
    core = bulge(bent, rng, 0.35 * size, magnitude + rng.uniform(-0.5, 1.2), redness + 0.25)
    return body + core + debris(sky, rng, size, rng.uniform(22.6, 24.2), redness)


def debris(sky: Plane, rng: Generator, size_arcsec: float, magnitude: float, redness: float) -> LightGRZ:
    """Tails or shells around a body of this scale length."""
    sprays = [spray(sky, rng, size_arcsec) for _ in range(rng.integers(1, 3))]
    return coloured(np.sum(sprays, axis=0), magnitude, redness)


def spray(sky: Plane, rng: Generator, size_arcsec: float) -> MapHW:
    """A tail or a shell, whichever the encounter left."""
    plane = turned(sky, rng)
    if rng.random() < 0.35:
        return shell(plane, size_arcsec * rng.uniform(2.5, 4.5), rng.uniform(0.4, 0.9))
    plane = plane if rng.random() < 0.5 else Plane(plane.x_arcsec, -plane.y_arcsec)
    return 2.5 * tail(
        plane,
        start_arcsec=1.2 * size_arcsec,
        reach_arcsec=size_arcsec * rng.uniform(1.2, 5.0),
        width_arcsec=size_arcsec * rng.uniform(0.3, 0.8),
        fading=rng.uniform(0.9, 2.0),
    )


def merging(sky: Plane, rng: Generator) -> LightGRZ:
    """Two galaxies whose outskirts touch, in one envelope, with a bridge and tails."""
    size = size_around(rng, 3.0)
    apart = size * rng.uniform(1.2, 3.4)
    along = turned(sky, rng)
    # Catalogues centre some mergers on the brighter galaxy and some between the two.
    first = along.shifted(-apart * float(rng.choice([0.0, 0.5])), 0.0)
    second = first.shifted(apart, 0.0)
    between = first.shifted(apart / 2, 0.0)
    light = member(first, rng, size) + member(second, rng, size * rng.uniform(0.6, 1.0))
    redness = rng.uniform(0.2, 0.8)
    envelope = sersic(between.tilted(0.6), 0.5 * apart + 1.5 * size, 1.0) + 2.0 * ridge(between, apart, 0.5 * size)
    return (
        light
        + coloured(envelope, rng.uniform(23.0, 24.2), redness)
        + debris(first, rng, size, rng.uniform(22.8, 24.4), redness)
    )


def ridge(plane: Plane, length_arcsec: float, width_arcsec: float) -> MapHW:
    """A straight bridge of light along x, 1 in the middle."""
    return np.exp(-((plane.x_arcsec / length_arcsec) ** 4) - 0.5 * (plane.y_arcsec / width_arcsec) ** 2)


def member(plane: Plane, rng: Generator, size_arcsec: float) -> LightGRZ:
    """One galaxy of a merging pair: smooth, or a ragged disc."""
    if rng.random() < 0.5:
        return smooth_body(plane, rng, axis_ratio=(0.4, 1.0), half_light_arcsec=0.8 * size_arcsec)
    redness, magnitude = rng.uniform(0.0, 0.8), rng.normal(20.6, 0.4)
    bent = turned(plane, rng).bent(rng, 0.3, 1.6 * size_arcsec).tilted(rng.uniform(0.35, 1.0))
    ragged = disc(bent, 0.7 * size_arcsec) * clumps(bent, rng, 1.3, 0.5)
    core = bulge(bent, rng, 0.3 * size_arcsec, magnitude, redness + 0.25)
    return coloured(ragged, magnitude, redness) + core


def unbarred_spiral(
    sky: Plane, rng: Generator, *, pitch_deg: Range, bulge_size: Range, arm_counts: tuple[int, ...]
) -> LightGRZ:
    """A bulge in a disc of arms."""
    scale = size_around(rng, 3.4)
    plane = inclined(sky, rng, scale)
    pitch = float(rng.choice([-1, 1])) * rng.uniform(*pitch_deg)
    ridges = arms(plane, rng, pitch_deg=pitch, count=int(rng.choice(arm_counts)), start_arcsec=scale)
    start, contrast = scale * rng.uniform(0.4, 0.8), rng.uniform(0.8, 1.6)
    light = disc_of_arms(plane, rng, ridges, scale_arcsec=scale, start_arcsec=start, contrast=contrast)
    return light + bulge(plane, rng, scale * rng.uniform(*bulge_size), rng.normal(20.5, 0.5), rng.uniform(0.6, 1.1))


def barred_spiral(sky: Plane, rng: Generator) -> LightGRZ:
    """A bulge and a bar whose ends feed two arms and, now and then, a ring."""
    scale = size_around(rng, 3.4)
    plane = inclined(sky, rng, scale)
    length = scale * rng.uniform(1.2, 2.2)
    pitch = float(rng.choice([-1, 1])) * rng.uniform(11, 28)
    ridges = arms(plane, rng, pitch_deg=pitch, count=2, start_arcsec=length)
    ridges = ridges + float(rng.choice([0.0, 0.0, 0.6])) * ring(plane, 1.05 * length, 0.2 * length)
    light = disc_of_arms(
        plane, rng, ridges, scale_arcsec=scale, start_arcsec=0.85 * length, contrast=rng.uniform(0.4, 1.1)
    )
    # A bar sweeps the disc beside it clean.
    light = light * (1 - 0.5 * below(plane.radius_arcsec, 0.85 * length, 0.15 * length))
    redness = rng.uniform(0.5, 1.0)
    core = bulge(plane, rng, 0.18 * length, rng.normal(20.5, 0.5), redness)
    return light + core + coloured(bar(plane, length, rng.uniform(0.2, 0.36)), rng.normal(20.2, 0.35), redness)


def edge_on(sky: Plane, rng: Generator, *, with_bulge: bool) -> LightGRZ:
    """A disc from its edge, bluer outwards, a little warped, often with a lane of dust."""
    scale = size_around(rng, 4.3, 0.38)
    plane = warped(turned(sky, rng), rng, scale)
    height = scale * rng.uniform(0.1, 0.2)
    magnitude, redness = rng.normal(20.6, 0.45), rng.uniform(0.45, 1.0)
    flat = edge_on_disc(plane, scale, height)
    inner = np.exp(-((plane.x_arcsec / (1.5 * scale)) ** 2))
    light = coloured(flat * inner, magnitude, redness) + coloured(flat * (1 - inner), magnitude, redness - 0.45)
    if with_bulge:
        round_plane = plane.tilted(rng.uniform(0.65, 1.0))
        light = light + bulge(round_plane, rng, scale * rng.uniform(0.2, 0.42), rng.normal(20.5, 0.4), redness + 0.1)
    return reddened(light, dust_lane(plane, rng, scale, height))


def warped(plane: Plane, rng: Generator, scale_arcsec: float) -> Plane:
    """The plane with its ends bent to opposite sides, as most edge-on discs are."""
    lift = rng.normal(0, 0.012) * plane.x_arcsec * np.abs(plane.x_arcsec) / scale_arcsec
    return Plane(plane.x_arcsec, plane.y_arcsec - lift)


def dust_lane(plane: Plane, rng: Generator, scale_arcsec: float, height_arcsec: float) -> MapHW:
    """Optical depth of a thin patchy lane a little off the middle plane."""
    offset = plane.y_arcsec - rng.uniform(-0.4, 0.4) * height_arcsec
    lane = np.exp(-0.5 * (offset / (0.5 * height_arcsec)) ** 2 - (plane.x_arcsec / (2.2 * scale_arcsec)) ** 2)
    return np.float32(rng.uniform(0.0, 1.2)) * lane * clumps(plane, rng, 1.2, 0.4)


Recipe = Callable[[Plane, Generator], LightGRZ]

RECIPES: dict[str, Recipe] = {
    "Disturbed": disturbed,
    "Merging": merging,
    "Round Smooth": partial(smooth_body, axis_ratio=(0.84, 1.0)),
    "In-between Round Smooth": partial(smooth_body, axis_ratio=(0.45, 0.76)),
    "Cigar Shaped Smooth": partial(smooth_body, axis_ratio=(0.22, 0.38), half_light_arcsec=4.2),
    "Barred Spiral": barred_spiral,
    "Unbarred Tight Spiral": partial(unbarred_spiral, pitch_deg=(8, 15), bulge_size=(0.25, 0.5), arm_counts=(2, 2, 3)),
    "Unbarred Loose Spiral": partial(
        unbarred_spiral, pitch_deg=(24, 42), bulge_size=(0.12, 0.35), arm_counts=(1, 2, 2, 2, 3)
    ),
    "Edge-on without Bulge": partial(edge_on, with_bulge=False),
    "Edge-on with Bulge": partial(edge_on, with_bulge=True),
}
"""Class name -> what draws such a galaxy: light (3, h, w) on the sky plane."""
