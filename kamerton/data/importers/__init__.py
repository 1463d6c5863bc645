"""Other people's labelled galaxies, rewritten as one labelled FITS cube.

`IMPORTERS` is the table of contents: each format recognises its own files and opens them as a `LabelledSource`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from kamerton.checks import as_path
from kamerton.config.pictures import ImportSettings, PixelOrigin
from kamerton.data.classes import warn_of_classes
from kamerton.data.cubes.own import require_another, require_cube_place
from kamerton.data.cubes.writer import CubeWriter, require_cube_name
from kamerton.data.importers.class_folders import open_folders
from kamerton.data.importers.classes import check_class_names
from kamerton.data.importers.galaxy10_file import is_hdf5, open_galaxy10
from kamerton.data.importers.labelled_cube import is_cube, open_labelled_cube
from kamerton.data.importers.left_out import kept, left_out_path, listed_beside, require_list_place
from kamerton.data.importers.picture_list import open_list
from kamerton.data.importers.source import ImportRequest, LabelledSource
from kamerton.data.lists import is_list
from kamerton.errors import DataError, UsageError, warn
from kamerton.files import cannot_write
from kamerton.plurals import counted
from kamerton.progress import Progress, Silent


@dataclass(frozen=True)
class Importer:
    """One format: how it is recognised and opened."""

    reads: str
    """What it reads, for the message about a source that no importer knows."""
    recognises: Callable[[Path], bool]
    open: Callable[[ImportRequest], AbstractContextManager[LabelledSource]]


IMPORTERS: dict[str, Importer] = {
    "galaxy10": Importer("a Galaxy10 HDF5 file", is_hdf5, open_galaxy10),
    "folders": Importer("a folder of class folders", Path.is_dir, open_folders),
    "list": Importer("a CSV or Parquet list of paths and labels", is_list, open_list),
    "cube": Importer("a labelled FITS cube", is_cube, open_labelled_cube),
}
"""Every kind of source; a new one is a recogniser, a function that opens it, and a line here."""


@dataclass(frozen=True)
class ImportSummary:
    """What was written."""

    kind: str
    source: Path
    out_path: Path
    image_shape: tuple[int, int, int]
    """(height, width, channels), pixels."""
    dtype: str
    class_counts: dict[str, int]
    """Galaxies in each class, in the order of the class indices."""
    numbers: dict[str, int]
    """Which number of the source each class was, where --classes named numbers."""
    left_out: int = 0
    """Galaxies whose picture could not be read."""
    left_out_path: Path | None = None
    """The list of them, with the reasons; None where there are none."""

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.image_shape))
        classes = len(self.class_counts)
        return f"ImportSummary({self.out_path}, {self.count} images of {shape} {self.dtype}, {classes} classes)"

    @property
    def count(self) -> int:
        """Galaxies in all."""
        return sum(self.class_counts.values())

    def describe(self) -> str:
        """Say in one line what was written."""
        height, width, channels = self.image_shape
        # Names of classes have commas, as "Disk, Edge-on, No Bulge" of Galaxy10 SDSS.
        was = {name: f" (label {number})" for name, number in self.numbers.items()}
        classes = "; ".join(f"{name}{was.get(name, '')} {count}" for name, count in self.class_counts.items())
        cube = (
            f"{self.out_path}: {counted(self.count, 'galaxy')}, {height} x {width} x {channels} {self.dtype}: {classes}"
        )
        return cube if not self.left_out else f"{cube}; {self.left_out} left out, listed in {self.left_out_path}"


def import_cube(
    source: str | Path,
    out_path: str | Path,
    *,
    size: int | None = ImportSettings.size,
    crop: int | None = ImportSettings.crop,
    bands: str | None = ImportSettings.bands,
    q: float = ImportSettings.q,
    stretch: float | None = ImportSettings.stretch,
    label_column: str = ImportSettings.label_column,
    path_column: str = ImportSettings.path_column,
    id_column: str = ImportSettings.id_column,
    skip_bad: bool = ImportSettings.skip_bad,
    classes: str | Sequence[str] | None = ImportSettings.classes,
    overwrite: bool = False,
    watcher: Progress | None = None,
) -> ImportSummary:
    """Write any labelled source as a labelled FITS cube of square images.

    Of each picture the central square of ``crop`` pixels is kept and resized to ``size`` pixels; by default the largest
    square, as it is. ``q`` and ``stretch`` are those of the asinh stretch (Lupton et al. 2004), which turns float bands
    into pixels, and ``bands`` names the planes of FITS cutouts whose headers do not. The columns are those of a list of
    pictures, and refused with any other source. ``classes`` are the names of the classes in their order: all labels
    must be among them, or, where labels are numbers, they name these in ascending order. Says what may be meant
    otherwise (KamertonWarning): classes without galaxies, with fewer than three, or of names that look alike; planes
    that nobody named. With ``skip_bad`` a picture that cannot be read leaves out its galaxy, and ``NAME.left-out.csv``
    beside the cube lists which and why. With ``overwrite`` a cube at ``out_path`` that Kamerton wrote is replaced, and
    its list too. On any error ``out_path`` is as before. Raises UsageError for a bad setting or a missing source,
    OutputError where ``out_path`` exists or cannot be written, and DataError, naming the file and row, for bad data.
    """
    names = (classes,) if isinstance(classes, str) else None if classes is None else tuple(classes)
    settings = ImportSettings(size, crop, bands, q, stretch, label_column, path_column, id_column, skip_bad, names)
    source, out_path = as_path(source, "source"), as_path(out_path, "out_path")
    _require_source(source)
    require_cube_name(out_path)
    require_cube_place(out_path, overwrite=overwrite)
    require_another(source, out_path)
    if skip_bad:
        require_list_place(out_path, overwrite=overwrite)
    kind = _recognise(source)
    _refuse_columns(kind, source, settings)
    request = ImportRequest(source, settings, path_column, label_column, skip_bad, settings.classes, id_column)
    with IMPORTERS[kind].open(request) as galaxies:
        check_class_names(str(source), galaxies.class_names)
        warn_of_classes(str(source), galaxies.labels, galaxies.class_names)
        image_shape, dtype = _write(galaxies, out_path, _history(kind, request), overwrite, watcher or Silent())
        _warn_of_idle_settings(kind, galaxies.found.origin, settings)
    left_out = len(galaxies.found.left_out)
    counts = np.bincount(galaxies.labels[kept(galaxies)], minlength=len(galaxies.class_names))
    class_counts = {name: int(count) for name, count in zip(galaxies.class_names, counts, strict=True)}
    return ImportSummary(
        kind,
        source,
        out_path,
        image_shape,
        dtype,
        class_counts,
        dict(galaxies.numbers),
        left_out,
        left_out_path(out_path) if left_out else None,
    )


def _refuse_columns(kind: str, source: Path, settings: ImportSettings) -> None:
    """Refuse names of columns where only a list has any: the labels would be others than those that were asked for."""
    names = ("label_column", "path_column", "id_column")
    given = {
        name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(ImportSettings, name)
    }
    if given and kind != "list":
        raise UsageError(
            f"{source} is {IMPORTERS[kind].reads}, which has its own labels and no columns to choose from",
            received=", ".join(f"--{name.replace('_', '-')} {value}" for name, value in given.items()),
            allowed=f"these options with {IMPORTERS['list'].reads}",
            next_step="leave them out, or write such a list",
        )


def _warn_of_idle_settings(kind: str, origin: PixelOrigin | None, settings: ImportSettings) -> None:
    """Say that settings of the stretch change nothing where nothing was stretched."""
    stretched = kind in {"folders", "list"} and origin is not None and origin.method == "asinh"
    given = [name for name in ("bands", "q", "stretch") if getattr(settings, name) != getattr(ImportSettings, name)]
    if given and not stretched:
        warn(
            f"{' and '.join(f'--{name}' for name in given)} changed nothing, for no bands were stretched",
            received="pictures, or a cube whose pixels are pixels already",
            allowed="FITS cutouts, in a list or in class folders",
        )


def _require_source(source: Path) -> None:
    try:
        source.stat()
    except OSError as error:
        raise UsageError(
            f"{source}: cannot be read",
            received=error.strerror,
            allowed=_what_is_read(),
            next_step="check the name and your permissions",
        ) from error


def _what_is_read() -> str:
    return "; ".join(importer.reads for importer in IMPORTERS.values())


def _recognise(source: Path) -> str:
    try:
        kinds = [kind for kind, importer in IMPORTERS.items() if importer.recognises(source)]
    except OSError as error:
        raise DataError(
            f"{source}: cannot be opened", received=error.strerror, next_step="check your permissions"
        ) from error
    if not kinds:
        raise DataError(
            f"{source}: no importer knows it",
            allowed=_what_is_read(),
            next_step="sort the pictures into one folder a class, or list them in a CSV file",
        )
    return kinds[0]


def _write(
    galaxies: LabelledSource, out_path: Path, history: Sequence[str], overwrite: bool, watcher: Progress
) -> tuple[tuple[int, int, int], str]:
    """Stream the batches to the cube; the first one tells the shape and type of all."""
    first = next(galaxies.batches)
    _, height, width, channels = first.shape
    shape = (height, width, channels)
    try:
        with (
            CubeWriter(
                out_path,
                image_shape=shape,
                dtype=first.dtype,
                class_names=galaxies.class_names,
                overwrite=overwrite,
            ) as writer,
            watcher.task(f"importing into {out_path.name}", len(galaxies.labels), "galaxies") as advance,
        ):
            for images_nhwc in chain([first], galaxies.batches):
                writer.append(images_nhwc)
                advance(len(images_nhwc))
            advance(len(galaxies.found.left_out))
            with listed_beside(out_path, galaxies, overwrite=overwrite):
                _finish(writer, galaxies, history)
    except OSError as error:
        raise cannot_write(out_path, error) from error
    return shape, first.dtype.name


def _finish(writer: CubeWriter, galaxies: LabelledSource, history: Sequence[str]) -> None:
    origin, rows = galaxies.found.origin, kept(galaxies)
    made_of = [str(origin)] if origin is not None and origin.method == "asinh" else []
    writer.finish(galaxies.labels[rows], galaxies.catalogue[rows], [*history, *made_of], origin)


def _history(kind: str, request: ImportRequest) -> list[str]:
    settings = request.settings
    crop = f"central {settings.crop} pixels" if settings.crop else "largest central square"
    size = f"resized to {settings.size} pixels (Lanczos)" if settings.size else "not resized"
    return [f"kamerton data import: {kind} {request.source.name or request.source}", f"{crop}, {size}"]
