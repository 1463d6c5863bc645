"""What a run has learned from is not asked for again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

import kamerton
from kamerton.catalogue.predict import predict
from kamerton.errors import DataError, KamertonWarning
from kamerton.neighbours.next_galaxies import next_galaxies
from kamerton.runs.folder import Run, open_run
from tests.conftest import toy_galaxies, write_cube, write_toy_cube

SEEN, NEW = 5, 4


def mixed_cube(run: Run, path: Path, *, keep: str) -> Path:
    """Galaxies that the run was trained on, known again by ``keep`` alone, before others that it has not seen."""
    with kamerton.open_cube(run.record.data["train"].path) as cube:
        ids, table = cube.ids[:SEEN], cube.catalogue[:SEEN]
    images_nhwc, labels = toy_galaxies(SEEN + NEW, 32, 5)
    names = [*(ids if keep == "id" else [f"other-{name}" for name in ids]), *(f"new-{row}-x" for row in range(NEW))]
    ra_deg = [*(table["ra"] if keep == "position" else np.full(SEEN, np.nan)), *range(10, 10 + NEW)]
    dec_deg = [*(table["dec"] if keep == "position" else np.full(SEEN, np.nan)), *np.full(NEW, 80.0)]
    write_cube(path, images_nhwc, labels, id=names, ra=ra_deg, dec=dec_deg)
    return path


@pytest.mark.parametrize("keep", ["id", "position"])
@pytest.mark.parametrize("form", ["night", "x.vot", "x.csv", "x.fits"])
def test_galaxies_of_the_training_are_left_out_and_counted(toy_run: Run, tmp_path: Path, keep: str, form: str) -> None:
    predict(toy_run, mixed_cube(toy_run, tmp_path / "mixed.fits", keep=keep), out=tmp_path / form)
    found = next_galaxies(tmp_path / form, count=NEW)
    assert {one.id for one in found.galaxies} == {f"new-{row}-x" for row in range(NEW)}
    assert found.learned == found.as_json()["learned"] == SEEN
    assert f"(left out: {SEEN} that the run has learned from)" in found.describe()[0]


def test_where_the_run_is_gone_that_is_said_and_it_may_be_named(toy_run: Run, tmp_path: Path) -> None:
    run = Path(shutil.copytree(toy_run.path, tmp_path / "run"))
    predict(run, mixed_cube(toy_run, tmp_path / "mixed.fits", keep="id"), out=tmp_path / "x.parquet")
    moved = run.rename(tmp_path / "moved")
    with pytest.warns(KamertonWarning, match=r"not known which of its galaxies.*its run is not at.*--run"):
        assert next_galaxies(tmp_path / "x.parquet", count=NEW + SEEN).learned is None
    assert next_galaxies(tmp_path / "x.parquet", count=NEW, run=moved).learned == SEEN


def test_another_run_than_made_the_catalogue_is_refused(toy_run: Run, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(toy_run.path, tmp_path / "run"))
    network = run.load_network()
    for values in network.parameters():
        values.data *= 1.01
    run.save_network(network)
    predict(run, write_toy_cube(tmp_path / "new.fits", 4, seed=5), out=tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"not made by the run .*toy"):
        next_galaxies(tmp_path / "x.parquet", count=1, run=toy_run)


def test_a_table_that_is_no_catalogue_of_a_run_is_refused_before_a_run_is_looked_for(tmp_path: Path) -> None:
    Table({"id": ["a"], "x": [1]}).write(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no probabilities of classes in it"):
        next_galaxies(tmp_path / "x.parquet", count=1)
