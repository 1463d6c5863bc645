"""Decimal commas are read as numbers where a comma does not part the cells, and said; what may be both stays text."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kamerton.data.audit import check
from kamerton.data.decimals import with_points
from kamerton.data.lists import read_list
from kamerton.errors import DataError, KamertonWarning
from tests.data.importers.sources import imported, save_pictures

POLISH = """path;label;id;ra;dec;z;mag
0.png;a;1,5;187,7059;-12,3911;0,0043;
1.png;b;2,5;49,9;-19;1,2E-3;12,5
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_of_polish_excel_becomes_numbers_aloud(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png", "1.png"])
    with pytest.warns(
        KamertonWarning, match=r"list\.csv: commas in numbers are read as decimal commas.*'187,7059' as 187"
    ):
        cube = imported(written(tmp_path, POLISH))
    with cube:
        np.testing.assert_array_equal(cube.catalogue["ra"], [187.7059, 49.9])
        np.testing.assert_array_equal(cube.catalogue["dec"], [-12.3911, -19])
        np.testing.assert_array_equal(cube.catalogue["z"], [0.0043, 0.0012])
        np.testing.assert_array_equal(cube.catalogue["mag"], [np.nan, 12.5])
        assert cube.ids == ["1,5", "2,5"]


def test_a_check_reads_them_too(tmp_path: Path) -> None:
    path = written(tmp_path, "id;ra;dec;label\na;10,5;1,5;x\nb;20,5;2,5;y\n")
    with pytest.warns(KamertonWarning, match="decimal commas"):
        assert check(path).sound


@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False).filter(lambda number: "." in repr(number)), min_size=1))
def test_any_numbers_come_back(numbers: list[float]) -> None:
    columns = {"flux": [repr(number).replace(".", ",") for number in numbers]}
    assert [float(cell) for cell in with_points("a.csv", columns, ())["flux"]] == numbers


@pytest.mark.parametrize(
    "text",
    [
        "id;ra;mass\na;10.5;1,234\n",
        "id;ra;mass\na;10,5;1.234\n",
        "id;ra;mass\na;1;1.5\nb;1;1,5\n",
        "id;ra;mass\na;1;1.234,5\n",
        "id;ra;mass\na;1;1,234.5\n",
    ],
)
def test_commas_beside_points_stay_text_aloud(tmp_path: Path, text: str) -> None:
    rows = [line.split(";") for line in text.splitlines()]
    with pytest.warns(KamertonWarning, match=r"may be decimal or of thousands stay text"):
        columns = read_list(written(tmp_path, text))
    assert columns == dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))


def test_positions_that_stay_text_are_refused(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png", "1.png"])
    path = written(tmp_path, "path;label;ra;dec;z\n0.png;a;10,5;1,5;0.1\n1.png;b;20,5;2,5;0.2\n")
    with pytest.raises(DataError, match=r"column 'ra' is not in degrees.*write numbers with a point"):
        imported(path)


def test_what_may_be_thousands_is_said(tmp_path: Path) -> None:
    with pytest.warns(KamertonWarning, match=r"mass: '1,234' as 1\.234.*if mass has thousands, write them without"):
        assert read_list(written(tmp_path, "id;ra;mass\na;10,123;1,234\nb;5;12\n"))["mass"] == ["1.234", "12"]


@pytest.mark.parametrize(
    "text",
    [
        'id,note\na,"1,5"\n',
        "id;note\na;1,5 or so\n",
        "id;day\na;26.11.2026\n",
        "id;plates\na;3,4,5\n",
        "id;ra\na;10.5\n",
    ],
)
def test_nothing_is_said_where_no_number_has_a_comma(tmp_path: Path, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        columns = read_list(written(tmp_path, text))
    assert list(columns.values())[1][0] in text
