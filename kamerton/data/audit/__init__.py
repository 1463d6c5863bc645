"""What is wrong with cubes and lists, all of it at once: ``kamerton data check``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from kamerton.checks import as_path, several
from kamerton.config.surveys import AuditSettings
from kamerton.data.audit.cube_file import examine_cube
from kamerton.data.audit.duplicates import duplicates
from kamerton.data.audit.findings import AuditReport, Finding
from kamerton.data.audit.galaxies import AuditedGalaxies, FileAudit
from kamerton.data.audit.list_file import examine_list
from kamerton.data.classes import shown
from kamerton.data.cubes.origin import framing_differs, framing_of, framing_told, stretch_differs
from kamerton.data.cubes.writer import CUBE_ENDINGS
from kamerton.data.lists import is_list
from kamerton.errors import UsageError
from kamerton.progress import Progress, Silent

__all__ = ["AuditReport", "check"]

ENDINGS = tuple(f"{ending}{packed}" for ending in CUBE_ENDINGS for packed in ("", ".gz", ".fz"))
"""Of cubes, where a folder is named."""


def check(
    paths: str | Path | Iterable[str | Path],
    *,
    radius_arcsec: float | None = AuditSettings.radius_arcsec,
    watcher: Progress | None = None,
) -> AuditReport:
    """Report everything that is wrong with labelled cubes, and with CSV or Parquet lists of ``ra``, ``dec``, ``label``.

    A folder stands for all cubes and lists right in it.
    In each file: damage, bad pixels, bad labels, bad positions. In and between files: the same galaxy twice, by its
    pixels or within ``radius_arcsec`` on the sky (None looks at no positions), labels that contradict each other, and
    cubes that no one network could read. A file that cannot be read is a finding and no error. Memory does not grow
    with the images: digests, labels and positions are kept. UsageError where no file is named, or a folder has none.
    """
    settings = AuditSettings(radius_arcsec)
    named: tuple[str | Path, ...] = several(paths, str, Path)
    given = [as_path(path, "paths") for path in named]
    files = [_examine(path, watcher or Silent(), path in given) for path in _distinct(given)]
    if not files:
        raise UsageError("No file to check", allowed="one cube or list, or more", next_step="name a file")
    kept = [file.galaxies for file in files if file.galaxies is not None]
    found = [finding for file in files for finding in file.findings]
    found += [*_disagreements(kept), *_origins(kept)]
    found += duplicates(kept, settings.radius_arcsec, watcher or Silent())
    return AuditReport(tuple(file.summary() for file in files), tuple(found), settings.radius_arcsec)


def _examine(path: Path, watcher: Progress, is_named: bool) -> FileAudit:
    return examine_list(path, is_named=is_named) if is_list(path) else examine_cube(path, watcher)


def _distinct(paths: Iterable[Path]) -> Sequence[Path]:
    """Name each file once, whichever way it is named, lest each of its galaxies be found twice."""
    files = [file for path in paths for file in (_files_in(path) if path.is_dir() else [path])]
    return list({file.resolve(): file for file in files}.values())


def _files_in(folder: Path) -> list[Path]:
    try:
        entries = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be opened", received=error.strerror, next_step="check your permissions"
        ) from error
    files = [path for path in entries if path.name.lower().endswith(ENDINGS) or is_list(path)]
    if not files:
        raise UsageError(
            f"{folder}: no cubes and no lists in it",
            received=shown(path.name for path in entries) or "no files",
            allowed="files that end in .fits, .csv or .parquet",
            next_step="name the folder that holds them, or the files",
        )
    return files


def _disagreements(files: Sequence[AuditedGalaxies]) -> list[Finding]:
    """Find cubes whose images have another shape, or whose classes have other names, than those of the first."""
    cubes = [file for file in files if file.image_shape is not None]
    shapes = {cube.file: " x ".join(map(str, cube.image_shape or ())) for cube in cubes}
    names = {cube.file: ", ".join(cube.class_names) for cube in cubes if cube.class_names is not None}
    return _mixed("image_shapes", shapes) + _mixed("class_names", names)


def _origins(files: Sequence[AuditedGalaxies]) -> Iterator[Finding]:
    """Find cubes whose pixels came to be in another way than those of the first that says how."""
    cubes = [file for file in files if file.image_shape is not None]
    known = [cube.origin for cube in cubes if cube.origin is not None and cube.origin.method != "unknown"]
    if known and any(stretch_differs(known[0], cube.origin) for cube in cubes):
        ways = {cube.file: str(cube.origin) if cube.origin else "pixels of unknown origin" for cube in cubes}
        yield _told("pixel_origins", ways)
    framed = next((cube.origin for cube in cubes if framing_of(cube.origin) is not None), None)
    differing = [framing_differs(framed, cube.origin) for cube in cubes]
    framings = {cube.file: framing_told(cube.origin) for cube in cubes}
    if any(differing):
        yield _told("crops", framings, "images show other parts of their pictures, so galaxies have another scale: ")
    elif None in differing:
        yield _told("note", framings, "not known whether images show as much of the sky: ")


def _told(kind: str, values: dict[str, str], what: str = "") -> Finding:
    return Finding(kind, tuple(values), what + "; ".join(f"{file}: {value}" for file, value in values.items()))


def _mixed(kind: str, values: dict[str, str]) -> list[Finding]:
    if len(set(values.values())) < 2:
        return []
    return [Finding(kind, tuple(values), "; ".join(f"{file} has {value}" for file, value in values.items()))]
