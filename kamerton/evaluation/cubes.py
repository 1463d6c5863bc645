"""Whether a cube and a run go together: its classes, its pixels, and what is said where they only nearly do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kamerton.config.pictures import PixelOrigin
from kamerton.data.cubes.cube import LabelledCube
from kamerton.data.cubes.labels import default_class_names
from kamerton.data.cubes.origin import framing_differs, framing_of, framing_told, stretch_differs
from kamerton.errors import CubeError, RunError, UsageError, as_typed, warn
from kamerton.plurals import counted
from kamerton.runs.folder import Run


def same_galaxies(cube: LabelledCube) -> tuple[str, ...] | None:
    """Give the group of each galaxy, where the cube names groups; those of one value are the same galaxy."""
    return tuple(catalogue_column(cube, "group")) if "group" in cube.catalogue.colnames else None


def labels_of_run(run: Run, cube: LabelledCube) -> npt.NDArray[np.int64]:
    """Give a cube's labels as indices into the run's class names; the names decide, not the order in the file."""
    names = run.record.class_names
    if cube.has_class_names and set(cube.class_names) <= set(names):
        return np.asarray(np.array([names.index(name) for name in cube.class_names])[cube.labels])
    if cube.has_class_names or len(cube.class_names) > len(names):
        raise CubeError(
            f"{cube.path}: classes differ from those that {run.name} learned",
            received=", ".join(cube.class_names),
            allowed=", ".join(names),
            next_step=(
                "import the model again with --classes-of CUBE"
                if run.record.imported_from and names == default_class_names(len(names))
                else "evaluate on a cube with the same classes"
            ),
        )
    return cube.labels


def catalogue_column(cube: LabelledCube, name: str) -> list[str]:
    """Give a column of a cube's catalogue as text; UsageError where there is none of that name."""
    if name not in cube.catalogue.colnames:
        raise UsageError(
            f"{cube.path}: the catalogue has no column {name!r}",
            allowed=", ".join(cube.catalogue.colnames),
            next_step="name one of these columns",
        )
    return [str(value) for value in cube.catalogue[name]]


def warn_of_another_record(run: Run) -> None:
    """Say where a program changed the record of a run that it gives: one that is opened so is refused already."""
    if not run.record.is_as_it_ended:
        warn(
            f"{run.path}: its run.json was changed since the training ended, and is taken as it is",
            received=f"classes {', '.join(run.record.class_names)}",
            next_step=f"see `kamerton verify {as_typed(run.path)}`, and that the classes are in the order it learned",
        )


def warn_of_another_origin(run: Run, cube: LabelledCube) -> None:
    """Warn where other bands, stretch or crop made the cube: the test then measures that change, too."""
    learned = run.record.pixel_origin
    if stretch_differs(learned, cube.origin):
        warn(
            f"{cube.path}: its pixels came to be in another way than those that {run.name} learned from",
            received=f"{cube.origin}; learned from {learned}",
            next_step="import the test galaxies with the run's bands and stretch, unless this change is what you test",
        )
    differs = framing_differs(learned, cube.origin)
    received = f"{framing_told(cube.origin)}; learned from {framing_told(learned)}"
    if differs:
        warn(
            f"{cube.path}: its images show another part of their pictures than those that {run.name} learned from",
            received=f"{received}{_scale_told(learned, cube.origin)}",
            next_step="import the test galaxies with the run's --crop, unless this change of scale is what you test",
        )
    if differs is None:
        warn(
            f"{cube.path}: not known whether its images show as much of the sky as those that {run.name} learned from",
            received=received,
            next_step="see that an image spans as many arcsec in both, or the test measures a change of scale, too",
        )


def _scale_told(learned: PixelOrigin | None, shown: PixelOrigin | None) -> str:
    before, now = framing_of(learned), framing_of(shown)
    if before is None or now is None:
        return ""
    times = [f"{old / new:.2f}" for old, new in zip(before.kept, now.kept, strict=True)]
    return f"; galaxies look {' to '.join(dict.fromkeys(times))} times as large"


def refuse_diverged(run: Run, cube: LabelledCube, probabilities: npt.NDArray[np.float32]) -> None:
    """Refuse predictions that are not numbers: CubeError where the cube is to blame, and RunError where the run is."""
    cube.fingerprint()  # Its pass over the pixels finds whether the cube is to blame.
    bad = ~np.isfinite(probabilities).all(1)
    if bad.any():
        raise RunError(
            f"{run.path}: the network predicts NaN, so its training has diverged",
            received=f"NaN for {int(bad.sum())} of {counted(len(cube), 'galaxy')}",
            next_step="look at history.csv, and train again with a lower learning rate",
        )
