"""Which galaxies are labelled next, by every door."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kamerton
from kamerton.catalogue.predict import predict
from kamerton.certainty.judging import read_certainty
from kamerton.errors import DataError, KamertonWarning, OutputError, UsageError
from kamerton.inference.predictor import Predictor
from kamerton.neighbours.asking import spread
from kamerton.neighbours.nearest import directions
from kamerton.neighbours.next_galaxies import COLUMNS, Asked, next_galaxies
from kamerton.runs.folder import Run
from tests.conftest import write_toy_cube
from tests.data.importers.sources import save_pictures
from tests.neighbours.conftest import COUNT


@pytest.fixture(scope="module")
def sure_night(calibrated: Run, new_cube: Path) -> Path:
    """A calibrated catalogue with features; do not change it."""
    out = new_cube.with_name("sure_night")
    predict(calibrated, new_cube, out=out, features="all", shard_galaxies=8)
    return out


def ids_of(asked: Asked) -> list[str]:
    return [one.id for one in asked.galaxies]


def least_sure(run: Run, cube: Path) -> list[str]:
    """Ids by margin after calibration, those whose set is not one class first."""
    certainty = read_certainty(run)
    with kamerton.open_cube(cube) as galaxies:
        judged = certainty.judge(Predictor(run).answers(galaxies.read(slice(None)))) if certainty else None
        ids = galaxies.ids
    assert judged is not None
    two = np.sort(judged.probabilities.astype(np.float64), axis=1)[:, -2:]
    order = np.lexsort([np.arange(len(ids)), two[:, 1] - two[:, 0], judged.set_size == 1])
    return [ids[row] for row in order]


def test_without_features_they_are_the_least_sure_and_that_is_said(
    calibrated: Run, new_cube: Path, tmp_path: Path
) -> None:
    for name in ("x.parquet", "x.csv", "x.vot", "x.fits"):
        predict(calibrated, new_cube, out=tmp_path / name)
        with pytest.warns(KamertonWarning, match=r"without features, so that the galaxies may all be of one kind"):
            found = next_galaxies(tmp_path / name, count=6)
        assert ids_of(found) == least_sure(calibrated, new_cube)[:6]


def test_with_features_they_are_spread_among_the_least_sure(calibrated: Run, sure_night: Path, new_cube: Path) -> None:
    order = least_sure(calibrated, new_cube)
    found = ids_of(next_galaxies(sure_night, count=2))
    assert set(found) <= set(order[:20])
    assert len(set(ids_of(next_galaxies(sure_night, count=COUNT)))) == COUNT


def test_places_along_the_axes_are_spread_as_they_are(calibrated: Run, new_cube: Path, tmp_path: Path) -> None:
    predict(calibrated, new_cube, out=tmp_path / "x.parquet", features="axes")
    rows = pd.read_parquet(tmp_path / "x.parquet").set_index("id")
    # Of 30 galaxies the less sure half, and not the ten times two.
    order = least_sure(calibrated, new_cube)[:15]
    points = np.stack(rows.loc[order, "features"].to_list())
    expected = [order[place] for place in spread(directions(points, None), 2)]
    assert ids_of(next_galaxies(tmp_path / "x.parquet", count=2)) == expected


def test_the_same_catalogue_gives_the_same_galaxies_whatever_its_form(
    calibrated: Run, sure_night: Path, new_cube: Path, tmp_path: Path
) -> None:
    predict(calibrated, new_cube, out=tmp_path / "x.vot", features="all")
    assert ids_of(next_galaxies(tmp_path / "x.vot", count=5)) == ids_of(next_galaxies(sure_night, count=5))


def test_what_is_said_of_each_is_what_the_catalogue_says(sure_night: Path) -> None:
    rows = pd.read_parquet(sure_night).set_index("id")
    for one in next_galaxies(sure_night, count=4).galaxies:
        row = rows.loc[one.id]
        assert one.predicted_class == row["predicted_class"]
        assert one.set_size == row["set_size"]
        assert set(one.likely_classes) == {name for name in ("bright", "dim", "striped") if row[f"set_{name}"]}
        assert one.probability == pytest.approx(max(row[f"p_{name}"] for name in ("bright", "dim", "striped")))
        if row["set_size"] > 1:
            assert one.why.startswith(f"{row['set_size']} classes are likely: ")


def test_round_after_round_none_is_asked_for_twice(sure_night: Path, tmp_path: Path) -> None:
    decisions = tmp_path / "decisions.csv"
    decisions.write_text("id,label,who,when,seconds\n", encoding="utf-8")
    asked: list[str] = []
    for number in range(3):
        found = next_galaxies(sure_night, count=10, labelled=decisions, out=tmp_path / f"{number}.csv")
        assert found.labelled == len(asked)
        assert not set(ids_of(found)) & set(asked)
        asked += ids_of(found)
        with decisions.open("a", encoding="utf-8") as file:
            file.writelines(f"{name},spiral,ola,2026-11-26T12:00:00Z,3.5\n" for name in ids_of(found))
    with pytest.raises(DataError, match=r"no galaxy is left to be labelled.*30 labelled already"):
        next_galaxies(sure_night, count=1, labelled=decisions)


def test_galaxies_of_a_cube_are_labelled_already(sure_night: Path, new_cube: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no galaxy is left to be labelled"):
        next_galaxies(sure_night, count=1, labelled=new_cube)
    other = write_toy_cube(tmp_path / "other.fits", 5, seed=99)
    with pytest.warns(KamertonWarning, match=r"none of the 5 galaxies that are labelled already is in it"):
        assert next_galaxies(sure_night, count=1, labelled=other).labelled == 0


def test_the_list_is_what_whoever_labels_reads(sure_night: Path, new_cube: Path, tmp_path: Path) -> None:
    found = next_galaxies(sure_night, count=5, out=tmp_path / "ask.csv")
    with (tmp_path / "ask.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["id"] for row in rows] == ids_of(found)
    with kamerton.open_cube(new_cube) as cube:
        assert [cube.ids[int(row["row"])] for row in rows] == ids_of(found)
    assert {row["path"] for row in rows} == {str(new_cube)}
    with pytest.raises(OutputError, match="exists already"):
        next_galaxies(sure_night, count=5, out=tmp_path / "ask.csv")
    told = json.loads(json.dumps(found.as_json()))
    assert [one["id"] for one in told["galaxies"]] == ids_of(found)


def test_pictures_have_paths_of_their_own_and_bad_ones_are_never_asked_for(toy_run: Run, tmp_path: Path) -> None:
    save_pictures(tmp_path / "nowe zdjęcia", ["a.png", "b.png", "c.png"], side=32)
    (tmp_path / "nowe zdjęcia/bad.png").write_bytes(b"nothing")
    predict(toy_run, tmp_path / "nowe zdjęcia", out=tmp_path / "x.parquet", features="all")
    with pytest.warns(KamertonWarning, match=r"not calibrated, so that how sure the network is"):
        found = next_galaxies(tmp_path / "x.parquet", count=9)
    assert {one.path for one in found.galaxies} == {str(tmp_path / f"nowe zdjęcia/{name}.png") for name in "abc"}
    assert {one.row for one in found.galaxies} == {None}
    assert found.failed == 1
    assert "left out: 1 that could not be read" in found.describe()[0]


def test_at_random_they_follow_from_the_seed_alone(sure_night: Path) -> None:
    first, again, other = (ids_of(next_galaxies(sure_night, count=8, random=True, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert set(first) != set(other)
    assert ids_of(next_galaxies(sure_night, count=4, random=True, seed=1)) == first[:4]


def test_wrong_requests_are_one_line(sure_night: Path, tmp_path: Path) -> None:
    for count in (0, 3000):
        with pytest.raises(UsageError, match=r"count.*1 to 1000 galaxies"):
            next_galaxies(sure_night, count=count)
    with pytest.raises(UsageError, match="no galaxies that are labelled already"):
        next_galaxies(sure_night, count=1, labelled=tmp_path / "decisions.csv")
    (tmp_path / "decisions.csv").write_text("name,label\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no column 'id'.*columns name, label"):
        next_galaxies(sure_night, count=1, labelled=tmp_path / "decisions.csv")
    pd.DataFrame({"id": ["a"], "x": [1]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no probabilities of classes in it"):
        next_galaxies(tmp_path / "x.parquet", count=1)
    with pytest.warns(KamertonWarning, match=r"no more than 30 galaxies left to be labelled.*a count of 31"):
        next_galaxies(sure_night, count=31)
