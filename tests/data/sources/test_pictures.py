"""Pictures decoded in threads: in order, a few ahead, and held against the first that can be read."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from kamerton.config.pictures import PictureSettings
from kamerton.data.pictures.picture import Picture, read_picture
from kamerton.data.sources import pictures
from kamerton.data.sources.pictures import AHEAD, PictureFiles
from kamerton.errors import DataError, KamertonWarning, PictureError
from tests.data.importers.sources import save_pictures
from tests.data.sources.opened import request, same_images

NAMES = [f"{row}.png" for row in range(3 * AHEAD)]


def opened(folder: Path, names: list[str], **settings: Any) -> PictureFiles:
    return PictureFiles(request(folder, **settings), names, lambda place: folder / place)


def test_pictures_come_in_order_whichever_is_decoded_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images_nhwc = save_pictures(tmp_path, NAMES)
    found = opened(tmp_path, NAMES)

    def slowly(path: Path, settings: PictureSettings) -> Picture:
        time.sleep(0.02 if path.stem.endswith("0") else 0)
        return read_picture(path, settings)

    monkeypatch.setattr(pictures, "read_picture", slowly)
    assert same_images(list(found.images(NAMES)), images_nhwc)


def test_only_a_few_are_decoded_before_they_are_asked_for(tmp_path: Path) -> None:
    save_pictures(tmp_path, NAMES)
    found = opened(tmp_path, NAMES)
    asked: list[str] = []

    def places() -> Iterator[str]:
        for name in NAMES:
            asked.append(name)
            yield name

    images = found.images(places())  # type: ignore[arg-type]
    next(images)
    assert len(asked) <= AHEAD + 1
    # Who stops early leaves no thread behind.
    images.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kamerton-decode")]


def test_nothing_is_read_of_no_places(tmp_path: Path) -> None:
    save_pictures(tmp_path, NAMES[:1])
    assert list(opened(tmp_path, NAMES[:1]).images([])) == []


def write_cutout(path: Path, bands: str | None) -> Path:
    bands_chw = np.random.default_rng(0).normal(5, 1, (3, 16, 16)).astype(np.float32)
    fits.PrimaryHDU(bands_chw, fits.Header({"BANDS": bands} if bands else {})).writeto(path)
    return path


def test_bands_in_any_order_of_the_file_are_those_of_the_run(tmp_path: Path) -> None:
    write_cutout(tmp_path / "a.fits", "zrg")
    assert opened(tmp_path, ["a.fits"], bands="g,r,z").origin.bands == ("g", "r", "z")


def test_planes_that_nobody_names_are_taken_for_those_of_the_run_aloud(tmp_path: Path) -> None:
    write_cutout(tmp_path / "a.fits", None)
    with pytest.warns(KamertonWarning, match=r"nothing in its header says .* as the run's bands g,r,z"):
        assert opened(tmp_path, ["a.fits"], bands="g,r,z").origin.bands == ("g", "r", "z")
    with pytest.warns(KamertonWarning, match="taken from blue to red, with equal weights"):
        assert opened(tmp_path, ["a.fits"]).origin.bands is None


def test_one_band_is_not_taken_for_three(tmp_path: Path) -> None:
    fits.PrimaryHDU(np.random.default_rng(0).normal(5, 1, (16, 16))).writeto(tmp_path / "a.fits")
    with pytest.raises(DataError, match=r"the network learned from\. Received: 1 band\. Allowed: g, r, z\."):
        opened(tmp_path, ["a.fits"], bands="g,r,z")


def test_a_cutout_of_other_bands_is_the_error_of_its_own_galaxy(tmp_path: Path) -> None:
    write_cutout(tmp_path / "a.fits", "grz")
    write_cutout(tmp_path / "b.fits", "gri")
    save_pictures(tmp_path, ["c.png"], side=16)
    images = list(opened(tmp_path, ["a.fits"]).images(["a.fits", "b.fits", "c.png"]))
    assert [isinstance(image, PictureError) for image in images] == [False, True, True]
    assert "bands g, r, i, asinh stretch" in str(images[1])
    assert "pictures, whose pixels came as bytes, beside bands g, r, z" in str(images[2])


def test_pictures_of_any_size_are_resized_as_those_of_the_run(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a.png"], side=16)
    save_pictures(tmp_path, ["b.png"], side=24)
    images = list(opened(tmp_path, ["a.png"], size=12).images(["a.png", "b.png"]))
    expected = [read_picture(tmp_path / name, PictureSettings(size=12)).image_hwc for name in ("a.png", "b.png")]
    assert same_images(images, expected)
