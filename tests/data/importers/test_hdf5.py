"""An HDF5 file costs no more memory than what it holds."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kamerton.data.importers import import_cube
from kamerton.data.importers.hdf5 import why_not_plain
from kamerton.errors import DataError
from tests.fuzz.cases import Target
from tests.fuzz.worker import read_case

h5py = pytest.importorskip("h5py")

IMAGES_NHWC = np.random.default_rng(0).integers(0, 256, (40, 24, 24, 3), np.uint8)


def write(path: Path, images: Callable[[Any], object] | None = None) -> Path:
    with h5py.File(path, "w") as file:
        if images is None:
            file.create_dataset("images", data=IMAGES_NHWC)
        else:
            images(file)
        file.create_dataset("ans", data=np.arange(len(file["images"])) % 10)
    return path


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (7, 24, 24, 1)},
        {"compression": "gzip", "shuffle": True},
        {"compression": "lzf"},
        {"compression": "gzip", "fletcher32": True},
    ],
)
def test_datasets_as_h5py_writes_them_are_read(options: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", lambda file: file.create_dataset("images", data=IMAGES_NHWC, **options))
    with h5py.File(path, "r") as file:
        assert why_not_plain(file["images"]) is None
    assert import_cube(path, tmp_path / "a.fits").count == len(IMAGES_NHWC)


def bomb_chunk(file: Any) -> None:
    dataset = file.create_dataset("images", (40, 64, 64, 3), "u1", chunks=(40, 64, 64, 3), compression="gzip")
    packing = zlib.compressobj(9)
    content = b"".join(packing.compress(bytes(1 << 20)) for _ in range(400)) + packing.flush()
    dataset.id.write_direct_chunk((0, 0, 0, 0), content)


def twice_deflated(file: Any) -> None:
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((40, 64, 64, 3))
    settings.set_deflate(9)
    settings.set_deflate(9)
    space = h5py.h5s.create_simple((40, 64, 64, 3))
    dataset = h5py.h5d.create(file.id, b"images", h5py.h5t.STD_U8LE, space, settings)
    dataset.write_direct_chunk((0, 0, 0, 0), zlib.compress(zlib.compress(bytes(100 << 20), 9), 9))


def never_written(file: Any) -> None:
    file.create_dataset("images", (100_000, 256, 256, 3), "u1", chunks=(1, 256, 256, 3))


def large_chunk(file: Any) -> None:
    file.create_dataset("images", (40, 1000, 1000, 3), "u1", chunks=(40, 1000, 1000, 3), compression="gzip")[0] = 0


BOMBS = {
    "a chunk that unpacks to 400 MB": (bomb_chunk, "unpacks to more"),
    "deflated twice": (twice_deflated, "its filters are"),
    "never written": (never_written, "it promises 19660800000 bytes, of which 0 are stored"),
    "a chunk of 120 MB": (large_chunk, "its chunks have 120000000 bytes|it promises 120000000 bytes"),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_one_line_and_costs_no_memory(what: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", BOMBS[what][0])
    assert path.stat().st_size < 2 << 20
    (tmp_path / "temporary").mkdir()

    def read(_: Path) -> None:
        with pytest.raises(DataError, match=BOMBS[what][1]) as caught:
            import_cube(path, tmp_path / "a.fits")
        raise caught.value

    outcome = read_case(Target(lambda folder: {}, read, DataError), {}, tmp_path, 0)
    assert outcome.kind == "clean DataError", outcome.detail
    assert outcome.memory_bytes < 64 << 20
