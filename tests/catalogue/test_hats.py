from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from kamerton.catalogue import hats, sky_order
from kamerton.catalogue.columns import Header, arrow_schema, catalogue_columns, class_facts
from kamerton.catalogue.hats import HatsCatalogue, write_hats, write_tiles
from kamerton.catalogue.predict import predict
from kamerton.catalogue.sky_tiles import sky_indices
from kamerton.errors import DataError, KamertonWarning, OutputError
from kamerton.progress import Silent
from kamerton.runs.folder import Run
from tests.catalogue.tables import CLASSES
from tests.catalogue.test_votable import read
from tests.conftest import write_toy_cube

COLUMNS = catalogue_columns({"Długość": "float64"}, CLASSES, positions=True)
HEADER = Header("Kształty: 500 galaktyk", COLUMNS, class_facts(CLASSES))
GALAXIES, LOST = 500, 3


def rows(count: int = GALAXIES) -> pa.Table:
    """Galaxies over the whole sky, three of them without a place."""
    draw = np.random.default_rng(1)
    numbers = {
        "ra": [None, np.nan, *draw.uniform(0, 360, count - 2)],
        "dec": [1.0, 1.0, None, *np.degrees(np.arcsin(draw.uniform(-1, 1, count - 3)))],
    }
    texts = {"id": [f"g{row}" for row in range(count)], "predicted_class": [CLASSES[row % 3] for row in range(count)]}
    given = {**numbers, **texts}
    return pa.table(
        {field.name: pa.array(given.get(field.name, [None] * count), field.type) for field in arrow_schema(COLUMNS)}
    )


def tables_of(table: pa.Table, size: int = 60) -> hats.Tables:
    def read_tables(columns: Sequence[str] | None) -> Iterator[pa.Table]:
        chosen = table if columns is None else table.select(list(columns))
        return (chosen.slice(start, size) for start in range(0, len(chosen), size))

    return read_tables


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HatsCatalogue]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hats, "TILE_GALAXIES", 30)
        patch.setattr(sky_order, "PIECE_ROWS", 100)
        folder = tmp_path_factory.mktemp("Nocne niebo")
        with pytest.warns(KamertonWarning, match="3 of 500 galaxies without a position"):
            yield write_tiles(folder / "hats", HEADER, tables_of(rows()), Silent())


def read_tiles(made: HatsCatalogue) -> dict[tuple[int, int], pa.Table]:
    lines = (made.path / "partition_info.csv").read_text(encoding="ascii").split()[1:]
    tiles = [(int(order), int(pixel)) for order, pixel in (line.split(",") for line in lines)]
    place = str(made.path / "dataset/Norder={}/Dir=0/Npix={}.parquet")
    return {tile: parquet.read_table(place.format(*tile), partitioning=None) for tile in tiles}


def test_hats_itself_finds_it_valid(made: HatsCatalogue, caplog: pytest.LogCaptureFixture) -> None:
    validation = pytest.importorskip("hats.io.validation", reason="hats is not installed")
    with caplog.at_level(logging.WARNING):
        assert validation.is_valid_catalog(made.path, strict=True)
    assert caplog.messages == []


def test_hats_reads_what_it_is_of(made: HatsCatalogue) -> None:
    loaders = pytest.importorskip("hats", reason="hats is not installed")
    catalogue = loaders.read_hats(made.path)
    assert catalogue.catalog_info.total_rows == made.galaxies == GALAXIES - LOST
    assert catalogue.catalog_info.ra_column == "ra"
    assert len(catalogue.get_healpix_pixels()) == made.tiles
    assert catalogue.schema.names == ["_healpix_29", *(column.name for column in COLUMNS)]


def test_every_galaxy_with_a_position_is_in_the_tile_of_its_place_and_no_other(made: HatsCatalogue) -> None:
    tiles = read_tiles(made)
    found = pa.concat_tables(tiles.values())
    assert len(found) == made.galaxies
    assert {*found["id"].to_pylist()} == {f"g{row}" for row in range(3, GALAXIES)}
    for (order, pixel), tile in tiles.items():
        indices = tile["_healpix_29"].to_numpy()
        assert {*(indices >> 2 * (29 - order))} == {pixel}
        assert (np.diff(indices) >= 0).all()
        assert (sky_indices(tile["ra"].to_numpy(), tile["dec"].to_numpy()) == indices).all()


def test_rows_are_as_they_were(made: HatsCatalogue) -> None:
    found = pa.concat_tables(read_tiles(made).values()).drop_columns("_healpix_29")
    assert found.sort_by("id") == rows().slice(3).sort_by("id")


def test_galaxies_without_a_position_are_counted(made: HatsCatalogue) -> None:
    assert made.without_position == LOST
    assert made.as_json() == {
        "path": str(made.path),
        "galaxies": GALAXIES - LOST,
        "without_position": LOST,
        "tiles": made.tiles,
    }


def test_every_file_and_the_whole_say_what_they_hold_as_voparquet(made: HatsCatalogue) -> None:
    for file in [*made.path.rglob("Npix*.parquet"), made.path / "dataset/_common_metadata"]:
        footer = parquet.read_metadata(file).metadata
        head = read(footer[b"IVOA.VOTable-Parquet.content"].decode())
        assert [field.name for field in head.fields] == ["_healpix_29", *(column.name for column in COLUMNS)]
        assert footer[b"kamerton.class_round_smooth"] == b"Round smooth"


def test_the_properties_are_in_ascii_and_name_the_folder(made: HatsCatalogue) -> None:
    lines = (made.path / "hats.properties").read_bytes()
    assert lines == (made.path / "properties").read_bytes()
    assert b"obs_collection=nocne_niebo" in lines
    assert rb"obs_description=Kszta\u0142ty: 500 galaktyk" in lines


def test_nothing_but_the_catalogue_is_left(made: HatsCatalogue) -> None:
    assert sorted(place.name for place in made.path.parent.iterdir()) == ["hats"]
    assert sorted(place.name for place in made.path.iterdir()) == [
        *("dataset", "hats.properties", "partition_info.csv", "properties")
    ]


def test_the_same_rows_give_the_same_bytes_however_they_are_sharded(
    made: HatsCatalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hats, "TILE_GALAXIES", 30)
    (tmp_path / made.path.parent.name).mkdir()
    again = write_tiles(tmp_path / made.path.parent.name / "hats", HEADER, tables_of(rows(), size=7), Silent()).path
    for file in [place for place in made.path.rglob("*") if place.is_file()]:
        assert file.read_bytes() == (again / file.relative_to(made.path)).read_bytes(), file


def test_a_catalogue_without_positions_is_refused(tmp_path: Path) -> None:
    header = Header("None", catalogue_columns({}, CLASSES, positions=False))
    table = rows().select([column.name for column in header.columns])
    with pytest.raises(DataError, match=r"no galaxy with a position.*500 galaxies without ra and dec"):
        write_tiles(tmp_path / "hats", header, tables_of(table), Silent())
    with pytest.raises(DataError, match=r"no galaxy with a position.*2 galaxies without"):
        write_tiles(tmp_path / "hats", HEADER, tables_of(rows().slice(0, 2)), Silent())
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "hats").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        write_tiles(tmp_path / "hats", HEADER, tables_of(rows()), Silent())
    assert list(tmp_path.iterdir()) == [tmp_path / "hats"]


@pytest.fixture
def shards(toy_run: Run, tmp_path: Path) -> Path:
    """A finished catalogue of 30 galaxies in three shards."""
    cube = write_toy_cube(tmp_path / "new.fits", 30, seed=7)
    predict(toy_run, cube, out=tmp_path / "night", shard_galaxies=12)
    return tmp_path / "night"


def test_a_folder_of_shards_becomes_tiles_and_stays(shards: Path) -> None:
    before = {path.name: path.read_bytes() for path in shards.iterdir() if path.is_file()}
    made = write_hats(shards)
    assert (made.path, made.galaxies, made.without_position) == (shards / "_hats", 30, 0)
    assert {path.name: path.read_bytes() for path in shards.iterdir() if path.is_file()} == before
    found = pa.concat_tables(read_tiles(made).values()).drop_columns("_healpix_29")
    expected = pa.concat_tables([parquet.read_table(path) for path in sorted(shards.glob("part-*"))])
    assert found.sort_by("id") == expected.sort_by("id")


def test_readers_of_the_shards_do_not_meet_the_tiles(shards: Path) -> None:
    before = pd.read_parquet(shards)
    made = write_hats(shards)
    pd.testing.assert_frame_equal(pd.read_parquet(shards), before)
    assert sorted(pd.read_parquet(made.path / "dataset")["id"]) == sorted(before["id"])


def test_hats_itself_finds_a_night_valid(shards: Path) -> None:
    validation = pytest.importorskip("hats.io.validation", reason="hats is not installed")
    assert validation.is_valid_catalog(write_hats(shards).path, strict=True)


def test_a_catalogue_that_is_not_finished_is_refused(shards: Path) -> None:
    second = sorted(shards.glob("part-*"))[1]
    content = second.read_bytes()
    for spoilt in (None, content[:50] + bytes([content[50] ^ 1]) + content[51:]):
        second.unlink()
        if spoilt is not None:
            second.write_bytes(spoilt)
        with pytest.raises(DataError, match=r"night is not finished.*1 of 3 shards missing or damaged.*1.*--resume"):
            write_hats(shards)
        second.write_bytes(content)
    assert not (shards / "_hats").exists()


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be read as a catalogue.*kamerton predict"):
        write_hats(tmp_path)


def test_a_second_layout_is_refused(shards: Path) -> None:
    write_hats(shards)
    with pytest.raises(OutputError, match="hats exists already"):
        write_hats(shards)
