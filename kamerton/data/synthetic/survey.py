"""The synthetic survey as cubes: ``kamerton data synth``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table

from kamerton.config.surveys import SplitSettings, SynthSettings
from kamerton.data.cubes.cube import open_cube
from kamerton.data.cubes.images import CHUNK_GALAXIES
from kamerton.data.cubes.writer import CubeWriter
from kamerton.data.galaxy10 import CLASS_NAMES
from kamerton.data.splitting import SplitSummary, replaced_split, write_splits
from kamerton.data.synthetic.galaxies import SyntheticGalaxy, synthesise
from kamerton.files import new_whole_folder, whole_file
from kamerton.progress import Progress, Silent

SURVEY = "survey.fits"
"""The whole of it, until it is split."""


def synth(
    out_dir: str | Path,
    *,
    count: int = SynthSettings.count,
    size: int = SynthSettings.size,
    seed: int = SynthSettings.seed,
    overwrite: bool = False,
    watcher: Progress | None = None,
) -> SplitSummary:
    """Make a synthetic survey and split it: ``train.fits``, ``valid.fits``, ``test.fits`` and ``split.json``.

    ``count`` galaxies are drawn, ``size`` pixels wide and high. ``out_dir`` must not exist yet (OutputError), unless
    with ``overwrite``, which replaces a folder that holds nothing but an earlier split. Same settings, same bytes.
    """
    settings = SynthSettings(count, size, seed)
    folder = Path(out_dir)
    made = replaced_split(folder) if overwrite and os.path.lexists(folder) else new_whole_folder(folder)
    with made as place:
        survey = place / SURVEY
        write_survey(survey, settings, watcher or Silent())
        with open_cube(survey, watcher=watcher) as cube:
            summary = write_splits(cube, place, SplitSettings(seed=settings.seed), source=folder / SURVEY)
        survey.unlink()
    return dataclasses.replace(summary, folder=str(folder))


def write_new_galaxies(path: Path, settings: SynthSettings) -> None:
    """Write galaxies that nobody has labelled: a cube with images and a catalogue of ids and positions alone."""
    galaxies = list(synthesise(settings))
    rows = [(galaxy.id, galaxy.ra_deg, galaxy.dec_deg) for galaxy in galaxies]
    catalogue = fits.table_to_hdu(Table(rows=rows, names=("id", "ra", "dec")))
    catalogue.name = "CATALOG"
    images = fits.PrimaryHDU(np.stack([galaxy.image_hwc for galaxy in galaxies]))
    with whole_file(path) as partial:
        fits.HDUList([images, catalogue]).writeto(partial, checksum=True)


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
