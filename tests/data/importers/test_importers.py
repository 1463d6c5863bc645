"""What holds for every kind of source."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.importers import IMPORTERS, import_cube
from kamerton.errors import OutputError, UsageError
from tests.data.importers.sources import (
    imported,
    noise_images,
    refusal,
    save_pictures,
    write_cube,
    write_galaxy10,
    write_rows,
)


def small_source(kind: str, folder: Path) -> Path:
    """Three or more galaxies in the form that the importer reads."""
    if kind == "galaxy10":
        return write_galaxy10(folder / "galaxies.h5")
    if kind == "cube":
        return write_cube(folder / "cube.fits", noise_images(3))
    save_pictures(folder / "pictures", ["a/1.png", "a/2.png", "b/1.png"])
    rows = [["path", "label"], ["pictures/a/1.png", "a"], ["pictures/a/2.png", "a"], ["pictures/b/1.png", "b"]]
    return write_rows(folder / "list.csv", rows) if kind == "list" else folder / "pictures"


@pytest.mark.parametrize("kind", IMPORTERS)
def test_every_importer_recognises_its_source(kind: str, tmp_path: Path) -> None:
    source = small_source(kind, tmp_path)
    assert [name for name, importer in IMPORTERS.items() if importer.recognises(source)] == [kind]


@pytest.mark.parametrize("kind", IMPORTERS)
def test_every_import_can_be_summed_up(kind: str, tmp_path: Path) -> None:
    summary = import_cube(small_source(kind, tmp_path), tmp_path / "out.fits")
    with open_cube(tmp_path / "out.fits") as cube:
        assert (summary.kind, summary.count, summary.image_shape) == (kind, len(cube), cube.image_shape)
        counts = np.bincount(cube.labels, minlength=len(cube.class_names)).tolist()
        assert summary.class_counts == dict(zip(cube.class_names, counts, strict=True))


@pytest.mark.parametrize("kind", IMPORTERS)
def test_every_import_resizes(kind: str, tmp_path: Path) -> None:
    original = small_source(kind, tmp_path)
    with imported(original) as cube:
        first_hwc = cube.read([0])[0]
    (tmp_path / "out.fits").unlink()
    with imported(original, size=16) as cube:
        expected = Image.fromarray(first_hwc).resize((16, 16), Image.Resampling.LANCZOS)
        np.testing.assert_array_equal(cube.read([0])[0], np.asarray(expected))


@pytest.mark.parametrize("kind", IMPORTERS)
def test_every_import_writes_its_history(kind: str, tmp_path: Path) -> None:
    source = small_source(kind, tmp_path)
    imported(source, size=16).close()
    history = [str(line) for line in fits.getheader(tmp_path / "out.fits")["HISTORY"]]
    assert history[:2] == [
        f"kamerton data import: {kind} {source.name}",
        "largest central square, resized to 16 pixels (Lanczos)",
    ]


@pytest.mark.parametrize("kind", IMPORTERS)
def test_every_import_passes_fits_checksums(kind: str, tmp_path: Path) -> None:
    imported(small_source(kind, tmp_path)).close()
    with fits.open(tmp_path / "out.fits", checksum=True) as hdus:
        assert [hdu.verify_checksum() for hdu in hdus] == [1] * len(hdus)


@pytest.mark.parametrize("kind", IMPORTERS)
def test_no_import_overwrites(kind: str, tmp_path: Path) -> None:
    source = small_source(kind, tmp_path)
    (tmp_path / "out.fits").write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        import_cube(source, tmp_path / "out.fits")
    assert (tmp_path / "out.fits").read_text() == "precious"


@pytest.mark.parametrize("kind", IMPORTERS)
def test_every_import_refuses_a_crop_larger_than_the_images(kind: str, tmp_path: Path) -> None:
    assert "smaller than the crop" in refusal(small_source(kind, tmp_path), crop=9)


@pytest.mark.parametrize("name", ["out", "out.fits.gz", "out.csv"])
def test_a_cube_has_the_ending_of_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no name for a cube.*Next: write out\.fits"):
        import_cube(small_source("folders", tmp_path), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_summary_is_described_in_one_line(tmp_path: Path) -> None:
    summary = import_cube(small_source("folders", tmp_path), tmp_path / "out.fits")
    assert summary.describe() == f"{tmp_path}/out.fits: 3 galaxies, 8 x 8 x 3 uint8: a 2; b 1"


@pytest.mark.parametrize("kind", IMPORTERS)
def test_full_disk_is_one_line_and_leaves_nothing(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    source = small_source(kind, tmp_path)
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(CubeWriter, "append", full)
    with pytest.raises(OutputError, match="No space left"):
        import_cube(source, tmp_path / "out.fits")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("option", ["label_column", "path_column", "id_column"])
@pytest.mark.parametrize("kind", [kind for kind in IMPORTERS if kind != "list"])
def test_a_source_without_columns_takes_none(kind: str, option: str, tmp_path: Path) -> None:
    """The labels would be others than those that were asked for."""
    source = small_source(kind, tmp_path)
    with pytest.raises(UsageError, match=f"no columns to choose from. Received: --{option.replace('_', '-')} shape"):
        import_cube(source, tmp_path / "out.fits", **{option: "shape"})  # type: ignore[arg-type]
    assert not (tmp_path / "out.fits").exists()


def test_unknown_source_lists_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to see\n")
    assert "a labelled FITS cube" in refusal(tmp_path / "notes.txt")


def test_missing_source_is_a_wrong_request(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent: cannot be read\. Received: No such file or directory"):
        import_cube(tmp_path / "absent", tmp_path / "out.fits")


@pytest.mark.parametrize("kind", ["galaxy10", "cube"])
def test_memory_does_not_grow_with_the_count(kind: str, tmp_path: Path) -> None:
    images_nhwc = noise_images(700, side=64)
    source = tmp_path / "source"
    if kind == "galaxy10":
        write_galaxy10(source, 700, images=images_nhwc)
    else:
        write_cube(source, images_nhwc, [0] * 700)
    tracemalloc.start()
    imported(source).close()
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < images_nhwc.nbytes / 2
