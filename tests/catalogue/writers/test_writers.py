from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest

from kamerton.catalogue.columns import Column, Header
from kamerton.catalogue.writers import WRITERS, files_of, find_writer, require_format
from kamerton.errors import OutputError, UsageError
from tests.catalogue.tables import HEADER, ROWS

every_ending = pytest.mark.parametrize("ending", WRITERS)


def write(path: Path, header: Header, *pieces: pa.Table) -> Path:
    with find_writer(path)(path, header, sum(piece.num_rows for piece in pieces)) as rows:
        for piece in pieces:
            rows.append(piece)
    return path


@every_ending
def test_the_same_rows_give_the_same_bytes_however_they_come(ending: str, tmp_path: Path) -> None:
    whole = write(tmp_path / f"whole{ending}", HEADER, pa.concat_tables([ROWS, ROWS]))
    parts = write(tmp_path / f"parts{ending}", HEADER, ROWS.slice(0, 1), ROWS.slice(1), ROWS)
    assert whole.read_bytes() == parts.read_bytes()


@every_ending
def test_the_files_that_are_written_are_those_that_are_named(ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"x{ending}", HEADER, ROWS)
    assert sorted(tmp_path.iterdir()) == sorted(files_of(path))


@every_ending
def test_after_an_error_nothing_is_left(ending: str, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), find_writer(path := tmp_path / f"x{ending}")(path, HEADER, 6) as rows:
        rows.append(ROWS)
        _ = 1 / 0
    assert list(tmp_path.iterdir()) == []


@every_ending
def test_a_place_that_cannot_be_written_is_said_in_one_line(ending: str, tmp_path: Path) -> None:
    path = tmp_path / "absent" / f"x{ending}"
    with pytest.raises(OutputError, match=r"cannot be written.*No such file"):
        write(path, HEADER, ROWS)


@every_ending
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_is_said_in_one_line(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"x{ending}"
    place = tmp_path / f".x.partial{ending}"
    # What is in its place is taken away first, and is laid anew.
    monkeypatch.setattr(
        "kamerton.files.remove_partial", lambda _: os.path.lexists(place) or place.symlink_to("/dev/full")
    )
    with pytest.raises(OutputError, match="No space left"):
        write(path, HEADER, pa.concat_tables([ROWS] * 1000))


@pytest.mark.parametrize("name", ["x.txt", "x", "x.fits.gz"])
def test_a_name_of_no_format_is_refused_with_those_that_there_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no name for a catalogue.*\.parquet, \.fits, \.vot, \.csv, \.ecsv"):
        find_writer(tmp_path / name)


def test_more_columns_than_fits_has_are_refused_before_the_work() -> None:
    columns = tuple(Column(f"c{number}", "bool", "A bit") for number in range(1000))
    with pytest.raises(UsageError, match=r"too many columns for FITS.*1000.*at most 999"):
        require_format(Path("x.FITS"), columns)
    require_format(Path("x.fits"), columns[1:])
    require_format(Path("x.vot"), columns)


def test_the_ending_counts_in_any_case_of_letters() -> None:
    assert find_writer(Path("X.FITS")) is WRITERS[".fits"]
