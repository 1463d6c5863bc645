"""A catalogue may hold the numbers that galaxies are compared by."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from kamerton.catalogue.hats import write_hats
from kamerton.catalogue.predict import predict
from kamerton.certainty.judging import read_certainty
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import OutputError, UsageError
from kamerton.inference.predictor import Predictor
from kamerton.runs.folder import Run
from tests.conftest import write_toy_cube
from tests.data.importers.sources import save_pictures

COUNT = 20


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_cube(tmp_path_factory.mktemp("features") / "new.fits", COUNT, seed=7)


@pytest.fixture(scope="module")
def features(toy_run: Run, cube: Path) -> np.ndarray:
    with open_cube(cube) as galaxies:
        return Predictor(toy_run).answers(galaxies.read(slice(None))).features


def from_pandas(path: Path) -> np.ndarray:
    return np.stack(pd.read_parquet(path)["features"].to_list())


def from_astropy(path: Path, form: str | None = None) -> np.ndarray:
    column = Table.read(path, format=form)["features"]
    assert column.description == "What the last layer of the network is given" or form is None
    return np.asarray(column)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("x.parquet", from_pandas),
        ("x.parquet", from_astropy),
        ("x.parquet", partial(from_astropy, form="parquet.votable")),
        ("x.vot", from_astropy),
        ("x.fits", from_astropy),
        ("folder", from_pandas),
    ],
)
def test_features_are_what_the_network_decides_from_in_every_format(
    toy_run: Run, cube: Path, features: np.ndarray, tmp_path: Path, name: str, read: Callable[[Path], np.ndarray]
) -> None:
    predict(toy_run, cube, out=tmp_path / name, features="all", shard_galaxies=8)
    np.testing.assert_array_equal(read(tmp_path / name), features)


def test_axes_are_the_place_among_the_training_galaxies(
    calibrated: Run, cube: Path, features: np.ndarray, tmp_path: Path
) -> None:
    predict(calibrated, cube, out=tmp_path / "x.parquet", features="axes")
    certainty = read_certainty(calibrated)
    assert certainty is not None
    np.testing.assert_allclose(from_pandas(tmp_path / "x.parquet"), certainty.space.points(features), atol=1e-5)


def test_a_galaxy_that_cannot_be_read_has_none(toy_run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    save_pictures(tmp_path / "new", ["a.png", "b.png"], side=32)
    (tmp_path / "new" / "bad.png").write_bytes(b"nothing")
    predict(toy_run, tmp_path / "new", out=tmp_path / "x.parquet", features="all")
    assert np.isnan(from_astropy(tmp_path / "x.parquet")).all(axis=1).tolist() == [False, False, True]


def test_tiles_of_the_sky_hold_them_too(toy_run: Run, cube: Path, features: np.ndarray, tmp_path: Path) -> None:
    rows = pd.DataFrame({"path": ["a.png"], "ra": [10.0], "dec": [-5.0]})
    save_pictures(tmp_path, ["a.png"], side=32)
    rows.to_csv(tmp_path / "list.csv", index=False)
    predict(toy_run, tmp_path / "list.csv", out=tmp_path / "night", features="all")
    hats = write_hats(tmp_path / "night")
    (tile,) = (hats.path / "dataset").rglob("Npix=*.parquet")
    np.testing.assert_array_equal(from_pandas(tile), from_pandas(tmp_path / "night"))
    assert from_astropy(tile).shape == (1, features.shape[1])


@pytest.mark.parametrize("name", ["x.csv", "x.ecsv", None])
def test_where_they_have_no_room_they_are_refused(toy_run: Run, cube: Path, tmp_path: Path, name: str | None) -> None:
    with pytest.raises(UsageError, match=r"no format for cells of many numbers|for a catalogue, not for a table"):
        predict(toy_run, cube, out=None if name is None else tmp_path / name, features="all")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_knows_no_axes_says_so(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"knows no axes.*calibrate it.*--features all"):
        predict(toy_run, cube, out=tmp_path / "x.parquet", features="axes")
    assert list(tmp_path.iterdir()) == []


def test_a_catalogue_without_them_does_not_go_on_with_them(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    predict(toy_run, cube, out=tmp_path / "night")
    with pytest.raises(OutputError, match="another request"):
        predict(toy_run, cube, out=tmp_path / "night", features="all", resume=True)
