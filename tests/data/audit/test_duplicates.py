"""The same galaxy twice, in a file or between files, and labels that contradict each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

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
