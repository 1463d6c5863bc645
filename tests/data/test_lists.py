"""Lists are read as text, and none costs more memory than a list of galaxies can need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kamerton
from kamerton.config.pictures import PictureSettings
from kamerton.data import lists
from kamerton.data.lists import column_names, read_list
from kamerton.data.sources import open_source
from kamerton.data.sources.list_rows import open_rows
from kamerton.data.sources.source import SourceRequest
from kamerton.errors import DataError, KamertonWarning
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


@pytest.mark.parametrize(
    ("header", "cells", "names"),
    [
        (["path", "RAJ2000", "dej2000"], ["a", "149.1", "2.2"], ["path", "ra", "dec"]),
        (["RAJ2000", "DEJ2000", "RA_ICRS", "DE_ICRS"], ["1", "2", "3", "4"], ["RAJ2000", "DEJ2000", "ra", "dec"]),
        (["RAdeg", "DEdeg"], ["", "-2,5"], ["ra", "dec"]),
        (["RAJ2000", "DEJ2000"], ["09 56 24.0", "+02 12 00"], ["RAJ2000", "DEJ2000"]),
        (["RA", "RAJ2000", "DEJ2000"], ["1", "2", "3"], ["ra", "RAJ2000", "DEJ2000"]),
        (["RAJ2000", "dec"], ["1", "2"], ["RAJ2000", "dec"]),
        (["RAJ2000", "DE_ICRS"], ["1", "2"], ["RAJ2000", "DE_ICRS"]),
    ],
)
def test_positions_are_known_by_the_names_that_catalogues_give_them(
    header: list[str], cells: list[str], names: list[str]
) -> None:
    assert column_names(Path("x.csv"), header, has_rows=True, first_row=cells) == names


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("149.1,2.2", "RAJ2000 and DEJ2000 are taken as ra and dec"),
        ("09 56 24,+02 12", "no positions, for RAJ2000"),
    ],
)
def test_what_becomes_of_positions_by_another_name_is_said(tmp_path: Path, cells: str, said: str) -> None:
    (tmp_path / "x.csv").write_text(f"id,RAJ2000,DEJ2000\na,{cells}\n", encoding="utf-8")
    with pytest.warns(KamertonWarning, match=said) as told:
        read_list(tmp_path / "x.csv")
    assert len(told) == 1
    with pytest.warns(KamertonWarning, match=said) as told:
        open_rows(tmp_path / "x.csv", {"id"})
    assert len(told) == 1


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_positions_by_another_name_reach_the_cube_and_the_catalogue(tmp_path: Path, ending: str) -> None:
    Image.fromarray(np.full((32, 32, 3), 9, np.uint8)).save(tmp_path / "a.png")
    table = pd.DataFrame({"path": ["a.png"], "label": ["x"], "RAJ2000": [149.1], "DEJ2000": [2.2]})
    source = tmp_path / f"x.{ending}"
    table.to_csv(source, index=False) if ending == "csv" else table.to_parquet(source)
    kamerton.import_cube(source, tmp_path / "x.fits")
    with kamerton.open_cube(tmp_path / "x.fits") as cube:
        assert (cube.catalogue["ra"][0], cube.catalogue["dec"][0]) == (149.1, 2.2)
    with open_source(SourceRequest(source, PictureSettings(), "path")) as opened:
        (batch,) = opened.batches(10)
    assert (batch["ra"].to_pylist(), batch["dec"].to_pylist()) == ([149.1], [2.2])
