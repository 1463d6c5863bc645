"""``kamerton data check`` answers a reader, a program and a shell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kamerton.cli import main
from kamerton.config.pictures import Framing, PixelOrigin
from kamerton.data.audit import check
from kamerton.data.audit.findings import EXAMPLES_SHOWN
from kamerton.errors import UsageError
from tests.conftest import toy_galaxies, write_cube, write_toy_splits


def call(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr("sys.argv", ["kamerton", "data", "check", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture
def doubled(tmp_path: Path) -> Path:
    """A cube that holds every galaxy twice."""
    images_nhwc, labels = toy_galaxies(12, 16, 0)
    return write_cube(tmp_path / "twice.fits", np.tile(images_nhwc, (2, 1, 1, 1)), np.tile(labels, 2))


def test_a_sound_cube_ends_with_0(
    toy_cube: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, toy_cube) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing wrong in 1 file, 30 galaxies."


def test_something_wrong_ends_with_1_and_shows_some(
    doubled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, doubled) == 1
    out, err = capsys.readouterr()
    assert out.count(" and row ") == EXAMPLES_SHOWN
    assert "and 2 more" in out
    assert err == ""


def test_a_program_gets_all(doubled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, doubled, "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["sound"] is False
    assert told["counts"] == {"same_pixels": 12}
    examples = next(f for f in told["findings"] if f["kind"] == "same_pixels")["examples"]
    assert [(pair["first"]["row"], pair["second"]["row"]) for pair in examples] == [(n, n + 12) for n in range(12)]


def test_a_bad_radius_is_wrong_usage(
    toy_cube: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, toy_cube, "--radius", "-3") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


WHOLE = PixelOrigin("none", framing=Framing((64, 64), (64, 64), 16))


@pytest.mark.parametrize(
    ("other", "counts", "says"),
    [
        (WHOLE, {}, ""),
        (PixelOrigin("none", framing=Framing((64, 64), (32, 32), 16)), {"crops": 1}, "the central 32 of 64 pixels"),
        (PixelOrigin("none", framing=Framing((32, 32), (32, 32), 16)), {}, "not known whether images show as much"),
        (None, {}, "b.fits: not known"),
        (PixelOrigin("asinh", None, 8.0, framing=WHOLE.framing), {"pixel_origins": 1}, "bands without names, asinh"),
    ],
)
def test_cubes_whose_pixels_came_to_be_in_other_ways_are_told(
    tmp_path: Path, other: PixelOrigin | None, counts: dict[str, int], says: str
) -> None:
    paths = [
        write_cube(tmp_path / f"{name}.fits", *toy_galaxies(12, 16, seed), origin=origin)
        for seed, (name, origin) in enumerate({"a": WHOLE, "b": other}.items())
    ]
    report = check(paths)
    assert report.counts() == counts
    assert ("pictures" in "\n".join(report.describe())) == bool(says)
    assert says in "\n".join(report.describe())


def test_a_folder_is_all_its_cubes_and_lists(tmp_path: Path) -> None:
    folder = write_toy_splits(tmp_path / "data", size=16)
    (folder / "list.csv").write_text("ra,dec,label\n1,2,a\n3,4,b\n")
    (folder / "pictures.csv").write_text("path,label\n0.png,a\n")
    for name in ("test.left-out.csv", "split.json", ".hidden.fits"):
        (folder / name).write_text("row,path,reason\n0,a,b\n")
    report = check(folder)
    assert report.sound
    names = ["list.csv", "pictures.csv", "test.fits", "test.left-out.csv", "train.fits", "valid.fits"]
    assert [Path(file.file).name for file in report.files] == names
    assert "no list of ra, dec, label" in "\n".join(report.describe())
    assert check([folder, folder / "test.fits"]).files == report.files


def test_a_folder_without_cubes_and_lists_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"no cubes and no lists in it.*Received: 0\.png"):
        check(tmp_path)


def test_no_file_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="No file to check"):
        check([])
