"""The galaxies that a network sees as most like one, by every door."""

from __future__ import annotations

import csv
import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from PIL import Image

import kamerton
from kamerton.catalogue.columns import class_slugs
from kamerton.catalogue.hats import write_hats
from kamerton.catalogue.predict import predict
from kamerton.catalogue.record import read_catalogue_record
from kamerton.catalogue.shards import shard_path
from kamerton.errors import DataError, KamertonWarning, OutputError, UnknownNameError, UsageError
from kamerton.evaluation.calibrate import calibrate
from kamerton.inference.predictor import Predictor
from kamerton.neighbours.answer import Neighbours
from kamerton.neighbours.similar import similar
from kamerton.runs.folder import Run
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube, write_toy_cube
from tests.neighbours.conftest import COUNT

ASKED = "toy-7-4"


def by_hand(run: Run, cube: Path, row: int) -> list[int]:
    """Rows by their distance to one, from all at once."""
    with kamerton.open_cube(cube) as galaxies:
        features = Predictor(run).answers(galaxies.read(slice(None))).features.astype(np.float64)
    spread = features.std(0)
    points = (features - features.mean(0))[:, spread > 1e-6 * spread.max()] / spread[spread > 1e-6 * spread.max()]
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    order = np.argsort(1 - points @ points[row], kind="stable").tolist()
    return [int(other) for other in order if other != row]


def rows_of(found: Neighbours) -> list[int]:
    return [one.galaxy.row for one in found.neighbours]


def ids_of(found: Neighbours) -> list[str]:
    return [one.galaxy.id for one in found.neighbours]


def test_they_are_those_that_all_distances_give_and_the_galaxy_itself_is_left_out(
    toy_run: Run, new_cube: Path, night: Path
) -> None:
    found = similar(night, ASKED, count=5)
    assert rows_of(found) == by_hand(toy_run, new_cube, 4)[:5]
    assert found.is_known
    assert "row 4 of" in found.describe()[0]
    assert "left out" in found.describe()[0]
    distances = [one.distance for one in found.neighbours]
    assert distances == sorted(distances)
    assert [one.rank for one in found.neighbours] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", ["x.parquet", "x.fits", "x.vot", "night", "tiles"])
def test_every_form_of_a_catalogue_gives_the_same(
    toy_run: Run, new_cube: Path, night: Path, tmp_path: Path, name: str
) -> None:
    place = tmp_path / name
    if name == "tiles":
        place = write_hats(shutil.copytree(night, tmp_path / "night")).path
    elif name != "night":
        predict(toy_run, new_cube, out=place, features="all")
    else:
        place = night
    found, expected = similar(place, ASKED), similar(night, ASKED)
    assert ids_of(found) == ids_of(expected)
    for one, other in zip(found.neighbours, expected.neighbours, strict=True):
        assert one.galaxy.predicted_class == other.galaxy.predicted_class
        assert one.galaxy.probability == pytest.approx(other.galaxy.probability)
        assert (one.galaxy.ra, one.galaxy.dec) == (other.galaxy.ra, other.galaxy.dec)
        assert one.distance == pytest.approx(other.distance, abs=1e-6)


def test_a_picture_of_one_of_them_finds_it_and_says_so(
    toy_run: Run, new_cube: Path, night: Path, tmp_path: Path
) -> None:
    with kamerton.open_cube(new_cube) as cube:
        Image.fromarray(cube.read([4])[0]).save(tmp_path / "new.png")
    found = similar(night, tmp_path / "new.png", run=toy_run, count=3)
    assert ids_of(found)[0] == ASKED
    assert found.neighbours[0].is_same
    assert not found.neighbours[1].is_same
    assert not found.is_known
    assert f"probably the same galaxy again: {ASKED}" in found.describe()
    assert ids_of(found)[1:] == ids_of(similar(night, ASKED, count=2))


def test_among_the_galaxies_of_the_training_they_have_their_labels(toy_run: Run, toy_splits: Path) -> None:
    found = similar(toy_run, "toy-0-3", count=6)
    assert rows_of(found) == by_hand(toy_run, toy_splits / "train.fits", 3)[:6]
    with kamerton.open_cube(toy_splits / "train.fits") as cube:
        for one in found.neighbours:
            assert one.galaxy.id == cube.ids[one.galaxy.row]
            assert one.galaxy.true_class == CLASS_NAMES[cube.labels[one.galaxy.row]]
            assert one.galaxy.ra == cube.catalogue["ra"][one.galaxy.row]


def test_a_picture_is_seen_by_the_run_itself(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    with kamerton.open_cube(toy_splits / "train.fits") as cube:
        Image.fromarray(cube.read([9])[0]).save(tmp_path / "new.png")
    found = similar(toy_run, tmp_path / "new.png", count=1)
    assert (ids_of(found), found.neighbours[0].is_same) == (["toy-0-9"], True)


def test_a_picture_is_seen_as_the_run_was_calibrated(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_run.path, tmp_path / "run")
    calibrate(tmp_path / "run", write_toy_cube(tmp_path / "calibration.fits", 120, seed=11), eight_views=True)
    Image.fromarray(toy_galaxies(1, 32, 5)[0][0]).save(tmp_path / "new.png")
    found = similar(tmp_path / "run", tmp_path / "new.png", count=1)
    predict(tmp_path / "run", tmp_path / "new.png", eight_views=True, out=tmp_path / "told.parquet")
    told = pd.read_parquet(tmp_path / "told.parquet")[[f"p_{slug}" for slug in class_slugs(CLASS_NAMES)]]
    assert found.query.probability == pytest.approx(told.to_numpy().max())


def test_a_picture_is_calibrated_as_the_catalogue_is(
    calibrated: Run, night: Path, new_cube: Path, tmp_path: Path
) -> None:
    """The catalogue was made before the run was calibrated."""
    with kamerton.open_cube(new_cube) as cube:
        Image.fromarray(cube.read([4])[0]).save(tmp_path / "new.png")
    asked = similar(night, tmp_path / "new.png", run=calibrated).query
    assert asked.probability == pytest.approx(similar(night, ASKED).query.probability)


def test_places_along_the_axes_are_compared_as_they_are(calibrated: Run, new_cube: Path, tmp_path: Path) -> None:
    predict(calibrated, new_cube, out=tmp_path / "x.parquet", features="axes")
    points = np.stack(pd.read_parquet(tmp_path / "x.parquet")["features"].to_list()).astype(np.float64)
    units = points / np.linalg.norm(points, axis=1, keepdims=True)
    order = [row for row in np.argsort(-units @ units[4], kind="stable").tolist() if row != 4]
    assert rows_of(similar(tmp_path / "x.parquet", ASKED, count=4)) == order[:4]
    with kamerton.open_cube(new_cube) as cube:
        Image.fromarray(cube.read([4])[0]).save(tmp_path / "new.png")
    assert similar(tmp_path / "x.parquet", tmp_path / "new.png", run=calibrated).neighbours[0].is_same


def test_a_folder_gets_a_table_in_three_formats_and_a_gallery(night: Path, tmp_path: Path) -> None:
    found = similar(night, ASKED, count=7, out=tmp_path / "near")
    names = {"gallery.png", "neighbours.csv", "neighbours.csv-metadata.json", "neighbours.parquet", "neighbours.vot"}
    assert {place.name for place in (tmp_path / "near").iterdir()} == names
    with (tmp_path / "near/neighbours.csv").open(encoding="utf-8") as file:
        assert [row["id"] for row in csv.DictReader(file)] == ids_of(found)
    table = Table.read(tmp_path / "near/neighbours.vot", format="votable")
    assert table["ra"].unit == "deg"
    np.testing.assert_allclose(table["distance"], [one.distance for one in found.neighbours])
    assert pd.read_parquet(tmp_path / "near/neighbours.parquet")["rank"].tolist() == list(range(1, 8))
    with Image.open(tmp_path / "near/gallery.png") as picture:
        assert picture.width > 1000
    with pytest.raises(OutputError, match="exists already"):
        similar(night, ASKED, out=tmp_path / "near")


@pytest.mark.parametrize("form", ["night", "x.parquet"])
def test_pictures_of_a_list_are_found_by_the_column_of_their_paths(
    toy_run: Run, new_cube: Path, tmp_path: Path, form: str
) -> None:
    with kamerton.open_cube(new_cube) as cube:
        for row, image_hwc in enumerate(cube.read(slice(0, 4))):
            Image.fromarray(image_hwc).save(tmp_path / f"{row}.png")
    pd.DataFrame({"nazwa": list("abcd"), "plik": [f"{row}.png" for row in range(4)]}).to_csv(
        tmp_path / "l.csv", index=False
    )
    predict(toy_run, tmp_path / "l.csv", out=tmp_path / form, features="all", path_column="plik", id_column="nazwa")
    similar(tmp_path / form, "b", count=2, out=tmp_path / "near")
    assert (tmp_path / "near/gallery.png").exists()


@pytest.mark.parametrize("form", ["night", "x.vot"])
def test_pictures_are_found_where_ids_begin_with_their_source(
    toy_run: Run, new_cube: Path, tmp_path: Path, form: str
) -> None:
    with kamerton.open_cube(new_cube) as cube:
        for row, image_hwc in enumerate(cube.read(slice(0, 4))):
            (tmp_path / f"n{row % 2}").mkdir(exist_ok=True)
            Image.fromarray(image_hwc).save(tmp_path / f"n{row % 2}" / f"{row // 2}.png")
    with pytest.warns(KamertonWarning, match="ids begin with their source"):
        predict(toy_run, tmp_path / "n0", tmp_path / "n1", out=tmp_path / form, features="all")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        similar(tmp_path / form, "n1/0.png", count=2, out=tmp_path / "near")
    assert (tmp_path / "near/gallery.png").exists()


@pytest.mark.parametrize("form", ["night", "x.parquet", "x.vot", "x.fits"])
def test_pictures_that_are_gone_are_said_and_the_table_is_there(
    toy_run: Run, new_cube: Path, tmp_path: Path, form: str
) -> None:
    cube = shutil.copy(new_cube, tmp_path / "moved.fits")
    predict(toy_run, cube, out=tmp_path / form, features="all")
    assert (similar(tmp_path / form, ASKED, out=tmp_path / "a").path or tmp_path).joinpath("gallery.png").exists()
    Path(cube).unlink()
    with pytest.warns(KamertonWarning, match=r"no pictures of its galaxies.*moved.fits is not there"):
        similar(tmp_path / form, ASKED, out=tmp_path / "b")
    assert not (tmp_path / "b/gallery.png").exists()
    assert (tmp_path / "b/neighbours.csv").exists()


def test_pictures_that_were_changed_are_not_shown(toy_run: Run, new_cube: Path, tmp_path: Path) -> None:
    cube = shutil.copy(new_cube, tmp_path / "new.fits")
    predict(toy_run, cube, out=tmp_path / "night", features="all")
    images_nhwc, labels = toy_galaxies(COUNT, 32, seed=8)
    Path(cube).unlink()
    write_cube(tmp_path / "new.fits", images_nhwc, labels, id=[f"toy-7-{row}" for row in range(COUNT)])
    with pytest.warns(KamertonWarning, match="was changed since the catalogue was made"):
        similar(tmp_path / "night", ASKED, out=tmp_path / "near")


def test_the_answer_for_a_program_is_plain(night: Path) -> None:
    told = json.loads(json.dumps(similar(night, ASKED, count=2).as_json()))
    assert told["query"]["id"] == ASKED
    assert [one["rank"] for one in told["neighbours"]] == [1, 2]
    assert set(told["neighbours"][0]) >= {"id", "predicted_class", "probability", "distance", "ra", "dec", "same"}


def test_more_than_there_are_is_said(night: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"no more than 29 galaxies.*a count of 100"):
        assert len(similar(night, ASKED, count=100).neighbours) == COUNT - 1


def test_a_galaxy_that_could_not_be_read_is_nobodys_neighbour(toy_run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for name in "abc":
        noise = np.random.default_rng(ord(name)).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"new/{name}.png")
    (tmp_path / "new/bad.png").write_bytes(b"nothing")
    predict(toy_run, tmp_path / "new", out=tmp_path / "x.vot", features="all")
    assert set(ids_of(similar(tmp_path / "x.vot", "a.png"))) == {"b.png", "c.png"}
    with pytest.raises(DataError, match=r"nothing is known of the galaxy 'bad.png'.*could not be read"):
        similar(tmp_path / "x.vot", "bad.png")


def changed_shard(folder: Path) -> Path:
    place = shard_path(folder, 1, read_catalogue_record(folder))
    content = bytearray(place.read_bytes())
    content[100] ^= 1
    place.write_bytes(content)
    return folder


def missing_shard(folder: Path) -> Path:
    shard_path(folder, 2, read_catalogue_record(folder)).unlink()
    return folder


def twice(folder: Path) -> Path:
    rows = pd.read_parquet(folder)
    rows.loc[5, "id"] = ASKED
    rows.to_parquet(folder / "twice.parquet")
    return folder / "twice.parquet"


def uneven(folder: Path) -> Path:
    rows = pd.read_parquet(folder)
    rows["features"] = [cells[:3] if row == 5 else cells for row, cells in enumerate(rows["features"])]
    rows.to_parquet(folder / "uneven.parquet")
    return folder / "uneven.parquet"


def empty(folder: Path) -> Path:
    pd.read_parquet(folder).iloc[:0].to_parquet(folder / "empty.parquet")
    return folder / "empty.parquet"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed_shard, r"part-000001-.*damaged.*other bytes than were written.*--resume mends"),
        (missing_shard, r"is not finished.*1 of 4 shards missing, the first part-000002-"),
        (twice, r"2 galaxies have the id 'toy-7-4'. Received: rows 4, 5"),
        (uneven, r"features is not one row of numbers a galaxy"),
        (empty, r"no galaxy in it"),
    ],
)
def test_a_bad_catalogue_is_one_line(night: Path, tmp_path: Path, change: Callable[[Path], Path], said: str) -> None:
    place = change(shutil.copytree(night, tmp_path / "copy"))
    with pytest.raises(DataError, match=said):
        similar(place, ASKED)


def test_a_catalogue_without_features_is_refused(toy_run: Run, new_cube: Path, tmp_path: Path) -> None:
    for name in ("x.csv", "x.parquet"):
        predict(toy_run, new_cube, out=tmp_path / name)
        with pytest.raises(DataError, match=r"no features.*again by `kamerton predict --features all`"):
            similar(tmp_path / name, ASKED)


def test_features_of_another_run_are_refused(night: Path, calibrated: Run, toy_run: Run, tmp_path: Path) -> None:
    shutil.copytree(toy_run.path, tmp_path / "other")
    network = toy_run.load_network()
    next(iter(network.parameters())).data.add_(1)
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "new.png")
    other = kamerton.open_run(tmp_path / "other")
    other.save_network(network)
    with pytest.raises(DataError, match=r"night: features of another run than other.*made by the run toy"):
        similar(night, tmp_path / "new.png", run=other)


def test_a_picture_needs_the_run_and_other_bands_are_refused(toy_run: Run, night: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "new.png")
    with pytest.raises(UsageError, match=r"must be seen by the run.*name that run with --run"):
        similar(night, tmp_path / "new.png")
    write_cube(tmp_path / "grey.fits", np.arange(4096, dtype=np.uint8).reshape(4, 32, 32, 1), np.arange(4) % 3)
    with pytest.raises((DataError, UsageError), match=r"other channels|not one galaxy"):
        similar(night, tmp_path / "grey.fits", run=toy_run)


def test_an_unknown_id_is_answered_with_near_ones(night: Path) -> None:
    with pytest.raises(UsageError, match=r"no galaxy of the id 'toy-7-44', and no file.*did you mean 'toy-7-4'"):
        similar(night, "toy-7-44")


def test_wrong_requests_are_one_line(toy_run: Run, night: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave the second one out"):
        similar(toy_run, "toy-0-3", run=toy_run)
    with pytest.raises(UsageError, match=r"Bad value for count.*1 to 500"):
        similar(night, ASKED, count=0)
    with pytest.raises(UnknownNameError, match="Unknown language 'fr'"):
        similar(night, ASKED, lang="fr")
    with pytest.raises(UsageError, match="cannot be read"):
        similar(tmp_path / "nothing", ASKED)
    with pytest.raises(DataError, match="no catalogue of `kamerton predict`"):
        similar(tmp_path, ASKED)


def test_training_galaxies_that_are_gone_are_said(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_splits, tmp_path / "data")
    run = kamerton.train(tmp_path / "data", network="lenet5", recipe="notebook", epochs=1, out=tmp_path / "run")
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(DataError, match=r"trained on are not there.*bring that cube back"):
        similar(run, "toy-0-3")
