"""The same galaxy twice, in a file or between files, and labels that contradict each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from kamerton.data.audit import AuditReport, check
from kamerton.data.audit.findings import Pair
from tests.conftest import toy_galaxies, write_cube

ARCSEC = 1 / 3600


def pairs(report: AuditReport, kind: str) -> list[tuple[str, int, str, int]]:
    return [
        (Path(pair.first.file).stem, pair.first.row, Path(pair.second.file).stem, pair.second.row)
        for finding in report.findings
        if finding.kind == kind
        for pair in finding.examples
        if isinstance(pair, Pair)
    ]


def test_galaxy10s_fifty_nine_pairs_are_listed_with_their_contradictions(real_data: Path) -> None:
    """The data's README names them: 59 pairs of rows share one position and disagree in label."""
    report = check([real_data / "galaxy10_sky.csv"])
    sky = pd.read_csv(real_data / "galaxy10_sky.csv")
    assert report.counts() == {"same_place": 59, "contradiction": 59}
    found = pairs(report, "contradiction")
    assert len({(first, second) for _, first, _, second in found}) == 59
    for _, first, _, second in found:
        assert sky.ra[first] == pytest.approx(sky.ra[second], abs=ARCSEC)
        assert sky.dec[first] == pytest.approx(sky.dec[second], abs=ARCSEC)
        assert sky.label[first] != sky.label[second]


def test_a_leak_between_train_and_test_is_found_by_pixels(tmp_path: Path) -> None:
    train_nhwc, labels = toy_galaxies(6, 16, 0)
    test_nhwc, _ = toy_galaxies(6, 16, 1)
    test_nhwc[3] = train_nhwc[3]
    train = write_cube(tmp_path / "train.fits", train_nhwc, labels)
    # In another number type it is the same galaxy.
    test = write_cube(tmp_path / "test.fits", test_nhwc.astype(np.float32), labels)
    report = check([train, test])
    assert pairs(report, "same_pixels") == [("train", 3, "test", 3)]
    assert report.counts() == {"same_pixels": 1}
    assert "between files:" in report.describe()


def test_the_same_pixels_with_two_labels_contradict_each_other(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    images_nhwc[4] = images_nhwc[0]
    report = check([write_cube(tmp_path / "a.fits", images_nhwc, labels)])
    assert report.counts() == {"same_pixels": 1, "contradiction": 1}
    assert pairs(report, "contradiction") == [("a", 0, "a", 4)]


@pytest.mark.parametrize(("apart_arcsec", "found"), [(0.5, 1), (1.5, 0)])
def test_the_same_place_is_within_the_radius(tmp_path: Path, apart_arcsec: float, found: int) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    dec_deg = np.arange(6.0)
    dec_deg[3] = dec_deg[0] + apart_arcsec * ARCSEC
    report = check([write_cube(tmp_path / "a.fits", images_nhwc, labels, ra=np.full(6, 10.0), dec=dec_deg)])
    assert report.counts() == ({"same_place": 1} if found else {})


def test_across_the_meridian_two_are_near(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    ra_deg = np.array([359.9999, 40, 80, 0.0001, 160, 200])
    report = check([write_cube(tmp_path / "a.fits", images_nhwc, labels, ra=ra_deg, dec=np.zeros(6))])
    assert pairs(report, "same_place") == [("a", 0, "a", 3)]


def test_without_a_radius_no_position_is_looked_at(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    path = write_cube(tmp_path / "a.fits", images_nhwc, labels, ra=np.zeros(6), dec=np.zeros(6))
    assert check([path], radius_arcsec=None).sound


def test_classes_of_other_names_in_another_file_are_told(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    one = write_cube(tmp_path / "one.fits", images_nhwc, labels)
    two = write_cube(tmp_path / "two.fits", images_nhwc[:, :8, :8], labels, ("dim", "bright", "striped"))
    counts = check([one, two]).counts()
    assert (counts["image_shapes"], counts["class_names"]) == (1, 1)


def test_one_file_needs_no_list(toy_cube: Path) -> None:
    assert check(str(toy_cube)).as_json() == check([toy_cube]).as_json()


def test_a_file_named_twice_is_looked_at_once(toy_cube: Path) -> None:
    assert check([toy_cube, toy_cube.parent / "." / toy_cube.name]).sound


def test_the_same_id_in_two_cubes_is_found(tmp_path: Path) -> None:
    one_nhwc, labels = toy_galaxies(6, 16, 0)
    two_nhwc, _ = toy_galaxies(6, 16, 1)
    one = write_cube(tmp_path / "one.fits", one_nhwc, labels, id=[f"PGC {row}" for row in range(6)])
    two = write_cube(tmp_path / "two.fits", two_nhwc, labels, id=[f"PGC {row}" for row in (9, 10, 2, 11, 12, 13)])
    report = check([one, two])
    assert pairs(report, "same_id") == [("one", 2, "two", 2)]
    assert report.counts() == {"same_id": 1}


@pytest.mark.parametrize("name", ["{}", "{:05d}.png", "images/{}", "galaxy_{}", "cube#{}", "galaxy10-{:05d}"])
def test_ids_that_only_number_rows_are_no_ids(tmp_path: Path, name: str) -> None:
    labels = toy_galaxies(6, 16, 0)[1]
    ids = [name.format(row) for row in range(6)]
    files = [write_cube(tmp_path / f"{seed}.fits", toy_galaxies(6, 16, seed)[0], labels, id=ids) for seed in (0, 1)]
    assert check(files).sound


def test_one_id_at_two_places_is_two_galaxies(tmp_path: Path) -> None:
    labels = toy_galaxies(6, 16, 0)[1]
    ids = [f"PGC {row}" for row in range(6)]
    files = [
        write_cube(
            tmp_path / f"{seed}.fits",
            toy_galaxies(6, 16, seed)[0],
            labels,
            id=ids,
            ra=np.arange(6.0),
            dec=np.full(6, seed),
        )
        for seed in (0, 1)
    ]
    assert check(files).sound


def test_the_same_picture_with_other_pixels_is_found_in_a_cube_and_between_cubes(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 64, 0)
    images_nhwc[4] = np.rot90(images_nhwc[1])[:, ::-1] ^ 1
    small_nhwc = toy_galaxies(6, 32, 1)[0]
    small_nhwc[5] = np.asarray(Image.fromarray(images_nhwc[2]).resize((32, 32)))
    one, two = (
        write_cube(tmp_path / "one.fits", images_nhwc, labels),
        write_cube(tmp_path / "two.fits", small_nhwc, labels),
    )
    report = check([one, two])
    assert pairs(report, "alike") == [("one", 1, "one", 4), ("one", 2, "two", 5)]
    assert report.counts()["alike"] == 2
    assert any("likeness 0.9" in line or "likeness 1.0" in line for line in report.describe())


def test_a_pair_is_listed_once_by_what_shows_it_best(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 64, 0)
    again_nhwc = images_nhwc.copy()
    again_nhwc[:, 0, 0] ^= 1
    again_nhwc[0] = images_nhwc[0]
    ids, ra_deg = np.array(["", "A", "", "", "", ""]), np.arange(6.0)
    files = [
        write_cube(
            tmp_path / f"{name}.fits", images, labels, id=ids, ra=np.where(np.arange(6) < 3, ra_deg, np.nan), dec=ra_deg
        )
        for name, images in (("one", images_nhwc), ("two", again_nhwc))
    ]
    assert check(files).counts() == {"same_pixels": 1, "same_id": 1, "same_place": 1, "alike": 3}
