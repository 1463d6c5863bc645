"""A CSV or Parquet list of pictures."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import kamerton
from kamerton.config.pictures import PictureSettings
from kamerton.data.sources import open_source
from kamerton.data.sources.picture_list import ListSource
from kamerton.data.sources.source import SourceRequest
from kamerton.errors import DataError, KamertonWarning, PictureError
from tests.data.importers.sources import save_pictures, write_rows
from tests.data.sources.opened import read_source, refusal, same_images

ENDINGS = ("csv", "parquet")


def write(folder: Path, ending: str, **columns: list[Any]) -> Path:
    """Write pictures and their list with these columns."""
    names = [f"{row}.png" for row in range(len(next(iter(columns.values()))))]
    save_pictures(folder, names)
    table = pa.table({"path": names} | columns)
    if ending == "parquet":
        parquet.write_table(table, folder / "list.parquet")
        return folder / "list.parquet"
    rows = [["" if cell is None else cell for cell in row.values()] for row in table.to_pylist()]
    return write_rows(folder / "list.csv", [table.column_names, *rows])


@pytest.mark.parametrize("ending", ENDINGS)
def test_other_columns_pass_through_with_their_types(ending: str, tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {
        "id": ["x", "ł", "z"],
        "ra": [0.5, 350.0, None],
        "dec": [-1.0, 2.0, None],
        "plate": [7, None, 9],
        "redshift": [0.01, None, 0.5],
        "objid": [587722984435155001, 2, None],
        "note": ["dusty", None, "łuk"],
    }
    found = read_source(write(tmp_path, ending, **columns))
    kinds = {"path": "text", "plate": "int64", "redshift": "float64", "objid": "int64", "note": "text"}
    assert found.source.columns == kinds
    assert (found.source.has_own_ids, found.source.has_positions) == (True, True)
    assert found.table.drop_columns(["place", "path"]).to_pydict() == columns


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_list_without_ids_is_identified_by_its_paths(ending: str, tmp_path: Path) -> None:
    found = read_source(write(tmp_path, ending, n=[1, 2]))
    assert found.source.columns == {"n": "int64"}
    assert found.column("id") == found.column("place") == ["0.png", "1.png"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_column_that_may_be_meant_as_the_id_is_told_of(ending: str, tmp_path: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"named by their paths.*Received: 'objID'.*--id-column"):
        found = read_source(write(tmp_path, ending, objID=[7, 8], mag=[1.5, 2.5]))
    assert found.column("id") == ["0.png", "1.png"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_column_that_names_the_galaxies_may_have_any_name(ending: str, tmp_path: Path) -> None:
    source = write(tmp_path, ending, objID=["0017", "0018"], mag=[1.5, 2.5])
    with open_source(SourceRequest(source, PictureSettings(), "path", id_column="objID")) as opened:
        (batch,) = opened.batches(10)
        assert opened.has_own_ids
    assert batch["id"].to_pylist() == ["0017", "0018"]
    assert {"path", "mag"} == set(batch.schema.names) - {"place", "id", "ra", "dec"}
    with pytest.raises(DataError, match=r"no column 'name'.*--id-column"):
        ListSource(SourceRequest(source, PictureSettings(), "path", id_column="name"))
    kamerton.import_cube(_labelled(source), tmp_path / "x.fits", id_column="objID", label_column="mag")
    with kamerton.open_cube(tmp_path / "x.fits") as cube:
        assert list(cube.ids) == ["0017", "0018"]
        assert "objID" not in cube.catalogue.colnames


def _labelled(source: Path) -> Path:
    """The same list, with a class a galaxy."""
    table = pd.read_csv(source, dtype=str) if source.suffix == ".csv" else pd.read_parquet(source)
    table["mag"] = ["a", "b"]
    table.to_csv(source.with_name("labelled.csv"), index=False)
    return source.with_name("labelled.csv")


def test_numbers_of_one_column_are_told_by_all_of_its_cells(tmp_path: Path) -> None:
    columns = {
        "a": ["1", "2", "x"],
        "b": ["0012", "1", "2"],
        "c": ["1", "2.5", ""],
        "d": ["", "", ""],
        "e": ["1", "12_34", "3"],
        "f": ["1", "", "-3"],
    }
    found = read_source(write(tmp_path, "csv", **columns), rows=1)
    assert list(found.source.columns.values()) == ["text", "text", "float64", "text", "text", "int64"]
    assert found.column("d") == [None] * 3


@pytest.mark.parametrize("ending", ENDINGS)
def test_odd_positions_are_unknown_aloud(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, ending, ra=[10.0, 10.0, -999.0, 370.0, None], dec=[5.0, None, -999.0, 5.0, None])
    with pytest.warns(KamertonWarning, match=r"3 positions half known or not on the sky.*ra 10, dec nan of 1.png"):
        found = read_source(path)
    assert found.column("ra") == [10.0, None, None, None, None]
    assert found.column("dec") == [5.0, None, None, None, None]


@pytest.mark.parametrize("ending", ENDINGS)
def test_ra_alone_is_no_position(ending: str, tmp_path: Path) -> None:
    with pytest.warns(KamertonWarning, match="2 positions half known"):
        found = read_source(write(tmp_path, ending, ra=[10.0, 20.0]))
    assert not found.source.has_positions
    assert found.column("ra") == [None, None]


@pytest.mark.parametrize("ending", ENDINGS)
def test_numbers_that_look_like_hours_are_said(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, ending, ra=list(np.linspace(0.5, 23.5, 20)), dec=list(np.linspace(-60, 60, 20)))
    with pytest.warns(KamertonWarning, match="ra is taken as degrees, and looks like hours"):
        read_source(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_hours_are_refused_before_the_first_row(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, ending, ra=["1.5", "12:30:01"], dec=["1", "2"])
    assert "column 'ra' is not in degrees. Received: among others '12:30:01'" in refusal(path)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", ["id", "path"])
def test_an_empty_cell_where_one_is_needed_is_refused_with_its_row(ending: str, name: str, tmp_path: Path) -> None:
    columns: dict[str, list[Any]] = {"id": ["a", "b", "c", "d"]} | {name: ["0.png", "1.png", " ", None]}
    path = write(tmp_path, ending, **columns)
    assert f"row 2, counted from 0: empty {name!r}. Received: 2 of 4 rows" in refusal(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_list_without_the_column_is_refused_with_those_it_has(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, ending, file=["0.png"], n=[1])
    table = pd.read_csv(path) if ending == "csv" else pd.read_parquet(path)
    table = table.drop(columns="path")
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    assert "no column 'path'. Received: columns file, n." in refusal(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_missing_picture_is_the_error_of_its_row(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path, ending, n=[1, 2, 3])
    (tmp_path / "1.png").unlink()
    images = read_source(path).images
    assert [isinstance(image, PictureError) for image in images] == [False, True, False]
    assert "1.png: cannot be opened" in str(images[1])


def test_paths_are_relative_to_the_list_or_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images_nhwc = save_pictures(tmp_path, ["a/0.png", "a/1.png"])
    path = write_rows(tmp_path / "list.csv", [["path"], ["a/0.png"], [str(tmp_path / "a/1.png")]])
    monkeypatch.chdir("/")
    assert same_images(read_source(path).images, images_nhwc)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no rows"),
        ("path\n", "no rows"),
        ("path,path\na,b\n", "columns 'path', 'path'"),
        ("path,RA,ra\na,1,2\n", "columns 'path', 'ra', 'ra'"),
        ("path,n\n0.png,1\n1.png\n", "row 1, counted from 0: another number of cells"),
        ('path\n0.png\n"\n', "cannot be read as a list"),
    ],
)
def test_what_is_no_list_is_refused(text: str, says: str, tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png"])
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    assert says in refusal(tmp_path / "list.csv")


def test_a_damaged_parquet_list_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "parquet", n=[1, 2])
    path.write_bytes(path.read_bytes()[:-9])
    assert "cannot be read as a list of galaxies" in refusal(path)


def test_parquet_types_without_an_equal_are_text(tmp_path: Path) -> None:
    columns = {
        "day": pa.array([0, None], pa.date32()),
        "good": pa.array([True, None]),
        "kind": pa.array(["a", "b"]).dictionary_encode(),
        "big": pa.array([2**64 - 1, None], pa.uint64()),
        "vector": pa.array([[1.0], [2.0]]),
    }
    found = read_source(write(tmp_path, "parquet", **columns))
    expected = {"day": ["1970-01-01", None], "good": ["true", None], "kind": ["a", "b"], "big": [str(2**64 - 1), None]}
    assert found.table.select(list(expected)).to_pydict() == expected
    assert set(found.source.columns.values()) == {"text"}
    assert "vector" not in found.source.columns


def test_a_column_called_place_keeps_its_values(tmp_path: Path) -> None:
    found = read_source(write(tmp_path, "csv", place=["Kraków", "Toruń"]))
    assert found.source.columns == {"place_": "text"}
    assert found.column("place_") == ["Kraków", "Toruń"]


def test_cutouts_of_a_list_without_positions_are_placed_by_their_headers(real_data: Path, tmp_path: Path) -> None:
    place = str(real_data / "fits/decals_zooniverse_decals_example.fits")
    path = write_rows(tmp_path / "list.csv", [["path"], [place], [place]])
    row = read_source(path).rows[0]
    assert (row["ra"], row["dec"]) == pytest.approx((146.6317, -0.9884), abs=1e-3)


def test_a_list_says_nothing_where_nothing_is_odd(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", KamertonWarning)
        found = read_source(write(tmp_path, "csv", ra=[1, 2], dec=[3, 4]))
    assert json.dumps(found.column("ra")) == "[1.0, 2.0]"


@pytest.mark.parametrize("rows", [1, 100])
def test_decimal_commas_are_read_as_an_import_reads_them(rows: int, tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png", "1.png"])
    text = "path;id;ra;dec;z;n;note\n0.png;1,5;187,7059;-1,5;0,01;1;a,b\n1.png;2,5;10;;;2;\n"
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    with pytest.warns(KamertonWarning) as caught:
        found = read_source(tmp_path / "list.csv", rows=rows)
    said = [str(warning.message) for warning in caught]
    assert len(said) == 2
    assert "commas in numbers are read as decimal commas. Received: ra: '187,7059' as 187.7059; dec:" in said[0]
    assert "1 position half known" in said[1]
    assert found.column("id") == ["1,5", "2,5"]
    assert (found.column("ra"), found.column("z")) == ([187.7059, None], [0.01, None])
    assert found.source.columns == {"path": "text", "z": "float64", "n": "int64", "note": "text"}


def test_commas_beside_points_stay_text_aloud(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png"])
    (tmp_path / "list.csv").write_text("path;a;b\n0.png;1,5;2.5\n", encoding="utf-8")
    with pytest.warns(KamertonWarning, match="columns whose commas may be decimal or of thousands stay text"):
        found = read_source(tmp_path / "list.csv")
    assert found.source.columns == {"a": "text", "b": "float64"}
