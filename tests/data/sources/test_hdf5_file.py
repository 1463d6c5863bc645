"""An HDF5 file of Galaxy10's form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from kamerton.errors import PictureError
from tests.data.importers.sources import noise_images, write_galaxy10
from tests.data.sources.opened import read_source, refusal, same_images


@pytest.mark.parametrize("labels", [None, np.array([-1.0, 7, 3, 2])])
def test_labels_do_not_matter(labels: np.ndarray | None, tmp_path: Path) -> None:
    found = read_source(write_galaxy10(tmp_path / "a.h5", 4, ans=labels))
    assert same_images(found.images, noise_images(4))
    assert found.column("id") == [f"galaxy10-{row:05d}" for row in range(4)]
    assert not found.source.has_own_ids


def test_sky_columns_pass_through(tmp_path: Path) -> None:
    columns: dict[str, Any] = {"ra": [1.0, 2.0, np.nan], "dec": [3.0, 4.0, np.nan], "redshift": [np.nan, 0.1, 0.2]}
    found = read_source(write_galaxy10(tmp_path / "a.h5", 3, **columns))
    assert found.source.columns == {"redshift": "float64", "pxscale": "float64"}
    assert found.source.has_positions
    assert (found.column("ra"), found.column("redshift")) == ([1.0, 2.0, None], [None, 0.1, 0.2])


def test_images_alone_are_enough(tmp_path: Path) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("ans", "ra", "dec", "redshift", "pxscale"))
    found = read_source(write_galaxy10(tmp_path / "a.h5", 3, **nothing))
    assert found.source.columns == {}
    assert not found.source.has_positions
    assert len(found.images) == 3


def test_pictures_are_cropped_and_resized_as_those_of_the_run(tmp_path: Path) -> None:
    found = read_source(write_galaxy10(tmp_path / "a.h5", 3, side=24), crop=16)
    assert same_images(found.images, noise_images(3, 24)[:, 4:20, 4:20])
    assert read_source(tmp_path / "a.h5", crop=16, size=8).source.side_px == 8
    assert "smaller than the crop" in refusal(tmp_path / "a.h5", crop=25)


def test_a_damaged_chunk_is_the_error_of_its_own_galaxies(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", data=noise_images(4), chunks=(1, 8, 8, 3), fletcher32=True)
        at = images.id.get_chunk_info(2).byte_offset
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    images = read_source(path).images
    assert [isinstance(image, PictureError) for image in images] == [False, False, True, False]


def test_a_file_without_images_is_refused(tmp_path: Path) -> None:
    assert "dataset images: not that of a Galaxy10 file" in refusal(write_galaxy10(tmp_path / "a.h5", images=None))
