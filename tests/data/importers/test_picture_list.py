"""A CSV or Parquet list of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kamerton.data.cubes.cube import open_cube
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.importers import import_cube
from kamerton.errors import KamertonWarning, PictureError, UsageError
from tests.data.importers.sources import imported, noise_images, refusal, save_pictures, write_list, write_rows


def test_names_are_numbered_by_alphabet(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["spiral", "edge", "spiral"])) as cube:
        assert (cube.class_names, cube.labels.tolist()) == (("edge", "spiral"), [1, 0, 1])


def test_names_of_galaxy10_keep_its_order_and_all_ten(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["Merging", "Disturbed"])) as cube:
        assert (cube.class_names, cube.labels.tolist()) == (CLASS_NAMES, [1, 0])


def test_one_foreign_name_gives_up_the_order_of_galaxy10(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["Merging", "Disturbed", "Ring"])) as cube:
        assert cube.class_names == ("Disturbed", "Merging", "Ring")


@pytest.mark.parametrize("labels", [["2", "0"], ["2.0", "0.0"], [" 2 ", "0"]])
def test_whole_numbers_are_class_indices(tmp_path: Path, labels: list[str]) -> None:
    with imported(write_list(tmp_path, labels)) as cube:
        assert (cube.class_names, cube.labels.tolist()) == (("class 0", "class 1", "class 2"), [2, 0])


@pytest.mark.parametrize("label", ["-1", "587722984435155000"])
def test_number_that_is_no_class_index_is_refused_with_its_row(tmp_path: Path, label: str) -> None:
    assert f"row 1, counted from 0: not a class index. Received: {label}" in refusal(write_list(tmp_path, ["0", label]))


def test_empty_label_is_refused_with_its_row(tmp_path: Path) -> None:
    message = refusal(write_list(tmp_path, ["a", "", "b", ""]))
    assert "list.csv row 1, counted from 0: empty 'label'. Received: 2 such rows of 4" in message


def test_pictures_are_found_beside_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_list(tmp_path, ["a", "b"])
    monkeypatch.chdir("/")
    with imported(source) as cube:
        np.testing.assert_array_equal(cube.read(slice(None)), noise_images(2))


def test_missing_picture_is_named_with_its_row(tmp_path: Path) -> None:
    source = write_list(tmp_path, ["a", "b"])
    (tmp_path / "1.png").unlink()
    message = refusal(source)
    assert "list.csv row 1, counted from 0: " in message
    assert "1.png: cannot be opened" in message


def test_bad_picture_in_a_list_stays_a_picture_error(tmp_path: Path) -> None:
    source = write_list(tmp_path, ["a"])
    (tmp_path / "0.png").write_bytes(b"nothing")
    with pytest.raises(PictureError):
        import_cube(source, tmp_path / "out.fits")


def test_other_columns_are_carried_with_their_types(tmp_path: Path) -> None:
    source = write_list(tmp_path, ["a", "b"], id=["x", "y"], ra=[1.5, 2.5], group=[7, 8], note=["", "dusty"])
    with imported(source) as cube:
        table = cube.catalogue
        assert table.colnames == ["id", "path", "ra", "group", "note"]
        assert [table[name].dtype.kind for name in table.colnames] == ["U", "U", "f", "i", "U"]
        assert table["note"].tolist() == ["", "dusty"]


def test_list_without_id_is_identified_by_its_paths(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["a", "b"])) as cube:
        assert cube.ids == ["0.png", "1.png"]


def test_a_column_that_may_name_the_galaxies_is_said_where_paths_do(tmp_path: Path) -> None:
    columns = {"PGC": ["17", "18"], "source": ["DSS", "DSS"], "ra": ["1.5", "2.5"], "note": ["", "x"]}
    source = write_list(tmp_path, ["a", "b"], **columns)
    with pytest.warns(KamertonWarning, match=r"named by their paths.*Received: 'PGC', with another value in every row"):
        import_cube(source, tmp_path / "out.fits")


def test_identifiers_of_18_digits_are_not_rounded(tmp_path: Path) -> None:
    source = write_list(tmp_path, ["a", "b"], id=["587722984435155001", "587722984435155002"])
    with imported(source) as cube:
        assert cube.ids == ["587722984435155001", "587722984435155002"]


@pytest.mark.parametrize(
    "values", [["587722984435155001", ""], ["0012", "13"], ["12345678901234567890", "1"], ["12_34", "1_234"]]
)
def test_numbers_that_would_change_stay_text(tmp_path: Path, values: list[str]) -> None:
    with imported(write_list(tmp_path, ["a", "b"], code=values)) as cube:
        assert cube.catalogue["code"].tolist() == values


def test_empty_cell_of_a_number_is_nan(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["a", "b"], ra=["1.5", ""])) as cube:
        np.testing.assert_array_equal(np.asarray(cube.catalogue["ra"]), [1.5, np.nan])


def test_known_columns_are_found_in_capitals(tmp_path: Path) -> None:
    with imported(write_list(tmp_path, ["a", "b"], ID=["x", "y"], RA=[1, 2])) as cube:
        assert cube.catalogue.colnames == ["id", "path", "ra"]


def test_right_ascensions_that_look_like_hours_are_said(tmp_path: Path) -> None:
    ra, dec = np.linspace(0.5, 23.5, 20).tolist(), np.linspace(-60, 60, 20).tolist()
    source = write_list(tmp_path, ["a", "b"] * 10, ra=ra, dec=dec)
    with pytest.warns(KamertonWarning, match=r"list.csv: ra is taken as degrees, and looks like hours"):
        import_cube(source, tmp_path / "out.fits")


def test_sexagesimal_position_is_refused(tmp_path: Path) -> None:
    assert "'ra' is not in degrees" in refusal(write_list(tmp_path, ["a", "b"], ra=["1.5", "12:30:01"]))


def test_same_id_twice_is_refused_with_both_rows(tmp_path: Path) -> None:
    message = refusal(write_list(tmp_path, ["a", "b", "a"], id=["x", "y", "x"]))
    assert "row 2, counted from 0: the same id as row 0. Received: 'x'" in message


def test_a_missing_picture_that_is_listed_twice_is_missing_first(tmp_path: Path) -> None:
    rows = [["path", "label"], ["absent.png", "a"], ["absent.png", "a"]]
    assert "absent.png: cannot be opened. Received: No such file" in refusal(write_rows(tmp_path / "list.csv", rows))


def test_a_picture_that_is_listed_twice_is_no_doubled_id(tmp_path: Path) -> None:
    source = write_list(tmp_path, ["a"])
    with source.open("a") as file:
        file.write("0.png,b\n")
    assert "row 1, counted from 0: the same picture as row 0. Received: '0.png'" in refusal(source)


def test_one_column_cannot_hold_paths_and_labels(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="One column cannot hold both the paths and the labels"):
        import_cube(write_list(tmp_path, ["a"]), tmp_path / "out.fits", label_column="path")


def test_polish_letters_in_paths_and_columns_stay(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["łódź.png"])
    rows = [["path", "label", "źródło"], ["łódź.png", "późne", "ŻAK"]]
    with imported(write_rows(tmp_path / "list.csv", rows)) as cube:
        assert (cube.ids, cube.catalogue["źródło"].tolist()) == (["łódź.png"], ["ŻAK"])


def test_columns_can_be_named(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png"])
    source = write_rows(tmp_path / "list.csv", [["file", "kind"], ["0.png", "a"]])
    with imported(source, path_column="file", label_column="kind") as cube:
        assert cube.class_names == ("a",)


@pytest.mark.parametrize("missing", ["path", "label"])
def test_missing_column_is_answered_with_those_there(tmp_path: Path, missing: str) -> None:
    source = write_rows(tmp_path / "list.csv", [["label" if missing == "path" else "path", "x"], ["0.png", "1"]])
    message = refusal(source)
    assert f"no column '{missing}'" in message
    assert f"--{missing}-column" in message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "no rows"),
        ("path,label\n", "no rows"),
        ("path,label\na.png,1,7\n", "row 0, counted from 0: another number of cells"),
        ("path,label\na.png,1\nb.png\n", "row 1, counted from 0: another number of cells"),
        ("path,label,label\na.png,1,2\n", "columns 'path', 'label', 'label'"),
        ("path,label,Label\na.png,1,2\n", "distinct names"),
        ("path,label,\na.png,1,2\n", "columns 'path', 'label', ''"),
        ('path,label\n"a.png,1\n', "cannot be read as a list"),
        ("path,label\n,1\n", "row 0, counted from 0: empty 'path'"),
    ],
)
def test_malformed_csv_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "list.csv").write_text(content)
    assert complaint in refusal(tmp_path / "list.csv")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_the_separators_of_spreadsheets_are_read(tmp_path: Path, separator: str) -> None:
    save_pictures(tmp_path, ["0.png"])
    lines = [["path", "label", "note, or not"], ["0.png", "a", "one, two"]]
    (tmp_path / "list.csv").write_text("\n".join(map(separator.join, lines)))
    with imported(tmp_path / "list.csv") as cube:
        assert (cube.class_names, cube.catalogue["note, or not"].tolist()) == (("a",), ["one, two"])


@pytest.mark.parametrize("separator", ["|", " ", ":"])
def test_another_separator_is_answered_with_those_that_are_read(tmp_path: Path, separator: str) -> None:
    (tmp_path / "list.csv").write_text(f"path{separator}label\n0.png{separator}1\n")
    assert f"commas, semicolons or tabs between the cells, in the place of {separator!r}" in refusal(
        tmp_path / "list.csv"
    )


def test_csv_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes("path,label\nż.png,1\n".encode("utf-16"))
    assert "cannot be read as a list" in refusal(tmp_path / "list.csv")


def test_byte_order_mark_of_excel_is_no_part_of_the_header(tmp_path: Path) -> None:
    source = write_list(tmp_path, ["a"])
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    with imported(source) as cube:
        assert cube.ids == ["0.png"]


def test_parquet_list_gives_the_same_cube_as_csv(tmp_path: Path) -> None:
    rows: dict[str, Any] = {"id": ["587722984435155001", "2"], "ra": [1.5, np.nan], "group": [7, 8]}
    source = write_list(tmp_path, ["a", "b"], **rows)
    frame = pd.DataFrame({"path": ["0.png", "1.png"], "label": ["a", "b"]} | rows)
    frame.to_parquet(tmp_path / "list.parquet")
    import_cube(source, tmp_path / "csv.fits")
    import_cube(tmp_path / "list.parquet", tmp_path / "parquet.fits")
    with open_cube(tmp_path / "csv.fits") as one, open_cube(tmp_path / "parquet.fits") as two:
        assert one.fingerprint() == two.fingerprint()
        assert one.catalogue.pformat() == two.catalogue.pformat()


def test_nested_columns_of_parquet_are_left_out(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png"])
    frame = pd.DataFrame({"path": ["0.png"], "label": [3], "votes": [[1, 2]], "raw": [b"\xff"]})
    frame.to_parquet(tmp_path / "list.parquet")
    with imported(tmp_path / "list.parquet") as cube:
        assert cube.catalogue.colnames == ["id"]


def test_columns_of_parquet_with_one_name_are_refused(tmp_path: Path) -> None:
    columns = [pa.array(["0.png"]), pa.array(["a"]), pa.array(["b"])]
    pq.write_table(pa.Table.from_arrays(columns, names=["path", "label", "label"]), tmp_path / "list.parquet")
    assert "columns 'path', 'label', 'label'" in refusal(tmp_path / "list.parquet")


def test_damaged_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.parquet").write_bytes(b"PAR1 and no more")
    assert "cannot be read as a list" in refusal(tmp_path / "list.parquet")


def test_a_history_of_decisions_gives_the_last_words_aloud(tmp_path: Path) -> None:
    """As the page of `kamerton serve` writes it beside the pictures."""
    save_pictures(tmp_path, [f"{number}.png" for number in range(4)])
    (tmp_path / "decisions.csv").write_text(
        "id,label,who,when,seconds,path\n"
        "g0,spiral,Ola,t0,1.00,0.png\n"
        "g1,spiral,Ola,t1,1.00,1.png\n"
        "g2,unsure,Ola,t2,1.00,2.png\n"
        "g3,edge,Ola,t3,1.00,3.png\n"
        "g1,edge,Ola,t4,2.00,1.png\n"
        "g3,,Ola,t5,,3.png\n"
        "g3,spi"
    )
    with pytest.warns(KamertonWarning, match=r"last word counts.*1 unsure, left out, 1 undone"):
        import_cube(tmp_path / "decisions.csv", tmp_path / "out.fits")
    with open_cube(tmp_path / "out.fits") as cube:
        assert list(cube.ids) == ["g0", "g1"]
        assert [cube.class_names[label] for label in cube.labels] == ["spiral", "edge"]
        np.testing.assert_array_equal(cube.read(slice(None)), noise_images(4)[:2])


def test_decisions_about_galaxies_of_a_cube_say_which_command_takes_them(tmp_path: Path) -> None:
    (tmp_path / "my decisions.csv").write_text(
        "id,label,who,when,seconds,path\ng0,spiral,Ola,t0,1.00,\ng1,edge,Ola,t1,1.00,\n"
    )
    said = refusal(tmp_path / "my decisions.csv")
    assert "decisions about galaxies of a cube" in said
    assert f"`kamerton labels CUBE --apply '{tmp_path}/my decisions.csv' --out corrected.fits`" in said


def test_a_history_without_any_class_is_one_line(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0.png"])
    (tmp_path / "decisions.csv").write_text("id,label,who,when,seconds,path\ng0,unsure,Ola,t0,1.00,0.png\n")
    assert "no galaxy has a class" in refusal(tmp_path / "decisions.csv")
