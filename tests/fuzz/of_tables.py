"""Targets with columns and settings: lists, Galaxy10's HDF5, recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from kamerton.config.pictures import PictureSettings
from kamerton.data.audit.list_file import examine_list
from kamerton.data.importers.galaxy10_file import open_galaxy10
from kamerton.data.importers.source import ImportRequest
from kamerton.data.lists import read_list
from kamerton.recipes import load_recipe, recipe_folder, recipe_names
from tests.fuzz.cases import Files

# Lists


def list_seeds(folder: Path) -> dict[str, Files]:
    """A list of galaxies in each form that is read."""
    columns: dict[str, list[Any]] = {
        "id": ["g0", "g1", "łuk, 2"],
        "ra": [0.5, None, 359.0],
        "dec": [-1.0, 2.0, 89.0],
        "label": ["spiral", "edge-on", "spiral"],
        "n": [1, 2, 3],
    }
    pd.DataFrame(columns).to_csv(folder / "plain.csv", index=False)
    (folder / "quoted.csv").write_text('id,ra,dec,label\n"a ""b""\n",1,2,0\nc,,,1.0\n', encoding="utf-8-sig")
    table = pa.table(columns)
    ways: dict[str, dict[str, Any]] = {
        "plain": {},
        "zstd": {"compression": "zstd"},
        "simple": {"use_dictionary": False},
    }
    for name, options in ways.items():
        parquet.write_table(table, folder / f"{name}.parquet", **options)
    paths = sorted(folder.iterdir())
    return {path.name: {f"list{path.suffix}": path.read_bytes()} for path in paths}


def read_any_list(folder: Path) -> None:
    """Read a list as an import does, and as a check does, which notes what is wrong."""
    path = next(folder.iterdir())
    noted = examine_list(path)
    assert all(finding.what.isprintable() or finding.count for finding in noted.findings)
    columns = read_list(path)
    assert columns
    assert len({len(cells) for cells in columns.values()}) == 1
    assert all(isinstance(cell, str) for cells in columns.values() for cell in cells)


# HDF5


def hdf5_seeds(folder: Path) -> dict[str, Files]:
    """Galaxy10's file, plain and in chunks."""
    import h5py

    images_nhwc = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "chunks": {"chunks": (2, 8, 8, 3)},
        "gzip": {"chunks": (2, 8, 8, 3), "compression": "gzip", "shuffle": True},
        "lzf": {"chunks": (4, 8, 8, 1), "compression": "lzf", "fletcher32": True},
    }
    for name, options in kinds.items():
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file.create_dataset("images", data=images_nhwc, **options)
            file.create_dataset("ans", data=np.arange(6) % 3)
            file.create_dataset("ra", data=np.linspace(0, 359, 6))
            file.create_dataset("dec", data=np.zeros(6, np.float32))
    return {name: {"galaxies.h5": (folder / f"{name}.h5").read_bytes()} for name in kinds}


def read_galaxy10(folder: Path) -> None:
    """Read all images and labels."""
    request = ImportRequest(
        next(folder.iterdir()), PictureSettings(size=8), "path", "label", skip_bad=False, classes=None
    )
    with open_galaxy10(request) as galaxies:
        count = sum(len(images_nhwc) for images_nhwc in galaxies.batches)
        assert count == len(galaxies.labels) == len(galaxies.catalogue)
        assert 0 <= galaxies.labels.min() <= galaxies.labels.max() < len(galaxies.class_names)


# Recipes


def recipe_seeds(_: Path) -> dict[str, Files]:
    """The recipes that come with Kamerton."""
    return {name: {"own.toml": (recipe_folder() / f"{name}.toml").read_bytes()} for name in recipe_names()}


def read_recipe(folder: Path) -> None:
    """Read a recipe of one's own."""
    recipe = load_recipe(str(folder / "own.toml"))
    assert recipe.epochs >= 1
    assert recipe.batch_size >= 1
