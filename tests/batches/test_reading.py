"""Batches come in an order known beforehand, hold the right galaxies, and are scaled as the notebook scales."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kamerton.batches.reading import batch_indices, in_order, read_batches, shuffled_order, to_network_input
from kamerton.config.pictures import Preprocessing
from kamerton.data.cubes.cube import open_cube
from tests.conftest import toy_galaxies


@given(count=st.integers(1, 200), seed=st.integers(0, 2**32 - 1), epoch=st.integers(0, 1000))
def test_the_order_holds_every_image_once_and_follows_from_seed_and_epoch(count: int, seed: int, epoch: int) -> None:
    order = shuffled_order(count, seed, epoch)
    assert sorted(order) == list(range(count))
    np.testing.assert_array_equal(order, shuffled_order(count, seed, epoch))


def test_every_epoch_and_every_seed_has_its_own_order() -> None:
    orders = {tuple(shuffled_order(50, seed, epoch)) for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


def test_the_order_is_the_same_on_every_machine() -> None:
    """Golden: NumPy promises the stream of PCG64 and the permutation drawn from it within a release series."""
    assert list(shuffled_order(8, seed=1, epoch=2)) == list(np.random.Generator(np.random.PCG64([1, 2])).permutation(8))


@given(count=st.integers(1, 100), batch_size=st.integers(1, 40))
def test_batches_cut_the_order_and_keep_the_partial_last_one(count: int, batch_size: int) -> None:
    order = np.arange(count)
    batches = batch_indices(order, batch_size)
    np.testing.assert_array_equal(np.concatenate(batches), order)
    assert {len(batch) for batch in batches[:-1]} <= {batch_size}
    assert 1 <= len(batches[-1]) <= batch_size


def test_batches_hold_the_galaxies_they_name(toy_cube: Path) -> None:
    images_nhwc, labels = toy_galaxies(30, 32, 0)
    rows = batch_indices(shuffled_order(30, 0, 0), 8)
    with open_cube(toy_cube) as cube:
        for wanted, (images, found) in zip(rows, read_batches(cube, rows), strict=True):
            np.testing.assert_array_equal(images.numpy(), images_nhwc[wanted])
            np.testing.assert_array_equal(found.numpy(), labels[wanted])


def test_images_stay_bytes_until_the_device(toy_cube: Path) -> None:
    with open_cube(toy_cube) as cube:
        assert next(in_order(cube, 4))[0].dtype == torch.uint8


def test_no_reading_thread_outlives_an_unfinished_pass(toy_cube: Path) -> None:
    with open_cube(toy_cube) as cube:
        batches = in_order(cube, 4)
        next(batches)
        batches.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kamerton-read")]


def test_scaling_gives_the_notebooks_float32_for_every_byte() -> None:
    """The notebook divides by 255 in float64, and Keras rounds to float32."""
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    scaled = to_network_input(torch.from_numpy(pixels), Preprocessing(size=16, channels=1))
    np.testing.assert_array_equal(scaled.numpy().ravel(), (np.arange(256) / 255).astype(np.float32))


def test_axes_become_channels_first() -> None:
    images_nhwc = torch.arange(2 * 8 * 8 * 3, dtype=torch.uint8).reshape(2, 8, 8, 3)
    images_nchw = to_network_input(images_nhwc, Preprocessing(size=8, channels=3))
    assert images_nchw.shape == (2, 3, 8, 8)
    assert images_nchw[1, 2, 3, 4] == images_nhwc[1, 3, 4, 2] / 255


def test_the_stored_pixels_are_not_changed() -> None:
    images_nhwc = torch.full((1, 8, 8, 3), 100.0)
    to_network_input(images_nhwc, Preprocessing(size=8, channels=3))
    assert (images_nhwc == 100).all()


def test_resizing_is_pillows_antialiased_bilinear() -> None:
    image_hw = np.random.default_rng(0).integers(0, 256, (40, 40)).astype(np.float32)
    wanted = np.asarray(Image.fromarray(image_hw).resize((16, 16), Image.Resampling.BILINEAR))
    resized = to_network_input(torch.from_numpy(image_hw)[None, :, :, None], Preprocessing(16, 1))
    np.testing.assert_allclose(resized[0, 0].numpy() * 255, wanted, rtol=1e-4, atol=1e-3)


def test_images_that_are_not_square_are_resized_to_the_networks_side() -> None:
    images_nhwc = torch.zeros(2, 20, 16, 3, dtype=torch.uint8)
    assert to_network_input(images_nhwc, Preprocessing(16, 3)).shape == (2, 3, 16, 16)
