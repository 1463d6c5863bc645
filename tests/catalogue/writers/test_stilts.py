"""TOPCAT's library reads and writes our VOTable and FITS, where Debian's `stilts` is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table

from kamerton.catalogue.columns import Column, Header
from tests.catalogue.tables import COLUMNS, HEADER, ONE_OF_EACH, ROWS, rows_of
from tests.catalogue.writers.test_writers import write

pytestmark = pytest.mark.skipif(shutil.which("stilts") is None, reason="stilts is not installed")

VALUES: dict[str, list[Any]] = {
    "bool": [True, None, False],
    "int16": [-7, None, 300],
    "int32": [-7, None, 70_000],
    "int64": [1 << 62, None, -5],
    "float32": [0.5, None, 2.0**-100],
    "float64": [359.999999999, None, -1e-300],
    "text": ["plain", None, "a, b\\c"],
}
PLAIN = Header("Plain", ONE_OF_EACH, {"run": "sha256:0123"})


def stilts(*words: str | Path) -> str:
    done = subprocess.run(["stilts", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("ending", [".vot", ".fits"])
def test_stilts_reads_names_units_ucds_descriptions_and_facts(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"x{ending}", HEADER, ROWS)
    found = tmp_path / "found.csv"
    stilts("tpipe", f"in={path}", "cmd=meta name units ucd description", "ofmt=csv", f"out={found}")
    meta = Table.read(found, format="ascii.csv", fill_values=None)
    assert [tuple(row) for row in meta["Name", "Units", "UCD"]] == [
        (column.name, column.unit or "", column.ucd or "") for column in COLUMNS
    ]
    # A terminal of ASCII loses other letters.
    plain = [column.description.isascii() for column in COLUMNS]
    assert list(meta["Description"][plain]) == [
        column.description for column in COLUMNS if column.description.isascii()
    ]
    assert "sha256:0123" in stilts("tpipe", f"in={path}", "omode=meta")


def test_stilts_finds_nothing_wrong_with_the_votable(tmp_path: Path) -> None:
    assert stilts("votlint", f"votable={write(tmp_path / 'x.vot', HEADER, ROWS)}") == ""


@pytest.mark.filterwarnings("ignore:Column 'a_bool' contains NULL")
@pytest.mark.parametrize(("ending", "other"), [(".vot", "fits"), (".fits", "votable")])
def test_stilts_writes_the_same_values_into_the_other_format(ending: str, other: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"x{ending}", PLAIN, rows_of(ONE_OF_EACH, VALUES))
    copy = tmp_path / f"copy.{other}"
    stilts("tpipe", f"in={path}", f"out={copy}", f"ofmt={other}")
    found = Table.read(copy, format=other, **({"character_as_bytes": False} if other == "fits" else {}))
    for column in ONE_OF_EACH:
        assert [found[column.name][row] for row in (0, 2)] == [VALUES[column.kind][row] for row in (0, 2)], column
        if column.kind not in ("text", "bool"):
            assert found[column.name].mask.tolist() == [False, True, False], column


def test_letters_of_a_votable_survive_stilts(tmp_path: Path) -> None:
    texts = ["żółw 🌌", None, ""]
    header = Header("Letters", (Column("a", "text", "Zażółć"),))
    path = write(tmp_path / "x.vot", header, rows_of(header.columns, {"text": texts}))
    stilts("tpipe", f"in={path}", f"out={tmp_path / 'copy.vot'}", "ofmt=votable-binary2")
    assert list(Table.read(tmp_path / "copy.vot")["a"]) == ["żółw 🌌", "", ""]
