"""From the manifest's rows to shards, each whole or absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kamerton.catalogue.answering import Answering
from kamerton.catalogue.claims import Claim, claim
from kamerton.catalogue.columns import STATUS
from kamerton.catalogue.heading import heading
from kamerton.catalogue.manifest import Manifest
from kamerton.catalogue.reading import Batch, read_ahead, read_shard
from kamerton.catalogue.record import CatalogueRecord
from kamerton.catalogue.shards import is_made, read_shard_file, shard_path
from kamerton.catalogue.writers.parquet_file import parquet_rows
from kamerton.data.sources.source import Source
from kamerton.errors import warn
from kamerton.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class _Piece:
    """A batch, and the shard that it belongs to."""

    shard: int
    rows: pa.Table
    """Of the manifest."""
    batch: Batch
    ends: bool
    """Whether the shard is whole with it."""


class _KeptRows:
    """Rows of batches, until their shard is whole, in one piece of Arrow's own memory.

    As arrays of their own they would lie between the large ones that each batch takes and frees, which then find no
    room where the last ones were: the process would grow by megabytes a batch.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._begin()

    def _begin(self) -> None:
        import pyarrow as pa

        self._sink = pa.BufferOutputStream()
        self._stream = pa.ipc.new_stream(self._sink, self._schema)

    def add(self, rows: pa.Table) -> None:
        """Keep the rows of a further batch."""
        self._stream.write_table(rows)

    def take(self) -> pa.Table:
        """Give all that are kept, and keep none."""
        import pyarrow as pa

        self._stream.close()
        found = pa.ipc.open_stream(self._sink.getvalue()).read_all()
        self._begin()
        return found


@dataclass(frozen=True)
class Engine:
    """What makes the shards of one catalogue."""

    out: Path
    record: CatalogueRecord
    manifest: Manifest
    sources: Sequence[Source]
    answering: Answering
    watcher: Progress
    _claims: dict[int, Claim] = field(default_factory=dict)

    def make(self, shards: Iterable[int]) -> Iterator[int]:
        """Make these shards, unless they are there, and give the galaxies of each when it is whole.

        Other processes may work on the same catalogue: what one of them is making is waited for at the end, and made
        here if that process has died.
        """
        kept = _KeptRows(self.answering.schema)
        try:
            with closing(read_ahead(self._pieces(shards))) as pieces:
                for piece in pieces:
                    kept.add(self.answering.rows(piece.batch))
                    if piece.ends:
                        self._write(piece.shard, piece.rows, kept.take())
                        yield len(piece.rows)
            self.answering.end()
        finally:
            self._release_all()

    def retry(self, shards: Iterable[int]) -> None:
        """Try the galaxies again that could not be read, and put those into their shards that now can."""
        try:
            for number in shards:
                self._claims[number] = _granted(claim(self.out, _name(number), wait=True))
                self._retry(number)
                self._release_all()
        finally:
            self._release_all()

    def _pieces(self, shards: Iterable[int]) -> Iterator[_Piece]:
        """Read what nobody else makes; it runs in a thread of its own."""
        for number in self._claimed(shards):
            rows = self.manifest.read(number)
            for batch in read_shard(rows, self.sources):
                yield _Piece(number, rows, batch, batch.first + batch.count == len(rows))

    def _claimed(self, shards: Iterable[int]) -> Iterator[int]:
        elsewhere: list[int] = []
        for number in shards:
            if self._is_made(number):
                continue
            if self._claim(number, wait=False):
                yield number
            else:
                elsewhere.append(number)
        for number in elsewhere:
            if self._claim(number, wait=True):
                yield number

    def _claim(self, number: int, *, wait: bool) -> bool:
        """Claim a shard, unless another process has it, or has made it meanwhile."""
        found = claim(self.out, _name(number), wait=wait)
        if found is None:
            return False
        self._claims[number] = found
        if self._is_made(number):
            self._claims.pop(number).release()
            return False
        path = shard_path(self.out, number, self.record)
        if path.exists():
            self.watcher.say(f"{path} is damaged or was changed, and is made again")
        return True

    def _is_made(self, number: int) -> bool:
        return is_made(self.out, number, self.record, self.manifest.galaxies(number))

    def _retry(self, number: int) -> None:
        import pyarrow as pa

        before = read_shard_file(self.out, number, self.record)
        failed = np.flatnonzero(before[STATUS.name].is_valid())
        if not len(failed):
            return
        rows = self.manifest.read(number)
        again = pa.concat_tables(map(self.answering.rows, read_shard(rows.take(failed), self.sources)))
        if again[STATUS.name].null_count:
            # Answers of before, each failed one taken from those that follow.
            places = np.arange(len(rows))
            places[failed] = len(rows) + np.arange(len(failed))
            both = pa.concat_tables([before.select(again.column_names).cast(again.schema), again])
            self._write(number, rows, both.take(places))

    def _write(self, number: int, rows: pa.Table, answers: pa.Table) -> None:
        """Write a shard, and let others see it."""
        import pyarrow as pa

        reasons = answers[STATUS.name].drop_null()
        if len(reasons) == len(rows) > 1:
            warn(
                f"{shard_path(self.out, number, self.record)}: not one of its {len(rows)} galaxies could be read",
                received=f"the first: {reasons[0].as_py()}",
                next_step="see whether all disks are there, and try these again with --retry-failed",
            )
        header = heading(self.record)
        given = self.manifest.given(rows, positions=self.record.manifest.has_positions)
        names = [column.name for column in header.columns]
        with parquet_rows(shard_path(self.out, number, self.record), header, len(rows)) as writer:
            writer.append(pa.table([*given, *answers.columns], names=names))
        self._claims.pop(number).release()

    def _release_all(self) -> None:
        with ExitStack() as held:
            for number in list(self._claims):
                held.callback(self._claims.pop(number).release)


def _name(number: int) -> str:
    """Name the claim of a shard."""
    return f"{number:06d}"


def _granted(found: Claim | None) -> Claim:
    assert found is not None, "a claim that waits is granted"
    return found
