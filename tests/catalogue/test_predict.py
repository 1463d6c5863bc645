"""Labelling galaxies, from sources to a catalogue."""

from __future__ import annotations

import json
import shutil
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from PIL import Image
from pyarrow.dataset import dataset

from kamerton.catalogue.claims import taking_part
from kamerton.catalogue.predict import Catalogue, predict
from kamerton.catalogue.record import MANIFEST_FILE, RECORD_FILE
from kamerton.data.cubes.cube import open_cube
from kamerton.errors import DataError, KamertonWarning, OutputError, UsageError
from kamerton.inference.predictor import Predictor
from kamerton.runs.folder import Run, open_run
from tests.conftest import CLASS_NAMES, toy_galaxies, write_toy_cube
from tests.dying import DEATH, KilledError
from tests.forked import Forked, run_forked

COUNT = 30


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_cube(tmp_path_factory.mktemp("new") / "new.fits", COUNT, seed=7)


@pytest.fixture(scope="module")
def expected(toy_run: Run, cube: Path) -> np.ndarray:
    with open_cube(cube) as galaxies:
        return Predictor(toy_run).probabilities(galaxies.read(slice(None)))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures") / "galaktyki żółte"
    images_nhwc, _ = toy_galaxies(COUNT, 32, 7)
    for row, image_hwc in enumerate(images_nhwc):
        path = folder / f"pole {row % 3}" / f"{row:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image_hwc).save(path)
    return folder


def probabilities(table: Any) -> np.ndarray:
    return np.column_stack([np.asarray(table[f"p_{name}"], np.float32) for name in CLASS_NAMES])


def shards(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("part-*.parquet"))}


def rows_of(folder: Path) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("part-*.parquet"))], ignore_index=True)


def in_shards(run: Run, source: Path | str, out: Path, *, sources: Sequence[Path] = (), **more: Any) -> Catalogue:
    return predict(run, source, *sources, out=out, shard_galaxies=8, **more)


def test_every_galaxy_of_a_cube_gets_the_networks_answer(
    toy_run: Run, cube: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    found = in_shards(toy_run, cube, tmp_path / "out")
    table = rows_of(tmp_path / "out")
    np.testing.assert_allclose(probabilities(table), expected, atol=1e-6)
    assert list(table["id"]) == [f"toy-7-{row}" for row in range(COUNT)]
    assert list(table["predicted_class"]) == [CLASS_NAMES[place] for place in expected.argmax(1)]
    assert found.class_counts == dict(table["predicted_class"].value_counts().reindex(CLASS_NAMES, fill_value=0))
    assert (found.galaxies, found.failed) == (COUNT, 0)


def test_readers_of_a_folder_take_all_shards_and_nothing_else(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    frame = pd.read_parquet(tmp_path / "out")
    pd.testing.assert_frame_equal(frame, rows_of(tmp_path / "out"))
    assert list(frame["id"]) == [f"toy-7-{row}" for row in range(COUNT)]
    assert dataset(tmp_path / "out").to_table().column("id").to_pylist() == list(frame["id"])
    tables = [Table.read(tmp_path / "out" / name) for name in shards(tmp_path / "out")]
    assert [name for table in tables for name in table["id"]] == list(frame["id"])


def test_positions_and_other_columns_pass_through(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    predict(toy_run, cube, out=tmp_path / "out.parquet")
    table = pd.read_parquet(tmp_path / "out.parquet")
    with open_cube(cube) as galaxies:
        catalogue = galaxies.catalogue
    np.testing.assert_array_equal(table["ra"], catalogue["ra"])
    assert list(table["source"]) == list(catalogue["source"])


@pytest.mark.parametrize("ending", ["parquet", "fits", "vot", "csv", "ecsv"])
def test_every_kind_of_file_holds_the_same(
    toy_run: Run, cube: Path, expected: np.ndarray, tmp_path: Path, ending: str
) -> None:
    out = tmp_path / f"catalogue.{ending}"
    predict(toy_run, cube, out=out, shard_galaxies=8)
    table = pd.read_parquet(out) if ending == "parquet" else Table.read(out)
    np.testing.assert_allclose(probabilities(table), expected, atol=1e-6)
    # What the shards were in is gone; a CSV file has its head beside it.
    assert {path.name for path in tmp_path.iterdir()} <= {out.name, "catalogue.csv-metadata.json"}


def test_a_few_galaxies_need_no_file(toy_run: Run, cube: Path, expected: np.ndarray) -> None:
    found = predict(toy_run, cube)
    assert found.path is None
    assert found.table is not None
    np.testing.assert_allclose(probabilities(found.table), expected, atol=1e-6)


def test_sources_may_be_given_in_a_list(toy_run: Run, cube: Path) -> None:
    one = predict(toy_run, [cube]).table
    assert one is not None
    expected = predict(toy_run, cube).table
    assert expected is not None
    assert one["id"].tolist() == expected["id"].tolist()


@pytest.mark.parametrize("given", [np.zeros((2, 32, 32, 3)), [np.zeros((32, 32, 3))], 3, [3]])
def test_images_in_memory_are_refused_in_one_line_that_says_where_they_go(toy_run: Run, given: Any) -> None:
    with pytest.raises(UsageError, match=r"no path.*kamerton\.Predictor") as caught:
        predict(toy_run, given)
    assert "\n" not in str(caught.value)


def test_a_folder_of_pictures_is_labelled_by_its_paths(
    toy_run: Run, pictures: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    predict(toy_run, pictures, out=tmp_path / "out.parquet")
    table = pd.read_parquet(tmp_path / "out.parquet")
    rows = [int(Path(name).stem) for name in table["id"]]
    np.testing.assert_allclose(probabilities(table), expected[rows], atol=1e-6)


def test_a_galaxy_that_cannot_be_read_is_a_row_and_stops_nothing(
    toy_run: Run, pictures: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    (folder / "pole 1" / "004.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    found = in_shards(toy_run, folder, tmp_path / "out")
    table = rows_of(tmp_path / "out").set_index("id")
    bad = table.loc["pole 1/004.png"]
    assert found.failed == 1
    assert "004.png" in bad["status"]
    assert bad[["predicted_class", *(f"p_{name}" for name in CLASS_NAMES)]].isna().all()
    good = table[table["status"].isna()]
    rows = [int(Path(name).stem) for name in good.index]
    np.testing.assert_allclose(probabilities(good), expected[rows], atol=1e-6)


def test_no_class_is_none_in_json_and_masked_in_a_table(toy_run: Run, pictures: Path, tmp_path: Path) -> None:
    """An empty text would be taken for the name of a class."""
    folder = tmp_path / "pictures"
    shutil.copytree(pictures / "pole 1", folder)
    (folder / "004.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    found = predict(toy_run, folder)
    assert found.table is not None
    rows = {row["id"]: row for row in found.as_json()["rows"]}
    bad, good = rows.pop("004.png"), next(iter(rows.values()))
    assert bad["predicted_class"] is None
    assert good["status"] is None
    assert {row["predicted_class"] for row in rows.values()} <= set(CLASS_NAMES)
    assert list(found.table["id"][found.table["predicted_class"].mask]) == ["004.png"]


def test_a_blank_picture_is_no_galaxy(toy_run: Run, pictures: Path, tmp_path: Path) -> None:
    """Surveys answer so where they have not looked; it has no class, as a blank FITS cutout has none."""
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    Image.new("RGB", (32, 32)).save(folder / "pole 1" / "004.png")
    assert in_shards(toy_run, folder, tmp_path / "out").failed == 1
    bad = rows_of(tmp_path / "out").set_index("id").loc["pole 1/004.png"]
    assert "shows nothing: 0 in every pixel" in bad["status"]
    assert bad[["predicted_class", *(f"p_{name}" for name in CLASS_NAMES)]].isna().all()


def test_failed_galaxies_are_tried_again_alone(toy_run: Run, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    broken = folder / "pole 1" / "004.png"
    whole = broken.read_bytes()
    in_shards(toy_run, folder, tmp_path / "undisturbed")
    broken.write_bytes(whole[:100])
    in_shards(toy_run, folder, tmp_path / "out")
    before = shards(tmp_path / "out")
    broken.write_bytes(whole)
    found = in_shards(toy_run, folder, tmp_path / "out", retry_failed=True)
    assert found.failed == 0
    after = shards(tmp_path / "out")
    assert [before[name] == after[name] for name in before].count(False) == 1
    undisturbed = rows_of(tmp_path / "undisturbed")
    pd.testing.assert_frame_equal(rows_of(tmp_path / "out"), undisturbed, check_exact=False, atol=1e-6)


def test_a_killed_catalogue_goes_on_to_the_same_bytes(toy_run: Run, pictures: Path, tmp_path: Path) -> None:
    """Killed at any operation on its folder, and resumed, and killed again."""
    in_shards(toy_run, pictures, tmp_path / "undisturbed")
    deaths = 0
    for operations in range(1, 200, 3):
        with DEATH.after(operations, tmp_path / "out"):
            try:
                in_shards(toy_run, pictures, tmp_path / "out", resume=True)
            except KilledError:
                deaths += 1
                continue
        break
    in_shards(toy_run, pictures, tmp_path / "out", resume=True)
    assert deaths >= 5
    assert shards(tmp_path / "out") == shards(tmp_path / "undisturbed")
    left = {path.name for path in (tmp_path / "out").iterdir()} - set(shards(tmp_path / "out"))
    assert left == {MANIFEST_FILE, RECORD_FILE}


def test_a_real_process_is_killed_and_resumed_to_the_same_bytes(toy_run: Run, pictures: Path, tmp_path: Path) -> None:
    in_shards(toy_run, pictures, tmp_path / "undisturbed")
    words = ["predict", str(toy_run.path), str(pictures)]
    words += ["--out", str(tmp_path / "out"), "--shard-galaxies", "8", "--resume"]
    process = Forked(words, tmp_path)
    while process.poll() is None and not list((tmp_path / "out").glob("part-*")):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    run_forked(words, tmp_path)
    assert shards(tmp_path / "out") == shards(tmp_path / "undisturbed")


def test_several_processes_share_the_work(toy_run: Run, pictures: Path, tmp_path: Path) -> None:
    in_shards(toy_run, pictures, tmp_path / "undisturbed")
    words = ["predict", str(toy_run.path), str(pictures), "--json"]
    words += ["--out", str(tmp_path / "out"), "--shard-galaxies", "8", "--resume"]
    both = [Forked(words, tmp_path / name) for name in ("one", "other")]
    assert [process.wait() for process in both] == [0, 0]
    said = [json.loads(process.stdout) for process in both]
    assert [answer["galaxies"] for answer in said] == [COUNT, COUNT]
    assert shards(tmp_path / "out") == shards(tmp_path / "undisturbed")


def test_processes_that_make_one_file_all_end_well(toy_run: Run, pictures: Path, tmp_path: Path) -> None:
    """The first to end must not take the shards away that the others still read."""
    predict(toy_run, pictures, out=tmp_path / "undisturbed.csv", shard_galaxies=8)
    words = ["predict", str(toy_run.path), str(pictures), "--json"]
    words += ["--out", str(tmp_path / "out.csv"), "--shard-galaxies", "8", "--resume"]
    both = [Forked(words, tmp_path / name) for name in ("one", "other")]
    assert [process.wait() for process in both] == [0, 0]
    assert [json.loads(process.stdout)["galaxies"] for process in both] == [COUNT, COUNT]
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "undisturbed.csv").read_bytes()
    assert not (tmp_path / ".out.csv.shards").exists()


def test_whoever_ends_last_is_told_so(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.touch()
    with taking_part(record) as first_is_alone:
        with taking_part(record) as second_is_alone:
            assert not first_is_alone()
            assert second_is_alone()
        assert first_is_alone()


def test_a_damaged_shard_is_made_again(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    before = shards(tmp_path / "out")
    place = tmp_path / "out" / sorted(before)[1]
    content = bytearray(place.read_bytes())
    content[40] ^= 1
    place.write_bytes(content)
    in_shards(toy_run, cube, tmp_path / "out", resume=True)
    assert shards(tmp_path / "out") == before


def test_a_shard_edited_by_hand_is_made_again(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    before = shards(tmp_path / "out")
    place = tmp_path / "out" / sorted(before)[0]
    pq.write_table(pq.read_table(place), place)
    in_shards(toy_run, cube, tmp_path / "out", resume=True)
    assert shards(tmp_path / "out") == before


def test_another_source_in_the_same_folder_is_refused(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    other = write_toy_cube(tmp_path / "other.fits", COUNT, seed=8)
    with pytest.raises(OutputError, match=r"source 1 cube .*other\.fits"):
        in_shards(toy_run, other, tmp_path / "out", resume=True)


def test_the_first_difference_shown_is_the_source_and_then_the_model(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    other = write_toy_cube(tmp_path / "other.fits", COUNT, seed=8)
    shutil.copytree(toy_run.path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    network = run.load_network()
    next(network.parameters()).data.add_(0.1)
    run.save_network(network)
    with pytest.raises(OutputError, match=r"source 1 cube .*other\.fits.*, and 2 more differences"):
        in_shards(run, other, tmp_path / "out", resume=True, eight_views=True)
    with pytest.raises(OutputError, match=r"weights [0-9a-f]{12}\.\.\.; .*, and 1 more difference\."):
        in_shards(run, cube, tmp_path / "out", resume=True, eight_views=True)


def test_other_options_in_the_same_folder_are_refused(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    with pytest.raises(OutputError, match="eight_views True; it was begun with False"):
        in_shards(toy_run, cube, tmp_path / "out", resume=True, eight_views=True)


def test_a_moved_catalogue_and_source_go_on(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    before = shards(tmp_path / "out")
    (tmp_path / "moved").mkdir()
    shutil.copy(cube, tmp_path / "moved" / "renamed.fits")
    (tmp_path / "out").rename(tmp_path / "moved" / "out")
    (tmp_path / "moved" / "out" / sorted(before)[2]).unlink()
    in_shards(toy_run, tmp_path / "moved" / "renamed.fits", tmp_path / "moved" / "out", resume=True)
    assert shards(tmp_path / "moved" / "out") == before


@pytest.mark.parametrize("out", ["out", "out.fits"])
def test_a_place_that_is_taken_is_refused(toy_run: Run, cube: Path, tmp_path: Path, out: str) -> None:
    (tmp_path / out).mkdir()
    (tmp_path / out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        predict(toy_run, cube, out=tmp_path / out)
    assert (tmp_path / out / "notes.txt").read_text() == "mine"


def test_a_finished_catalogue_is_not_begun_again(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    with pytest.raises(OutputError, match="holds a catalogue already"):
        in_shards(toy_run, cube, tmp_path / "out")


def test_an_ending_that_is_not_written_is_refused(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'\.fit'\. Allowed: \.parquet"):
        predict(toy_run, cube, out=tmp_path / "out.fit")


def test_an_identifier_that_is_there_twice_is_refused_with_both_places(
    toy_run: Run, cube: Path, tmp_path: Path
) -> None:
    again = shutil.copy(cube, tmp_path / "again.fits")
    with pytest.raises(DataError, match=r"'toy-7-0': 0 of .*new\.fits and 0 of .*again\.fits"):
        predict(toy_run, cube, again, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_galaxy_has_the_same_id_whatever_other_sources_are_named(
    toy_run: Run, cube: Path, pictures: Path, tmp_path: Path
) -> None:
    one = Path(shutil.copy(next(pictures.rglob("000.png")), tmp_path / "one.png"))
    alone, together = predict(toy_run, pictures), predict(toy_run, pictures, cube, one)
    assert alone.table is not None
    assert together.table is not None
    assert list(together.table["id"]) == [*alone.table["id"], *(f"toy-7-{row}" for row in range(COUNT)), "one.png"]


def test_ids_that_several_sources_share_begin_with_their_source_which_is_said(
    toy_run: Run, pictures: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    shutil.copytree(pictures, again)
    with pytest.warns(KamertonWarning, match=r"have one id, so that here ids begin.*'pole 0/000.png'.*put 'again/'"):
        in_shards(toy_run, pictures, tmp_path / "out", sources=[again])
    ids = rows_of(tmp_path / "out")["id"]
    own = {path.relative_to(pictures).as_posix() for path in pictures.rglob("*.png")}
    assert set(ids) == {f"{folder}/{name}" for folder in (pictures.name, "again") for name in own}


def test_sources_of_other_sizes_are_refused_before_the_first_shard(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    large = write_toy_cube(tmp_path / "large.fits", 5, size=48, seed=9)
    with pytest.raises(UsageError, match="48 pixels, and 32 pixels before"):
        predict(toy_run, cube, large, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_shard_without_one_readable_galaxy_is_said_aloud(toy_run: Run, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(pictures, folder)
    for path in sorted(folder.rglob("*.png"))[8:16]:
        path.write_bytes(b"broken")
    with pytest.warns(KamertonWarning, match="not one of its 8 galaxies could be read"):
        found = in_shards(toy_run, folder, tmp_path / "out")
    assert found.failed == 8


def test_a_record_changed_by_hand_is_refused(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    place = tmp_path / "out" / RECORD_FILE
    place.write_text(place.read_text().replace('"striped"', '"barred"'))
    with pytest.raises(DataError, match="changed since it was written"):
        in_shards(toy_run, cube, tmp_path / "out", resume=True)


def test_another_manifest_is_refused(toy_run: Run, cube: Path, tmp_path: Path) -> None:
    in_shards(toy_run, cube, tmp_path / "out")
    (tmp_path / "out" / MANIFEST_FILE).write_bytes(b"PAR1")
    with pytest.raises(DataError, match="not the list of galaxies"):
        in_shards(toy_run, cube, tmp_path / "out", resume=True)


def test_a_format_that_cannot_hold_the_columns_is_refused_and_leaves_nothing(
    toy_run: Run, cube: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerton.catalogue.writers.FITS_COLUMNS", 3)
    with pytest.raises(UsageError, match="columns"):
        predict(toy_run, cube, out=tmp_path / "out.fits")
    assert not list(tmp_path.iterdir())
