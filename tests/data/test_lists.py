"""Lists are read as text, and none costs more memory than a list of galaxies can need."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamerton.data import lists
from kamerton.data.lists import read_list
from kamerton.errors import DataError
from kamerton.parquet import MAX_COLUMNS
from tests.fuzz.cases import Target
from tests.fuzz.worker import read_case


def test_cells_stay_text_over_lines_and_commas(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('\ufeffid,note\n001,"a,\nb"\n\n1e3,ł\n', encoding="utf-8")
    assert read_list(tmp_path / "a.csv") == {"id": ["001", "1e3"], "note": ["a,\nb", "ł"]}


def sparse(path: Path, head: bytes, size_bytes: int) -> None:
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size_bytes)


BOMBS = {
    "a cell of 13 GB": (lambda path: sparse(path, b"id,label\na,", 13 << 30), "at most 1073741824 bytes"),
    "a cell of 400 MB": (lambda path: sparse(path, b"id,label\na,", 400 << 20), "a line of more than 1048576 letters"),
    "60,000 columns": (
        lambda path: path.write_text(",".join(f"c{n}" for n in range(60_000))),
        f"at most {MAX_COLUMNS}",
    ),
    "a quote that never ends": (
        lambda path: path.write_text('id\n"' + "a\n" * 400_000),
        "field larger than field limit",
    ),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_one_line_and_costs_no_memory(what: str, tmp_path: Path) -> None:
    write, says = BOMBS[what]
    write(tmp_path / "a.csv")
    (tmp_path / "temporary").mkdir()

    # As the fuzzer judges it: an error as promised, quickly and in little memory.
    def read(_: Path) -> None:
        read_list(tmp_path / "a.csv")

    outcome = read_case(Target(lambda folder: {}, read, DataError), {}, tmp_path, 0)
    assert outcome.kind == "clean DataError"
    assert says in outcome.detail
    assert outcome.memory_bytes < 32 << 20


def test_more_cells_than_a_list_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 100)
    monkeypatch.setattr(lists, "MAX_CELLS", 100)
    with pytest.raises(DataError, match="100 cells"):
        read_list(tmp_path / "a.csv")
