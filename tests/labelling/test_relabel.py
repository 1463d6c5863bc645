"""Cubes with the labels that a person decided on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import kamerton
from kamerton.errors import CubeError, DataError, KamertonWarning, OutputError, UsageError
from kamerton.files import file_sha256
from kamerton.labelling.relabel import relabel
from tests.conftest import toy_galaxies, write_cube, write_toy_splits


def decide(folder: Path, **label_of: str) -> Path:
    path = folder / "decisions.csv"
    rows = "".join(f"{name.replace('_', '-')},{label}\n" for name, label in label_of.items())
    path.write_text(f"id,label\n{rows}", encoding="utf-8")
    return path


def test_the_decided_labels_are_other_and_all_else_is_the_same(toy_cube: Path, tmp_path: Path) -> None:
    before = file_sha256(toy_cube)
    # Toy galaxies 0, 1, 2 are bright, dim, striped.
    decisions = decide(tmp_path, toy_0_0="striped", toy_0_1="dim", toy_0_2="dim")
    made = relabel(toy_cube, decisions, out=tmp_path / "new.fits")
    assert (made.decisions, made.changed) == (3, {("bright", "striped"): 1, ("striped", "dim"): 1})
    assert file_sha256(toy_cube) == before
    with kamerton.open_cube(toy_cube) as old, kamerton.open_cube(made.path) as new:
        assert new.labels.tolist() == [2, 1, 1, *old.labels[3:]]
        assert new.class_names == old.class_names
        assert new.galaxy_fingerprints() == old.galaxy_fingerprints()
        assert new.origin == old.origin
        assert new.catalogue.colnames == old.catalogue.colnames
        assert all((new.catalogue[name] == old.catalogue[name]).all() for name in old.catalogue.colnames)


def test_the_header_tells_what_was_changed_by_what_and_when(toy_cube: Path, tmp_path: Path) -> None:
    decisions = decide(tmp_path, toy_0_0="striped", toy_0_3="striped", toy_0_1="dim")
    relabel(toy_cube, decisions, out=tmp_path / "new.fits")
    history = "\n".join(fits.getheader(tmp_path / "new.fits")["HISTORY"])
    assert "relabelled: toy-0-0, toy-0-3" in history
    assert "labels from bright to striped: 2" in history
    assert f"sha256:{file_sha256(decisions)}" in history
    assert f"2 labels changed of 3 decided in decisions.csv, {datetime.now(UTC):%Y-%m-%d}" in history


def test_the_header_has_room_for_every_id(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(600, 16, 0)
    ids = [f"SDSS J{row:06d}.12+{row:06d}.3" for row in range(600)]
    cube = write_cube(tmp_path / "many.fits", images_nhwc, labels, id=ids)
    path = tmp_path / "decisions.csv"
    path.write_text("id,label\n" + "".join(f"{name},striped\n" for name in ids), encoding="utf-8")
    relabel(cube, path, out=tmp_path / "new.fits")
    history = " ".join(fits.getheader(tmp_path / "new.fits")["HISTORY"])
    assert all(name in history for name, label in zip(ids, labels, strict=True) if label != 2)


def test_a_second_correction_keeps_the_history_of_the_first(toy_cube: Path, tmp_path: Path) -> None:
    relabel(toy_cube, decide(tmp_path, toy_0_0="striped"), out=tmp_path / "one.fits")
    relabel(tmp_path / "one.fits", decide(tmp_path, toy_0_0="dim"), out=tmp_path / "two.fits")
    history = "\n".join(fits.getheader(tmp_path / "two.fits")["HISTORY"])
    assert history.index("from bright to striped: 1") < history.index("from striped to dim: 1")


def test_the_same_sums_hold(toy_cube: Path, tmp_path: Path) -> None:
    made = relabel(toy_cube, decide(tmp_path, toy_0_0="striped"), out=tmp_path / "new.fits")
    with fits.open(made.path, checksum=True) as hdus:
        hdus.verify("exception")
        assert [hdu.verify_checksum() for hdu in hdus] == [1, 1, 1]


def test_of_a_folder_every_cube_is_written_also_the_test_set(tmp_path: Path) -> None:
    data = write_toy_splits(tmp_path / "data")
    made = relabel(data, decide(tmp_path, toy_0_0="dim", toy_2_0="dim"), out=tmp_path / "new")
    for name in ("train", "valid", "test"):
        with kamerton.open_cube(data / f"{name}.fits") as old, kamerton.open_cube(made.path / f"{name}.fits") as new:
            assert (new.labels != old.labels).tolist() == [name != "valid"] + [False] * (len(old) - 1)
    assert file_sha256(data / "valid.fits") == file_sha256(made.path / "valid.fits")


def test_a_cube_without_a_catalogue_is_relabelled_by_its_rows(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    cube = write_cube(tmp_path / "plain.fits", images_nhwc, labels)
    path = tmp_path / "decisions.csv"
    path.write_text("id,label\nplain#4,bright\n", encoding="utf-8")
    relabel(cube, path, out=tmp_path / "new.fits")
    with kamerton.open_cube(tmp_path / "new.fits") as new:
        assert new.labels.tolist() == [0, 1, 2, 0, 0, 2]
        assert new.ids[4] == "plain#4"


def test_a_class_that_loses_its_last_galaxy_is_said(tmp_path: Path) -> None:
    images_nhwc, _ = toy_galaxies(6, 16, 0)
    cube = write_cube(tmp_path / "a.fits", images_nhwc, [0, 0, 0, 1, 1, 2], id=[f"g{row}" for row in range(6)])
    with pytest.warns(KamertonWarning, match="no galaxy of 'striped'"):
        relabel(cube, decide(tmp_path, g5="dim"), out=tmp_path / "new.fits")


def test_nothing_is_written_over_and_nothing_is_left_after_an_error(toy_cube: Path, tmp_path: Path) -> None:
    good, folder = decide(tmp_path, toy_0_0="dim"), tmp_path / "out"
    folder.mkdir()
    (folder / "taken.fits").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        relabel(toy_cube, good, out=folder / "taken.fits")
    with pytest.raises(OutputError, match="is what is read from"):
        relabel(toy_cube, good, out=toy_cube)
    with pytest.raises(UsageError, match="no name for a cube"):
        relabel(toy_cube, good, out=folder / "new")
    with pytest.raises(DataError, match="no galaxy has this id"):
        relabel(toy_cube, decide(tmp_path, toy_9_9="dim"), out=folder / "new.fits")
    assert [place.name for place in folder.iterdir()] == ["taken.fits"]


def test_a_damaged_cube_is_refused(toy_cube: Path, tmp_path: Path) -> None:
    with toy_cube.open("r+b") as file:
        file.seek(2880 + 5000)
        file.write(b"\xff" * 4)
    with pytest.raises(CubeError, match=r"CHECKSUM|DATASUM|checksum"):
        relabel(toy_cube, decide(tmp_path, toy_0_0="dim"), out=tmp_path / "new.fits")
    assert not (tmp_path / "new.fits").exists()


def test_real_decisions_of_numbers_stay_classes(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    cube = write_cube(tmp_path / "a.fits", images_nhwc, labels, ("0", "1", "2"), id=[f"{row}" for row in range(6)])
    path = tmp_path / "decisions.csv"
    path.write_text("id,label\n0,2\n", encoding="utf-8")
    assert relabel(cube, path, out=tmp_path / "new.fits").changed == {("0", "2"): 1}
    assert np.array_equal(fits.getdata(tmp_path / "new.fits", 1), [2, 1, 2, 0, 1, 2])
