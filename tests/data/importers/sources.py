"""Small sources of every kind, and what importing them gives or says."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from astropy.io import fits
from PIL import Image

from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.data.importers import import_cube
from kamerton.errors import DataError


def noise_images(count: int, side: int = 8, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def save_pictures(folder: Path, names: Sequence[str], side: int = 8, seed: int = 0) -> npt.NDArray[np.uint8]:
    images_nhwc = noise_images(len(names), side, seed)
    for name, image_hwc in zip(names, images_nhwc, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image_hwc).save(folder / name)
    return images_nhwc


def write_rows(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def write_galaxy10(path: Path, count: int = 12, side: int = 8, **changes: Any) -> Path:
    """Write a small file with Galaxy10's datasets; a change replaces one, or removes it with None."""
    rng = np.random.default_rng(1)
    datasets: dict[str, Any] = {
        "images": noise_images(count, side),
        "ans": np.arange(count, dtype=np.uint8) % 10,
        "ra": rng.uniform(0, 360, count),
        "dec": rng.uniform(-90, 90, count),
        "redshift": np.full(count, np.nan),
        "pxscale": np.full(count, 0.262),
    } | changes
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            if values is not None:
                file[name] = values
    return path


def write_cube(path: Path, images: npt.NDArray[Any], labels: Sequence[int] = (0, 2, 1)) -> Path:
    fits.HDUList([fits.PrimaryHDU(images), fits.ImageHDU(np.array(labels))]).writeto(path)
    return path


def imported(source: Path, *, out: str = "out.fits", **options: Any) -> LabelledCube:
    """Import beside the source and open the cube."""
    out_path = source.parent / out
    import_cube(source, out_path, **options)
    return open_cube(out_path)


def refusal(source: Path, **options: Any) -> str:
    """Import what must be refused in one line, leaving nothing behind."""
    before = sorted(source.parent.iterdir())
    with pytest.raises(DataError) as caught:
        import_cube(source, source.parent / "out.fits", **options)
    assert sorted(source.parent.iterdir()) == before
    message = str(caught.value)
    assert "\n" not in message
    return message


def write_list(folder: Path, labels: Sequence[object], **columns: Sequence[object]) -> Path:
    """Write pictures 0.png... and their list with these labels and further columns."""
    save_pictures(folder, [f"{row}.png" for row in range(len(labels))])
    header = ["path", "label", *columns]
    rows = [[f"{row}.png", labels[row], *(values[row] for values in columns.values())] for row in range(len(labels))]
    return write_rows(folder / "list.csv", [header, *rows])
