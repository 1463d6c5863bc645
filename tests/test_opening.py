"""Only files are read: what waits for ever or has no end is one line, whichever reader it is given to."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kamerton.config.pictures import PictureSettings
from kamerton.data.audit import check
from kamerton.data.cubes.cube import open_cube
from kamerton.data.importers import import_cube
from kamerton.data.lists import read_list
from kamerton.data.pictures.picture import read_picture
from kamerton.errors import KamertonError
from kamerton.files import file_sha256, read_json
from kamerton.formats.keras.file import read_keras
from kamerton.opening import open_plain
from kamerton.recipes import load_recipe
from kamerton.runs.folder import open_run
from kamerton.runs.galaxies import read_galaxies
from kamerton.runs.history import read_history
from kamerton.tensors import read_tensors


@pytest.fixture(params=["pipe", "device", "socket", "folder", "pipe behind a link"])
def no_file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Something with a name that is not a file."""
    path = tmp_path / "odd"
    if request.param == "device":
        yield Path("/dev/zero")
        return
    if request.param == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            yield path
        return
    if request.param == "folder":
        path.mkdir()
    elif request.param == "pipe":
        os.mkfifo(path)
    else:
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    yield path


def test_what_is_no_file_is_an_error_at_once(no_file: Path) -> None:
    with pytest.raises(OSError, match=r"not a plain file|Is a directory|No such device"):
        open_plain(no_file)


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    with open_plain(tmp_path / "a") as file:
        assert (file.read(), file.name) == (b"content", str(tmp_path / "a"))


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "cube": ("a.fits", open_cube),
    "check of a cube": ("a.fits", lambda path: check([path]).files),
    "check of a list": ("a.csv", lambda path: check([path]).files),
    "cutout": ("a.fits", lambda path: read_picture(path, PictureSettings(size=8))),
    "picture": ("a.png", lambda path: read_picture(path, PictureSettings(size=8))),
    "import": ("a.h5", lambda path: import_cube(path, path.with_name("b.fits"))),
    "CSV": ("a.csv", read_list),
    "Parquet": ("a.parquet", read_list),
    "keras": ("a.keras", read_keras),
    "recipe": ("a.toml", lambda path: load_recipe(str(path))),
    "weights": ("a.safetensors", lambda path: read_tensors(path, {})),
    "JSON": ("a.json", lambda path: read_json(path, 1000)),
    "history": ("history.csv", read_history),
    "seen galaxies": ("galaxies.parquet", lambda path: read_galaxies(path, {})),
    "hash": ("a", file_sha256),
    "run": ("run/run.json", lambda path: open_run(path.parent)),
}


@pytest.mark.parametrize("what", READERS)
def test_no_reader_waits_for_a_pipe(what: str, tmp_path: Path) -> None:
    name, read = READERS[what]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    done: list[object] = []

    def attempt() -> None:
        try:
            done.append(read(path))
        except (OSError, ValueError, KamertonError) as error:
            done.append(error)

    # In a thread, for a reader that waits would hold the tests.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(20)
    assert done, f"{what} waits for ever"
    assert isinstance(done[0], Exception) or what.startswith("check")
