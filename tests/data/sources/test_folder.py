"""A folder of pictures, with the folders inside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kamerton.data.sources import folder
from kamerton.errors import KamertonWarning, PictureError
from tests.conftest import write_toy_cube
from tests.data.importers.sources import save_pictures
from tests.data.sources.opened import read_source, refusal, same_images


def test_folders_inside_are_read_in_the_order_of_paths(tmp_path: Path) -> None:
    names = ["a.png", "b/c/d.png", "b/łuk.png", "c.png"]
    images_nhwc = save_pictures(tmp_path, names)
    found = read_source(tmp_path)
    assert found.column("place") == found.column("id") == names
    assert same_images(found.images, images_nhwc)


def test_a_bad_picture_is_the_error_of_its_own_galaxy(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["b.png", "e.png"])
    save_pictures(tmp_path, ["d.png"], side=9)
    (tmp_path / "a.png").write_bytes(b"nothing")
    os.mkfifo(tmp_path / "c.png")
    (tmp_path / "f.png").symlink_to("nowhere")
    (tmp_path / "g.png").symlink_to("g.png")
    found = read_source(tmp_path)
    errors = [str(image) if isinstance(image, PictureError) else "" for image in found.images]
    says = [
        "not a picture",
        "",
        "not a plain file",
        "another size",
        "",
        "No such file",
        "symbolic links",
    ]
    assert [bool(error) for error in errors] == [bool(text) for text in says]
    assert all(text in error for text, error in zip(says, errors, strict=True))


def test_a_cube_among_pictures_is_one_error_that_says_what_it_is(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a.png"])
    cube = write_toy_cube(tmp_path / "b.fits", 3)
    error = read_source(tmp_path).images[1]
    assert isinstance(error, PictureError)
    assert str(error).startswith(f"{cube}: no picture of one galaxy, but a cube of many. ")
    assert f"Next: name {cube} as a source" in str(error)


def test_files_that_are_no_pictures_are_counted_aloud(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a.png"])
    for name in ("notes.txt", "labels.CSV", ".hidden"):
        (tmp_path / name).touch()
    with pytest.warns(KamertonWarning, match=r"2 files left out, being no pictures. Received: labels.CSV, notes"):
        assert read_source(tmp_path).column("place") == ["a.png"]


def test_a_folder_that_two_links_lead_to_is_read_once_aloud(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["night/a.png"])
    (tmp_path / "same").symlink_to("night")
    with pytest.warns(KamertonWarning, match=r"1 folder there twice, through links, .* Received: same"):
        assert read_source(tmp_path).column("place") == ["night/a.png"]


def test_a_linked_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    images_nhwc = save_pictures(tmp_path / "elsewhere", ["a.png"])
    (tmp_path / "night").mkdir()
    (tmp_path / "night/link").symlink_to("../elsewhere")
    found = read_source(tmp_path / "night")
    assert found.column("place") == ["link/a.png"]
    assert same_images(found.images, images_nhwc)


@pytest.mark.parametrize("target", [".", ".."])
def test_a_loop_of_links_is_refused(target: str, tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a.png", "night/b.png"])
    (tmp_path / "night/again").symlink_to(target)
    assert "night/again: a link that leads back to a folder around it" in refusal(tmp_path)


def test_a_folder_that_is_gone_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_pictures(tmp_path, ["a.png", "b/c.png"])
    monkeypatch.setattr(folder, "_is_folder", lambda entry: True)
    assert "a.png: cannot be listed. Received: Not a directory" in refusal(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    assert "not one galaxy can be read. Received: no pictures" in refusal(tmp_path)
    (tmp_path / "a.txt").touch()
    assert "Received: no pictures" in refusal(tmp_path)


def test_not_one_readable_picture_is_refused_with_the_first_reason(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"nothing")
    assert "not one galaxy can be read. Received: 2 that cannot, the first: " in refusal(tmp_path)


def test_a_folder_of_cubes_is_refused_and_one_of_them_is_named(tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "test.fits", 3)
    (tmp_path / "a.png").write_bytes(b"nothing")
    message = refusal(tmp_path)
    assert f"Received: 2 files, among them {cube}. " in message
    assert message.endswith(f"Next: name {cube}.")


def test_names_of_any_bytes_are_found_again(tmp_path: Path) -> None:
    images_nhwc = save_pictures(tmp_path, ["0.png", "1.png", "2.png"])
    names = [b"\xb3uk.png", b"back\\xb3slash.png", "łuk.png".encode()]
    for row, name in enumerate(names):
        (tmp_path / f"{row}.png").rename(tmp_path / os.fsdecode(name))
    found = read_source(tmp_path)
    assert set(found.column("place")) == {r"\xb3uk.png", r"back\x5cxb3slash.png", "łuk.png"}
    assert {image.tobytes() for image in found.images} == {image.tobytes() for image in images_nhwc}
