"""Galaxy10's HDF5 file arrives whole, or is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from astropy.table import Table

from kamerton.config.pictures import Framing, PixelOrigin
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.importers.galaxy10_file import GALAXY10_SDSS_CLASS_NAMES
from tests.data.importers.sources import imported, noise_images, refusal, write_galaxy10


def test_galaxy10_images_and_labels_arrive_in_order(tmp_path: Path) -> None:
    with imported(write_galaxy10(tmp_path / "g.h5", count=150)) as cube:
        np.testing.assert_array_equal(cube.read(slice(None)), noise_images(150))
        np.testing.assert_array_equal(cube.labels, np.arange(150) % 10)


def test_the_cube_says_what_was_cropped_and_resized(tmp_path: Path) -> None:
    with imported(write_galaxy10(tmp_path / "g.h5", side=20), crop=16, size=8) as cube:
        assert cube.origin == PixelOrigin("none", framing=Framing((20, 20), (16, 16), 8))


def test_galaxy10_has_its_class_names(tmp_path: Path) -> None:
    with imported(write_galaxy10(tmp_path / "g.h5")) as cube:
        assert cube.class_names == CLASS_NAMES


def test_older_galaxy10_sdss_is_not_given_the_names_of_decals(tmp_path: Path) -> None:
    with imported(write_galaxy10(tmp_path / "g.h5", side=69)) as cube:
        assert cube.class_names == GALAXY10_SDSS_CLASS_NAMES


def test_indices_beyond_galaxy10_get_plain_names(tmp_path: Path) -> None:
    with imported(write_galaxy10(tmp_path / "g.h5", ans=np.arange(12))) as cube:
        assert cube.class_names[-1] == "class 11"


def test_galaxy10_catalogue_holds_the_sky(tmp_path: Path) -> None:
    source = write_galaxy10(tmp_path / "g.h5")
    with imported(source) as cube, h5py.File(source) as file:
        assert cube.ids[:2] == ["galaxy10-00000", "galaxy10-00001"]
        for name in ("ra", "dec", "redshift", "pxscale"):
            np.testing.assert_array_equal(np.asarray(cube.catalogue[name]), file[name][:])


def test_units_of_the_galaxy10_catalogue_are_in_the_file(tmp_path: Path) -> None:
    imported(write_galaxy10(tmp_path / "g.h5")).close()
    table = Table.read(tmp_path / "out.fits", hdu="CATALOG")
    assert [str(table[name].unit) for name in ("ra", "dec", "pxscale")] == ["deg", "deg", "arcsec"]


@pytest.mark.parametrize("name", ["ra", "dec", "redshift", "pxscale"])
def test_optional_dataset_may_be_missing(name: str, tmp_path: Path) -> None:
    absent: dict[str, Any] = {name: None}
    with imported(write_galaxy10(tmp_path / "g.h5", **absent)) as cube:
        assert name not in cube.catalogue.colnames


@pytest.mark.parametrize("name", ["images", "ans"])
def test_required_dataset_is_named(name: str, tmp_path: Path) -> None:
    absent: dict[str, Any] = {name: None}
    message = refusal(write_galaxy10(tmp_path / "g.h5", **absent))
    assert f"dataset {name}" in message
    assert "no such dataset" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"images": np.zeros((12, 8, 8), np.uint8)},
        {"images": np.zeros((12, 8, 8, 3), np.float32)},
        {"images": np.zeros((12, 8, 8, 3), np.uint16)},
        {"images": np.zeros((0, 8, 8, 3), np.uint8), "ans": np.zeros(0, np.uint8)},
        {"ans": np.zeros((12, 10), np.uint8)},
        {"ans": np.zeros(12, np.float32)},
        {"ans": np.zeros(11, np.uint8)},
        {"ans": np.full(12, -1)},
        {"ans": np.full(12, 10**6)},
        {"ra": np.zeros(11)},
        {"ra": ["12h30m"] * 12},
        {"pxscale": h5py.SoftLink("/ra")},
        {"images": h5py.ExternalLink("elsewhere.h5", "images")},
        {"images": h5py.Empty("u1")},
    ],
    ids="-".join,
)
def test_foreign_dataset_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    message = refusal(write_galaxy10(tmp_path / "g.h5", **changes))
    assert f"dataset {list(changes)[-1]}" in message or "dataset images" in message


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    source = write_galaxy10(tmp_path / "g.h5", images=None)
    with h5py.File(source, "a") as file:
        file["images"] = np.void(pickle.dumps(noise_images(12)))
    assert "dataset images" in refusal(source)


def test_virtual_dataset_is_refused(tmp_path: Path) -> None:
    write_galaxy10(tmp_path / "other.h5")
    source = write_galaxy10(tmp_path / "g.h5", images=None)
    layout = h5py.VirtualLayout((12, 8, 8, 3), np.uint8)
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "images", (12, 8, 8, 3))
    with h5py.File(source, "a") as file:
        file.create_virtual_dataset("images", layout)
    assert "dataset images" in refusal(source)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_truncated_hdf5_is_refused(tmp_path: Path, kept: float) -> None:
    source = write_galaxy10(tmp_path / "g.h5", count=100)
    source.write_bytes(source.read_bytes()[: int(kept * source.stat().st_size)])
    assert "as HDF5" in refusal(source)


def test_damaged_chunk_is_refused_with_its_rows(tmp_path: Path) -> None:
    source = write_galaxy10(tmp_path / "g.h5", images=None, count=100)
    with h5py.File(source, "a") as file:
        images = file.create_dataset("images", data=noise_images(100), chunks=(50, 8, 8, 3), compression="gzip")
        chunk = images.id.get_chunk_info(1)
    with source.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * 64)
    assert "images from row 0" in refusal(source)
