from __future__ import annotations

import pyarrow as pa
import pytest

from kamerton.catalogue.columns import Column
from kamerton.catalogue.writers.rows import PIECE_NUMBERS, PIECE_ROWS, Rows, piece_rows

COLUMNS = (Column("a", "int64", "A number"),)


def numbers(start: int, stop: int) -> pa.Table:
    return pa.table({"a": pa.array(range(start, stop), pa.int64())})


@pytest.mark.parametrize("size", [1000, PIECE_ROWS - 1, PIECE_ROWS, 3 * PIECE_ROWS])
def test_pieces_leave_in_one_size_however_they_come(size: int) -> None:
    pieces: list[pa.Table] = []
    rows, end = Rows(COLUMNS, pieces.append), 3 * PIECE_ROWS + 5
    for start in range(0, end, size):
        rows.append(numbers(start, min(start + size, end)))
    rows.finish(end)
    assert [piece.num_rows for piece in pieces] == [PIECE_ROWS] * 3 + [5]
    assert pa.concat_tables(pieces) == numbers(0, end)


def test_batches_are_taken_as_tables_are() -> None:
    pieces: list[pa.Table] = []
    rows = Rows(COLUMNS, pieces.append)
    for batch in numbers(0, 9).to_batches(max_chunksize=4):
        rows.append(batch)
    rows.finish(9)
    assert pieces == [numbers(0, 9)]


@pytest.mark.parametrize("length", [84, 4096, 10 * PIECE_NUMBERS])
def test_a_piece_of_long_cells_takes_no_more_memory_than_its_budget(length: int) -> None:
    rows = piece_rows((*COLUMNS, Column("features", "float32", "Many numbers", length=length)))
    assert rows == 1 or rows * length <= PIECE_NUMBERS
    assert 1 <= rows <= PIECE_ROWS


def test_rows_of_other_columns_are_a_defect() -> None:
    with pytest.raises(AssertionError):
        Rows(COLUMNS, print).append(pa.table({"b": pa.array([1])}))


def test_other_rows_than_promised_are_a_defect() -> None:
    rows = Rows(COLUMNS, lambda piece: None)
    rows.append(numbers(0, 9))
    with pytest.raises(AssertionError):
        rows.finish(10)
