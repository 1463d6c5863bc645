"""The synthetic survey as cubes: ``kamerton data synth``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from astropy.table import Table

from kamerton.config import SynthSettings
from kamerton.data.cubes.images import CHUNK_GALAXIES
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.splitting import SplitSummary, split_cube
from kamerton.data.synthetic.galaxies import SyntheticGalaxy, synthesise
from kamerton.files import whole_folder
from kamerton.progress import Progress, Silent


def synth(
    out_dir: str | Path,
    *,
    count: int = SynthSettings.count,
    size: int = SynthSettings.size,
    seed: int = SynthSettings.seed,
    watcher: Progress | None = None,
) -> SplitSummary:
    """Make a synthetic survey and split it: ``train.fits``, ``valid.fits``, ``test.fits`` and ``split.json``.

    ``count`` galaxies are drawn, ``size`` pixels wide and high. ``out_dir`` must not exist yet (OutputError). Same
    settings, same bytes.
    """
    settings = SynthSettings(count, size, seed)
    with whole_folder(Path(out_dir)) as folder:
        survey = folder / "survey.fits"
        write_survey(survey, settings, watcher or Silent())
        summary = split_cube(survey, folder, seed=settings.seed, watcher=watcher)
        survey.unlink()
    return summary


def write_survey(path: Path, settings: SynthSettings, watcher: Progress) -> None:
    """Write a whole synthetic survey as one labelled cube, streamed."""
    shape = (settings.size, settings.size, 3)
    labels: list[int] = []
    rows: list[tuple[str, float, float]] = []
    with (
        CubeWriter(path, image_shape=shape, dtype=np.uint8, class_names=CLASS_NAMES) as writer,
        watcher.task("drawing", settings.count, "galaxies") as advance,
    ):
        for galaxies in _chunks(synthesise(settings)):
            writer.append(np.stack([galaxy.image_hwc for galaxy in galaxies]))
            labels += [galaxy.label for galaxy in galaxies]
            rows += [(galaxy.id, galaxy.ra_deg, galaxy.dec_deg) for galaxy in galaxies]
            advance(len(galaxies))
        catalogue = Table(rows=rows, names=("id", "ra", "dec"))
        origin = f"synthetic survey: count {settings.count}, size {settings.size} px, seed {settings.seed}"
        writer.finish(np.array(labels), catalogue, history=[origin])


def _chunks(galaxies: Iterator[SyntheticGalaxy]) -> Iterator[list[SyntheticGalaxy]]:
    while chunk := list(islice(galaxies, CHUNK_GALAXIES)):
        yield chunk
