"""One catalogue, from a frozen manifest to all its shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from kamerton.catalogue.answering import Answering
from kamerton.catalogue.claims import claim, remove_dead_claims
from kamerton.catalogue.engine import Engine
from kamerton.catalogue.heading import heading, model_facts, model_of, source_facts
from kamerton.catalogue.manifest import Manifest, freeze
from kamerton.catalogue.ray_runner import Make, make_on_ray
from kamerton.catalogue.record import (
    MANIFEST_FILE,
    CatalogueRecord,
    Model,
    SourceRecord,
    has_catalogue_record,
    read_catalogue_record,
    require_free,
    require_manifest,
    require_same_request,
    write_catalogue_record,
)
from kamerton.catalogue.requests import open_sources
from kamerton.catalogue.shards import is_made, shard_path
from kamerton.catalogue.writers import require_format
from kamerton.certainty.judging import Certainty, read_certainty
from kamerton.config.answers import PredictSettings
from kamerton.data.sources.source import Source
from kamerton.errors import UsageError
from kamerton.inference.predictor import Predictor
from kamerton.machine.devices import choose_device
from kamerton.progress import Progress, Silent
from kamerton.runs.folder import Run, open_run


@dataclass(frozen=True)
class Work:
    """What is asked for."""

    run: Run
    sources: Sequence[Source]
    settings: PredictSettings
    out: Path
    """Folder of the shards."""
    watcher: Progress

    @cached_property
    def certainty(self) -> Certainty | None:
        """The run's calibration; None where it has none."""
        return read_certainty(self.run)

    def begin(self, file: Path | None, *, resume: bool, most: int | None) -> CatalogueRecord:
        """Freeze the manifest, or find that the frozen one is of the same request.

        UsageError where ``file`` cannot hold the columns, or where there are more than ``most`` galaxies.
        """
        out = self.out
        require_free(out, resume=resume)
        # What is wrong with the run stops it before anything is written.
        _ = self.answering
        is_new = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
        try:
            # Of several processes that begin at once, one freezes it, and the others wait for that.
            held = claim(out, "manifest", wait=True)
            assert held is not None, "a claim that waits is granted"
            with held:
                if has_catalogue_record(out):
                    return self._same(read_catalogue_record(out))
                return self._freeze(file, most)
        finally:
            if is_new:
                with suppress(OSError):
                    out.rmdir()

    def _same(self, record: CatalogueRecord) -> CatalogueRecord:
        require_same_request(self.out, record, self._model(), self.settings.shard_galaxies, self._source_records())
        require_manifest(self.out, record)
        return record

    def _freeze(self, file: Path | None, most: int | None) -> CatalogueRecord:
        manifest, prefixes = freeze(self.out / MANIFEST_FILE, self.sources, self.settings.shard_galaxies, self.watcher)
        try:
            if most is not None and manifest.galaxies > most:
                raise UsageError(
                    f"{manifest.galaxies} galaxies are too many for a table in the terminal",
                    allowed=f"at most {most} without --out",
                    next_step="name a catalogue with --out, such as --out shapes.parquet",
                )
            sources = tuple(
                replace(record, id_prefix=prefix)
                for record, prefix in zip(self._source_records(), prefixes, strict=True)
            )
            facts = model_facts(self.run, self._model(), self.certainty) | source_facts(sources)
            record = CatalogueRecord(self._model(), self.settings.shard_galaxies, sources, manifest, facts)
            if file is not None:
                require_format(file, heading(record).columns)
            write_catalogue_record(self.out, record)
        except BaseException:
            (self.out / MANIFEST_FILE).unlink(missing_ok=True)
            raise
        return record

    def _model(self) -> Model:
        return model_of(
            self.run,
            self.certainty,
            eight_views=self.settings.eight_views,
            int8=self.settings.int8,
            features=self.answering.features,
        )

    def _source_records(self) -> tuple[SourceRecord, ...]:
        columns = self.settings.path_column, self.settings.id_column
        return tuple(
            SourceRecord(str(one.path), one.kind, one.identity, *(columns if one.kind == "list" else ()))
            for one in self.sources
        )

    def make(self, record: CatalogueRecord, *, retry_failed: bool) -> None:
        """Make what is not made yet."""
        with Manifest(self.out / MANIFEST_FILE) as manifest:
            shards = range(manifest.shards)
            done = sum(manifest.galaxies(n) for n in shards if shard_path(self.out, n, record).exists())
            if done < record.manifest.galaxies and not self.settings.ray:
                self.answering.predictor.prepare()
            with self.watcher.task("labelling", record.manifest.galaxies, "galaxies", done) as advance:
                for galaxies in self._made(record, manifest):
                    advance(galaxies)
            if retry_failed:
                self.engine(record, manifest).retry(shards)
        remove_dead_claims(self.out)

    def _made(self, record: CatalogueRecord, manifest: Manifest) -> Iterator[int]:
        shards = range(manifest.shards)
        if not self.settings.ray:
            return self.engine(record, manifest).make(shards)
        pending = [n for n in shards if not is_made(self.out, n, record, manifest.galaxies(n))]
        paths = [str(source.path.resolve()) for source in self.sources]
        begin = partial(begin_worker, str(self.run.path.resolve()), paths, self.settings, str(self.out.resolve()))
        return make_on_ray(begin, pending, needs_gpu=choose_device(self.settings.device).type == "cuda")

    @cached_property
    def answering(self) -> Answering:
        """The run's network and calibration; errors where there are no weights, or the calibration is not for this."""
        settings = self.settings
        predictor = Predictor(
            self.run,
            eight_views=settings.eight_views,
            int8=settings.int8,
            device=settings.device,
            watcher=self.watcher,
        )
        if self.certainty is not None:
            self.certainty.require(predictor)
        return Answering(predictor, self.certainty, settings.features)

    def engine(self, record: CatalogueRecord, manifest: Manifest) -> Engine:
        """Give what makes shards."""
        return Engine(self.out, record, manifest, self.sources, self.answering, self.watcher)


def begin_worker(run: str, sources: Sequence[str], settings: PredictSettings, out: str) -> Make:
    """Open everything in a worker of a cluster, which gets a shard at a time."""
    return _Worker(run, sources, settings, out).make


class _Worker:
    """Keeps open, as long as it is there, what all shards need."""

    def __init__(self, run: str, sources: Sequence[str], settings: PredictSettings, out: str) -> None:
        # A stack that nobody holds would close everything in it.
        self._opened = ExitStack()
        opened = self._opened.enter_context(
            open_sources(open_run(run), sources, settings.path_column, settings.id_column)
        )
        work = Work(open_run(run), opened, settings, Path(out), Silent())
        self._manifest = self._opened.enter_context(Manifest(work.out / MANIFEST_FILE))
        self._engine = work.engine(read_catalogue_record(work.out), self._manifest)

    def make(self, shard: int) -> int:
        """Make a shard, and give its galaxies."""
        for _ in self._engine.make([shard]):
            pass
        return self._manifest.galaxies(shard)
