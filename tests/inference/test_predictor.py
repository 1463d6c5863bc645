"""The one path from images to probabilities: the run's own preprocessing, the order of the rows, no chance."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kamerton.config.pictures import Preprocessing
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import CubeError, RunError, UsageError
from kamerton.inference.engines import BATCH_IMAGES
from kamerton.inference.predictor import Predictor, prediction_of
from kamerton.networks.registry import build_network
from kamerton.runs.folder import Run, create_run
from tests.conftest import needs_nnpack, toy_galaxies, write_cube, write_toy_cube

CLOSE: dict[str, Any] = {"rtol": 1e-5, "atol": 1e-6}
"""Batches of other sizes may round differently in the last digits of float32."""


@pytest.fixture(scope="module")
def predictor(toy_run: Run) -> Predictor:
    return Predictor(toy_run)


@pytest.fixture(scope="module")
def galaxies_nhwc() -> np.ndarray:
    return toy_galaxies(7, 32, seed=5)[0]


def test_every_image_gets_one_probability_a_class(predictor: Predictor, galaxies_nhwc: np.ndarray) -> None:
    found = predictor.probabilities(galaxies_nhwc)
    assert (found.shape, found.dtype) == ((7, 3), np.float32)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)


def test_probabilities_are_the_softmax_of_the_network_on_pixels_from_0_to_1(
    toy_run: Run, predictor: Predictor, galaxies_nhwc: np.ndarray
) -> None:
    with torch.inference_mode():
        pixels_nchw = torch.from_numpy(galaxies_nhwc).permute(0, 3, 1, 2) / 255
        wanted = torch.softmax(toy_run.load_network()(pixels_nchw), 1)
    np.testing.assert_allclose(predictor.probabilities(galaxies_nhwc), wanted.numpy(), **CLOSE)


def test_class_names_are_the_runs(toy_run: Run, predictor: Predictor) -> None:
    assert predictor.class_names == toy_run.record.class_names


def test_a_cube_is_answered_in_the_order_of_its_rows(predictor: Predictor, tmp_path: Path) -> None:
    count = 2 * BATCH_IMAGES + 3
    with open_cube(write_toy_cube(tmp_path / "a.fits", count, seed=9)) as cube:
        batches = list(predictor.over_cube(cube))
        wanted = predictor.probabilities(cube.read(slice(None)))
    assert [len(batch) for batch in batches] == [BATCH_IMAGES, BATCH_IMAGES, 3]
    np.testing.assert_allclose(np.concatenate(batches), wanted, **CLOSE)


@needs_nnpack
@pytest.mark.parametrize(
    ("trained", "predicted"), [("mosaic", "mosaic"), ("tiles", "tiles"), ("plain", "plain"), (None, "tiles")]
)
def test_a_run_is_computed_with_the_convolutions_that_it_was_trained_with(
    toy_run: Run, trained: Any, predicted: str
) -> None:
    record = dataclasses.replace(toy_run.record, convolutions=trained)
    assert prediction_of(record, torch.device("cpu")).convolutions == predicted


def test_a_run_trained_in_tiles_is_predicted_where_there_are_none(
    toy_run: Run, galaxies_nhwc: np.ndarray, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(torch, "_nnpack_available")
    tiled = Run(toy_run.path, dataclasses.replace(toy_run.record, convolutions="tiles"))
    found = Predictor(tiled).probabilities(galaxies_nhwc)
    np.testing.assert_allclose(found, predictor.probabilities(galaxies_nhwc), **CLOSE)


def test_images_of_another_size_are_resized_to_the_runs(predictor: Predictor) -> None:
    images_nhwc = toy_galaxies(4, 48, seed=2)[0]
    images_nchw = torch.from_numpy(images_nhwc).permute(0, 3, 1, 2).float()
    small_nchw = F.interpolate(images_nchw, size=(32, 32), mode="bilinear", antialias=True)
    wanted = predictor.probabilities(small_nchw.permute(0, 2, 3, 1))
    np.testing.assert_allclose(predictor.probabilities(images_nhwc), wanted, **CLOSE)


def read_only(images_nhwc: np.ndarray) -> np.ndarray:
    return np.frombuffer(images_nhwc.tobytes(), np.uint8).reshape(images_nhwc.shape)


@pytest.mark.parametrize(
    "form",
    [
        lambda images: images.astype(np.float32),
        lambda images: images.astype(">f4"),
        lambda images: images.astype(">i2"),
        lambda images: images.astype(np.float64),
        lambda images: images[:, ::-1].copy()[:, ::-1],
        read_only,
        torch.from_numpy,
    ],
    ids=["float32", "FITS float32", "FITS int16", "float64", "flipped view", "read-only", "tensor"],
)
def test_the_same_pixels_in_any_form_give_the_same_answer(
    predictor: Predictor, galaxies_nhwc: np.ndarray, form: Any
) -> None:
    wanted = predictor.probabilities(galaxies_nhwc)
    np.testing.assert_allclose(predictor.probabilities(form(galaxies_nhwc)), wanted, **CLOSE)


def test_the_users_images_are_not_changed(predictor: Predictor, galaxies_nhwc: np.ndarray) -> None:
    images_nhwc = galaxies_nhwc.astype(np.float32)
    predictor.probabilities(images_nhwc)
    np.testing.assert_array_equal(images_nhwc, galaxies_nhwc)


def test_a_galaxys_answer_depends_on_no_neighbour_and_no_chance(toy_run: Run, tmp_path: Path) -> None:
    """AlexNet has dropout and batch normalisation, which both would let it, were the network still learning."""
    record = dataclasses.replace(toy_run.record, network="alexnet", preprocessing=Preprocessing(67, 3))
    run = create_run(tmp_path / "run", record)
    run.save_network(build_network("alexnet", size=67, channels=3, classes=3))
    predictor = Predictor(run)
    images_nhwc = toy_galaxies(3, 67, seed=1)[0]
    together = predictor.probabilities(images_nhwc)
    alone = np.concatenate([predictor.probabilities(image_hwc[None]) for image_hwc in images_nhwc])
    np.testing.assert_allclose(together, alone, **CLOSE)
    assert not np.allclose(together[0], together[1], **CLOSE), "equal answers would prove nothing"


def test_a_cube_of_other_channels_is_refused_with_both_numbers(predictor: Predictor, tmp_path: Path) -> None:
    grey_nhwc = toy_galaxies(4, 32, seed=0)[0][..., :1]
    path = write_cube(tmp_path / "grey.fits", grey_nhwc, [0, 1, 2, 0])
    says = r"grey\.fits HDU 0: .*toy learned.*1 channel[.].*3 channels"
    with open_cube(path) as cube, pytest.raises(CubeError, match=says):
        next(predictor.over_cube(cube))


def test_a_run_without_weights_is_refused_at_once(toy_run: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no weights yet"):
        Predictor(create_run(tmp_path / "run", toy_run.record))


def test_a_run_may_be_named_by_its_path(toy_run: Run, predictor: Predictor, galaxies_nhwc: np.ndarray) -> None:
    wanted = predictor.probabilities(galaxies_nhwc)
    for path in (toy_run.path, str(toy_run.path)):
        np.testing.assert_array_equal(Predictor(path).probabilities(galaxies_nhwc), wanted)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda images: images[0], r"without the axis of images.*\(32, 32, 3\).*images\[np\.newaxis\]"),
        (lambda images: np.moveaxis(images, -1, 1), r"Channels before rows.*np\.moveaxis\(images, 1, -1\)"),
        (lambda images: images[..., :1], r"other channels.*\(7, 32, 32, 1\).*\(n, side, side, 3\)"),
        (lambda images: images[:, :20], "not square"),
        (lambda images: images[0, 0, 0], "Not the axes"),
        (lambda images: images / 255, r"0 to 1.*multiply the pixels by 255"),
        (lambda images: torch.from_numpy(images / 255), "0 to 1"),
        (lambda images: images.astype(np.int16) - 40, "pixels from -40"),
        (lambda images: images * 257.0, "numbers from 0 to 255"),
        (lambda images: np.where(images == images.max(), np.nan, images), r"pixels from nan.*no NaN"),
        (lambda images: np.where(images == images.max(), 1e300, images), "to inf"),
        (lambda images: images > 90, "no images.*bool"),
        (lambda images: torch.from_numpy(images) > 90, "no images.*bool"),
        (lambda images: [images[0], images[0, 1:]], "no images.*list"),
        (lambda images: "galaxy.png", "no images.*str"),
    ],
)
def test_what_the_network_was_not_made_for_is_refused(
    predictor: Predictor, galaxies_nhwc: np.ndarray, spoil: Any, says: str
) -> None:
    """It would answer all of them, and nothing would show that the answers are worth nothing."""
    with pytest.raises(UsageError, match=says):
        predictor.probabilities(spoil(galaxies_nhwc))


def test_black_images_are_answered(predictor: Predictor) -> None:
    for dtype in (np.uint8, np.float32):
        assert predictor.probabilities(np.zeros((2, 32, 32, 3), dtype)).shape == (2, 3)


def test_no_images_have_no_probabilities(predictor: Predictor) -> None:
    assert predictor.probabilities(np.zeros((0, 32, 32, 3), np.uint8)).shape == (0, 3)


def test_a_cube_of_pixels_from_0_to_1_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(4, 32, seed=0)
    path = write_cube(tmp_path / "unit.fits", (images_nhwc / 255).astype(np.float32), labels)
    with open_cube(path) as cube, pytest.raises(CubeError, match=r"unit\.fits HDU 0: pixels of 0 to 1.*by 255"):
        list(predictor.over_cube(cube))


def test_one_black_image_of_a_float_cube_is_answered(predictor: Predictor, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(BATCH_IMAGES + 3, 32, seed=0)
    dark_nhwc = images_nhwc.astype(np.float32)
    dark_nhwc[BATCH_IMAGES:] /= 255
    with open_cube(write_cube(tmp_path / "dark.fits", dark_nhwc, labels)) as cube:
        assert sum(map(len, predictor.over_cube(cube))) == len(cube)


def test_eight_views_are_averaged_and_so_do_not_depend_on_the_view(toy_run: Run, galaxies_nhwc: np.ndarray) -> None:
    plain, averaging = Predictor(toy_run), Predictor(toy_run, eight_views=True)
    views_nhwc = [
        np.rot90(mirrored, turns, (1, 2))
        for mirrored in (galaxies_nhwc, galaxies_nhwc[:, :, ::-1])
        for turns in range(4)
    ]
    wanted = np.mean([plain.probabilities(view) for view in views_nhwc], 0)
    for view_nhwc in views_nhwc:
        np.testing.assert_allclose(averaging.probabilities(view_nhwc), wanted, **CLOSE)
    assert np.abs(wanted - plain.probabilities(galaxies_nhwc)).max() > 1e-4


def test_without_onnx_runtime_pytorch_answers_the_same(
    toy_run: Run, predictor: Predictor, galaxies_nhwc: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    without = Predictor(toy_run)
    np.testing.assert_allclose(
        without.probabilities(galaxies_nhwc), predictor.probabilities(galaxies_nhwc), atol=1e-5, rtol=0
    )


# Eight-bit numbers


def test_int8_answers_nearly_as_float32_does(toy_run: Run, toy_splits: Path) -> None:
    images_nhwc, _ = toy_galaxies(64, 32, seed=12)
    exact, small = Predictor(toy_run), Predictor(toy_run, int8=True)
    ours, theirs = small.probabilities(images_nhwc), exact.probabilities(images_nhwc)
    assert not np.array_equal(ours, theirs), "int8 is not the same path"
    np.testing.assert_allclose(ours, theirs, atol=0.1)
    np.testing.assert_allclose(ours.sum(1), 1, rtol=1e-5)


def test_int8_is_the_same_each_time(toy_run: Run) -> None:
    images_nhwc, _ = toy_galaxies(8, 32, seed=13)
    one, other = (Predictor(toy_run, int8=True).probabilities(images_nhwc) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_int8_prints_nothing_between_the_lines_of_a_command(toy_run: Run, capfd: pytest.CaptureFixture[str]) -> None:
    Predictor(toy_run, int8=True)
    assert capfd.readouterr().out == ""


def test_int8_without_its_training_images_says_what_is_missing(toy_run: Run) -> None:
    data = {"train": dataclasses.replace(toy_run.record.data["train"], path="gone.fits", beside="../gone.fits")}
    with pytest.raises(UsageError, match=r"training images.*gone\.fits.*leave int8 out"):
        Predictor(Run(toy_run.path, dataclasses.replace(toy_run.record, data=data)), int8=True)
