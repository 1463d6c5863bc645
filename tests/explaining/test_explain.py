"""Explaining galaxies, from a source to a folder."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from PIL import Image

import kamerton
from kamerton.errors import DataError, KamertonWarning, OutputError, UnknownNameError, UsageError
from kamerton.explaining import writing
from kamerton.explaining.explain import Explanation, explain
from kamerton.figures.drawing import new_figure
from kamerton.inference.predictor import Predictor
from kamerton.runs.folder import Run
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube, write_toy_cube


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_cube(tmp_path_factory.mktemp("why") / "why.fits", 30, seed=7)


@pytest.fixture(scope="module")
def explained(toy_run: Run, cube: Path, tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    return explain(toy_run, cube, out=tmp_path_factory.mktemp("explained") / "out", count=2)


def listed(folder: Path) -> list[dict[str, str]]:
    with (folder / "galaxies.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_galaxy_has_a_picture_and_a_map_and_each_class_a_gallery(explained: Explanation) -> None:
    rows = listed(explained.path)
    assert len(rows) == explained.galaxies > 0
    names = {row[kind] for row in rows for kind in ("picture", "map")}
    names |= {f"gallery_{row['explained_class']}.png" for row in rows}
    assert {place.name for place in explained.path.iterdir()} == names | {
        "galaxies.csv",
        "receipt.json",
        "receipt.png",
    }
    for row in rows:
        with Image.open(explained.path / row["picture"]) as picture:
            assert picture.width > 900


def test_the_list_says_what_the_network_says(toy_run: Run, cube: Path, explained: Explanation) -> None:
    with kamerton.open_cube(cube) as galaxies:
        probabilities = Predictor(toy_run).probabilities(galaxies.read(slice(None)))
        for row in listed(explained.path):
            number = int(row["row"])
            assert row["id"] == galaxies.ids[number]
            assert row["true_class"] == CLASS_NAMES[galaxies.labels[number]]
            assert row["predicted_class"] == CLASS_NAMES[probabilities[number].argmax()]
            assert float(row["probability"]) == pytest.approx(float(probabilities[number].max()), abs=1e-5)


def test_a_map_says_what_it_is_of(toy_run: Run, explained: Explanation) -> None:
    row = listed(explained.path)[0]
    with fits.open(explained.path / row["map"]) as hdus:
        header, data = hdus[0].header, hdus[0].data
    assert (data.shape, data.dtype) == ((32, 32), np.dtype(">f4"))
    assert toy_run.record.results is not None
    expected = {
        "OBJECT": row["id"],
        "CLASS": row["explained_class"],
        "METHOD": "HiResCAM",
        "NETWORK": "lenet5",
        "RUNFP": toy_run.record.results.fingerprint,
    }
    assert {name: header[name] for name in expected} == expected


def test_the_receipt_says_the_same_in_the_file_and_in_the_answer(explained: Explanation) -> None:
    content = json.loads((explained.path / "receipt.json").read_text(encoding="utf-8"))
    assert content["words"] == list(explained.words)
    assert content["galaxies"] == explained.receipt.galaxies <= explained.galaxies
    assert all(f"  {line}" in explained.describe() for line in explained.words)


def test_rows_and_a_class_are_explained_as_they_are_asked_for(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    explain(toy_run, cube, out=tmp_path / "out", rows="4,0-1", class_name="dim", lang="pl")
    rows = listed(tmp_path / "out")
    assert [row["row"] for row in rows] == ["4", "0", "1"]
    assert {row["explained_class"] for row in rows} == {"dim"}


def test_a_picture_is_explained_too(toy_run: Run, tmp_path: Path) -> None:
    Image.fromarray(toy_galaxies(1, 32, 3)[0][0]).save(tmp_path / "żółta.png")
    found = explain(toy_run, tmp_path / "żółta.png", out=tmp_path / "out")
    assert found.galaxies == 1
    assert found.receipt.beats_gaussian is None
    assert listed(tmp_path / "out")[0]["true_class"] == ""


def gallery_kinds(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    """What the galleries drawn from now on show, by kind."""
    drawn: list[dict[str, int]] = []

    def draw(rows: Any, *_: Any) -> Any:
        drawn.append({kind: len(galaxies) for kind, galaxies in rows.items()})
        return new_figure(1, 1)

    monkeypatch.setattr(writing, "maps_figure", draw)
    return drawn


def test_galaxies_that_were_named_are_not_called_surest(
    toy_run: Run, cube: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = gallery_kinds(monkeypatch)
    explain(toy_run, cube, out=tmp_path / "out", rows="0-6", class_name="dim", count=3)
    assert kinds == [{"asked for": 3, "asked for (2)": 3, "asked for (3)": 1}]
    explain(toy_run, cube, out=tmp_path / "all", count=1)
    assert all(set(kind) <= {"surest", "least sure", "wrong"} for kind in kinds[1:])


def test_a_picture_by_itself_is_the_surest_of_nothing(
    toy_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = gallery_kinds(monkeypatch)
    Image.fromarray(toy_galaxies(1, 32, 3)[0][0]).save(tmp_path / "a.png")
    explain(toy_run, tmp_path / "a.png", out=tmp_path / "out", lang="pl")
    assert kinds == [{"wybrane": 1}]


def test_an_earlier_explanation_is_replaced_as_a_whole_and_nothing_else(
    toy_run: Run, cube: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    explain(toy_run, cube, out=out, rows="0-2")
    with pytest.raises(OutputError, match=r"exists already.*--overwrite"):
        explain(toy_run, cube, out=out, rows="4")
    explain(toy_run, cube, out=out, rows="4", overwrite=True)
    assert [row["row"] for row in listed(out)] == ["4"]
    assert not (out / "galaxy_00000.png").exists()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        explain(toy_run, cube, out=out, rows="5", overwrite=True)
    assert [row["row"] for row in listed(out)] == ["4"]
    (tmp_path / "other").mkdir()
    with pytest.raises(OutputError, match="holds no explanation that Kamerton made"):
        explain(toy_run, cube, out=tmp_path / "other", rows="5", overwrite=True)


@pytest.mark.parametrize(
    ("wanted", "error", "told"),
    [
        ({"class_name": "striped!"}, UnknownNameError, "bright, dim, striped"),
        ({"rows": "29-30"}, UsageError, "row 30.*rows 0 to 29"),
        ({"rows": "x"}, UsageError, "0,5,10-20"),
        ({"int8": True, "method": "hirescam"}, UsageError, "--method occlusion with --int8"),
        ({"method": "guided"}, UsageError, "hirescam"),
        ({"lang": "de"}, UnknownNameError, "en, pl"),
        ({"count": 0}, UsageError, "1 to 50"),
    ],
)
def test_a_wrong_request_is_one_line_and_leaves_nothing(
    toy_run: Run, cube: Path, tmp_path: Path, wanted: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        explain(toy_run, cube, out=tmp_path / "out", **wanted)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_galaxies_of_other_bands_are_refused(toy_run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(6, 32, 0)
    grey = write_cube(tmp_path / "grey.fits", images_nhwc[..., :1], labels)
    with pytest.raises(DataError, match="other channels"):
        explain(toy_run, grey, out=tmp_path / "out")


def test_a_folder_that_is_there_is_not_touched(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        explain(toy_run, cube, out=tmp_path)
    assert [place.name for place in tmp_path.iterdir()] == ["note.txt"]


def test_what_fails_while_it_draws_leaves_nothing(
    toy_run: Run, cube: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kamerton.explaining.writing.save_figure", full_disk)
    with pytest.raises(OutputError, match="No space left"):
        explain(toy_run, cube, out=tmp_path / "deep/out", rows=[0])
    assert list(tmp_path.iterdir()) == []


def test_eight_bit_answers_are_explained_by_hiding_parts(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    found = explain(toy_run, cube, out=tmp_path / "out", rows=[0, 1], int8=True)
    assert (found.method, found.layer) == ("occlusion", None)
    assert json.loads((tmp_path / "out/receipt.json").read_text())["precision"] == "int8"


def test_labels_of_unknown_classes_beside_known_ones_are_said(toy_run: Run, tmp_path: Path) -> None:
    rows = ["path,label"]
    for row, image_hwc in enumerate(toy_galaxies(3, 32, 3)[0]):
        Image.fromarray(image_hwc).save(tmp_path / f"{row}.png")
        rows.append(f"{row}.png,{(CLASS_NAMES[0], CLASS_NAMES[0].upper(), '')[row]}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    with pytest.warns(
        KamertonWarning, match=f"1 of 2 labels of no class of the run.*Received: {CLASS_NAMES[0].upper()}"
    ):
        explain(toy_run, tmp_path / "list.csv", out=tmp_path / "out", rows="0-2")


def test_a_galaxy_that_cannot_be_read_is_left_out_aloud(toy_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    for row, image_hwc in enumerate(toy_galaxies(3, 32, 3)[0]):
        Image.fromarray(image_hwc).save(folder / f"{row}.png")
    (folder / "1.png").write_bytes(b"nothing")
    with pytest.warns(KamertonWarning, match="1 of 3 galaxies cannot be read"):
        found = explain(toy_run, folder, out=tmp_path / "out", rows="0-2")
    assert found.galaxies == 2


def test_the_same_request_gives_the_same_bytes(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        explain(toy_run, cube, out=tmp_path / name, rows=[3, 8])
    for place in (tmp_path / "one").iterdir():
        if place.suffix != ".fits":
            assert place.read_bytes() == (tmp_path / "two" / place.name).read_bytes(), place.name
        else:
            np.testing.assert_array_equal(fits.getdata(place), fits.getdata(tmp_path / "two" / place.name))
