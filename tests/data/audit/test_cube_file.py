"""A cube is examined to its end: everything that is wrong with it is found at once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from kamerton.data import likeness
from kamerton.data.audit import AuditReport, check
from kamerton.data.audit.findings import BadRow, Finding
from tests.conftest import toy_galaxies, write_cube, write_toy_cube


def of_kind(report: AuditReport, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


def bad_rows(report: AuditReport, kind: str) -> dict[int, str]:
    return {
        row.row: row.what for finding in of_kind(report, kind) for row in finding.examples if isinstance(row, BadRow)
    }


def test_a_sound_cube_has_nothing_wrong(toy_cube: Path) -> None:
    report = check([toy_cube])
    assert report.sound
    assert report.findings == ()
    assert report.files[0].galaxies == 30
    assert report.files[0].image_shape == (32, 32, 3)


def test_everything_wrong_is_found_at_once(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(9, 16, 0)
    planes, marks = images_nhwc.astype(np.float32), labels.astype(np.float64)
    planes[2, 3, 4, 0], planes[5, 0, 0], planes[6] = np.nan, 256, planes[0]
    marks[3], marks[7], marks[8] = -1, 0.5, 9
    header = fits.Header({"CLASS0": "bright", "CLASS1": "dim", "CLASS2": "striped"})
    table = fits.table_to_hdu(
        Table({"id": [f"g{row}" for row in range(9)], "ra": np.arange(9.0), "dec": [91.0, *np.arange(8.0)]})
    )
    table.name = "CATALOG"
    path = tmp_path / "ill.fits"
    fits.HDUList([fits.PrimaryHDU(planes), fits.ImageHDU(marks, header), table]).writeto(path)
    report = check([path])
    assert not report.sound
    assert report.counts() == {"bad_labels": 3, "bad_positions": 1, "bad_pixels": 2, "same_pixels": 1}
    assert bad_rows(report, "bad_labels") == {3: "-1.0", 7: "0.5", 8: "9.0"}
    assert set(bad_rows(report, "bad_pixels")) == {2, 5}
    assert bad_rows(report, "bad_pixels")[2].startswith("1 pixels, the first nan; the image begins at byte ")
    assert of_kind(report, "same_pixels")[0].what == "1 pair of galaxies with the same pixels"


def flip_pixel(path: Path) -> None:
    with fits.open(path) as hdus:
        place = hdus[0].fileinfo()["datLoc"]
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def cut_catalogue(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2880])


def promise_terabytes(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"NAXIS4  =                   30", b"NAXIS4  =         999999999999"))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a flipped bit": (flip_pixel, "HDU 0: the data do not match their DATASUM"),
    "a cut end": (cut_catalogue, "HDU 2: the file is truncated"),
    "terabytes": (promise_terabytes, "HDU 0: the file is truncated"),
    "no FITS": (lambda path: path.write_bytes(b"hello"), "HDU 0: cannot be read as FITS"),
    "nothing": (lambda path: path.write_bytes(b""), "an empty file"),
    "no file": (Path.unlink, "cannot be opened"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_a_finding_and_no_error(what: str, toy_cube: Path) -> None:
    damage, says = DAMAGE[what]
    damage(toy_cube)
    report = check([toy_cube])
    assert not report.sound
    assert any(says in finding.what for finding in of_kind(report, "damage")), report.describe()


def test_a_cube_with_a_wrong_sum_is_examined_all_the_same(toy_cube: Path) -> None:
    flip_pixel(toy_cube)
    assert check([toy_cube]).files[0].galaxies == 30


def test_labels_of_another_length_are_damage_and_the_pixels_are_still_looked_at(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    images_nhwc[5] = images_nhwc[0]
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(images_nhwc), fits.ImageHDU(labels[:4].astype(np.int16))]).writeto(path)
    report = check([path])
    assert "another length" in of_kind(report, "damage")[0].what
    assert report.counts()["same_pixels"] == 1


def test_a_cube_without_names_or_positions_is_sound_with_notes(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 16, 0)
    report = check([write_cube(tmp_path / "a.fits", images_nhwc, labels, ())])
    assert report.sound
    assert {finding.kind for finding in report.findings} == {"note"}


def test_memory_does_not_grow_with_the_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As many pictures are compared at a time, which few images do not fill.
    monkeypatch.setattr(likeness, "BLOCK", 64)
    peaks = []
    for count in (100, 800):
        path = write_toy_cube(tmp_path / f"{count}.fits", count, 64)
        check([path])
        tracemalloc.start()
        check([path], radius_arcsec=None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 3 << 20, "700 more images are 8.6 MB; what is kept of each, its feature too, is 4 KB"
