"""The pages of a Parquet file, and what each unpacks to.

Arrow gives a page the memory that its head asks for, up to 2 GiB, whatever the file's description says of it; so the
heads are read first. They and the description are Thrift's compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), of which no library in use reads a
part by itself. Field numbers are those of https://github.com/apache/parquet-format.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

FOOTER_BYTES = 8 << 20
"""Most of a small file's description, as of 2000 columns in a dozen groups of rows; a large one's may be 1% of it."""

MAX_PAGES, SMALL_PAGE_BYTES = 100_000, 10_000
"""Most pages of a small file, and of a large one as many as have so many bytes; Arrow writes a megabyte in each."""

MAX_DEPTH = 16
"""Of a structure in a structure: Parquet's own are six deep."""

HEAD_BYTES = 16 << 10
"""Most of the head of a page: its own few numbers, and the least and largest value in it."""

ROW_GROUPS, COLUMNS, META_DATA = 4, 1, 3
PACKED_BYTES, DATA_PLACE, DICTIONARY_PLACE = 7, 9, 11
PAGE_BYTES, PAGE_PACKED_BYTES = 2, 3


def group_bytes(file: IO[bytes], size_bytes: int) -> Iterator[int]:
    """Give the bytes that the pages of each group of rows unpack to, by their own heads.

    The file is open, and its place is not kept. Raises ValueError or LookupError where the description or a head is
    damaged.
    """
    try:
        yield from _group_bytes(file, size_bytes)
    # A number where a structure belongs, or a list where a number does.
    except (TypeError, AttributeError) as error:
        raise ValueError(f"a description that is not Parquet's: {error}") from error


def _group_bytes(file: IO[bytes], size_bytes: int) -> Iterator[int]:
    pages = 0
    for group in _description(file, size_bytes).get(ROW_GROUPS, []):
        unpacked_bytes = 0
        for column in group[COLUMNS]:
            for page in _pages(file, size_bytes, column[META_DATA]):
                unpacked_bytes += page
                pages += 1
                if pages > max(MAX_PAGES, size_bytes // SMALL_PAGE_BYTES):
                    raise ValueError(f"more than {pages - 1} pages")
        yield unpacked_bytes


def _description(file: IO[bytes], size_bytes: int) -> dict[int, Any]:
    """Read what the file says of itself at its end."""
    file.seek(max(0, size_bytes - 8))
    length, longest = int.from_bytes(file.read(4), "little"), max(FOOTER_BYTES, size_bytes // 100)
    if length > min(longest, size_bytes - 8):
        raise ValueError(f"a description of {length} bytes; at most {longest} are read")
    file.seek(size_bytes - 8 - length)
    return _Thrift(file.read(length)).structure()


def _pages(file: IO[bytes], size_bytes: int, column: dict[int, Any]) -> Iterator[int]:
    """Give the bytes that each page of a column unpacks to; they follow each other."""
    place = column[DATA_PLACE]
    if 0 < column.get(DICTIONARY_PLACE, 0) < place:
        place = column[DICTIONARY_PLACE]
    end = place + column[PACKED_BYTES]
    if not 0 <= place <= end <= size_bytes:
        raise ValueError(f"a column from byte {place} to {end} of {size_bytes}")
    while place < end:
        file.seek(place)
        head = _Thrift(file.read(min(HEAD_BYTES, size_bytes - place)))
        page = head.structure()
        if min(page[PAGE_BYTES], page[PAGE_PACKED_BYTES]) < 0:
            raise ValueError(f"a page of less than nothing at byte {place}")
        yield page[PAGE_BYTES]
        place += head.place + page[PAGE_PACKED_BYTES]


class _Thrift:
    """Bytes in Thrift's compact protocol, read from the front."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.place = 0

    def structure(self, depth: int = 0) -> dict[int, Any]:
        """Read a structure, as its fields by their numbers."""
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._integer()
            fields[number] = self._value(head & 15, depth)
        return fields

    def _byte(self) -> int:
        self.place += 1
        return self.content[self.place - 1]

    def _varint(self) -> int:
        """Read seven bits a byte, the lowest first, and the highest bit tells that more come."""
        number = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
        raise ValueError("a number of more than 64 bits")

    def _integer(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _value(self, kind: int, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise ValueError("structures in structures without end")
        if kind in {1, 2}:
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in {4, 5, 6}:
            return self._integer()
        if kind in {7, 8}:
            return self._bytes(8 if kind == 7 else self._varint())
        if kind in {9, 10}:
            return self._list(depth)
        if kind == 12:
            return self.structure(depth + 1)
        raise ValueError(f"a field of kind {kind}, which Parquet does not have")

    def _bytes(self, length: int) -> bytes:
        if length > len(self.content) - self.place:
            raise ValueError("a text longer than the file")
        self.place += length
        return self.content[self.place - length : self.place]

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._varint()
        if count > len(self.content) - self.place:
            raise ValueError("a list longer than the file")
        # Truth values are bytes in a list, and in the kind of a field elsewhere.
        kind = 3 if head & 15 in {1, 2} else head & 15
        return [self._value(kind, depth + 1) for _ in range(count)]
