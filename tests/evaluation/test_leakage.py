"""A galaxy that the run has seen does not pass for a test, whatever file it comes in."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image
from pyarrow import parquet
from rich.console import Console

from kamerton.data.cubes.cube import open_cube
from kamerton.evaluation import evaluate_figures
from kamerton.evaluation.evaluate import evaluate
from kamerton.evaluation.leakage import check_leakage, leakage_details, leakage_warning
from kamerton.evaluation.tables import print_metrics
from kamerton.formats.importing import import_keras_file
from kamerton.runs.folder import Run, open_run
from kamerton.runs.scores import Leakage
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube, write_toy_cube


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    shutil.copytree(toy_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("evaluation"))
    return open_run(tmp_path / "run")


def leakage_of(run: Run, cube: Path) -> Leakage:
    with open_cube(cube) as galaxies:
        return check_leakage(run, galaxies)


def found_by(leakage: Leakage) -> dict[str, int]:
    return {check: sum(counts.values()) for check, counts in leakage.by.items() if sum(counts.values())}


def test_of_a_cube_that_was_kept_apart_nothing_leaked(toy_run: Run, toy_splits: Path) -> None:
    leakage = leakage_of(toy_run, toy_splits / "test.fits")
    assert (leakage.status, leakage.seen, leakage.likely) == (
        "none",
        {"train": 0, "valid": 0},
        {"train": 0, "valid": 0},
    )
    assert leakage.compared == dict.fromkeys(("pixels", "id", "position", "overlap", "likeness"), 25)
    assert leakage_warning(leakage, 25) == ""
    assert leakage_details(leakage, 25) == "seen before, by pixels 0, id 0, position 0, overlap 0, likeness 0"


@pytest.mark.parametrize(("split", "count"), [("train", 70), ("valid", 20)])
def test_a_cube_of_the_training_is_told_with_its_split(toy_run: Run, toy_splits: Path, split: str, count: int) -> None:
    leakage = leakage_of(toy_run, toy_splits / f"{split}.fits")
    assert leakage.status == "found"
    assert leakage_warning(leakage, count) == f"NOT A TEST: of {count} galaxies the run has seen {count} in {split}"
    assert found_by(leakage) == dict.fromkeys(("pixels", "id", "position", "overlap", "likeness"), count)


def test_one_seen_galaxy_among_others_is_found_in_another_layout_and_number_type(toy_run: Run, tmp_path: Path) -> None:
    seen, _ = toy_galaxies(70, 32, 0)
    fresh, labels = toy_galaxies(9, 32, 99)
    fresh[4] = seen[33]
    path = tmp_path / "mixed.fits"
    planes_nchw = np.moveaxis(fresh, -1, 1).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(planes_nchw), fits.ImageHDU(labels.astype(np.int16))]).writeto(path)
    leakage = leakage_of(toy_run, path)
    assert leakage.seen == {"train": 1, "valid": 0}
    assert found_by(leakage) == {"pixels": 1, "likeness": 1}
    # The cube has no catalogue.
    assert leakage_details(leakage, 9) == (
        "seen before, by pixels 1, id not known, position not known, overlap not known, likeness 1"
    )


def resized(images_nhwc: np.ndarray, side: int) -> np.ndarray:
    return np.stack(
        [np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)) for image in images_nhwc]
    )


def test_the_same_galaxies_at_another_size_with_the_same_ids_are_seen(toy_run: Run, tmp_path: Path) -> None:
    """Trained at one size, tested on the same galaxies imported at another: this was once called a test."""
    images_nhwc, labels = toy_galaxies(70, 32, 0)
    ids = [f"toy-0-{row}" for row in range(70)]
    leakage = leakage_of(toy_run, write_cube(tmp_path / "small.fits", resized(images_nhwc, 30), labels, id=ids))
    assert leakage.seen == {"train": 70, "valid": 0}
    assert found_by(leakage)["id"] == 70
    assert "pixels" not in found_by(leakage)


def test_galaxies_that_were_found_are_not_called_unknown(run: Run, toy_splits: Path) -> None:
    """The start of this run has seen galaxies of which nobody kept the ids."""
    ids = parquet.read_table(run.seen_path)
    column = ids.schema.get_field_index("id")
    half = [name if row % 2 else "" for row, name in enumerate(ids["id"].to_pylist())]
    parquet.write_table(ids.set_column(column, "id", [half]), run.seen_path)
    run.update(dataclasses.replace(run.record, results=None))
    leakage = leakage_of(run, toy_splits / "train.fits")
    assert "id 35 (not known for 35)" in leakage_details(leakage, 70)
    older = dataclasses.replace(leakage, compared={**leakage.compared, "id": 0})
    assert "id 35 (not known for 35)" in leakage_details(older, 70)


def test_the_same_places_are_seen_whatever_the_pictures_and_ids(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    with open_cube(toy_splits / "train.fits") as train:
        places = train.catalogue["ra", "dec"][:9]
    images_nhwc, labels = toy_galaxies(9, 32, 99)
    places["dec"][:3] += 0.5 / 3600
    places["dec"][3:5] += 20 / 3600
    places["dec"][5] = np.nan
    cube = write_cube(tmp_path / "again.fits", images_nhwc, labels, ra=places["ra"], dec=places["dec"])
    leakage = leakage_of(toy_run, cube)
    assert found_by(leakage) == {"position": 6, "overlap": 8}
    assert (leakage.seen, leakage.likely) == ({"train": 6, "valid": 0}, {"train": 2, "valid": 0})
    assert leakage.compared["position"] == 8
    assert "position 6 (not known for 1)" in leakage_details(leakage, 9)


def test_the_same_pictures_turned_and_encoded_anew_may_be_seen(toy_run: Run, tmp_path: Path) -> None:
    """Nothing but the pictures tells, and that is said: a likeness may be a coincidence."""
    images_nhwc, labels = toy_galaxies(9, 32, 0)
    turned = np.ascontiguousarray(np.rot90(resized(images_nhwc, 64), 1, (1, 2)))
    leakage = leakage_of(toy_run, write_cube(tmp_path / "turned.fits", turned, labels))
    assert (leakage.status, leakage.seen) == ("likely", {"train": 0, "valid": 0})
    assert leakage.likely == {"train": 9, "valid": 0}
    assert leakage_warning(leakage, 9) == "PERHAPS NOT A TEST: of 9 galaxies the run may have seen 9 in train"
    assert leakage_details(leakage, 9).endswith("likeness 9; `kamerton data check` lists the pairs")


def test_of_weights_from_elsewhere_leakage_is_not_known(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    imported = import_keras_file(toy_run.keras_path, tmp_path / "theirs")
    leakage = leakage_of(imported, toy_splits / "test.fits")
    assert leakage == Leakage.of(None)
    assert leakage_warning(leakage, 25).startswith("LEAKAGE NOT KNOWN")
    assert leakage_details(leakage, 25) == ""


def test_of_a_run_that_kept_only_pixels_leakage_is_not_known(run: Run, toy_splits: Path) -> None:
    table = parquet.read_table(run.seen_path).select(["split", "sha256"])
    parquet.write_table(table, run.seen_path)
    run.update(dataclasses.replace(run.record, results=None))
    leakage = leakage_of(run, toy_splits / "test.fits")
    assert (leakage.status, leakage.seen) == ("unknown", {"train": 0, "valid": 0})
    assert leakage_warning(leakage, 25).startswith("LEAKAGE NOT KNOWN")
    assert leakage_details(leakage, 25) == (
        "seen before, by pixels 0, id not known, position not known, overlap not known, likeness not known"
    )


def test_leakage_is_in_the_numbers_the_table_and_the_pictures(
    run: Run, toy_splits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []
    for name in ("confusion_figure", "mistakes_figure"):
        draw = getattr(evaluate_figures, name)
        monkeypatch.setattr(
            evaluate_figures, name, lambda *parts, draw=draw: (titles.append(parts[-1]), draw(*parts))[1]
        )
    found = evaluate(run, toy_splits / "valid.fits")
    warning = "NOT A TEST: of 20 galaxies the run has seen 20 in valid"
    kept = json.loads((found.path / "metrics.json").read_text())
    assert kept["leakage"]["status"] == "found"
    assert kept["leakage"]["seen"] == {"train": 0, "valid": 20}
    assert kept["leakage"]["by"]["likeness"] == {"train": 0, "valid": 20}
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    print_metrics(found, screen)
    assert isinstance(screen.file, io.StringIO)
    assert screen.file.getvalue().splitlines()[0].strip() == warning
    assert len(titles) == 2
    assert all(title.startswith(warning + "\n") for title in titles)


def test_one_galaxy_is_one_in_what_is_said_of_it() -> None:
    seen = Leakage.of({"train": 1}, {"train": 0}, {}, {})
    likely = Leakage.of({"train": 0}, {"train": 1}, {}, {})
    assert leakage_warning(seen, 1) == "NOT A TEST: of 1 galaxy the run has seen 1 in train"
    assert leakage_warning(likely, 1) == "PERHAPS NOT A TEST: of 1 galaxy the run may have seen 1 in train"


def test_a_result_without_leakage_says_nothing_of_it(run: Run, tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "fresh.fits", 9, seed=123)
    found = evaluate(run, cube)
    screen = Console(file=io.StringIO(), width=100, highlight=False)
    print_metrics(found, screen)
    assert found.metrics.leakage.status == "none"
    assert isinstance(screen.file, io.StringIO)
    assert "TEST" not in screen.file.getvalue()


def test_a_galaxy_with_one_other_pixel_is_no_other(toy_run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(70, 32, 0)
    images_nhwc[:, 0, 0, 0] ^= 1
    cube = write_cube(tmp_path / "near.fits", images_nhwc, labels, CLASS_NAMES)
    assert leakage_of(toy_run, cube).likely == {"train": 70, "valid": 0}
