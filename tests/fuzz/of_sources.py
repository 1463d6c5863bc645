"""Targets of galaxies that nobody has labelled: cubes, HDF5, lists with their pictures, folders."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from astropy.io import fits
from astropy.table import Table
from PIL import Image
from pyarrow import parquet

from kamerton.config.pictures import PictureSettings
from kamerton.data.sources import open_source
from kamerton.data.sources.source import Source, SourceRequest
from kamerton.errors import KamertonWarning, PictureError
from tests.fuzz.cases import Files

MOST_ROWS = 2000
"""A spoilt number of rows may be any; no more of them are looked at."""


def source_cube_seeds(folder: Path) -> dict[str, Files]:
    """Images alone and with a catalogue, plain and in tiles, bytes and floats; and one cutout, which is no cube."""
    images_nhwc = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    table = Table({"id": [f"g{row}" for row in range(6)], "ra": np.linspace(0, 359, 6), "dec": np.zeros(6)})
    table["n"], table["note"] = np.arange(6), [f"łuk {row}".encode("unicode_escape").decode() for row in range(6)]
    catalogue = fits.table_to_hdu(table)
    catalogue.name = "CATALOG"
    kinds = {
        "alone": [fits.PrimaryHDU(images_nhwc)],
        "floats": [fits.PrimaryHDU(images_nhwc.astype(np.float32)), catalogue],
        "bytes": [fits.PrimaryHDU(images_nhwc), fits.ImageHDU(np.arange(6)), catalogue],
        "tiles": [fits.PrimaryHDU(), fits.CompImageHDU(images_nhwc), catalogue],
        "cutout": [fits.PrimaryHDU(np.random.default_rng(0).normal(5, 1, (3, 24, 24)).astype(np.float32))],
        "grey": [fits.PrimaryHDU(images_nhwc[..., 0]), catalogue],
    }
    for name, hdus in kinds.items():
        fits.HDUList(hdus).writeto(folder / f"{name}.fits")
    return {name: {"galaxies.fits": (folder / f"{name}.fits").read_bytes()} for name in kinds}


def source_hdf5_seeds(folder: Path) -> dict[str, Files]:
    """Pictures without labels, with sky columns and without."""
    import h5py

    images_nhwc = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    for name, columns in {"alone": [], "sky": ["ra", "dec", "redshift"]}.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_dataset("images", data=images_nhwc, chunks=(2, 8, 8, 3), compression="gzip")
            for column in columns:
                file.create_dataset(column, data=np.linspace(0, 1, 6))
    return {path.stem: {"galaxies.h5": path.read_bytes()} for path in sorted(folder.glob("*.h5"))}


def _pictures() -> Files:
    pictures = {}
    for row, ending in enumerate(("png", "jpg", "gif")):
        content = io.BytesIO()
        image_hwc = np.random.default_rng(row).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(image_hwc).save(content, "JPEG" if ending == "jpg" else ending)
        pictures[f"pictures/{row}.{ending}"] = content.getvalue()
    return pictures


def source_list_seeds(folder: Path) -> dict[str, Files]:
    """Lists of three pictures in each form that is read."""
    pictures = _pictures()
    columns: dict[str, list[Any]] = {
        "path": list(pictures),
        "id": ["g0", "g1", "łuk, 2"],
        "ra": [0.5, None, 359.0],
        "dec": [-1.0, None, 89.0],
        "n": [1, 2, 3],
        "z": [0.25, None, 1e-3],
    }
    table = pa.table(columns)
    pd.DataFrame(columns).to_csv(folder / "list.csv", index=False)
    frame = pd.DataFrame(columns | {"ra": ["0,5", "", "359,0"]})
    frame.to_csv(folder / "commas.csv", index=False, sep=";", decimal=",")
    parquet.write_table(table, folder / "list.parquet")
    parquet.write_table(table, folder / "groups.parquet", row_group_size=1, use_dictionary=False, compression="zstd")
    paths = sorted(folder.iterdir())
    return {path.name: {f"list{path.suffix}": path.read_bytes()} | pictures for path in paths}


def source_folder_seeds(_: Path) -> dict[str, Files]:
    """Pictures beside notes, and a folder inside."""
    pictures = _pictures()
    one = {"inner/deep/galaxy.png": pictures["pictures/0.png"]}
    return {"three": pictures | {"notes.txt": b"seen in Toru\xc5\x84"}, "one": one}


def read_source(folder: Path) -> None:
    """Read a source to its end, and hold it against what every source promises."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".txt"]
    path = files[0] if files else folder
    with warnings.catch_warnings():
        # What is said of odd rows is no defect.
        warnings.simplefilter("ignore", KamertonWarning)
        with open_source(SourceRequest(path, PictureSettings(), "path")) as source:
            assert source.side_px > 0
            assert 1 <= source.channels <= 16
            assert len(source.identity) == 64
            for batch in islice(source.batches(4), MOST_ROWS // 4):
                _check_rows(source, batch)
                _check_images(source, batch["place"].to_pylist())


def _check_rows(source: Source, batch: pa.RecordBatch) -> None:
    assert 0 < batch.num_rows <= 4
    types = {"int64": pa.int64(), "float64": pa.float64(), "text": pa.string()}
    own = [pa.string(), pa.string(), pa.float64(), pa.float64()]
    assert batch.schema.names == ["place", "id", "ra", "dec", *source.columns]
    assert len(set(batch.schema.names)) == len(batch.schema.names)
    assert batch.schema.types == own + [types[kind] for kind in source.columns.values()]
    assert batch["place"].null_count == batch["id"].null_count == 0
    batch.validate(full=True)
    for name, lowest, highest in (("ra", -180, 360), ("dec", -90, 90)):
        assert all(lowest <= value <= highest for value in batch[name].drop_null().to_pylist())
    assert batch["ra"].is_null().equals(batch["dec"].is_null())


def _check_images(source: Source, places: Sequence[str]) -> None:
    images = list(source.images(places))
    assert len(images) == len(places)
    for image_hwc in images:
        if isinstance(image_hwc, PictureError):
            assert str(image_hwc).isprintable()
            continue
        assert image_hwc.shape == (source.side_px, source.side_px, source.channels)
        assert image_hwc.dtype == source.dtype
        assert np.isfinite(image_hwc).all()
        assert 0 <= image_hwc.min() <= image_hwc.max() <= 255
