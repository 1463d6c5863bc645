"""A galaxy that is shown otherwise is the same galaxy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy import ndimage

from kamerton.batches.augment import augment, eight_views, turned
from kamerton.config.recipe import AugmentSettings
from kamerton.errors import UsageError

IMAGES_NCHW = torch.rand(16, 3, 21, 21, generator=torch.Generator().manual_seed(0))
NONE = AugmentSettings(turns="none", shift=0.0, zoom=1.0)


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blobs(count: int, side: int = 41) -> torch.Tensor:
    """Smooth round blobs, a little beside the middle; interpolation does them little harm."""
    y, x = torch.meshgrid(torch.arange(side) - 24.0, torch.arange(side) - 20.0, indexing="ij")
    return torch.exp(-(x**2 + y**2) / 50).expand(count, 1, side, side).contiguous()


def test_the_eight_views_are_all_different_and_the_first_is_the_image() -> None:
    views = list(eight_views(IMAGES_NCHW))
    assert torch.equal(views[0], IMAGES_NCHW)
    assert all(not torch.equal(one, other) for one, other in itertools.combinations(views, 2))


def test_the_eight_views_are_a_group() -> None:
    """A view of a view is one of the eight."""
    views = list(eight_views(IMAGES_NCHW))
    for one, two in itertools.product(range(8), repeat=2):
        assert any(torch.equal(turned(turned(IMAGES_NCHW, one), two), view) for view in views)


@pytest.mark.parametrize("number", range(8))
def test_a_turn_is_numpys(number: int) -> None:
    plane = IMAGES_NCHW[0, 0].numpy()
    wanted = np.rot90(plane[:, ::-1] if number >= 4 else plane, number % 4)
    np.testing.assert_array_equal(turned(IMAGES_NCHW, number)[0, 0].numpy(), wanted)


def test_eight_turns_give_each_image_one_of_its_views_and_all_of_them_in_time() -> None:
    settings = AugmentSettings(turns="eight", shift=0.0, zoom=1.0)
    views = torch.stack(list(eight_views(IMAGES_NCHW)))
    seen = set()
    for seed in range(8):
        shown = augment(IMAGES_NCHW, settings, random(seed))
        for row in range(len(shown)):
            numbers = [n for n in range(8) if torch.equal(views[n, row], shown[row])]
            assert len(numbers) == 1
            seen.update(numbers)
    assert seen == set(range(8))


@pytest.mark.parametrize("turns", ["none", "eight", "any"])
def test_the_same_random_numbers_show_the_same(turns: str) -> None:
    settings = AugmentSettings(turns=turns, shift=0.1, zoom=1.2)  # type: ignore[arg-type]
    first, again, other = (augment(IMAGES_NCHW, settings, random(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_any_change_the_image_is_the_image() -> None:
    assert augment(IMAGES_NCHW, NONE, random()) is IMAGES_NCHW


def test_a_shift_moves_the_centre_of_light_by_at_most_its_share() -> None:
    images = blobs(200)
    shown = augment(images, AugmentSettings(turns="none", shift=0.1, zoom=1.0), random())
    centres = np.array([ndimage.center_of_mass(image.numpy() ** 4) for image in shown[:, 0]])
    moved = np.abs(centres - [24, 20])
    assert moved.max() == pytest.approx(0.1 * 41, rel=0.1)
    assert abs((centres - [24, 20]).mean()) < 0.4


def test_a_zoom_changes_the_size_by_at_most_its_factor_up_and_down() -> None:
    images = blobs(200)
    shown = augment(images, AugmentSettings(turns="none", shift=0.0, zoom=1.25), random())
    areas = (shown > 0.5).sum((1, 2, 3)) / (images > 0.5).sum((1, 2, 3))
    assert areas.max() == pytest.approx(1.25**2, rel=0.08)
    assert areas.min() == pytest.approx(1.25**-2, rel=0.08)


def test_any_angle_keeps_the_distance_from_the_middle_and_reaches_all_around() -> None:
    shown = augment(blobs(300), AugmentSettings(turns="any", shift=0.0, zoom=1.0), random())
    centres = np.array([ndimage.center_of_mass(image.numpy() ** 4) for image in shown[:, 0]]) - 20
    np.testing.assert_allclose(np.hypot(*centres.T), 4, atol=0.2)
    angles = np.degrees(np.arctan2(*centres.T))
    assert np.diff(np.sort(angles)).max() < 10


def test_half_of_the_images_at_any_angle_are_mirrored() -> None:
    """A comma turns the other way round in a mirror only."""
    comma = torch.zeros(1, 1, 41, 41)
    comma[0, 0, 5:20, 18:22], comma[0, 0, 5:9, 18:32] = 1, 1
    shown = augment(comma.expand(200, 1, 41, 41), AugmentSettings(turns="any", shift=0.0, zoom=1.0), random())[:, 0]
    turns = [
        torch.from_numpy(ndimage.rotate(comma[0, 0].numpy(), a, reshape=False, order=1)) for a in range(0, 360, 10)
    ]
    plain = torch.stack(turns).flatten(1)
    mirrored = torch.stack([turn.flip(1) for turn in turns]).flatten(1)
    flat = shown.flatten(1)
    is_plain = (flat @ plain.T).amax(1) > (flat @ mirrored.T).amax(1)
    assert 70 < int(is_plain.sum()) < 130


@pytest.mark.parametrize("field", [{"shift": 0.6}, {"shift": -0.1}, {"zoom": 0.9}, {"zoom": 5.0}])
def test_a_change_out_of_range_is_refused(field: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="Bad value for"):
        AugmentSettings(**{"turns": "none", "shift": 0.0, "zoom": 1.0, **field})  # type: ignore[arg-type]
