"""Splits are stratified, seeded, whole, and never part what belongs together."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from kamerton.config.surveys import SPLIT_NAMES, SplitSettings
from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.sky import connected_groups, sky_pairs
from kamerton.data.splitting import assign_splits, split_cube
from kamerton.errors import CubeError, KamertonWarning, OutputError, UsageError
from tests.conftest import write_toy_cube


def write_cube(path: Path, labels: list[int], catalogue: Table | None = None, size: int = 8) -> Path:
    images_nhwc = np.random.default_rng(0).integers(0, 256, (len(labels), size, size, 3), np.uint8)
    with CubeWriter(path, image_shape=(size, size, 3), dtype=np.uint8, class_names=("a", "b", "c")) as writer:
        writer.append(images_nhwc)
        writer.finish(np.array(labels), catalogue, history=["drawn for a test"])
    return path


def record_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "split.json").read_text()))


def column_by_split(folder: Path, name: str) -> list[set[str]]:
    """The values of a catalogue column in each split."""
    found = []
    for split in SPLIT_NAMES:
        with open_cube(folder / f"{split}.fits") as part:
            found.append({str(value) for value in part.catalogue[name]})
    return found


def test_every_galaxy_is_in_exactly_one_split_with_its_label_and_row(tmp_path: Path) -> None:
    source = write_toy_cube(tmp_path / "all.fits", 90, 8)
    split_cube(source, tmp_path / "data")
    found: dict[str, tuple[int, str, str]] = {}
    for name in SPLIT_NAMES:
        with open_cube(tmp_path / "data" / f"{name}.fits") as part:
            rows = zip(part.ids, part.labels, part.catalogue["source"], part.galaxy_fingerprints(), strict=True)
            for identity, label, origin, pixels in rows:
                assert identity not in found
                found[identity] = (int(label), str(origin), pixels)
    with open_cube(source) as cube:
        rows = zip(cube.ids, cube.labels, cube.catalogue["source"], cube.galaxy_fingerprints(), strict=True)
        assert found == {identity: (int(label), str(origin), pixels) for identity, label, origin, pixels in rows}


def test_the_split_json_says_what_was_written(tmp_path: Path) -> None:
    source = write_toy_cube(tmp_path / "all.fits", 90, 8)
    split_cube(source, tmp_path / "data", seed=5)
    record = record_of(tmp_path / "data")
    with open_cube(source) as cube:
        assert record["source"] == {"path": str(source), "galaxies": 90, "fingerprint": cube.fingerprint()}
    assert record["settings"]["seed"] == 5
    for name in SPLIT_NAMES:
        with open_cube(tmp_path / "data" / f"{name}.fits") as part:
            written = record["splits"][name]
            assert written["fingerprint"] == part.fingerprint()
            counts = np.bincount(part.labels, minlength=3).tolist()
            assert written["of_class"] == dict(zip(part.class_names, counts, strict=True))


def test_a_class_that_a_split_lacks_is_said(tmp_path: Path) -> None:
    with pytest.warns(KamertonWarning) as said:
        split_cube(write_cube(tmp_path / "all.fits", [0] * 20 + [1]), tmp_path / "data")
    lines = [str(warning.message) for warning in said]
    assert len(lines) == 3
    splits = [line.split(" in ")[1].split(",")[0] for line in lines if "there is no galaxy of 'b' in" in line]
    assert len(splits) == 2
    assert "an output for each of 3 classes, but there is no galaxy of 'c'" in lines[-1]


def test_a_sound_cube_is_split_without_a_word(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    warnings.simplefilter("always")
    split_cube(write_cube(tmp_path / "all.fits", [0, 1, 2] * 5), tmp_path / "data")
    assert [str(warning.message) for warning in recwarn] == []


def test_polish_letters_in_the_name_of_a_cube_are_in_its_history(tmp_path: Path) -> None:
    split_cube(write_cube(tmp_path / f"kostka ł{'x' * 200}.fits", [0, 1, 2] * 5), tmp_path / "podział ł")
    with open_cube(tmp_path / "podział ł/valid.fits") as part:
        assert r"valid split of kostka \u0142xxx" in "".join(part.history)
    assert record_of(tmp_path / "podział ł")["source"]["path"].startswith(str(tmp_path / "kostka ł"))


def test_the_history_of_the_images_goes_with_them(tmp_path: Path) -> None:
    split_cube(write_cube(tmp_path / "all.fits", [0, 1, 2] * 5), tmp_path / "data")
    with open_cube(tmp_path / "data/valid.fits") as part:
        assert part.history == ["drawn for a test", "valid split of all.fits, seed 0, kamerton data split"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    source = write_toy_cube(tmp_path / "all.fits", 60, 8)
    for folder, seed in (("one", 1), ("again", 1), ("other", 2)):
        split_cube(source, tmp_path / folder, seed=seed)
    one, again, other = ((tmp_path / folder / "test.fits").read_bytes() for folder in ("one", "again", "other"))
    assert one == again
    assert one != other


def test_a_pair_on_the_sky_stays_together_and_is_listed(tmp_path: Path) -> None:
    ids = [f"g{row}" for row in range(30)]
    ra_deg = np.arange(30.0)
    ra_deg[17] = ra_deg[3] + 10 / 3600
    source = write_cube(tmp_path / "all.fits", [0, 1, 2] * 10, Table({"id": ids, "ra": ra_deg, "dec": np.zeros(30)}))
    for seed in range(8):
        folder = tmp_path / f"data{seed}"
        summary = split_cube(source, folder, seed=seed)
        assert any({"g3", "g17"} <= home for home in column_by_split(folder, "id"))
        assert summary.kept_together == 2
    assert record_of(folder)["pairs_on_the_sky"] == [{"rows": [3, 17], "ids": ["g3", "g17"], "separation_arcsec": 10.0}]
    assert [group["ids"] for group in record_of(folder)["groups"]] == [["g3", "g17"]]


@pytest.mark.parametrize("column", ["group", "host"])
def test_a_group_column_keeps_equal_values_together(tmp_path: Path, column: str) -> None:
    table = Table({"id": [f"g{row}" for row in range(40)], column: [str(row // 4) for row in range(40)]})
    source = write_cube(tmp_path / "all.fits", [0, 1] * 20, table)
    # A column named group is taken without being asked for, as `kamerton labels` does.
    made = split_cube(source, tmp_path / "data", group_column=None if column == "group" else column)
    assert f"40 galaxies stay with their neighbours or group, by the column {column}" in made.describe()
    assert record_of(tmp_path / "data")["settings"]["group_column"] == column
    hosts = column_by_split(tmp_path / "data", column)
    assert sum(len(of_split) for of_split in hosts) == len(set.union(*hosts)) == 10


def test_a_cube_without_positions_says_that_overlaps_were_not_looked_for(tmp_path: Path) -> None:
    summary = split_cube(write_cube(tmp_path / "all.fits", [0, 1, 2] * 5), tmp_path / "data")
    assert "no positions are known" in summary.describe()
    assert record_of(tmp_path / "data")["pairs_on_the_sky"] is None


@given(
    labels=st.lists(st.integers(0, 4), min_size=3, max_size=120),
    fractions=st.sampled_from([(0.64, 0.16, 0.2), (0.8, 0.1, 0.1), (0.34, 0.33, 0.33)]),
    seed=st.integers(0, 1000),
)
def test_without_groups_every_class_is_within_a_galaxy_or_two_of_its_share(
    labels: list[int], fractions: tuple[float, float, float], seed: int
) -> None:
    array = np.array(labels)
    parts = assign_splits(array, np.arange(len(labels)), SplitSettings(fractions, seed=seed))
    for label in set(labels):
        counts = np.bincount(parts[array == label], minlength=3)
        assert np.abs(counts - np.array(fractions) * counts.sum()).max() <= 2


def test_a_class_of_three_galaxies_has_one_in_each_split() -> None:
    labels = np.array([0] * 500 + [1] * 3)
    parts = assign_splits(labels, np.arange(503), SplitSettings())
    assert sorted(parts[labels == 1]) == [0, 1, 2]


def test_at_real_size_no_pair_is_parted_and_every_class_holds_its_share(real_data: Path) -> None:
    """Galaxy10's 17,736 positions: the shares and the class fractions within a percentage point, in seconds."""
    sky = pd.read_csv(real_data / "galaxy10_sky.csv")
    labels = sky["label"].to_numpy()
    pairs = sky_pairs(Table.from_pandas(sky), 33.5)
    assert pairs is not None
    assert sum(pair.separation_arcsec < 1e-3 for pair in pairs) == 59
    settings = SplitSettings()
    parts = assign_splits(labels, connected_groups(len(sky), [(p.first, p.second) for p in pairs]), settings)
    assert all(parts[pair.first] == parts[pair.second] for pair in pairs)
    whole = np.bincount(labels) / len(labels)
    for number, fraction in enumerate(settings.fractions):
        assert np.abs(np.bincount(labels[parts == number]) / (parts == number).sum() - whole).max() < 0.01
        assert abs((parts == number).mean() - fraction) < 0.01
        of_class = np.bincount(labels[parts == number]) / np.bincount(labels)
        assert np.abs(of_class - fraction).max() < 0.01


def test_too_few_groups_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    table = Table({"id": ["a", "b", "c", "d"], "ra": [1.0] * 4, "dec": [1.0] * 4})
    source = write_cube(tmp_path / "all.fits", [0, 1, 0, 1], table)
    with pytest.raises(CubeError, match="too few separate galaxies"):
        split_cube(source, tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_an_unknown_group_column_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    source = write_toy_cube(tmp_path / "all.fits", 12, 8)
    with pytest.raises(UsageError, match=r"no column 'group'.*id, ra, dec, source"):
        split_cube(source, tmp_path / "data", group_column="group")
    assert not (tmp_path / "data").exists()


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    source = write_toy_cube(tmp_path / "all.fits", 12, 8)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/valid.fits").write_text("mine")
    with pytest.raises(OutputError, match=r"valid\.fits exists already"):
        split_cube(source, tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["valid.fits"]
    assert (tmp_path / "data/valid.fits").read_text() == "mine"


def test_after_a_failure_halfway_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(*_: Any) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr("kamerton.data.splitting.write_json", disk_full)
    with pytest.raises(OutputError, match="disk is full"):
        split_cube(write_toy_cube(tmp_path / "all.fits", 12, 8), tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        split_cube(write_toy_cube(tmp_path / "all.fits", 12, 8), tmp_path / "file/data")
