"""Which galaxies have a label already."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from kamerton.errors import KamertonWarning
from kamerton.neighbours.labelled import labelled_ids

HISTORY = (
    "id,label,who,when,seconds\n"
    "g0,spiral,Ola,t0,1\ng1,spiral,Ola,t1,1\ng2,unsure,Ola,t2,1\ng1,,Ola,t3,\ng3,spiral,Jan,t4,1\ng3,edge,Ola,t5,1\ng3,,Ola,t6,\n"
)


def test_of_a_history_undone_ones_are_asked_again_and_unsure_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text(HISTORY)
    assert labelled_ids(path) == {"g0", "g2", "g3"}
    pd.read_csv(path).to_parquet(tmp_path / "decisions.parquet")
    assert labelled_ids(tmp_path / "decisions.parquet") == {"g0", "g2", "g3"}


def test_a_last_line_that_a_crash_cut_is_no_galaxy(tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text(HISTORY + "g4,spi")
    with pytest.warns(KamertonWarning, match="last line was cut"):
        assert labelled_ids(path) == {"g0", "g2", "g3"}


def test_a_plain_list_names_all(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("id,label\ng0,\ng1,spiral\n")
    assert labelled_ids(path) == {"g0", "g1"}


def test_a_history_that_a_spreadsheet_sorted_is_said_aloud(tmp_path: Path) -> None:
    """An undone decision stands again where it is sorted behind its undoing."""
    path = tmp_path / "decisions.csv"
    path.write_text("id,label,who,when\ng1,,Ola,2026-11-27T10:01:00Z\ng1,spiral,Ola,2026-11-27T10:00:00Z\n")
    with pytest.warns(KamertonWarning, match=r"the last line about 1 galaxy is not the latest.*'g1'.*column when"):
        assert labelled_ids(path) == {"g1"}
