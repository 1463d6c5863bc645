"""What a person decided, read from a list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kamerton.errors import DataError, KamertonWarning
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


HISTORY = "id,label,who,when,seconds\n"


def said(path: Path) -> tuple[dict[str, str], str]:
    """What was read of a history, and all that was said of it."""
    with pytest.warns(KamertonWarning) as warned:
        found = read_decisions(path, IDS, CLASSES).label_of
    return found, " ".join(str(one.message) for one in warned)


def test_of_a_history_the_last_word_counts_and_that_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, HISTORY + "g1,spiral,Ola,t1,2\ng3,spiral,Ola,t2,2\ng1,edge-on,Ola,t3,\n")
    assert said(path) == (
        {"g1": "edge-on", "g3": "spiral"},
        f"{path}: the last word counts. Received: 3 lines, 2 galaxies with a class; 1 galaxy decided more than once. "
        "Next: nothing, if they were decided so.",
    )


def test_unsure_and_undone_lines_are_left_out_aloud(tmp_path: Path) -> None:
    path = write(tmp_path, HISTORY + "g1,unsure,Ola,t1,2\ng3,spiral,Ola,t2,2\ng3,,Ola,t3,\n")
    found, told = said(path)
    assert not found
    assert "0 galaxies with a class; 1 unsure, left out, 1 undone, left out" in told


def test_unsure_is_a_class_where_one_is_called_so(tmp_path: Path) -> None:
    path = write(tmp_path, HISTORY + "g1,unsure,Ola,t1,2\n")
    assert read_decisions(path, IDS, ("spiral", "unsure")).label_of == {"g1": "unsure"}


def test_who_undoes_takes_back_only_the_own_word(tmp_path: Path) -> None:
    path = write(tmp_path, HISTORY + "g1,spiral,Jan,t1,2\ng1,edge-on,Ola,t2,2\ng1,,Ola,t3,\n")
    assert said(path)[0] == {"g1": "spiral"}


def test_galaxies_that_two_people_see_differently_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, HISTORY + "g1,spiral,Jan,t1,2\ng1,edge-on,Ola,t2,2\ng3,spiral,Jan,t3,2\ng3,unsure,Ola,t4,\n")
    found, told = said(path)
    assert found == {"g1": "edge-on"}
    assert "1 galaxy that two people put in different classes; the later of them counts. Received: 'g1'" in told


def test_lines_that_were_sorted_otherwise_than_by_their_times_are_told_of(tmp_path: Path) -> None:
    """A spreadsheet sorts by id or label; then the last line is no longer the last word."""
    lines = "g1,edge-on,Ola,2026-11-26T11:00:00Z,2\ng1,spiral,Ola,2026-11-26T10:00:00.000Z,2\n"
    found, told = said(write(tmp_path, HISTORY + lines))
    assert found == {"g1": "spiral"}
    assert "the last line about 1 galaxy is not the latest. Received: 'g1'" in told
    assert "Next: sort the lines by their column when" in told


def test_lines_out_of_time_that_change_nothing_are_not_told_of(tmp_path: Path) -> None:
    """Decisions that waited in one browser come after those of another."""
    lines = "g1,edge-on,Ola,2026-11-26T11:00:00Z,2\ng3,spiral,Jan,2026-11-26T10:00:00.000Z,2\n"
    assert read_decisions(write(tmp_path, HISTORY + lines), IDS, CLASSES).label_of == {"g1": "edge-on", "g3": "spiral"}


@pytest.mark.parametrize("cut", ["g3,spi", "g3,spiral,Ola,t2", '"łuk, ', "g", '"g3",spiral,"Ol'])
def test_a_last_line_cut_by_a_crash_is_left_out_aloud(tmp_path: Path, cut: str) -> None:
    path = write(tmp_path, HISTORY + "g1,spiral,Ola,t1,2\n" + cut)
    found, told = said(path)
    assert found == {"g1": "spiral"}
    assert "its last line was cut, and is left out" in told


def test_a_last_line_without_an_end_that_is_whole_counts(tmp_path: Path) -> None:
    path = write(tmp_path, HISTORY + "g1,spiral,Ola,t1,2\ng3,edge-on,Ola,t2,2")
    assert read_decisions(path, IDS, CLASSES).label_of == {"g1": "spiral", "g3": "edge-on"}


def test_a_short_line_that_ends_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HISTORY + "g1,spiral\n")
    with pytest.raises(DataError, match=r"row 0.*another number of cells"):
        read_decisions(path, IDS, CLASSES)


def test_what_counts_is_what_a_table_of_last_words_says(tmp_path: Path) -> None:
    """pandas as oracle: per person the last line, without what is undone, and of these the last of all."""
    rng = np.random.default_rng(3)
    labels = ["spiral", "edge-on", "unsure", ""]
    rows = pd.DataFrame(
        {
            "id": rng.choice(["g1", "łuk, 2", "g3"], 60),
            "label": rng.choice(labels, 60),
            "who": rng.choice(["Ola", "Jan"], 60),
            "when": "t",
            "seconds": 1.5,
        }
    )
    for count in range(5, 60):
        part = rows.head(count)
        path = tmp_path / "decisions.csv"
        part.to_csv(path, index=False)
        standing = (
            part.drop_duplicates(["id", "who"], keep="last").query("label != ''").drop_duplicates("id", keep="last")
        )
        wanted = standing[standing.label != "unsure"]
        assert read_decisions(path, IDS, CLASSES).label_of == dict(zip(wanted["id"], wanted["label"], strict=True))
