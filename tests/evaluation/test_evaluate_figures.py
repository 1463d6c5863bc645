"""The pictures of one test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kamerton.evaluation import evaluate_figures
from kamerton.evaluation.evaluate import Evaluation, evaluate
from kamerton.figures.testing import mistakes_figure
from kamerton.inference.predictor import Predictor
from kamerton.runs.folder import Run
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube
from tests.evaluation.evaluated import COUNT, predictions


def test_the_pictures_are_pictures(found: Evaluation) -> None:
    for name in ("confusion.png", "mistakes.png", "reliability.png"):
        with Image.open(found.path / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 10, "not an empty sheet"


def test_the_gallery_shows_the_most_confident_mistakes_first(
    run: Run, cube: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []

    def record(images_nhwc: np.ndarray, captions: list[str], title: str) -> Any:
        shown.extend(zip(images_nhwc, captions, strict=True))
        return mistakes_figure(images_nhwc, captions, title)

    monkeypatch.setattr(evaluate_figures, "mistakes_figure", record)
    table = predictions(evaluate(run, cube))
    probabilities = table.iloc[:, 2:].to_numpy()
    wrong = np.flatnonzero(probabilities.argmax(1) != table["label"])
    worst = wrong[np.argsort(-probabilities[wrong].max(1))][:2]
    assert len(worst) == 2, "a network without mistakes would prove nothing"
    images_nhwc = toy_galaxies(COUNT, 32, seed=7)[0]
    for (image_hwc, caption), row in zip(shown, worst, strict=True):
        np.testing.assert_array_equal(image_hwc, images_nhwc[row])
        name, true, said = caption.split("\n")
        assert (name, true) == (table["id"][row], f"true {CLASS_NAMES[table['label'][row]]}")
        best = probabilities[row].argmax()
        assert said == f"said {CLASS_NAMES[best]} {probabilities[row, best]:.0%}"


def test_a_network_without_mistakes_gets_its_pictures_too(run: Run, cube: Path, tmp_path: Path) -> None:
    images_nhwc, _ = toy_galaxies(5, 32, seed=7)
    answers = Predictor(run).probabilities(images_nhwc).argmax(1)
    result = evaluate(run, write_cube(tmp_path / "easy.fits", images_nhwc, answers))
    assert result.metrics.accuracy == 1.0
    assert (result.path / "mistakes.png").stat().st_size > 0
