"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from typing import Literal

import pytest

from kamerton.errors import CubeError, OutputError
from kamerton.files import (
    is_unfinished,
    new_folder,
    new_whole_folder,
    partial_path,
    read_json,
    read_text,
    require_new,
    whole_file,
    whole_folder,
    write_json,
)


def test_a_new_folder_is_at_its_place_once_it_is_whole(tmp_path: Path) -> None:
    with new_whole_folder(tmp_path / "inner/data") as place:
        (place / "a").write_text("whole")
        assert not (tmp_path / "inner/data").exists()
    assert [path.read_text() for path in (tmp_path / "inner").rglob("*") if path.is_file()] == ["whole"]
    with pytest.raises(OutputError, match="exists already"), new_whole_folder(tmp_path / "inner/data"):
        raise AssertionError


def test_a_new_folder_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left"), new_whole_folder(tmp_path / "inner/data") as place:
        (place / "a").write_text("half")
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_disk_takes_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        require_new(tmp_path / ("x" * 300))


def test_bytes_of_a_file_name_come_back_from_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"ł": "\udcb3"})
    assert read_json(tmp_path / "a.json", 100) == {"ł": "\udcb3"}


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


def test_a_read_only_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a disk refuses to take a file away even where there is none."""

    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OutputError, match=r"a\.json cannot be written.*Read-only file system"):
        write_json(tmp_path / "a.json", {})


@pytest.mark.parametrize("name", ["new", "no/folder/new"])
def test_a_place_that_nobody_may_write_to_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    require_new(tmp_path / name)
    monkeypatch.setattr(os, "access", lambda folder, _: folder != tmp_path)
    with pytest.raises(OutputError, match=f"{name} cannot be written.*Permission denied"):
        require_new(tmp_path / name)


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


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "[" * 66 + "]" * 66, '{"a":' * 66 + "1" + "}" * 66, "{", "", "9" * 5000]
)
def test_what_is_not_json_is_a_value_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=r"."):
        read_json(tmp_path / "a.json", 1 << 20)


def test_lists_in_tables_are_read_however_long(tmp_path: Path) -> None:
    content = {"rows": [[number, {"a": {}}] for number in range(200)]}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json", 1 << 20) == content


def test_a_file_beyond_its_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("12345")
    assert read_text(tmp_path / "a.txt", 5) == "12345"
    with pytest.raises(ValueError, match="5 bytes are too long; at most 4 bytes"):
        read_text(tmp_path / "a.txt", 4)


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null"])
def test_a_device_is_not_read(place: str) -> None:
    with pytest.raises(OSError, match="not a plain file"):
        read_text(Path(place), 100)


@pytest.mark.parametrize("apart", [True, False])
def test_a_link_in_the_place_of_the_partial_file_is_not_written_through(tmp_path: Path, apart: bool) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    partial_path(tmp_path / "a.txt").symlink_to(tmp_path / "thesis.txt")
    with whole_file(tmp_path / "a.txt", apart=apart) as partial:
        partial.write_text("new")
    assert tree(tmp_path) == {"a.txt": "new", "thesis.txt": "mine"}


def test_what_a_killed_process_left_of_a_file_goes_with_the_next_one(tmp_path: Path) -> None:
    """safetensors writes to a hidden file of its own, beside the one that it was told."""
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a.st", apart=True) as partial:
        partial.with_name(".tmpAbC123").write_text("half")
        raise RuntimeError
    assert tree(tmp_path) == {}
    for left in (tmp_path / "a.st", tmp_path / ".tmpAbC123"):
        partial_path(tmp_path / "a.st").mkdir(exist_ok=True)
        (partial_path(tmp_path / "a.st") / left.name).write_text("half")
    with whole_file(tmp_path / "a.st", apart=True) as partial:
        partial.write_text("new")
    assert tree(tmp_path) == {"a.st": "new"}


def test_a_folder_of_others_in_the_place_of_the_partial_file_stays(tmp_path: Path) -> None:
    partial_path(tmp_path / "a.st").mkdir()
    (partial_path(tmp_path / "a.st") / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"a\.st cannot be written"), whole_file(tmp_path / "a.st", apart=True):
        pytest.fail("nothing may be written")
    assert tree(tmp_path) == {".a.partial.st": None, ".a.partial.st/notes.txt": "mine"}


# Whole folders

OWN = ("a.txt", "b.txt", "mine.txt")
EXISTING: tuple[Literal["refuse", "replace", "add"], ...] = ("refuse", "replace", "add")


def tree(folder: Path) -> dict[str, str | None]:
    """Everything below a folder, with the content of its files; links are not followed."""
    found = sorted(Path(parent) / name for parent, folders, files in os.walk(folder) for name in folders + files)
    return {str(path.relative_to(folder)): path.read_text() if path.is_file() else None for path in found}


@pytest.fixture
def former(tmp_path: Path) -> Path:
    """A folder with two files, beside another that is not to be touched."""
    for name in ("out", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("old")
        (tmp_path / name / "mine.txt").write_text("mine")
    return tmp_path / "out"


@pytest.mark.parametrize("existing", EXISTING)
def test_a_new_folder_is_made_with_its_parents(tmp_path: Path, existing: Literal["refuse", "replace", "add"]) -> None:
    with whole_folder(tmp_path / "deep" / "out", existing) as folder:
        assert (folder == tmp_path / "deep" / "out") is (existing != "replace")
        (folder / "a.txt").write_text("new")
    assert tree(tmp_path) == {"deep": None, "deep/out": None, "deep/out/a.txt": "new"}


def test_an_existing_folder_is_refused_and_not_touched(former: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    with pytest.raises(OutputError, match="exists already"), whole_folder(former):
        pytest.fail("nothing may be written")
    assert tree(tmp_path) == before


def test_a_folder_takes_the_place_of_another_at_the_end(former: Path, tmp_path: Path) -> None:
    with whole_folder(former, "replace", OWN) as folder:
        (folder / "a.txt").write_text("new")
        assert tree(former) == {"a.txt": "old", "mine.txt": "mine"}
    assert tree(former) == {"a.txt": "new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]


def test_a_folder_with_files_of_others_keeps_its_place(former: Path, tmp_path: Path) -> None:
    before = tree(tmp_path)
    with (
        pytest.raises(OutputError, match=r"out holds something that was not made here.*mine\.txt"),
        whole_folder(former, "replace", ["a.txt"]),
    ):
        pytest.fail("nothing may be written")
    assert tree(tmp_path) == before


def test_a_note_that_comes_while_a_folder_is_filled_stays(former: Path) -> None:
    (former / "mine.txt").unlink()
    with pytest.raises(OutputError, match="not made here"), whole_folder(former, "replace", ["a.txt"]) as folder:
        (folder / "a.txt").write_text("new")
        (former / "note.txt").write_text("mine")
    assert tree(former.parent / "out") == {"a.txt": "old", "note.txt": "mine"}


@pytest.mark.parametrize("renamed", [0, 1])
def test_a_folder_that_was_killed_in_taking_its_place_is_set_right(former: Path, renamed: int) -> None:
    """Before both renames or after the first; a note in what was left stays in it."""
    for kind, text in (("partial", "half"), ("former", "older")):
        left = former.with_name(f".out-0123abcd.{kind}")
        left.mkdir()
        (left / "a.txt").write_text(text)
    if renamed:
        shutil.rmtree(former.with_name(".out-0123abcd.former"))
        former.rename(former.with_name(".out-0123abcd.former"))
    with pytest.raises(KeyboardInterrupt), whole_folder(former, "replace", OWN):
        raise KeyboardInterrupt
    assert tree(former) == {"a.txt": "old", "mine.txt": "mine"}
    assert sorted(path.name for path in former.parent.iterdir()) == ["other", "out"]


@pytest.mark.parametrize("existing", EXISTING)
def test_a_folder_that_cannot_be_made_is_named_as_it_was_asked_for(
    tmp_path: Path, existing: Literal["refuse", "replace", "add"]
) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match=r"/file/out cannot be written. Received: Not a directory"),
        whole_folder(tmp_path / "file" / "out", existing),
    ):
        pytest.fail("nothing may be written")


@pytest.mark.parametrize("is_there", [False, True])
def test_of_two_at_once_neither_takes_the_others_work_away(former: Path, tmp_path: Path, is_there: bool) -> None:
    place = former if is_there else tmp_path / "new"
    with whole_folder(place, "replace", OWN) as first:
        (first / "a.txt").write_text("first")
        with whole_folder(place, "replace", OWN) as second:
            (second / "a.txt").write_text("second")
        assert tree(place) == {"a.txt": "second"}
        assert (first / "a.txt").read_text() == "first"
    assert tree(place) == {"a.txt": "first"}


@pytest.mark.parametrize("is_there", [False, True])
def test_one_that_fails_leaves_what_another_has_written_meanwhile(former: Path, tmp_path: Path, is_there: bool) -> None:
    place = former if is_there else tmp_path / "new"
    with pytest.raises(KeyboardInterrupt), whole_folder(place, "replace", OWN):
        with whole_folder(place, "replace", OWN) as second:
            (second / "a.txt").write_text("second")
        raise KeyboardInterrupt
    assert tree(place) == {"a.txt": "second"}


def test_what_others_put_into_an_unfinished_folder_stays(former: Path) -> None:
    left = former.with_name(".out-0123abcd.partial")
    left.mkdir()
    (left / "note.txt").write_text("mine")
    with whole_folder(former, "replace", OWN) as folder:
        (folder / "a.txt").write_text("new")
    assert tree(left) == {"note.txt": "mine"}


def test_added_files_leave_all_others(former: Path, tmp_path: Path) -> None:
    with whole_folder(former, "add") as folder:
        (folder / "a.txt").write_text("new")
        (folder / "b.txt").write_text("new")
        assert (former / "a.txt").read_text() == "old"
    assert tree(former) == {"a.txt": "new", "b.txt": "new", "mine.txt": "mine"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), CubeError("bad"), OSError(errno.ENOSPC, "No space left")])
@pytest.mark.parametrize("existing", EXISTING)
@pytest.mark.parametrize("is_new", [True, False])
def test_after_an_error_all_is_as_before(
    former: Path, tmp_path: Path, existing: Literal["refuse", "replace", "add"], is_new: bool, error: BaseException
) -> None:
    path = tmp_path / "deep" / "new" if is_new else former
    before = tree(tmp_path)
    said = OutputError if isinstance(error, OSError) or (existing == "refuse" and not is_new) else type(error)
    with pytest.raises(said), whole_folder(path, existing, OWN) as folder:
        (folder / "a.txt").write_text("half")
        (folder / "deeper").mkdir()
        raise error
    assert tree(tmp_path) == before


@pytest.mark.parametrize(("existing", "moment", "then"), [("replace", "rename", "old"), ("add", "replace", "new")])
def test_a_stop_while_names_are_given_loses_nothing(
    former: Path, monkeypatch: pytest.MonkeyPatch, existing: Literal["replace", "add"], moment: str, then: str
) -> None:
    """Ctrl-C at the second file or folder that is given its name."""
    usual, left = getattr(Path, moment), 1

    def stopping(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            monkeypatch.setattr(Path, moment, usual)
            raise KeyboardInterrupt
        return usual(path, target)

    monkeypatch.setattr(Path, moment, stopping)
    with pytest.raises(KeyboardInterrupt), whole_folder(former, existing, OWN) as folder:
        (folder / "a.txt").write_text("new")
        (folder / "b.txt").write_text("new")
    assert tree(former) == {"a.txt": then, "mine.txt": "mine"}
    assert not list(former.parent.rglob(".*"))


@pytest.mark.parametrize("existing", ["refuse", "replace"])
def test_a_link_is_not_followed_to_what_it_leads_to(
    former: Path, tmp_path: Path, existing: Literal["refuse", "replace"]
) -> None:
    (tmp_path / "link").symlink_to(former)
    before = tree(tmp_path)
    with pytest.raises(OutputError), whole_folder(tmp_path / "link", existing):
        pytest.fail("nothing may be written")
    assert tree(tmp_path) == before


def test_a_link_inside_is_replaced_and_not_followed(former: Path, tmp_path: Path) -> None:
    (former / "a.txt").unlink()
    (former / "a.txt").symlink_to(tmp_path / "other" / "a.txt")
    with whole_folder(former, "add") as folder:
        (folder / "a.txt").write_text("new")
    assert (former / "a.txt").read_text() == "new"
    assert (tmp_path / "other" / "a.txt").read_text() == "old"


@pytest.mark.parametrize("existing", ["replace", "add"])
def test_a_file_in_the_way_is_one_line(tmp_path: Path, existing: Literal["replace", "add"]) -> None:
    (tmp_path / "out").write_text("mine")
    with (
        pytest.raises(OutputError, match=r"out cannot be written.*a file or a link"),
        whole_folder(tmp_path / "out", existing),
    ):
        pytest.fail("nothing may be written")
    assert tree(tmp_path) == {"out": "mine"}


def test_a_folder_in_the_way_of_an_added_file_changes_nothing(former: Path, tmp_path: Path) -> None:
    (former / "b.txt").mkdir()
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=r"b\.txt is a folder there"), whole_folder(former, "add") as folder:
        (folder / "a.txt").write_text("new")
        (folder / "b.txt").write_text("new")
    assert tree(tmp_path) == before


def test_what_a_killed_process_leaves_is_known(former: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is killed cleans nothing up."""
    monkeypatch.setattr("kamerton.files.shutil.rmtree", lambda *_, **__: None)
    with pytest.raises(KeyboardInterrupt), whole_folder(former, "replace", OWN) as folder:
        raise KeyboardInterrupt
    assert is_unfinished(folder)
    assert not is_unfinished(former)
    assert not is_unfinished(former.with_name(".hidden"))
    assert not is_unfinished(former.with_name(".test.partial")), "the results of a cube of that name"


@pytest.mark.parametrize("name", [".", "work"])
def test_the_folder_that_one_works_in_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work/own").write_text("before", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "work")
    place = Path(name) if name == "." else tmp_path / name
    with (
        pytest.raises(OutputError, match=r"the folder that you work in.*go elsewhere"),
        whole_folder(place, existing="replace", own=["own"]),
    ):
        raise AssertionError("nothing is filled")
    assert (tmp_path / "work/own").read_text(encoding="utf-8") == "before"
