"""What a person decided, read from a list."""

from __future__ import annotations

from pathlib import Path

import pytest

from kamerton.errors import DataError
from kamerton.labelling.decisions import read_decisions

IDS = ["g1", "łuk, 2", "g3", "twice", "twice"]
CLASSES = ("spiral", "edge-on")


def write(folder: Path, text: str) -> Path:
    path = folder / "decisions.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_who_when_and_seconds_are_let_be(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,label,who,when,seconds\ng1,edge-on,Ola,2026-11-26,2.5\n"łuk, 2",spiral,,,\n')
    assert read_decisions(path, IDS, CLASSES).label_of == {"g1": "edge-on", "łuk, 2": "spiral"}


def test_a_spreadsheet_s_semicolons_and_other_orders_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "seconds;label;ID\n2,5;edge-on; g3 \n")
    assert read_decisions(path, IDS, CLASSES).label_of == {"g3": "edge-on"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,label\ng9,spiral\n", r"row 0.*no galaxy has this id.*'g9'"),
        ("id,label\ng1,spiral\ntwice,spiral\n", r"row 1.*2 galaxies have this id"),
        ("id,label\ng1,spiral\ng3,spiral\ng1,spiral\n", r"row 2.*decided before, in row 0"),
        ("id,label\ng1,spirl\n", r"row 0.*no class of this name.*did you mean 'spiral'"),
        ("id,label\ng1,\n", r"row 0.*no class of this name"),
        ("id,class\ng1,spiral\n", "no column 'label'"),
        ("name,label\ng1,spiral\n", "no column 'id'"),
        ("id,label\n", "no rows"),
        ("id,label\ng1,spiral,Ola\n", "another number of cells"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_decisions(write(tmp_path, text), IDS, CLASSES)


def test_letters_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_bytes("id,label\nłuk,spiral\n".encode("cp1250"))
    with pytest.raises(DataError, match="CSV in UTF-8"):
        read_decisions(path, IDS, CLASSES)
