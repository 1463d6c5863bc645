"""A cube whose pixels cannot be those of pictures is refused wherever it is passed over, with the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kamerton.data.audit import check
from kamerton.data.cubes.cube import open_cube
from kamerton.data.importers import import_cube
from kamerton.data.splitting import split_cube
from kamerton.errors import CubeError
from tests.conftest import toy_galaxies, write_cube

COUNT = 70
"""More than one chunk."""

UNIT_FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "floats from 0 to 1": lambda images: (images / 255).astype(np.float32),
    "floats that a resizing took beyond 1": lambda images: (images / 200).astype(np.float32),
    "floats cut to bytes": lambda images: (images / images.max()).astype(np.uint8),
    "only the brightest shows it": lambda images: np.where(images == images.max(), 1, 0).astype(np.uint8),
}


def cube_of(folder: Path, form: Callable[[np.ndarray], np.ndarray]) -> Path:
    images_nhwc, labels = toy_galaxies(COUNT, 16, 0)
    return write_cube(folder / "a.fits", form(images_nhwc), labels)


def fingerprint(path: Path) -> None:
    with open_cube(path) as cube:
        cube.fingerprint()


DOORS: dict[str, Callable[[Path], Any]] = {
    "training and evaluation": fingerprint,
    "import": lambda path: import_cube(path, path.with_name("out.fits")),
    "split": lambda path: split_cube(path, path.parent / "splits"),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("form", UNIT_FORMS)
def test_pixels_of_0_to_1_are_refused_with_the_remedy(tmp_path: Path, door: str, form: str) -> None:
    path = cube_of(tmp_path, UNIT_FORMS[form])
    says = r"a\.fits HDU 0: pixels of 0 to 1.*Received: pixels from 0 to [01]\b.*multiply the pixels by 255.*uint8"
    with pytest.raises(CubeError, match=says):
        DOORS[door](path)
    assert [place.name for place in tmp_path.iterdir()] == ["a.fits"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_cube_of_blank_images_is_refused(tmp_path: Path, door: str, dtype: type) -> None:
    path = cube_of(
        tmp_path,
        lambda images: np.full_like(images, 7, dtype) * (np.arange(COUNT) % 3)[:, None, None, None].astype(dtype),
    )
    with pytest.raises(CubeError, match=r"every image is blank.*from 0 to 14 in 70 images"):
        DOORS[door](path)
    assert [place.name for place in tmp_path.iterdir()] == ["a.fits"]


@pytest.mark.parametrize("form", UNIT_FORMS)
def test_a_check_finds_pixels_of_0_to_1(tmp_path: Path, form: str) -> None:
    report = check(cube_of(tmp_path, UNIT_FORMS[form]))
    assert report.counts()["pixel_range"] == 1
    assert "multiply the pixels by 255" in "\n".join(report.describe())


def test_a_check_lists_blank_images(tmp_path: Path) -> None:
    def with_two_blank(images: np.ndarray) -> np.ndarray:
        images[[3, 66]] = 0
        return images

    report = check(cube_of(tmp_path, with_two_blank))
    blank = next(finding for finding in report.findings if finding.kind == "blank_images")
    assert [example.row for example in blank.examples] == [3, 66]  # type: ignore[union-attr]
    assert "pixel_range" not in report.counts()


@pytest.mark.parametrize(
    "form",
    [
        lambda images: (images // 100).astype(np.uint8),
        lambda images: (images / 100).astype(np.float32),
        lambda images: np.where(np.arange(COUNT)[:, None, None, None] < COUNT - 1, 0, images).astype(np.uint8),
    ],
    ids=["dark bytes", "dark floats", "one galaxy among blank images"],
)
def test_dark_pictures_are_pictures(tmp_path: Path, form: Callable[[np.ndarray], np.ndarray]) -> None:
    fingerprint(cube_of(tmp_path, form))


def test_the_range_costs_no_pass_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, read = cube_of(tmp_path, lambda images: images), 0
    with open_cube(path) as cube:
        original = type(cube).read

        def counted(self: Any, rows: Any) -> Any:
            nonlocal read
            found = original(self, rows)
            read += len(found)
            return found

        monkeypatch.setattr(type(cube), "read", counted)
        cube.fingerprint()
    assert read == COUNT
