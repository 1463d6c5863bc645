"""Deletion and insertion."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kamerton.explaining.deleting import STEPS, centred_gaussian, hanging, random_maps
from kamerton.explaining.methods import METHODS, subject_of
from kamerton.explaining.sky import sky_like
from tests.explaining.test_methods import SIZE, network_of_one_corner


def galaxies(count: int) -> torch.Tensor:
    images_nchw = torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(3)) * 0.1
    images_nchw[:, :, :8, :8] += 0.8
    return images_nchw


def test_curves_lead_from_the_galaxy_to_its_sky_and_back() -> None:
    subject, images_nchw = subject_of(network_of_one_corner()), galaxies(3)
    classes, sky_nchw = torch.tensor([1, 0, 1]), sky_like(galaxies(3))
    found = hanging(subject, images_nchw, classes, centred_gaussian(images_nchw[:, 0]), sky_nchw)
    whole, empty = (subject.probabilities(shown, classes).numpy() for shown in (images_nchw, sky_nchw))
    assert found.deletion.shape == found.insertion.shape == (3, STEPS + 1)
    for curves, first, last in ((found.deletion, whole, empty), (found.insertion, empty, whole)):
        np.testing.assert_allclose(curves[:, 0], first, rtol=1e-6)
        np.testing.assert_allclose(curves[:, -1], last, rtol=1e-6)


def test_a_map_of_what_counts_is_better_than_noise_and_than_the_middle() -> None:
    network, images_nchw, classes = network_of_one_corner(), galaxies(4), torch.ones(4, dtype=torch.int64)
    subject, sky_nchw = subject_of(network), sky_like(galaxies(4))
    maps = METHODS["hirescam"](network, (SIZE, SIZE, 3)).maps(subject, images_nchw, classes)
    ours, middle, noise = (
        hanging(subject, images_nchw, classes, kind, sky_nchw).scores
        for kind in (maps, centred_gaussian(maps), random_maps(maps, 8, 0))
    )
    assert (ours > middle + 0.1).all()
    assert (ours > noise + 0.1).all()


def test_the_order_of_a_gaussian_is_that_of_the_distance_to_the_middle() -> None:
    gaussian = centred_gaussian(torch.zeros(1, 9, 9))[0]
    rows, columns = np.indices((9, 9)) - 4
    distance = np.hypot(rows, columns).ravel()
    assert (np.diff(distance[np.argsort(-gaussian.numpy().ravel(), kind="stable")]) >= 0).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_random_maps_are_other_maps_by_another_seed(seed: int) -> None:
    maps = torch.zeros(2, 20, 20)
    assert torch.equal(random_maps(maps, 5, seed), random_maps(maps, 5, seed))
    assert not torch.equal(random_maps(maps, 5, seed), random_maps(maps, 5, seed + 1))
