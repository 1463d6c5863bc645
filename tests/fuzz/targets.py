"""The readers under attack: ``TARGETS``. Adding one is a function that reads, a function of sound files, one line.

A reader gets a folder with the files of a case, some of them spoilt, and either raises the named error or returns; then
everything that it read must be what the reader promises, which is asserted here.
"""

from __future__ import annotations

from kamerton.errors import CubeError, DataError, ModelFileError, PictureError, RunError, UsageError
from tests.fuzz.cases import Target
from tests.fuzz.of_catalogues import catalogue_seeds, read_catalogue
from tests.fuzz.of_certainty import calibration_seeds, read_calibrated
from tests.fuzz.of_labels import decision_seeds, read_any_decisions
from tests.fuzz.of_opened import opened_seeds, read_opened
from tests.fuzz.of_pixels import cube_seeds, cutout_seeds, picture_seeds, read_cube, read_cutout
from tests.fuzz.of_runs import checkpoint_seeds, keras_seeds, read_checkpoints, read_model, read_run, run_seeds
from tests.fuzz.of_sources import (
    read_source,
    source_cube_seeds,
    source_folder_seeds,
    source_hdf5_seeds,
    source_list_seeds,
)
from tests.fuzz.of_tables import hdf5_seeds, list_seeds, read_any_list, read_galaxy10, read_recipe, recipe_seeds
from tests.fuzz.of_weights import read_any_weights, weights_seeds

TARGETS: dict[str, Target] = {
    "cube": Target(cube_seeds, read_cube, CubeError),
    "cutout": Target(cutout_seeds, read_cutout, PictureError),
    "keras": Target(keras_seeds, read_model, ModelFileError),
    "picture": Target(picture_seeds, read_cutout, PictureError),
    "list": Target(list_seeds, read_any_list, DataError),
    "hdf5": Target(hdf5_seeds, read_galaxy10, DataError),
    "recipe": Target(recipe_seeds, read_recipe, UsageError),
    "checkpoint": Target(checkpoint_seeds, read_checkpoints, RunError),
    "run": Target(run_seeds, read_run, RunError),
    "calibration": Target(calibration_seeds, read_calibrated, RunError),
    "source_cube": Target(source_cube_seeds, read_source, DataError),
    "source_hdf5": Target(source_hdf5_seeds, read_source, DataError),
    "source_list": Target(source_list_seeds, read_source, DataError),
    "catalogue": Target(catalogue_seeds, read_catalogue, DataError),
    "opened": Target(opened_seeds, read_opened, DataError),
    "source_folder": Target(source_folder_seeds, read_source, DataError),
    "weights": Target(weights_seeds, read_any_weights, ModelFileError),
    "decisions": Target(decision_seeds, read_any_decisions, DataError),
}
