"""Catalogues of a calibrated run: sets, flags, drift, and the classes' shares."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from kamerton.catalogue.predict import predict
from kamerton.errors import KamertonWarning, RunError, UsageError
from kamerton.runs.folder import Run, open_run
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube, write_toy_cube
from tests.data.importers.sources import save_pictures


def test_each_galaxy_has_its_set_and_says_how_strange_it_is(calibrated: Run, tmp_path: Path) -> None:
    predict(calibrated, write_toy_cube(tmp_path / "new.fits", 60, seed=12), out=tmp_path / "out.parquet")
    table = pd.read_parquet(tmp_path / "out.parquet")
    sets = table[[f"set_{name}" for name in CLASS_NAMES]].to_numpy()
    np.testing.assert_array_equal(sets.sum(1), table["set_size"])
    assert table[["ood_energy", "flags"]].notna().all().all()
    np.testing.assert_allclose(table[[f"p_{name}" for name in CLASS_NAMES]].sum(axis=1), 1, atol=1e-5)


def read_csv(path: Path) -> Table:
    """By pandas, for Astropy takes the truth of a CSV file for text."""
    return Table.from_pandas(pd.read_csv(path))


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("x.parquet", Table.read),
        ("x.parquet", partial(Table.read, format="parquet.votable")),
        ("x.fits", Table.read),
        ("x.vot", Table.read),
        ("x.csv", read_csv),
        ("x.ecsv", Table.read),
    ],
)
def test_a_galaxy_that_cannot_be_read_has_no_set_and_every_file_opens(
    calibrated: Run, tmp_path: Path, name: str, read: Callable[[Path], Table]
) -> None:
    (tmp_path / "new").mkdir()
    save_pictures(tmp_path / "new", ["a.png", "b.png"], side=32)
    (tmp_path / "new" / "bad.png").write_bytes(b"nothing")
    predict(calibrated, tmp_path / "new", out=tmp_path / name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read(tmp_path / name)
    assert "bad.png" in table["status"][2]
    sets = np.column_stack([table[f"set_{name}"].data for name in CLASS_NAMES])
    assert sets.dtype == bool
    assert not sets[2].any()
    sizes = table["set_size"].tolist()
    assert sizes[:2] == sets[:2].sum(1).tolist()
    assert sizes[2] is None or np.isnan(sizes[2])


def test_shares_of_the_classes_are_told_and_change_no_row(calibrated: Run, tmp_path: Path) -> None:
    found = predict(calibrated, write_toy_cube(tmp_path / "new.fits", 60, seed=12), out=tmp_path / "out.parquet")
    assert found.proportions is not None
    assert sum(found.proportions.shares) == pytest.approx(1)
    assert any("shares of the classes" in line for line in found.describe())


def test_other_images_than_the_runs_are_warned_of(calibrated: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(120, 32, 13)
    strange = write_cube(tmp_path / "strange.fits", 255 - images_nhwc // 2, labels)
    with pytest.warns(KamertonWarning, match="AUC|brighter|sky"):
        predict(calibrated, strange, out=tmp_path / "out.parquet")


def test_images_like_the_runs_are_not_warned_of(calibrated: Run, tmp_path: Path) -> None:
    alike = write_toy_cube(tmp_path / "alike.fits", 120, seed=14)
    with warnings.catch_warnings():
        warnings.simplefilter("error", KamertonWarning)
        predict(calibrated, alike, out=tmp_path / "out.parquet")


def test_a_calibration_of_other_weights_is_refused_before_any_work(
    calibrated: Run, toy_splits: Path, tmp_path: Path
) -> None:
    shutil.copytree(calibrated.path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    network = run.load_network()
    next(network.parameters()).data.add_(0.1)
    run.save_network(network)
    with pytest.raises(RunError, match="calibrat"):
        predict(run.path, toy_splits / "test.fits", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_views_that_the_calibration_did_not_have_are_refused(calibrated: Run, toy_splits: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--eight-views"):
        predict(calibrated, toy_splits / "test.fits", out=tmp_path / "out", eight_views=True)
    assert not (tmp_path / "out").exists()
