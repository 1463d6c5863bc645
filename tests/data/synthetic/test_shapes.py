"""The shapes of the synthetic survey are those that their names promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from astropy.modeling.models import Sersic1D, Sersic2D
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.synthetic.galaxies import sky_plane
from kamerton.data.synthetic.shapes import (
    RECIPES,
    SOFTENING_ARCSEC,
    arms,
    bar,
    clumps,
    coloured,
    disc,
    edge_on_disc,
    reddened,
    sersic,
    spectrum_grz,
    surface_brightness,
)

SKY = sky_plane(256)


@pytest.mark.parametrize("index", [0.7, 1.0, 4.0])
def test_sersics_profile_is_astropys(index: float) -> None:
    oracle = Sersic2D(amplitude=1, r_eff=5.0, n=index)(SKY.x_arcsec, SKY.y_arcsec)
    away = np.hypot(SKY.x_arcsec, SKY.y_arcsec) > 20 * SOFTENING_ARCSEC
    np.testing.assert_allclose(sersic(SKY, 5.0, index)[away], oracle[away], rtol=5e-3)


@pytest.mark.parametrize("index", [0.7, 1.0, 2.5])
def test_half_of_sersics_light_lies_within_the_half_light_radius(index: float) -> None:
    """Against SciPy's integral over rings, of the softened profile exactly and of the pure one nearly."""
    half_light, edge = 3.0, 30.0
    plane = sky_plane(512)
    pixel_arcsec = float(plane.x_arcsec[0, 1] - plane.x_arcsec[0, 0])
    light = sersic(plane, half_light, index) * pixel_arcsec**2
    distance = np.hypot(plane.x_arcsec, plane.y_arcsec)
    inner, whole = (float(light[distance < radius].sum()) for radius in (half_light, edge))

    def integral(radius: float, softening_arcsec: float) -> float:
        profile = Sersic1D(amplitude=1, r_eff=half_light, n=index)
        return quad(lambda r: 2 * math.pi * r * profile(math.hypot(r, softening_arcsec)), 0, radius)[0]

    assert inner == pytest.approx(integral(half_light, SOFTENING_ARCSEC), rel=5e-3)
    assert whole == pytest.approx(integral(edge, SOFTENING_ARCSEC), rel=5e-3)
    assert inner == pytest.approx(integral(np.inf, 0) / 2, rel=0.04)
    assert whole == pytest.approx(integral(np.inf, 0), rel=0.04)


def test_a_tilted_disc_has_its_axis_ratio() -> None:
    light = disc(SKY.tilted(0.5), 3.0)
    second_moments = [(light * axis**2).sum() for axis in (SKY.y_arcsec, SKY.x_arcsec)]
    assert math.sqrt(second_moments[0] / second_moments[1]) == pytest.approx(0.5, abs=0.02)


def test_a_disc_falls_by_e_in_a_scale_length() -> None:
    light = disc(SKY, 4.0)
    along = light[128, 128:]
    at = np.interp([4.0, 8.0], SKY.x_arcsec[128, 128:], along)
    assert at[0] / at[1] == pytest.approx(math.e, rel=0.02)


def test_an_edge_on_disc_is_flat() -> None:
    light = edge_on_disc(SKY, 6.0, 0.8)
    assert light[128].sum() > 5 * light[:, 128].sum()


def test_a_bar_ends_at_its_length() -> None:
    light = bar(SKY, 5.0, 0.3)
    outside = (np.abs(SKY.x_arcsec) > 5.0) | (np.abs(SKY.y_arcsec) > 1.5)
    assert light.max() > 0.99
    assert light[outside].max() == 0


@pytest.mark.parametrize("pitch_deg", [12.0, 25.0, -25.0])
def test_arms_wind_with_their_pitch(pitch_deg: float) -> None:
    """Along a ridge ln r grows by tan(pitch) for each radian; measured by the phase of the second harmonic."""
    radii, turns = np.array([3.0, 9.0]), []
    for seed in range(20):
        ridges = arms(SKY, np.random.default_rng(seed), pitch_deg=pitch_deg, count=2, start_arcsec=3.0)
        phases = []
        for radius in np.linspace(radii[0], radii[1], 40):
            ring = np.abs(SKY.radius_arcsec - radius) < 0.4
            phases.append(np.angle((ridges[ring] * np.exp(2j * SKY.azimuth[ring])).sum()))
        turns.append((np.unwrap(phases)[-1] - np.unwrap(phases)[0]) / 2)
    found = np.median(turns) / math.log(radii[1] / radii[0])
    assert found == pytest.approx(1 / math.tan(math.radians(pitch_deg)), rel=0.15)


def test_clumps_keep_the_light_and_their_places_at_every_pixel_scale() -> None:
    fine, coarse = (clumps(sky_plane(side), np.random.default_rng(1), 1.5, 0.6) for side in (256, 128))
    assert fine.mean() == pytest.approx(1.0, abs=0.1)
    blocks = fine.reshape(128, 2, 128, 2).mean(axis=(1, 3))
    assert np.corrcoef(blocks.ravel(), coarse.ravel())[0, 1] > 0.95


@given(st.floats(14, 26))
def test_five_magnitudes_are_a_factor_of_a_hundred(magnitude: float) -> None:
    assert surface_brightness(magnitude - 5) / surface_brightness(magnitude) == pytest.approx(100)
    assert surface_brightness(22.5) == pytest.approx(1)


def test_red_galaxies_are_redder_in_every_colour() -> None:
    blue, red = (spectrum_grz(redness).ravel() for redness in (0.0, 1.0))
    assert red[0] / red[1] < blue[0] / blue[1] < 1
    assert red[2] / red[1] > blue[2] / blue[1] > 1


def test_dust_dims_g_more_than_z() -> None:
    light = coloured(np.ones((2, 2), np.float32), 20.0, 0.5)
    g, r, z = (reddened(light, np.ones((2, 2), np.float32)) / light)[:, 0, 0]
    assert g < r < z < 1
    assert r == pytest.approx(math.exp(-1))


def test_every_class_of_galaxy10_has_a_recipe_in_its_order() -> None:
    assert tuple(RECIPES) == CLASS_NAMES


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_gives_light_that_is_finite_and_never_negative(name: str) -> None:
    for seed in range(5):
        light = RECIPES[name](sky_plane(96), np.random.default_rng(seed))
        assert light.shape == (3, 96, 96)
        assert light.dtype == np.float32
        assert np.isfinite(light).all()
        assert light.min() >= 0
        assert light.max() > surface_brightness(24)
