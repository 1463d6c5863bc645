"""A folder of class folders."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.errors import KamertonWarning
from tests.data.importers.sources import imported, refusal, save_pictures


def test_folders_are_classes_in_order_of_their_names(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["spiral/1.png", "edge/2.png", "edge/1.png"])
    with imported(tmp_path / "set") as cube:
        assert cube.class_names == ("edge", "spiral")
        assert cube.labels.tolist() == [0, 0, 1]
        assert cube.ids == ["edge/1.png", "edge/2.png", "spiral/1.png"]


def test_pictures_of_folders_keep_their_pixels(tmp_path: Path) -> None:
    images_nhwc = save_pictures(tmp_path / "set", [f"a/{number:03}.png" for number in range(130)])
    with imported(tmp_path / "set") as cube:
        np.testing.assert_array_equal(cube.read(slice(None)), images_nhwc)


def test_folders_named_as_galaxy10_get_all_its_classes(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["Merging/1.png", "Edge-on with Bulge/1.png"])
    with imported(tmp_path / "set") as cube:
        assert (cube.class_names, sorted(cube.labels)) == (CLASS_NAMES, [1, 9])


def test_hidden_files_are_skipped(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png"])
    (tmp_path / "set/.DS_Store").touch()
    (tmp_path / "set/a/.thumbnails").touch()
    with imported(tmp_path / "set") as cube:
        assert cube.ids == ["a/1.png"]


def test_notes_are_left_out_and_named(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png"])
    for name in ("a/README.txt", "labels.csv"):
        (tmp_path / "set" / name).write_text("which of them are mergers?")
    with pytest.warns(KamertonWarning, match=r"2 files that are no pictures are left out.*labels.csv, a/README.txt"):
        cube = imported(tmp_path / "set")
    with cube:
        assert cube.ids == ["a/1.png"]


def test_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png"])
    (tmp_path / "set/a/notes.bin").write_text("which of them are mergers?")
    assert "a/notes.bin: not a picture" in refusal(tmp_path / "set")


def test_empty_class_folder_is_refused(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png"])
    (tmp_path / "set/b").mkdir()
    assert "set/b: not a class folder. Received: no pictures" in refusal(tmp_path / "set")


def test_picture_beside_class_folders_is_refused(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png", "stray.png"])
    assert "stray.png" in refusal(tmp_path / "set")


def test_folder_within_a_class_folder_is_refused(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png", "a/more/2.png"])
    assert "a folder inside, more" in refusal(tmp_path / "set")


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    assert "an empty folder" in refusal(tmp_path / "set")


def test_names_of_classes_and_files_keep_their_letters(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["z poprzeczką/gwiazdą.png"])
    with imported(tmp_path / "set") as cube:
        assert (cube.class_names, cube.ids) == (("z poprzeczką",), ["z poprzeczką/gwiazdą.png"])


def test_a_file_name_that_is_no_text_becomes_an_id_that_is(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png"])
    (tmp_path / "set/a/1.png").rename(tmp_path / "set/a" / os.fsdecode(b"\xb3\xf3d.png"))
    with imported(tmp_path / "set") as cube:
        assert cube.ids == [r"a/\udcb3\udcf3d.png"]


@pytest.mark.parametrize("name", ["Sa ", "a\tb", "a\x1b[2J", os.fsdecode(b"p\xf3\xbcne"), "a\u202eb"])
def test_a_class_name_that_cannot_be_seen_as_it_is_is_refused(tmp_path: Path, name: str) -> None:
    save_pictures(tmp_path / "set", [f"{name}/1.png"])
    assert "cannot be shown as it is" in refusal(tmp_path / "set")


def test_long_class_name_survives(tmp_path: Path) -> None:
    name = "spiral " * 15 + "end"
    save_pictures(tmp_path / "set", [f"{name}/1.png"])
    with imported(tmp_path / "set") as cube:
        assert cube.class_names == (name,)


def test_mixed_sizes_are_refused_with_both(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png"], side=8)
    save_pictures(tmp_path / "set", ["a/2.png"], side=12)
    message = refusal(tmp_path / "set")
    assert "a/2.png" in message
    assert "12 x 12 pixels, not 8 x 8" in message
    assert "--size" in message


def test_mixed_sizes_are_resized_to_one(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", ["a/1.png"], side=8)
    save_pictures(tmp_path / "set", ["a/2.png"], side=12)
    with imported(tmp_path / "set", size=10) as cube:
        assert cube.image_shape == (10, 10, 3)


def test_failure_in_a_late_batch_leaves_nothing(tmp_path: Path) -> None:
    save_pictures(tmp_path / "set", [f"a/{number:03}.png" for number in range(70)])
    (tmp_path / "set/b").mkdir()
    (tmp_path / "set/b/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert "broken.png" in refusal(tmp_path / "set")
