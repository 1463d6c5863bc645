"""Files are written whole or not at all."""

import json
from pathlib import Path

import pytest

from kamerton.errors import OutputError
from kamerton.files import new_folder, read_json, read_text, remove_leftovers, require_new, whole_file, write_json


def test_a_whole_file_takes_its_name_at_the_end(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.txt") as partial:
        partial.write_text("new")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "new"


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.txt") as partial:
        partial.write_text("half")
        raise RuntimeError
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_missing_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot be written.*No such file"):
        write_json(tmp_path / "no" / "a.json", {})


def test_json_refuses_nan_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_json_keeps_letters_of_every_language(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"nazwa": "mgławica"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"nazwa": "mgławica"}


def test_a_new_folder_must_be_new(tmp_path: Path) -> None:
    new_folder(tmp_path / "a" / "b")
    with pytest.raises(OutputError, match="exists already"):
        new_folder(tmp_path / "a" / "b")


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(OutputError):
        new_folder(tmp_path / "a" / "b")


def test_even_a_dangling_link_is_something_that_exists(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError):
        require_new(tmp_path / "a")


@pytest.mark.parametrize("content", ["[" * 100_000, "{", "", "9" * 5000])
def test_what_is_not_json_is_a_value_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=r"."):
        read_json(tmp_path / "a.json", 1 << 20)


def test_a_file_beyond_its_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("12345")
    assert read_text(tmp_path / "a.txt", 5) == "12345"
    with pytest.raises(ValueError, match="5 bytes are too long; at most 4 bytes"):
        read_text(tmp_path / "a.txt", 4)


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_read(place: str) -> None:
    with pytest.raises(ValueError, match="not a plain file"):
        read_text(Path(place), 100)


def test_leftovers_of_killed_processes_go_and_all_else_stays(tmp_path: Path) -> None:
    """safetensors writes to a hidden file of its own, beside the one that it was told."""
    for name in (".model.partial.safetensors", ".tmpAbC123", "model.safetensors", ".hidden", "a.partial"):
        (tmp_path / name).write_text("x")
    (tmp_path / ".tmp-folder").mkdir()
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.safetensors", ".hidden", "a.partial", ".tmp-folder"}
