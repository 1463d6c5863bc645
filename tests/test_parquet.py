"""Parquet is read where it can be what it says: a small file that promises much is refused before it takes memory."""

from __future__ import annotations

import base64
import resource
import threading
from collections.abc import Callable
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from kamerton.opening import open_plain
from kamerton.parquet import MAX_COLUMNS, SMALL_BYTES, SMALL_ROWS, parquet_batches, parquet_groups, read_parquet
from kamerton.parquet_pages import group_bytes


def write(path: Path, table: pa.Table, **options: object) -> Path:
    parquet.write_table(table, path, **options)
    return path


def all_of(schema: pa.Schema) -> list[str]:
    return list(schema.names)


def test_a_table_is_read_as_it_is(tmp_path: Path) -> None:
    table = pa.table({"id": ["a", "ł", None], "n": [1, 2, 3], "p": [0.5, None, 1.0]})
    assert read_parquet(write(tmp_path / "a.parquet", table), all_of).equals(table)
    assert read_parquet(tmp_path / "a.parquet", lambda schema: ["n"]).to_pydict() == {"n": [1, 2, 3]}


@pytest.mark.parametrize("read", [lambda path: read_parquet(path, all_of), lambda path: streamed(path, 100)])
def test_a_file_is_read_in_one_thread(
    read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[int] = set()

    class Watched(BufferedReader):
        def read(self, size: int | None = -1, /) -> bytes:
            threads.add(threading.get_ident())
            return super().read(size)

    path = write(tmp_path / "a.parquet", pa.table({f"c{number}": list(range(2000)) for number in range(20)}))
    monkeypatch.setattr("kamerton.parquet.open_plain", lambda path: Watched(open_plain(path).detach()))
    read(path)
    assert threads == {threading.get_ident()}


def test_texts_of_any_kind_become_text(tmp_path: Path) -> None:
    texts = pa.array(["a", "b", "a"])
    columns = {"large": texts.cast(pa.large_string()), "coded": texts.dictionary_encode(), "plain": texts}
    found = read_parquet(write(tmp_path / "a.parquet", pa.table(columns)), all_of)
    assert all(kind == pa.string() for kind in found.schema.types)
    assert found.to_pydict() == {name: ["a", "b", "a"] for name in columns}


BOMBS: dict[str, tuple[pa.Table, str]] = {
    "rows": (pa.table({"id": pa.repeat(pa.scalar("a"), 3_000_000)}), "3000000 rows of 1 columns cannot be in a file"),
    "one long text in many rows": (
        pa.table({"id": pa.repeat(pa.scalar("a" * 100_000), 2000)}),
        "it unpacks to 200000000 bytes|rows of 1 columns cannot",
    ),
    "columns": (pa.table({f"c{number}": [1] for number in range(MAX_COLUMNS + 1)}), "2001 columns"),
    "blank numbers": (pa.table({"n": pa.repeat(pa.scalar(0.0), 4_000_000)}), "4000000 rows"),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(what: str, tmp_path: Path) -> None:
    table, says = BOMBS[what]
    path = write(tmp_path / "a.parquet", table, compression="zstd")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=says):
        read_parquet(path, all_of)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10


def test_a_page_that_unpacks_to_much_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    # Without a dictionary, each row holds its text by itself, and Zstandard makes nothing of it.
    table = pa.table({"id": [chr(97 + row % 26) * 50_000 for row in range(1000)]})
    path = write(tmp_path / "a.parquet", table, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match=r"it unpacks to 5[0-9]{7} bytes"):
        read_parquet(path, all_of)


def varint(number: int, length: int = 0) -> bytes:
    """A number as Thrift writes it, with idle bytes up to a length."""
    coded, found = 2 * number, bytearray()
    while coded > 127 or len(found) + 1 < length:
        found.append(128 | coded & 127)
        coded >>= 7
    return bytes([*found, coded])


def test_pages_that_unpack_to_more_than_the_description_says_are_refused(tmp_path: Path) -> None:
    table = pa.table({"id": [chr(97 + row % 26) * 50_000 for row in range(1000)]})
    path = write(tmp_path / "a.parquet", table, compression="zstd", use_dictionary=False)
    honest = parquet.read_metadata(path).row_group(0).total_byte_size
    content = path.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - length :].replace(varint(honest), varint(100, len(varint(honest))))
    path.write_bytes(content[: -8 - length] + footer)
    assert parquet.read_metadata(path).row_group(0).total_byte_size == 100
    with pytest.raises(ValueError, match="it unpacks to"):
        read_parquet(path, all_of)


def test_a_page_that_asks_for_two_gigabytes_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"n": list(range(1000))}), compression="snappy", use_dictionary=False)
    content = path.read_bytes()
    # The head of the first page: its kind, its bytes, and others.
    assert content[4:7] == bytes([0x15, 0, 0x15])
    width = len(varint(8000))
    path.write_bytes(content[:7] + varint(2**31 - 1) + content[7 + width :])
    with pytest.raises(ValueError, match="it unpacks to 2147483647 bytes"):
        read_parquet(path, all_of)
    with pytest.raises(ValueError, match="it unpacks to 2147483647 bytes"):
        next(parquet_batches(path, all_of, 100))


@pytest.mark.parametrize(
    "options", [{}, {"use_dictionary": False}, {"data_page_version": "2.0"}, {"data_page_size": 64}]
)
def test_what_the_pages_unpack_to_is_known_before(tmp_path: Path, options: dict[str, Any]) -> None:
    table = pa.table({"id": [f"galaxy {row}" for row in range(500)], "p": [row / 7 for row in range(500)]})
    path = write(tmp_path / "a.parquet", table, row_group_size=100, **options)
    described = parquet.read_metadata(path)
    told = sum(described.row_group(number).total_byte_size for number in range(described.num_row_groups))
    with path.open("rb") as file:
        groups = list(group_bytes(file, path.stat().st_size))
    # What is told counts the pages' heads, too.
    assert 0.5 * told < sum(groups) <= told
    assert len(groups) == 5


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", bytes(1000)])
def test_what_is_no_parquet_is_a_value_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_parquet(tmp_path / "a.parquet", all_of)


def test_a_column_that_is_not_there_is_a_value_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="b"):
        read_parquet(write(tmp_path / "a.parquet", pa.table({"a": [1]})), lambda schema: ["b"])


# Piece by piece


def streamed(path: Path, rows: int) -> list[pa.RecordBatch]:
    return list(parquet_batches(path, all_of, rows))


@pytest.mark.parametrize("rows", [1, 7, 16, 1000])
@pytest.mark.parametrize("group", [5, 1000])
def test_a_stream_gives_the_rows_that_a_table_has(rows: int, group: int, tmp_path: Path) -> None:
    texts = [None if row % 5 == 0 else f"ł{row % 9}" for row in range(100)]
    table = pa.table({"text": texts, "coded": pa.array(texts).dictionary_encode(), "n": list(range(100))})
    path = write(tmp_path / "a.parquet", table, row_group_size=group)
    batches = streamed(path, rows)
    assert all(0 < batch.num_rows <= rows for batch in batches)
    assert pa.Table.from_batches(batches).equals(read_parquet(path, all_of))


@pytest.mark.parametrize("coded", [True, False])
def test_a_stream_of_one_long_text_takes_the_memory_of_a_few(coded: bool, tmp_path: Path) -> None:
    table = pa.table({"id": pa.repeat(pa.scalar("a" * 100_000), 2000)})
    path = write(tmp_path / "a.parquet", table, use_dictionary=coded, compression="zstd")
    if not coded:
        with pytest.raises(ValueError, match="it unpacks to"):
            streamed(path, 1000)
        return
    assert max(batch.nbytes for batch in parquet_batches(path, all_of, 1000)) < 2 * SMALL_BYTES
    assert sum(batch.num_rows for batch in parquet_batches(path, all_of, 1000)) == 2000


def test_a_stream_of_rows_without_end_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"id": pa.repeat(pa.scalar("a"), SMALL_ROWS + 1)}))
    with pytest.raises(ValueError, match=r"1000001 rows cannot be in a file of \d+ bytes"):
        streamed(path, 1000)


@pytest.mark.parametrize("cut", [1, 9, 200])
def test_a_damaged_stream_is_a_value_error(cut: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", pa.table({"id": [str(row) for row in range(1000)]}))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ValueError, match=r"."):
        streamed(path, 100)


def test_a_description_of_other_kinds_is_at_most_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"id": ["a", "b"], "ra": [1.0, 2.0]}), path)
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole) - 8 - int.from_bytes(whole[-8:-4], "little"), len(whole) - 8, 3):
        # A truth value, an integer and a structure, as Thrift tells them.
        for kind in (1, 5, 12):
            spoilt = whole[:place] + bytes([whole[place] & 240 | kind]) + whole[place + 1 :]
            try:
                sum(group_bytes(BytesIO(spoilt), len(whole)))
            except (ValueError, LookupError):
                refused += 1
    assert refused > 50


@pytest.mark.parametrize("group", [5, 1000])
def test_row_groups_are_those_of_the_table(group: int, tmp_path: Path) -> None:
    table = pa.table({"id": [f"ł{n}" for n in range(12)], "n": range(12), "v": [[n, n + 1.5] for n in range(12)]})
    found = parquet_groups(write(tmp_path / "a.parquet", table, row_group_size=group))
    assert sum(found.rows) == 12
    read = pa.concat_tables(found.read(number, ["v", "id"]) for number in range(len(found.rows)))
    assert read.to_pydict() == table.select(["v", "id"]).to_pydict()


def test_cells_that_promise_many_numbers_are_refused_before_they_take_memory(tmp_path: Path) -> None:
    cells = pa.array([[1.0, 2.0]] * 1000, pa.list_(pa.float32(), 2))
    path = write(tmp_path / "a.parquet", pa.table({"v": cells}))
    # What Arrow says of its own columns stands in the footer, in letters that Arrow alone reads.
    claimed = pa.schema([("v", pa.list_(pa.float32(), 1 << 28))]).serialize().to_pybytes()
    told = pa.schema([("v", pa.list_(pa.float32(), 2))]).serialize().to_pybytes()
    content = path.read_bytes()
    assert base64.b64encode(told) in content
    assert len(claimed) == len(told)
    path.write_bytes(content.replace(base64.b64encode(told), base64.b64encode(claimed)))
    with pytest.raises(ValueError, match="it unpacks to"):
        parquet_groups(path)
