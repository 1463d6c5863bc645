"""Lists of positions and labels are examined like cubes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kamerton.data.audit import check

ROWS = {"id": ["a", "b", "c", "d"], "ra": [10.0, 20.0, 30.0, 40.0], "dec": [0.0, 1.0, 2.0, 3.0], "label": [0, 1, 1, 0]}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_sound_list_is_sound_in_either_format(tmp_path: Path, ending: str) -> None:
    path, table = tmp_path / f"a.{ending}", pd.DataFrame(ROWS)
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    report = check([path])
    assert report.findings == ()
    assert report.files[0].galaxies == 4


def test_bad_cells_are_listed_with_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,ra,dec,label\na,10,0,spiral\nb,here,0,\nc,400,0,disc\n")
    report = check([path])
    assert report.counts() == {"bad_labels": 1, "bad_positions": 2}
    lines = "\n".join(report.describe())
    assert "row 1 (b): ''" in lines
    assert "row 1 (b): 'here'" in lines
    assert "row 2 (c): ra 400.0, dec 0.0" in lines


def test_a_label_of_thousands_of_digits_is_a_bad_label(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,ra,dec,label\na,10,0,1\nb,20,0,{'7' * 5000}\n")
    assert check([path]).counts() == {"bad_labels": 1}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("ra,dec\n1,2\n", "no column 'label'"),
        ("ra|dec|label\n1|2|3\n", "put commas, semicolons or tabs between the cells"),
        ("ra,dec,label\n1,2\n", "another number of cells"),
        ("", "a header of distinct names"),
        ("ra,ra,label\n1,2,3\n", "a header of distinct names"),
        ("ra,dec,label\n\0,\xff,3\n", "cannot be read as a list"),
    ],
)
def test_what_is_no_list_is_damage(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content, encoding="latin-1")
    report = check([path])
    assert says in report.findings[0].what
    assert not report.sound
