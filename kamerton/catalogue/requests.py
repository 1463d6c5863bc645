"""The sources of a catalogue, opened and held against the run before any work is spent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kamerton.config.pictures import ID_COLUMN, PixelOrigin
from kamerton.data.cubes.origin import framing_differs, framing_told, stretch_differs
from kamerton.data.sources import open_source
from kamerton.data.sources.source import Source, SourceRequest, settings_of
from kamerton.errors import DataError, UsageError, warn
from kamerton.plurals import counted
from kamerton.runs.folder import Run, is_run


@dataclass(frozen=True)
class GivenPixels:
    """How the pixels of galaxies that a run refused come to be."""

    origin: PixelOrigin
    channels: int
    are_kept: bool
    """Whether they are pixels already, as in a cube; a cutout is stretched as each run asks."""

    def go_with(self, run: Run) -> bool:
        """Tell whether a run learned from galaxies such as these."""
        learned = run.record.pixel_origin
        channels = run.record.preprocessing.channels
        if learned is None or (learned.method, channels) != (self.origin.method, self.channels):
            return False
        if self.are_kept:
            return not stretch_differs(learned, self.origin)
        # Bands without names are taken for those of the run.
        return self.origin.bands in {None, learned.bands}


class OtherPixelsError(DataError):
    """Galaxies whose pixels come to be in another way than those that a run learned from."""

    def __init__(self, what: str, *, given: GivenPixels, received: str, allowed: str, next_step: str) -> None:
        super().__init__(what, received=received, allowed=allowed, next_step=next_step)
        self.given = given


def flat_paths(sources: Iterable[str | Path | Iterable[str | Path]]) -> list[str | Path]:
    """Take sources and lists of them; UsageError for anything that is no path, such as images in memory."""
    found: list[str | Path] = []
    for source in sources:
        if isinstance(source, str | Path) or not isinstance(source, Iterable):
            found.append(source)
        else:
            found.extend(source)
    strange = [source for source in found if not isinstance(source, str | Path)]
    if strange:
        raise UsageError(
            "A source that is no path",
            received=type(strange[0]).__name__,
            allowed="paths of cubes, pictures, folders, lists",
            next_step="give paths, and images in memory to kamerton.Predictor",
        )
    return found


@contextmanager
def open_sources(
    run: Run, paths: Sequence[str | Path], path_column: str, id_column: str = ID_COLUMN
) -> Iterator[list[Source]]:
    """Open all sources; UsageError where one does not go with the run, or with the others."""
    if not paths:
        raise UsageError("No galaxies were named", allowed="cubes, pictures, folders, lists", next_step="name a source")
    settings = settings_of(run.record.pixel_origin)
    with ExitStack() as opened:
        sources: list[Source] = []
        for path in paths:
            _require_no_run(Path(path))
            source = opened.enter_context(
                open_source(SourceRequest(Path(path), settings, path_column, run.record.pixel_origin, id_column))
            )
            _require_bands(run, source)
            _require_one_size(source, sources)
            sources.append(source)
        _say_what_is_not_known(run, sources)
        yield sources


def _require_no_run(path: Path) -> None:
    """Refuse a run's folder, whose pictures are of results."""
    if is_run(path):
        raise UsageError(
            f"{path}: a run, and no galaxies",
            allowed="cubes, pictures, folders, lists",
            next_step="name the galaxies to label; one run labels them at a time",
        )


def _require_bands(run: Run, source: Source) -> None:
    wanted = run.record.preprocessing.channels
    if source.channels != wanted:
        raise DataError(
            f"{source.path}: images have other channels than those that {run.name} learned from",
            received=counted(source.channels, "channel"),
            allowed=counted(wanted, "channel"),
            next_step="name galaxies with the same bands",
        )
    learned = run.record.pixel_origin
    if learned is not None and source.origin is not None and stretch_differs(learned, source.origin):
        given = GivenPixels(source.origin, source.channels, are_kept=source.kind in {"cube", "hdf5"})
        raise _other_pixels(run, source.path, learned, given)
    differs = framing_differs(learned, source.origin)
    if differs:
        raise DataError(
            f"{source.path}: images show another part of their pictures than those that {run.name} learned from",
            received=framing_told(source.origin),
            allowed=framing_told(learned),
            next_step="crop them alike: galaxies of another angular size are other galaxies to the network",
        )
    if differs is None:
        warn(
            f"{source.path}: not known whether images show as much of the sky as those that {run.name} learned from",
            received=f"{framing_told(source.origin)}; learned from {framing_told(learned)}",
            next_step="see to it that galaxies have the same angular size in both",
        )


def _other_pixels(run: Run, path: Path, learned: PixelOrigin, given: GivenPixels) -> OtherPixelsError:
    if learned.method == "none":
        what = f"{path}: bands of light in FITS, and {run.name} learned from pictures, whose pixels came as bytes"
        next_step = "choose a network that learned from FITS cutouts, or give pictures (JPEG, PNG)"
    elif given.origin.method == "none":
        what = f"{path}: pictures, whose pixels came as bytes, and {run.name} learned from bands of light in FITS"
        next_step = "choose a network that learned from pictures, or give FITS cutouts"
    else:
        what = f"{path}: other bands, or another stretch, than those that {run.name} learned from"
        next_step = "give galaxies with its bands and stretch, or choose a network that learned from such as these"
    return OtherPixelsError(what, received=str(given.origin), allowed=str(learned), next_step=next_step, given=given)


def say_doubtful(run: Run, doubtful: int, readable: int, *, to_see: str) -> None:
    """Say how many galaxies may show another part of the sky; where all may, it was said as they were opened."""
    if 0 < doubtful < readable:
        warn(
            f"{doubtful} of {counted(readable, 'galaxy')} in pictures of other sizes: not known whether they show as "
            f"much of the sky as those that {run.name} learned from",
            received=f"learned from {framing_told(run.record.pixel_origin)}",
            next_step=f"see to {to_see}: galaxies should have the same angular size in both",
        )


def _require_one_size(source: Source, before: Sequence[Source]) -> None:
    if before and before[0].side_px != source.side_px:
        raise UsageError(
            f"{source.path}: images of another size than those of {before[0].path}",
            received=f"{source.side_px} pixels, and {before[0].side_px} pixels before",
            allowed="one size in a catalogue: it is what fits the galaxies' angular size",
            next_step="give each its own catalogue, or cut the galaxies out alike",
        )


def _say_what_is_not_known(run: Run, sources: Sequence[Source]) -> None:
    learned = run.record.pixel_origin
    if learned is None and any(source.origin is not None and source.origin.method != "none" for source in sources):
        warn(
            f"{run.name} does not say how its pixels came to be: bands are stretched in Kamerton's usual way",
            next_step="look whether the pictures that it learned from were made alike",
        )
