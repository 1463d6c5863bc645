"""The manifest of a catalogue: which galaxy is in which shard, written once, and never changed.

It is a Parquet file whose row groups are the shards. Each row names a galaxy's source and its place there, and
carries its identifier, its position and the other columns of its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from kamerton.catalogue.columns import KINDS, CarriedKind
from kamerton.catalogue.identifiers import Hashes, Identifiers, hashes
from kamerton.data.sources.source import Source
from kamerton.errors import DataError, warn
from kamerton.files import file_sha256, whole_file
from kamerton.opening import open_plain
from kamerton.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa

SOURCE, PLACE, ID, RA, DEC = "source", "place", "id", "ra", "dec"
OWN = (SOURCE, PLACE, ID, RA, DEC)
"""Columns of every manifest: number of the source, place there, identifier, position (degrees, ICRS)."""

CARRIED = "carried_"
"""And a number: the columns that pass through, which may have any names in their sources."""


@dataclass(frozen=True)
class ManifestFacts:
    """What is known of a manifest once it is frozen."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sha256: str
    galaxies: int
    shards: int
    has_positions: bool
    carried: dict[str, CarriedKind]
    """Columns of the sources that pass through, by their names there."""


def freeze(
    path: Path, sources: Sequence[Source], shard_galaxies: int, watcher: Progress
) -> tuple[ManifestFacts, list[str]]:
    """List the galaxies of all sources in their order, ``shard_galaxies`` to a shard, in memory that does not grow.

    The carried columns follow its own, in their order. An identifier is its source's own, so that catalogues of the
    same galaxies can be joined whatever else they hold. Where galaxies of different sources would share one, all that
    are made of places begin with their source, which is said; what they begin with is given too, one a source.
    DataError where an identifier is there twice, or where there is no galaxy.
    """
    kinds = _unified(sources)
    prefixes = [""] * len(sources)
    with whole_file(path) as partial:
        listed = _list(partial, sources, kinds, prefixes, shard_galaxies, watcher)
        twice = _first_twice(partial, listed.suspects)
        if twice and twice.first[0] != twice.second[0] and any(id_prefixes(sources)):
            prefixes = id_prefixes(sources)
            _say_prefixes(twice, sources, prefixes)
            listed = _list(partial, sources, kinds, prefixes, shard_galaxies, watcher)
            twice = _first_twice(partial, listed.suspects)
        if twice:
            raise DataError(
                "Two galaxies have one identifier",
                received=f"{twice.id!r}: {twice.places(sources)}",
                allowed="one identifier a galaxy",
                next_step="name each galaxy once, or give each its own id",
            )
    return ManifestFacts(file_sha256(path), listed.galaxies, listed.shards, listed.has_positions, kinds), prefixes


@dataclass(frozen=True)
class _Listed:
    """What a pass over all sources has found."""

    galaxies: int
    shards: int
    has_positions: bool
    suspects: Hashes
    """Hashes of identifiers that may be there twice."""


def _list(
    partial: Path,
    sources: Sequence[Source],
    kinds: Mapping[str, CarriedKind],
    prefixes: Sequence[str],
    shard_galaxies: int,
    watcher: Progress,
) -> _Listed:
    """Write the rows of all sources; DataError where there are none."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema(
        [
            (SOURCE, pa.int32()),
            (PLACE, pa.string()),
            (ID, pa.string()),
            (RA, pa.float64()),
            (DEC, pa.float64()),
            *((f"{CARRIED}{number}", getattr(pa, KINDS[kind].arrow)()) for number, kind in enumerate(kinds.values())),
        ]
    )
    galaxies = shards = 0
    has_positions = False
    with (
        Identifiers() as identifiers,
        watcher.task("listing the galaxies", None, "galaxies") as advance,
    ):
        with parquet.ParquetWriter(partial, schema, compression="zstd") as writer:
            for table in _in_shards(_tables(sources, kinds, prefixes, schema), shard_galaxies):
                writer.write_table(table, row_group_size=shard_galaxies)
                identifiers.add(table[ID])
                galaxies, shards = galaxies + len(table), shards + 1
                has_positions = has_positions or table[RA].null_count < len(table)
                advance(len(table))
        if not galaxies:
            raise DataError(
                "There is no galaxy to label",
                received=", ".join(str(source.path) for source in sources),
                allowed="pictures, FITS cutouts, cubes, and lists of them",
                next_step="name a source that holds galaxies",
            )
        return _Listed(galaxies, shards, has_positions, identifiers.suspects())


def _unified(sources: Sequence[Source]) -> dict[str, CarriedKind]:
    """Give the columns of all sources one type each: what is text in one of them is text."""
    kinds: dict[str, CarriedKind] = {}
    for source in sources:
        for name, kind in source.columns.items():
            both = {kind, kinds.get(name, kind)}
            kinds[name] = both.pop() if len(both) == 1 else "text" if "text" in both else "float64"
    return kinds


BATCH_ROWS = 4096
"""Rows that are asked of a source at once."""


def _tables(
    sources: Sequence[Source], kinds: Mapping[str, CarriedKind], prefixes: Sequence[str], schema: pa.Schema
) -> Iterator[pa.Table]:
    """Give the rows of all sources, with all columns."""
    import pyarrow as pa

    for number, source in enumerate(sources):
        for batch in source.batches(BATCH_ROWS):
            given = pa.Table.from_batches([batch])
            columns: dict[str, Any] = {
                SOURCE: pa.array([number] * len(given), pa.int32()),
                PLACE: given[PLACE],
                ID: prefixed(given[ID], prefixes[number]),
                RA: given[RA],
                DEC: given[DEC],
            }
            for name, field in zip(kinds, list(schema)[len(OWN) :], strict=True):
                there = name in source.columns
                columns[field.name] = given[name].cast(field.type) if there else pa.nulls(len(given), field.type)
            yield pa.table(columns, schema=schema)


def id_prefixes(sources: Sequence[Source]) -> list[str]:
    """Say what tells identifiers that were made of places apart, where those of several sources are equal.

    For pictures it is their folder, and for other sources their name.
    """
    names = [source.path.name for source in sources]
    folders = len({source.path.parent for source in sources}) > 1
    shown = names if len(set(names)) == len(names) else [source.path.as_posix() for source in sources]
    return [_prefix(source, name, folders) for source, name in zip(sources, shown, strict=True)]


def _prefix(source: Source, name: str, folders: bool) -> str:
    if source.has_own_ids:
        return ""
    if source.kind != "picture":
        return name
    folder = source.path.parent.as_posix()
    return folder if folders and folder != "." else ""


def prefixed(ids: pa.ChunkedArray, prefix: str) -> pa.ChunkedArray:
    """Give identifiers with what tells their source apart."""
    from pyarrow import compute

    return compute.binary_join_element_wise(prefix, ids, "/") if prefix else ids


def _in_shards(tables: Iterator[pa.Table], shard_galaxies: int) -> Iterator[pa.Table]:
    """Cut a stream of tables into tables of one length; the last may be shorter."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += len(table)
        while count >= shard_galaxies:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, shard_galaxies).combine_chunks()
            waiting, count = [whole.slice(shard_galaxies)], count - shard_galaxies
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


@dataclass(frozen=True)
class _Twice:
    """An identifier that two galaxies have."""

    id: str
    first: tuple[int, str]
    """Number of the source, and the place there."""
    second: tuple[int, str]

    def places(self, sources: Sequence[Source]) -> str:
        """Say where both are."""
        return " and ".join(f"{place} of {sources[number].path}" for number, place in (self.first, self.second))


def _first_twice(manifest: Path, suspects: Hashes) -> _Twice | None:
    """Find the first identifier that two galaxies have; equal hashes alone are no proof."""
    if not len(suspects):
        return None
    first: dict[str, tuple[int, str]] = {}
    with Manifest(manifest) as content:
        for shard in range(content.shards):
            rows = content.read(shard)
            for row in np.flatnonzero(np.isin(hashes(rows[ID]), suspects)):
                name, at = rows[ID][row].as_py(), (rows[SOURCE][row].as_py(), rows[PLACE][row].as_py())
                if first.setdefault(name, at) != at:
                    return _Twice(name, first[name], at)
    return None


def _say_prefixes(twice: _Twice, sources: Sequence[Source], prefixes: Sequence[str]) -> None:
    second = twice.second[0]
    number = second if prefixes[second] else twice.first[0]
    warn(
        "Galaxies of different sources have one id, so that here ids begin with their source",
        received=f"{twice.id!r}: {twice.places(sources)}",
        next_step="give each source a catalogue of its own, or, to join this one with such a one, put "
        f"{prefixes[number] + '/'!r} and the like before the ids there",
    )


class Manifest:
    """A frozen manifest, read a shard at a time."""

    def __init__(self, path: Path) -> None:
        from pyarrow import parquet

        self._file = open_plain(path)
        # Arrow's own threads still hold a Python file when a call has returned (`kamerton.parquet`).
        self._content = parquet.ParquetFile(self._file, pre_buffer=False)
        self.shards: int = self._content.num_row_groups

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._content.close()
        self._file.close()

    def galaxies(self, shard: int) -> int:
        """Say how many galaxies are in a shard."""
        return int(self._content.metadata.row_group(shard).num_rows)

    def read(self, shard: int) -> pa.Table:
        """Read the rows of a shard."""
        return self._content.read_row_group(shard, use_threads=False)

    @staticmethod
    def given(rows: pa.Table, *, positions: bool) -> list[pa.ChunkedArray]:
        """Give the columns that a catalogue takes over from the rows of a shard, in its order."""
        names = [ID, *((RA, DEC) if positions else ()), *rows.column_names[len(OWN) :]]
        return [rows[name] for name in names]
