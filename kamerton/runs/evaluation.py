"""``evaluation/DATASET/``: what a run is worth on a cube, ``metrics.json``, ``predictions.parquet`` and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kamerton.errors import RunError
from kamerton.figures.drawing import save_figure
from kamerton.files import (
    is_unfinished,
    read_json,
    require_only,
    require_writable,
    whole_folder,
    write_json,
)
from kamerton.parquet import read_parquet
from kamerton.records import read_record
from kamerton.runs.folder import EVALUATIONS, Run
from kamerton.runs.scores import Metrics, Predictions

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

METRICS_BYTES = 4 << 20
"""A longer ``metrics.json`` is none: the confusion matrix of 500 classes is shorter."""

CUBE_ENDINGS = (".gz", ".fz", ".fits")

PICTURES = ("confusion", "mistakes", "reliability")
"""The pictures of an evaluation."""

OWN_FILES = ("metrics.json", "predictions.parquet", *(f"{name}.png" for name in PICTURES))
"""All that an evaluation writes into its folder."""


def dataset_name(cube: Path) -> str:
    """Name the results of a cube: its file's name without the endings of FITS files."""
    name = cube.name
    for ending in CUBE_ENDINGS:
        name = name.removesuffix(ending)
    return name or cube.name


def tested_on(name: str, cube: str) -> str:
    """Say what results are of: the cube's file, after the name of the results where that is another than its own."""
    return cube if name == dataset_name(Path(cube)) else f"{name} ({cube})"


def evaluation_names(run: Run) -> list[str]:
    """List the datasets that a run was evaluated on."""
    found = [path.parent for path in run.path.glob(f"{EVALUATIONS}/*/metrics.json")]
    return sorted(folder.name for folder in found if not is_unfinished(folder))


def of_present_weights(run: Run, metrics: Metrics) -> bool:
    """Tell whether results are of the run's present weights, and not of those before its training was extended."""
    results = run.record.results
    return metrics.weights_sha256 == (run.weights_sha256() if results is None else results.weights)


def require_place(run: Run, dataset: str) -> None:
    """Refuse a place where the results on a dataset cannot take that of earlier ones without loss (OutputError)."""
    run.refuse_links()
    place = run.evaluation_path(dataset)
    if place.is_dir() and not place.is_symlink():
        require_only(place, OWN_FILES)
    require_writable(place)


def write_evaluation(
    run: Run, dataset: str, metrics: Metrics, predictions: Predictions, figures: Mapping[str, Figure]
) -> Path:
    """Keep the results on a dataset in the place of any earlier ones, whole or not at all, and give their folder.

    ``figures`` are by their names in PICTURES. OutputError where the folder holds anything else, which would be lost.
    """
    require_place(run, dataset)
    place = run.evaluation_path(dataset)
    with whole_folder(place, existing="replace", own=OWN_FILES) as folder:
        _write_predictions(folder / "predictions.parquet", run, predictions)
        for name, figure in figures.items():
            assert name in PICTURES
            save_figure(figure, picture_in(folder, name))
        # Results are there once this file is: a killed process leaves none that are listed.
        write_json(folder / "metrics.json", metrics.as_json())
    return place


def picture_in(folder: Path, name: str) -> Path:
    """Where a picture of PICTURES is in the folder of an evaluation."""
    return folder / f"{name}.png"


def read_metrics(run: Run, dataset: str) -> Metrics:
    """Read the results of an evaluation; RunError where there is none, or names what is wrong in it."""
    place = run.evaluation_path(dataset) / "metrics.json"
    next_step = f"move {place.parent} away and evaluate the run again"
    try:
        table = read_json(place, METRICS_BYTES)
    except FileNotFoundError as error:
        known = ", ".join(evaluation_names(run)) or "none"
        raise RunError(
            f"{place}: cannot be read", received=error.strerror, allowed=known, next_step="evaluate the run"
        ) from error
    except (OSError, ValueError) as error:
        raise RunError(f"{place}: cannot be read", received=error, next_step=next_step) from error
    metrics = read_record(Metrics, table, str(place), RunError, next_step)
    if len(metrics.per_class) != len(run.record.class_names):
        raise RunError(
            f"{place}: per_class: other classes than the run's",
            received=f"{len(metrics.per_class)} classes",
            allowed=f"{len(run.record.class_names)} classes",
            next_step=next_step,
        )
    return metrics


def read_predictions(run: Run, dataset: str, galaxies: int) -> Predictions:
    """Read the predictions for the ``galaxies`` that an evaluation counts; RunError names what is wrong in them."""
    place = run.evaluation_path(dataset) / "predictions.parquet"
    names = run.record.class_names
    try:
        table = read_parquet(place, lambda schema: _prediction_columns(schema, names))
        if len(table) != galaxies:
            raise ValueError(f"{len(table)} rows instead of {galaxies}")
        for name in table.column_names:
            if table[name].null_count:
                raise ValueError(f"{name}: some rows are empty")
        return _predictions(table, names)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{place}: cannot be read", received=error, next_step=f"move {place.parent} away and evaluate the run again"
        ) from error


def _prediction_columns(schema: pa.Schema, class_names: tuple[str, ...]) -> list[str]:
    """Name the columns, once it is known that they are there, and of the types that they must have."""
    from pyarrow import types

    def is_text(kind: pa.DataType) -> bool:
        return bool(types.is_string(kind) or types.is_large_string(kind))

    wanted = {"id": is_text, "label": types.is_integer} | {f"p_{name}": types.is_floating for name in class_names}
    if "group" in schema.names:
        wanted["group"] = is_text
    for name, holds in wanted.items():
        if schema.names.count(name) != 1 or not holds(schema.field(name).type):
            raise ValueError(f"{name}: no column of this name, or not of the type that it must have")
    return list(wanted)


def _predictions(table: pa.Table, class_names: tuple[str, ...]) -> Predictions:
    probabilities = [table[f"p_{name}"].to_numpy().astype(np.float32) for name in class_names]
    return Predictions(
        ids=tuple(table["id"].to_pylist()),
        labels=table["label"].to_numpy().astype(np.int64),
        probabilities=np.column_stack(probabilities),
        groups=tuple(table["group"].to_pylist()) if "group" in table.column_names else None,
    )


def _write_predictions(path: Path, run: Run, predictions: Predictions) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, Any] = {"id": list(predictions.ids), "label": predictions.labels}
    if predictions.groups is not None:
        columns["group"] = list(predictions.groups)
    names = enumerate(run.record.class_names)
    columns |= {f"p_{name}": predictions.probabilities[:, place] for place, name in names}
    table = pa.table(columns).replace_schema_metadata({"run": run.name, "network": run.record.network})
    parquet.write_table(table, path)
