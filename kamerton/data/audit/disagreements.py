"""What cubes that are checked together must agree in, since one network is to read them."""

from __future__ import annotations

from collections.abc import Sequence

from kamerton.data.audit.findings import Finding
from kamerton.data.audit.galaxies import Galaxies


def disagreements(files: Sequence[Galaxies]) -> list[Finding]:
    """Find cubes whose images have another shape, or whose classes have other names, than those of the first."""
    cubes = [file for file in files if file.image_shape is not None]
    shapes = {cube.file: " x ".join(map(str, cube.image_shape or ())) for cube in cubes}
    names = {cube.file: ", ".join(cube.class_names) for cube in cubes if cube.class_names is not None}
    return _mixed("image_shapes", shapes) + _mixed("class_names", names)


def _mixed(kind: str, values: dict[str, str]) -> list[Finding]:
    if len(set(values.values())) < 2:
        return []
    return [Finding(kind, tuple(values), "; ".join(f"{file} has {value}" for file, value in values.items()))]
