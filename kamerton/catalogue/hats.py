"""HATS 1.0, the catalogue format of the large surveys: a Parquet file a tile of the sky, which LSDB and Aladin read.

The IVOA note on HATS has the layout; `hats` itself finds such a folder valid (`is_valid_catalog(strict=True)`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.catalogue.columns import Column, Header, arrow_schema
from kamerton.catalogue.heading import heading
from kamerton.catalogue.manifest import Manifest
from kamerton.catalogue.names import words
from kamerton.catalogue.record import MANIFEST_FILE, read_catalogue_record, require_manifest
from kamerton.catalogue.shards import is_made, read_shards
from kamerton.catalogue.sky_order import INDEX_COLUMN, SkyOrder
from kamerton.catalogue.sky_tiles import INDEX_ORDER, Counts, Tile, choose_tiles, count_galaxies, sky_indices
from kamerton.catalogue.writers.parquet_file import head_of, parquet_rows
from kamerton.errors import DataError, warn
from kamerton.files import new_whole_folder, require_new
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent
from kamerton.version import __version__

if TYPE_CHECKING:
    import pyarrow as pa

TILE_GALAXIES = 1 << 18
"""Most galaxies of a tile; they are in memory at once when it is written."""

DIRECTORY_PIXELS = 10_000
"""A folder ``Dir`` has the tiles of so many pixels."""

INDEX = Column(INDEX_COLUMN, "int64", f"HEALPix index of order {INDEX_ORDER}, nested (ICRS)", ucd="pos.healpix")

HATS_FOLDER = "_hats"
"""In the folder of the shards, whose readers pass over a name that begins so: it has the same galaxies again."""

PROPERTIES_FILE, TILES_FILE = "hats.properties", "partition_info.csv"

RA, DEC = "ra", "dec"

Tables = Callable[[Sequence[str] | None], Iterator["pa.Table"]]
"""Read a catalogue's rows table by table: of these columns, or of all."""


@dataclass(frozen=True)
class HatsCatalogue:
    """A catalogue in tiles of the sky."""

    path: Path
    galaxies: int
    without_position: int
    """Galaxies that are left out, since they have no place on the sky."""
    tiles: int

    def as_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {**self.__dict__, "path": str(self.path)}

    def describe(self) -> str:
        """Say in a line what it holds."""
        return f"{counted(self.galaxies, 'galaxy')} in {counted(self.tiles, 'tile')} of the sky"


def write_hats(folder: str | Path, *, watcher: Progress | None = None) -> HatsCatalogue:
    """Lay out a catalogue of shards, as `predict` makes it, anew in ``_hats`` in that folder, tile by tile of the sky.

    The shards stay. Galaxies without a position are left out, and a KamertonWarning counts them. Raises DataError where
    the folder is no catalogue, or none that is finished, or where no galaxy has a position; OutputError where
    ``_hats`` is there already or cannot be written.
    """
    out = Path(folder)
    record = read_catalogue_record(out)
    require_new(out / HATS_FOLDER)
    require_manifest(out, record)
    with Manifest(out / MANIFEST_FILE) as manifest:
        shards = range(record.manifest.shards)
        missing = [number for number in shards if not is_made(out, number, record, manifest.galaxies(number))]
    if missing:
        raise DataError(
            f"{out} is not finished",
            received=f"{len(missing)} of {counted(len(shards), 'shard')} missing or damaged, the first {missing[0]}",
            next_step="give the same `kamerton predict` with --resume first",
        )
    return write_tiles(out / HATS_FOLDER, heading(record), partial(read_shards, out, record), watcher or Silent())


def write_tiles(path: Path, header: Header, tables: Tables, watcher: Progress) -> HatsCatalogue:
    """Write the rows that have a position to a new folder, whole or not at all.

    DataError where none has; OutputError where the folder is there already or cannot be written.
    """
    with new_whole_folder(path) as folder:
        counts, rows = _count(header, tables)
        tiles = choose_tiles(counts, TILE_GALAXIES)
        galaxies = sum(tile.galaxies for tile in tiles)
        if not tiles:
            raise DataError(
                f"{path.parent} has no galaxy with a position on the sky",
                received=f"{counted(rows, 'galaxy')} without ra and dec",
                next_step="give positions with the source, in its columns ra and dec (degrees, ICRS)",
            )
        tiled = replace(header, columns=(INDEX, *header.columns))
        files = _write_dataset(folder / "dataset", tiled, tables, tiles, watcher)
        _write_lists(folder, tiled, files, tiles)
        lines = _properties(words(path.parent.resolve().name) or "catalogue", header, counts, tiles)
        for name in (PROPERTIES_FILE, "properties"):
            (folder / name).write_text("\n".join(["#HATS catalog", *lines, ""]), encoding="ascii")
    if rows > galaxies:
        warn(
            f"{rows - galaxies} of {counted(rows, 'galaxy')} without a position, and not among the tiles",
            next_step="read them in the shards, which have all",
        )
    return HatsCatalogue(path, galaxies, rows - galaxies, len(tiles))


def _count(header: Header, tables: Tables) -> tuple[Counts, int]:
    """Count galaxies by pixel, and all rows."""
    counts, rows = count_galaxies(np.empty(0, np.int64)), 0
    has_position = {RA, DEC} <= {column.name for column in header.columns}
    for table in tables([RA, DEC] if has_position else [header.columns[0].name]):
        rows += table.num_rows
        if has_position:
            counts += count_galaxies(_indexed(table)[INDEX_COLUMN].to_numpy())
    return counts, rows


def _indexed(table: pa.Table) -> pa.Table:
    """Keep the rows that have a position, with its index before the other columns."""
    import pyarrow as pa

    # Arrow has a null where NumPy has NaN.
    position = np.column_stack([table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in (RA, DEC)])
    is_known = np.isfinite(position).all(axis=1)
    indices = sky_indices(*position[is_known].T)
    return table.filter(pa.array(is_known)).add_column(0, INDEX_COLUMN, pa.array(indices))


def _write_dataset(
    folder: Path, header: Header, tables: Tables, tiles: Sequence[Tile], watcher: Progress
) -> list[Path]:
    """Write a Parquet file a tile."""
    files = [folder / tile_place(tile.order, tile.pixel) for tile in tiles]
    with TemporaryDirectory(dir=folder.parent) as spare:
        order = SkyOrder(Path(spare), arrow_schema(header.columns), tiles)
        galaxies = sum(tile.galaxies for tile in tiles)
        with watcher.task("sorting", galaxies, "galaxies") as advance:
            for table in tables(None):
                rows = _indexed(table)
                order.append(rows)
                advance(rows.num_rows)
            order.finish()
        with watcher.task("writing tiles", galaxies, "galaxies") as advance:
            for number, (tile, file) in enumerate(zip(tiles, files, strict=True)):
                file.parent.mkdir(parents=True, exist_ok=True)
                with parquet_rows(file, header, tile.galaxies) as writer:
                    writer.append(order.read(number))
                advance(tile.galaxies)
    return files


def tile_place(order: int, pixel: int) -> Path:
    """Give the way from the folder ``dataset`` to a tile's file."""
    directory = pixel - pixel % DIRECTORY_PIXELS
    return Path(f"Norder={order}", f"Dir={directory}", f"Npix={pixel}.parquet")


def _write_lists(folder: Path, header: Header, files: Sequence[Path], tiles: Sequence[Tile]) -> None:
    """Write what readers look at before the rows: which tiles there are, and all their footers as one."""
    from pyarrow import parquet

    lines = ["Norder,Npix", *(f"{tile.order},{tile.pixel}" for tile in tiles), ""]
    (folder / TILES_FILE).write_text("\n".join(lines), encoding="ascii")
    footers = []
    for file in files:
        footers.append(parquet.read_metadata(file))
        footers[-1].set_file_path(str(file.relative_to(folder / "dataset")))
    schema = arrow_schema(header.columns)
    with parquet.ParquetWriter(folder / "dataset/_common_metadata", schema, store_schema=False) as writer:
        writer.add_key_value_metadata(head_of(header, sum(tile.galaxies for tile in tiles), {}))
    parquet.write_metadata(schema, folder / "dataset/_metadata", metadata_collector=footers, store_schema=False)


def _properties(name: str, header: Header, counts: Counts, tiles: Sequence[Tile]) -> list[str]:
    """Say what the folder holds, in the lines of a properties file of Java."""
    properties = {
        "obs_collection": name,
        "dataproduct_type": "object",
        # Java's escapes are those of JSON.
        "obs_description": json.dumps(header.description)[1:-1],
        "hats_nrows": sum(tile.galaxies for tile in tiles),
        "hats_col_ra": RA,
        "hats_col_dec": DEC,
        "hats_col_healpix": INDEX_COLUMN,
        "hats_col_healpix_order": INDEX_ORDER,
        "hats_max_rows": TILE_GALAXIES,
        "hats_order": max(tile.order for tile in tiles),
        "moc_sky_fraction": f"{np.count_nonzero(counts) / counts.size:.6g}",
        "hats_builder": f"kamerton {__version__}",
        "hats_version": "v1.0",
    }
    return [f"{key}={value}" for key, value in properties.items()]
