"""Which cubes go with a run, and what is said where they only nearly do."""

from __future__ import annotations

import dataclasses
import gzip
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from kamerton.config.pictures import Framing, PixelOrigin
from kamerton.errors import CubeError, KamertonWarning, RunError
from kamerton.evaluation.evaluate import Evaluation, evaluate
from kamerton.runs.folder import Run
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube
from tests.evaluation.evaluated import COUNT, numbers, predictions


def test_a_cube_of_other_bands_than_the_runs_is_said(run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(COUNT, 32, 7)
    learned, shown = PixelOrigin("asinh", ("g", "r", "z"), 8.0), PixelOrigin("none")
    path = write_cube(tmp_path / "pictures.fits", images_nhwc, labels, origin=shown)
    run.update(dataclasses.replace(run.record, pixel_origin=learned))
    with pytest.warns(KamertonWarning, match=r"in another way than those that run learned from.*pictures.*g, r, z"):
        evaluate(run, path)


def test_class_names_that_were_exchanged_by_hand_are_said(run: Run, cube: Path) -> None:
    one, two, three = run.record.class_names
    run.update(dataclasses.replace(run.record, class_names=(two, one, three)))
    with pytest.warns(KamertonWarning, match=r"run\.json was changed since.*classes dim, bright, striped.*verify"):
        evaluate(run, cube)


def test_a_run_as_it_was_trained_needs_no_word_about_its_record(run: Run, cube: Path) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*run.json was changed", KamertonWarning)
        evaluate(run, cube)


WHOLE = Framing((64, 64), (64, 64), 32)


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        (
            Framing((64, 64), (32, 32), 32),
            r"another part.*central 32 of 64 pixels.*all 64 .*2\.00 times as large",
        ),
        (Framing((40, 40), (40, 40), 32), r"not known whether.*all 40 pixels.*all 64 pixels"),
        (None, r"not known whether.*Received: not known; learned from all 64 pixels of its pictures"),
        (Framing((64, 64), (64, 64), 40), None),
    ],
    ids=str,
)
def test_a_cube_cropped_in_another_way_is_said_with_numbers(
    run: Run, tmp_path: Path, shown: Framing | None, says: str | None
) -> None:
    images_nhwc, labels = toy_galaxies(COUNT, 32, 7)
    path = write_cube(tmp_path / "cut.fits", images_nhwc, labels, origin=PixelOrigin("none", framing=shown))
    run.update(dataclasses.replace(run.record, pixel_origin=PixelOrigin("none", framing=WHOLE)))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        evaluate(run, path)
    told = [str(each.message) for each in said if "of the sky" in str(each.message) or "part of" in str(each.message)]
    assert len(told) == (says is not None)
    assert says is None or re.search(says, told[0])


def test_class_names_decide_and_not_their_order_in_the_cube(found: Evaluation, run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(COUNT, 32, seed=7)
    other_names = ("striped", "bright", "dim")
    other_labels = [other_names.index(CLASS_NAMES[label]) for label in labels]
    result = evaluate(run, write_cube(tmp_path / "other.fits", images_nhwc, other_labels, other_names))
    assert numbers(result.metrics) == numbers(found.metrics)
    pd.testing.assert_frame_equal(predictions(result).iloc[:, 1:], predictions(found).iloc[:, 1:])


def test_a_cube_with_some_of_the_classes_is_measured_on_those(found: Evaluation, run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(COUNT, 32, seed=7)
    striped = write_cube(tmp_path / "striped.fits", images_nhwc[labels == 2], np.zeros(COUNT // 3, int), ("striped",))
    metrics = evaluate(run, striped).metrics
    assert [row.support for row in metrics.per_class] == [0, 0, COUNT // 3]
    assert metrics.accuracy == pytest.approx(found.metrics.per_class[2].recall)
    assert metrics.roc_auc_macro is None


def test_a_cube_without_class_names_is_taken_by_its_numbers(found: Evaluation, run: Run, tmp_path: Path) -> None:
    result = evaluate(run, write_cube(tmp_path / "plain.fits", *toy_galaxies(COUNT, 32, seed=7), ()))
    assert numbers(result.metrics) == numbers(found.metrics)
    assert predictions(result)["id"][0] == "plain#0"


@pytest.mark.parametrize("names", [("bright", "dim", "spotted"), ("Bright", "dim", "striped"), (*CLASS_NAMES, "new")])
def test_classes_that_the_run_never_learned_are_refused(run: Run, tmp_path: Path, names: tuple[str, ...]) -> None:
    path = write_cube(tmp_path / "other.fits", *toy_galaxies(6, 32, seed=0), names)
    with pytest.raises(CubeError, match=rf"classes differ.*{names[-1]}.*Allowed: bright, dim, striped"):
        evaluate(run, path)
    assert not (run.path / "evaluation").exists()


def test_a_label_beyond_the_runs_classes_is_refused(run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(4, 32, seed=0)
    with pytest.raises(CubeError, match="classes differ"):
        evaluate(run, write_cube(tmp_path / "other.fits", images_nhwc, labels + 1, ()))


def test_preprocessing_comes_from_the_run(found: Evaluation, run: Run, tmp_path: Path) -> None:
    """The same pixels four times as dense are resized to what the run learned from, and so get the same answers."""
    images_nhwc, labels = toy_galaxies(COUNT, 32, seed=7)
    large = write_cube(tmp_path / "large.fits", images_nhwc.repeat(4, 1).repeat(4, 2), labels)
    wanted = predictions(found).iloc[:, 2:].to_numpy()
    np.testing.assert_allclose(predictions(evaluate(run, large)).iloc[:, 2:], wanted, atol=0.02)


def test_a_gzipped_cube_is_the_same_cube(run: Run, cube: Path, tmp_path: Path) -> None:
    evaluate(run, cube)
    (tmp_path / "test.fits.gz").write_bytes(gzip.compress(cube.read_bytes()))
    assert evaluate(run, tmp_path / "test.fits.gz").path.name == "test"


def lose_weights(run: Run) -> None:
    run.weights_path.unlink()


def diverge(run: Run) -> None:
    network = run.load_network()
    torch.nn.init.constant_(network.get_parameter("dense5.bias"), float("nan"))
    run.save_network(network)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [(lose_weights, "no weights yet"), (diverge, rf"diverged.*NaN for {COUNT} of {COUNT} galaxies.*history\.csv")],
)
def test_a_run_that_cannot_answer_is_refused(run: Run, cube: Path, spoil: Callable[[Run], None], says: str) -> None:
    spoil(run)
    with pytest.raises(RunError, match=says):
        evaluate(run, cube)
    assert not (run.path / "evaluation").exists()


def test_a_bad_pixel_is_the_cubes_fault_and_not_the_runs(run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 32, seed=0)
    floats_nhwc = images_nhwc.astype(np.float32)
    floats_nhwc[4, 0, 0, 0] = np.nan
    with pytest.raises(CubeError, match="image 4 has NaN"):
        evaluate(run, write_cube(tmp_path / "bad.fits", floats_nhwc, labels))
    assert not (run.path / "evaluation").exists()
