"""A run is calibrated on galaxies that it has not learned from, and its calibration stays with its weights."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kamerton.certainty.judging import FAR, read_certainty
from kamerton.certainty.scaling import log_probabilities, mean_loss
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import CubeError, KamertonWarning, OutputError, RunError, UsageError
from kamerton.evaluation.calibrate import Calibrated, calibrate, dealt, halves, joined
from kamerton.evaluation.compare import compare
from kamerton.evaluation.evaluate import evaluate
from kamerton.inference.predictor import Predictor
from kamerton.runs.calibration import calibration_path
from kamerton.runs.contents import foreign_files
from kamerton.runs.folder import Run, open_run
from kamerton.verification import verify
from tests.conftest import toy_galaxies, write_cube, write_toy_cube

COUNT = 180


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cube that the toy run has not seen, some of its labels wrong; do not change it."""
    images_nhwc, labels = toy_galaxies(COUNT, 32, 11)
    labels[::10] = (labels[::10] + 1) % 3
    return write_cube(tmp_path_factory.mktemp("cubes") / "held.fits", images_nhwc, labels)


def copy_of(run: Run, folder: Path) -> Run:
    shutil.copytree(run.path, folder / "run", ignore=shutil.ignore_patterns("evaluation", "checkpoint"))
    return open_run(folder / "run")


@pytest.fixture(scope="module")
def made(toy_run: Run, cube: Path, tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    """The toy run, calibrated on that cube."""
    return calibrate(copy_of(toy_run, tmp_path_factory.mktemp("calibrated")), cube)


@pytest.fixture
def calibrated(made: Calibrated, tmp_path: Path) -> Run:
    """A copy of it that a test may spoil."""
    return copy_of(open_run(made.path.parent), tmp_path)


def test_calibrated_probabilities_lose_less(made: Calibrated, cube: Path) -> None:
    run = open_run(made.path.parent)
    certainty = read_certainty(run)
    assert certainty is not None
    with open_cube(cube) as galaxies:
        answers = joined(list(Predictor(run).answers_over_cube(galaxies)))
        judged = certainty.judge(answers)
        before = mean_loss(answers.probabilities.astype(np.float64), galaxies.labels)
        assert mean_loss(judged.probabilities.astype(np.float64), galaxies.labels) < before
        # The very galaxies that the thresholds come from are held as often as their rank says.
        half = ~halves(galaxies.labels, None)
        for place in range(3):
            own = half & (galaxies.labels == place)
            assert judged.in_set[own, place].mean() >= 0.9
    np.testing.assert_array_equal(judged.set_size, judged.in_set.sum(1))
    np.testing.assert_allclose(judged.probabilities.sum(1), 1, atol=1e-6)


def test_answers_are_judged_alike_in_whatever_batches(made: Calibrated) -> None:
    run = open_run(made.path.parent)
    certainty, predictor = read_certainty(run), Predictor(run)
    assert certainty is not None
    images_nhwc, _ = toy_galaxies(20, 32, 12)
    together = certainty.judge(predictor.answers(images_nhwc))
    apart = [certainty.judge(predictor.answers(images_nhwc[row : row + 1])) for row in range(20)]
    for name in ("probabilities", "ood_energy", "ood_knn"):
        found = np.concatenate([getattr(one, name) for one in apart])
        np.testing.assert_allclose(found, getattr(together, name), atol=0.02)
    np.testing.assert_array_equal(np.concatenate([one.in_set for one in apart]), together.in_set)


def test_noise_is_flagged_as_far_from_all_galaxies(made: Calibrated) -> None:
    run = open_run(made.path.parent)
    certainty = read_certainty(run)
    assert certainty is not None
    noise = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)
    noise[:, :, ::2] = 255 - noise[:, :, ::2] // 8
    judged = certainty.judge(Predictor(run).answers(noise))
    assert (judged.ood_knn > 0.99).all()
    assert (judged.flags & FAR).all()


def test_answers_are_the_probabilities_and_their_logits(toy_run: Run) -> None:
    images_nhwc, _ = toy_galaxies(9, 32, 5)
    predictor = Predictor(toy_run)
    answers = predictor.answers(images_nhwc)
    np.testing.assert_allclose(answers.probabilities, predictor.probabilities(images_nhwc), atol=1e-6)
    gap = log_probabilities(answers.probabilities) - answers.logits
    np.testing.assert_allclose(gap - gap[:, :1], 0, atol=1e-3)
    assert answers.features.shape == (9, 84)


def test_the_same_calibration_twice_is_the_same(made: Calibrated, cube: Path, calibrated: Run) -> None:
    known = next((calibrated.path / "features").iterdir())
    again = calibrate(calibrated, cube)
    assert again.calibration.fingerprint == made.calibration.fingerprint
    assert [path.name for path in (calibrated.path / "features").iterdir()] == [known.name]


def test_all_of_it_is_kamertons_and_verified(made: Calibrated) -> None:
    run = open_run(made.path.parent)
    assert foreign_files(run) == []
    checks = {check.what: check.verdict for check in verify(run).checks}
    assert checks["calibration.json"] == "same"


def test_a_new_calibration_leaves_nothing_of_the_old(calibrated: Run, tmp_path: Path) -> None:
    other = write_toy_cube(tmp_path / "other.fits", COUNT, seed=13)
    old = [path.name for path in (calibrated.path / "features").iterdir()]
    calibrate(calibrated, other, coverage=0.8, method="aps")
    new = [path.name for path in (calibrated.path / "features").iterdir()]
    assert len(new) == 1
    assert new != old


def no_folder(run: Run) -> Path:
    shutil.rmtree(run.path / "features")
    os.mkfifo(run.path / "features")
    return run.path / "features"


def a_folder_of_its_name(run: Run) -> Path:
    place = run.path / "calibration.json"
    place.unlink()
    place.mkdir()
    return place


def a_folder_of_known_galaxies(run: Run) -> Path:
    place = next((run.path / "features").iterdir())
    place.unlink()
    place.mkdir()
    return place.parent


@pytest.mark.parametrize("spoil", [no_folder, a_folder_of_its_name, a_folder_of_known_galaxies])
def test_a_place_that_cannot_be_written_is_one_line_and_left_as_it_was(
    calibrated: Run, cube: Path, spoil: Callable[[Run], Path]
) -> None:
    place = spoil(calibrated)
    before = sorted(calibrated.path.rglob("*"))
    with pytest.raises(OutputError, match=rf"{re.escape(str(place))}(: no calibration can be| cannot be) written"):
        calibrate(calibrated, cube)
    assert sorted(calibrated.path.rglob("*")) == before


def test_a_calibration_of_other_weights_is_refused(calibrated: Run) -> None:
    network = calibrated.load_network()
    next(network.parameters()).data += 0.1
    calibrated.save_network(network)
    with pytest.raises(RunError, match=r"calibration of other weights.*kamerton calibrate"):
        read_certainty(calibrated)
    checks = {check.what: check.verdict for check in verify(calibrated).checks}
    assert checks["calibration.json"] == "stale"


@pytest.mark.parametrize("target", ["gone.json", "calibration.json"])
def test_a_link_to_nothing_is_no_run_without_calibration(calibrated: Run, target: str) -> None:
    (calibrated.path / "calibration.json").unlink()
    (calibrated.path / "calibration.json").symlink_to(target)
    with pytest.raises(RunError, match=r"calibration\.json: cannot be read"):
        read_certainty(calibrated)
    checks = {check.what: check.verdict for check in verify(calibrated).checks}
    assert checks["calibration.json"] == "different"


def test_known_galaxies_that_changed_are_refused(calibrated: Run) -> None:
    place = next((calibrated.path / "features").iterdir())
    content = bytearray(place.read_bytes())
    content[-1] ^= 1
    place.write_bytes(content)
    with pytest.raises(RunError, match=r"known-.*changed since the run was calibrated"):
        read_certainty(calibrated)
    checks = {check.what: check.verdict for check in verify(calibrated).checks}
    assert checks["calibration.json"] == "different"


def test_a_run_that_was_never_calibrated_has_no_certainty(toy_run: Run) -> None:
    assert read_certainty(toy_run) is None


def test_the_training_cube_is_refused(calibrated: Run, toy_splits: Path) -> None:
    with pytest.raises(CubeError, match=r"was trained on galaxies of this cube.*70 of 70"):
        calibrate(calibrated, toy_splits / "train.fits")


def test_the_validation_set_is_taken_and_said(calibrated: Run, toy_splits: Path, tmp_path: Path) -> None:
    with open_cube(toy_splits / "valid.fits") as cube:
        images_nhwc, labels = toy_galaxies(60, 32, 20)
        images_nhwc = np.concatenate([cube.read(slice(0, len(cube))), images_nhwc])
        labels = np.concatenate([cube.labels, labels])
    with pytest.warns(KamertonWarning, match=r"shares 20 of 80 galaxies with the validation set"):
        found = calibrate(calibrated, write_cube(tmp_path / "mixed.fits", images_nhwc, labels))
    assert found.calibration.leakage == "found"


def test_classes_of_fewer_galaxies_than_folds_are_dealt_out() -> None:
    parts = dealt(np.repeat(np.arange(20), 3), None, 5)
    assert sorted(np.bincount(parts)) == [20, 20, 20]


def test_too_few_galaxies_are_refused(calibrated: Run, tmp_path: Path) -> None:
    with pytest.raises(CubeError, match=r"too few galaxies.*30 galaxies.*40 or more"):
        calibrate(calibrated, write_toy_cube(tmp_path / "few.fits", 30, seed=21))


def test_rare_classes_are_pooled_and_said(calibrated: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(240, 32, 22)
    kept = np.flatnonzero((labels != 2) | (np.arange(240) < 12))
    found = calibrate(calibrated, write_cube(tmp_path / "rare.fits", images_nhwc[kept], labels[kept]))
    assert "striped" in found.calibration.pooled
    assert "too few for a threshold of their own" in " ".join(found.describe())


def test_without_the_training_cube_probabilities_and_sets_remain(calibrated: Run, cube: Path) -> None:
    record = json.loads((calibrated.path / "run.json").read_text())
    for split in record["data"].values():
        split["path"], split["beside"] = "/nowhere/cube.fits", "../nowhere.fits"
    (calibrated.path / "run.json").write_text(json.dumps(record))
    with pytest.warns(KamertonWarning, match="its training cube is not there"):
        calibrate(calibrated.path, cube)
    certainty = read_certainty(calibrated.path)
    assert certainty is not None
    judged = certainty.judge(Predictor(calibrated).answers(toy_galaxies(5, 32, 1)[0]))
    assert np.isnan(judged.ood_knn).all()
    assert np.isfinite(judged.ood_energy).all()
    assert not (judged.flags & FAR).any()


def test_a_prediction_of_other_views_is_refused(made: Calibrated) -> None:
    run = open_run(made.path.parent)
    certainty = read_certainty(run)
    assert certainty is not None
    certainty.require(Predictor(run))
    with pytest.raises(UsageError, match=r"calibrated without --eight-views.*with it"):
        certainty.require(Predictor(run, eight_views=True))


def test_galaxies_of_one_group_stay_in_one_half() -> None:
    rng = np.random.default_rng(0)
    groups = [f"g{number}" if number % 3 else "" for number in rng.integers(0, 60, 200)]
    labels = rng.integers(0, 3, 200)
    first = halves(labels, groups)
    assert 70 < first.sum() < 130
    for group in set(groups) - {""}:
        members = [bool(first[row]) for row, name in enumerate(groups) if name == group]
        assert len(set(members)) == 1


def test_a_test_shows_probabilities_before_and_after(calibrated: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(150, 32, 31)
    labels[::10] = (labels[::10] + 1) % 3
    found = evaluate(calibrated, write_cube(tmp_path / "new.fits", images_nhwc, labels)).metrics.certainty
    assert found is not None
    assert found.calibrated is not None
    assert not found.calibrated.same_cube
    assert found.calibrated.reliability.log_loss.value < found.network.log_loss.value
    certainty = read_certainty(calibrated)
    assert certainty is not None
    judged = certainty.judge(Predictor(calibrated).answers(images_nhwc))
    for place, row in enumerate(found.calibrated.sets):
        own = labels == place
        assert (row.galaxies, row.covered) == (own.sum(), judged.in_set[own, place].sum())
        assert row.mean_size == pytest.approx(judged.set_size[own].mean())


def test_a_test_on_the_calibration_cube_says_so(calibrated: Run, cube: Path) -> None:
    found = evaluate(calibrated, cube)
    assert found.metrics.certainty is not None
    assert found.metrics.certainty.calibrated is not None
    assert found.metrics.certainty.calibrated.same_cube
    assert "this very cube: no test" in found._repr_html_()


def test_a_test_of_other_views_goes_without_the_calibration_aloud(calibrated: Run, tmp_path: Path) -> None:
    place = write_toy_cube(tmp_path / "views.fits", 30, seed=32)
    with pytest.warns(KamertonWarning, match=r"tested without its calibration.*without --eight-views"):
        found = evaluate(calibrated, place, eight_views=True)
    assert found.metrics.certainty is not None
    assert found.metrics.certainty.calibrated is None


def test_a_calibration_says_what_it_took_the_place_of(calibrated: Run, cube: Path) -> None:
    assert calibrate(calibrated, cube).replaced is None, "the same again"
    again = calibrate(calibrated, cube, coverage=0.8)
    said = "the calibration of before is replaced: on held.fits, 1 view, float32, lac, coverage 0.9, made 20"
    assert any(line.startswith(said) for line in again.describe())
    assert again.as_json()["replaced"] == again.replaced


def test_a_calibration_that_loses_more_says_so(made: Calibrated) -> None:
    worse = dict.fromkeys(made.calibration.held_out_losses, 0.5) | {"none": 0.4}
    changed = dataclasses.replace(made, calibration=dataclasses.replace(made.calibration, held_out_losses=worse))
    assert "that is more than before" in changed.describe()[1]
    assert f"remove {changed.path} to go on with the network's own" in changed.describe()[1]
    assert "that is more than before" not in " ".join(made.describe())


def test_results_of_before_are_named_until_the_run_is_tested_again(calibrated: Run, tmp_path: Path) -> None:
    run = calibrated
    calibration_path(run).unlink()
    test = write_toy_cube(tmp_path / "test.fits", 30, seed=23)
    evaluate(run, test)
    assert "calibrated since" not in {one.kind for one in compare(run, resamples=200).cautions}
    made = calibrate(run, write_toy_cube(tmp_path / "again.fits", 120, seed=24))
    assert made.tested_before == ("test",)
    assert made.describe()[-1].startswith("results of before: test; `kamerton evaluate` again")
    assert "calibrated since" in {one.kind for one in compare(run, resamples=200).cautions}
    evaluate(run, test)
    assert "calibrated since" not in {one.kind for one in compare(run, resamples=200).cautions}
