"""What is wrong with cubes and lists, all of it at once: ``kamerton data check``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from kamerton.checks import several
from kamerton.config import AuditSettings
from kamerton.data.audit.cube_file import examine_cube
from kamerton.data.audit.duplicates import duplicates
from kamerton.data.audit.findings import AuditReport, Finding
from kamerton.data.audit.galaxies import AuditedGalaxies, FileAudit
from kamerton.data.audit.list_file import examine_list
from kamerton.data.lists import is_list
from kamerton.errors import UsageError
from kamerton.progress import Progress, Silent

__all__ = ["AuditReport", "check"]


def check(
    paths: str | Path | Iterable[str | Path],
    *,
    radius_arcsec: float | None = AuditSettings.radius_arcsec,
    watcher: Progress | None = None,
) -> AuditReport:
    """Report everything that is wrong with labelled cubes, and with CSV or Parquet lists of ``ra``, ``dec``, ``label``.

    In each file: damage, bad pixels, bad labels, bad positions. In and between files: the same galaxy twice, by its
    pixels or within ``radius_arcsec`` on the sky (None looks at no positions), labels that contradict each other, and
    cubes that no one network could read. A file that cannot be read is a finding and no error. Memory does not grow
    with the images: digests, labels and positions are kept. Raises UsageError where no file is named.
    """
    settings = AuditSettings(radius_arcsec)
    files = [_examine(path, watcher or Silent()) for path in _distinct(several(paths, str, Path))]
    if not files:
        raise UsageError("No file to check", allowed="one cube or list, or more", next_step="name a file")
    kept = [file.galaxies for file in files if file.galaxies is not None]
    found = [finding for file in files for finding in file.findings]
    found += _disagreements(kept) + duplicates(kept, settings.radius_arcsec, watcher or Silent())
    return AuditReport(tuple(file.summary() for file in files), tuple(found), settings.radius_arcsec)


def _examine(path: Path, watcher: Progress) -> FileAudit:
    return examine_list(path) if is_list(path) else examine_cube(path, watcher)


def _distinct(paths: Iterable[str | Path]) -> Sequence[Path]:
    """Name each file once, whichever way it is named, lest each of its galaxies be found twice."""
    return list({Path(path).resolve(): Path(path) for path in paths}.values())


def _disagreements(files: Sequence[AuditedGalaxies]) -> list[Finding]:
    """Find cubes whose images have another shape, or whose classes have other names, than those of the first."""
    cubes = [file for file in files if file.image_shape is not None]
    shapes = {cube.file: " x ".join(map(str, cube.image_shape or ())) for cube in cubes}
    names = {cube.file: ", ".join(cube.class_names) for cube in cubes if cube.class_names is not None}
    return _mixed("image_shapes", shapes) + _mixed("class_names", names)


def _mixed(kind: str, values: dict[str, str]) -> list[Finding]:
    if len(set(values.values())) < 2:
        return []
    return [Finding(kind, tuple(values), "; ".join(f"{file} has {value}" for file, value in values.items()))]
