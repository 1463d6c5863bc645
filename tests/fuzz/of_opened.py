"""Catalogues in every form, read to be searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from kamerton.catalogue.columns import Features, Header, arrow_schema, catalogue_columns, class_facts
from kamerton.catalogue.hats import PROPERTIES_FILE, write_tiles
from kamerton.catalogue.readers import open_catalogue
from kamerton.catalogue.writers import WRITERS
from kamerton.certainty.judging import FLAGS
from kamerton.neighbours.catalogue_galaxies import CatalogueGalaxies
from kamerton.progress import Silent
from tests.fuzz.cases import Files, files_of

CLASSES = ("eliptyczna", "spiralna z poprzeczką")
GALAXIES, LENGTH = 12, 5


def header_of(ending: str) -> Header:
    """A calibrated catalogue, with features where the format has room for them."""
    features = None if ending == ".csv" else Features("all", LENGTH)
    columns = catalogue_columns({"mag": "float64"}, CLASSES, positions=True, flags=FLAGS, features=features)
    return Header("Galaxies", columns, {"run": "lenet5", "features": "all", **class_facts(CLASSES)})


def rows_of(header: Header) -> pa.Table:
    """Twelve galaxies, one of which could not be read."""
    rng, cells = np.random.default_rng(0), {}
    for field in arrow_schema(header.columns):
        if pa.types.is_fixed_size_list(field.type):
            numbers = rng.standard_normal(GALAXIES * LENGTH).astype(np.float32)
            cells[field.name] = pa.FixedSizeListArray.from_arrays(numbers, type=field.type)
        elif pa.types.is_string(field.type):
            texts = [f"łuk {number}" for number in range(GALAXIES)]
            cells[field.name] = pa.array(["bad", *[None] * (GALAXIES - 1)] if field.name == "status" else texts)
        else:
            cells[field.name] = pa.array(rng.integers(0, 2, GALAXIES)).cast(field.type)
    return pa.table(cells, schema=arrow_schema(header.columns))


def opened_seeds(folder: Path) -> dict[str, Files]:
    """One catalogue in each format, and as tiles of the sky."""
    seeds: dict[str, Files] = {}
    for ending in (".parquet", ".fits", ".vot", ".csv"):
        header = header_of(ending)
        with WRITERS[ending](folder / f"x{ending}", header, GALAXIES) as writer:
            writer.append(rows_of(header))
        seeds[ending] = {path.name: path.read_bytes() for path in folder.glob(f"x{ending}*")}

    def tables(columns: Sequence[str] | None) -> Iterator[pa.Table]:
        rows = rows_of(header_of(".parquet"))
        yield rows if columns is None else rows.select(list(columns))

    write_tiles(folder / "tiles", header_of(".parquet"), tables, Silent())
    seeds["tiles"] = files_of(folder / "tiles")
    return seeds


def read_opened(folder: Path) -> None:
    """Read all that a search reads."""
    is_folder = (folder / PROPERTIES_FILE).exists()
    place = folder if is_folder else next(path for path in folder.iterdir() if path.suffix != ".json")
    with open_catalogue(place) as catalogue:
        names = [name for name in catalogue.columns if name != "features"]
        assert sum(len(table) for table in catalogue.tables(names)) == len(catalogue) > 0
        assert catalogue.class_names or not any(name.startswith("p_") for name in catalogue.columns)
        if catalogue.has_features:
            galaxies = CatalogueGalaxies(catalogue)
            rows = np.array([len(galaxies) - 1, 0])
            assert sum(len(block) for block in galaxies.features()) == len(galaxies)
            assert len(galaxies.features_of(rows)) == 2
            assert [galaxy.row for galaxy in galaxies.galaxies(rows)] == rows.tolist()
