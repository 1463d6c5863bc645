"""Folders of shards, with which a catalogue goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.table import Table

from kamerton.catalogue.columns import arrow_schema
from kamerton.catalogue.heading import heading
from kamerton.catalogue.manifest import Manifest, freeze
from kamerton.catalogue.record import (
    MANIFEST_FILE,
    CatalogueRecord,
    Model,
    SourceRecord,
    read_catalogue_record,
    require_manifest,
    write_catalogue_record,
)
from kamerton.catalogue.shards import is_made, read_shard_file, shard_path
from kamerton.catalogue.writers.parquet_file import parquet_rows
from kamerton.config.pictures import PictureSettings, Preprocessing
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.sources import open_source
from kamerton.data.sources.source import SourceRequest
from kamerton.progress import Silent
from tests.fuzz.cases import Files, files_of

CLASSES = ("eliptyczna", "spiralna z poprzeczką")


def catalogue_seeds(folder: Path) -> dict[str, Files]:
    """Ten galaxies in three shards, the last of which is not made yet."""
    cube = folder / "cube.fits"
    with CubeWriter(cube, image_shape=(8, 8, 3), dtype=np.uint8, class_names=CLASSES) as writer:
        writer.append(np.arange(10 * 192, dtype=np.uint8).reshape(10, 8, 8, 3))
        writer.finish(
            np.arange(10) % 2,
            Table({"id": [f"g{n}" for n in range(10)], "ra": np.arange(10.0), "dec": np.arange(10.0)}),
        )
    out = folder / "out"
    out.mkdir()
    with open_source(SourceRequest(cube, PictureSettings(), "path")) as source:
        manifest, _ = freeze(out / MANIFEST_FILE, [source], 4, Silent())
        sources = (SourceRecord(str(cube), source.kind, source.identity),)
    model = Model("0" * 64, "lenet5", CLASSES, Preprocessing(8, 3), None, None, False, False)
    record = CatalogueRecord(model, 4, sources, manifest, {"run": "lenet5"})
    write_catalogue_record(out, record)
    header = heading(record)
    schema = arrow_schema(header.columns)
    for number, rows in enumerate((4, 4)):
        nothing = pa.table({field.name: pa.nulls(rows, field.type) for field in schema}, schema=schema)
        with parquet_rows(shard_path(out, number, record), header, rows) as shard:
            shard.append(nothing)
    return {"two of three shards": files_of(out)}


def read_catalogue(folder: Path) -> None:
    """Find out what is made, as a resume does."""
    record = read_catalogue_record(folder)
    require_manifest(folder, record)
    with Manifest(folder / MANIFEST_FILE) as manifest:
        assert manifest.shards == record.manifest.shards
        for number in range(manifest.shards):
            rows = manifest.read(number)
            if is_made(folder, number, record, len(rows)):
                assert len(read_shard_file(folder, number, record)) == len(rows)
