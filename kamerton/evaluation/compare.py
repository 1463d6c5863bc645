"""Runs side by side, in a table, in files and in pictures: ``kamerton compare``."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kamerton.checks import as_path, several
from kamerton.config.judging import CompareSettings
from kamerton.errors import DataError, OutputError, UsageError
from kamerton.evaluation.comparing import compare_predictions
from kamerton.evaluation.comparison import Caution, Comparison
from kamerton.evaluation.comparison_figures import FIGURES, draw_figures
from kamerton.evaluation.results import read_all_predictions
from kamerton.evaluation.statistics import METRICS
from kamerton.figures.drawing import PICTURE_ENDINGS, save_figure
from kamerton.files import (
    OR_OVERWRITE,
    read_json,
    require_new,
    require_own_folder,
    require_writable,
    whole_file,
    whole_folder,
    write_json,
)
from kamerton.progress import Progress, Silent
from kamerton.runs.evaluation import evaluation_names
from kamerton.runs.folder import Run, find_runs
from kamerton.runs.history import read_history

if TYPE_CHECKING:
    import pandas as pd


COMPARISON_JSON, NETWORKS_CSV, DIFFERENCES_CSV = "comparison.json", "comparison.csv", "differences.csv"
COMPARISON_JSON_BYTES = 1 << 28
OWN_FILES = (
    *(COMPARISON_JSON, NETWORKS_CSV, DIFFERENCES_CSV),
    *(f"{name}{ending}" for name in FIGURES for ending in PICTURE_ENDINGS),
)
"""All that a comparison writes into its folder."""


def compare(
    runs: Run | str | Path | Iterable[Run | str | Path],
    *,
    out: str | Path | None = None,
    histories: str | Path | Iterable[str | Path] = (),
    dataset: str | None = CompareSettings.dataset,
    resamples: int = CompareSettings.resamples,
    seed: int = CompareSettings.seed,
    overwrite: bool = False,
    watcher: Progress | None = None,
) -> Comparison:
    """Compare runs that were tested on the same galaxies; a folder of run folders stands for all of them.

    Runs whose training has not ended, or that were never tested, are left out and named in ``cautions``.
    Runs of one network and recipe with several seeds are taken together. ``dataset`` names the test where they share
    several, and the intervals are of ``resamples`` bootstrap samples, drawn with ``seed``. With ``out``, tables and
    pictures are written into that new folder, or with ``overwrite`` in the place of an earlier comparison's;
    ``histories`` are CSVs as the notebook writes them, which join the learning curves. Raises UsageError where the runs
    cannot be compared, RunError where one cannot be read, and OutputError where ``out`` exists, or with ``overwrite``
    holds anything but a comparison.
    """
    settings = CompareSettings(dataset, resamples, seed)
    if out is not None:
        _require_place(as_path(out, "out"), overwrite=overwrite)
    tested, left_out = _tested(find_runs(several(runs, Run, str, Path)))
    comparison = compare_predictions(read_all_predictions(tested, dataset), settings, watcher)
    paths: tuple[str | Path, ...] = several(histories, str, Path)
    named = [as_path(path, "histories") for path in paths]
    foreign = {path.stem: _foreign_history(path) for path in named}
    cautions = (*left_out, *comparison.cautions)
    comparison = dataclasses.replace(comparison, foreign_histories=foreign, cautions=cautions)
    if out is not None:
        _write(Path(out), comparison, watcher or Silent())
    return comparison


def _tested(runs: Sequence[Run]) -> tuple[list[Run], list[Caution]]:
    """Part the runs that can be compared from those that are to be named instead; UsageError where none is left."""
    tested: list[Run] = []
    left_out: list[Caution] = []
    for run in runs:
        if not run.is_finished:
            left_out.append(Caution("unfinished", run.name))
        elif not evaluation_names(run):
            left_out.append(Caution("not tested", run.name))
        else:
            tested.append(run)
    if not tested:
        raise UsageError(
            "No run is left to compare",
            received="; ".join(caution.describe() for caution in left_out),
            allowed="runs whose training has ended and that were tested",
            next_step="end them with `kamerton train ... --resume`, and test them with `kamerton evaluate RUN CUBE`",
        )
    return tested, left_out


def _require_place(out: Path, *, overwrite: bool) -> None:
    """Refuse a place that is taken (OutputError); with ``overwrite``, one that holds anything but a comparison."""
    if not (overwrite and os.path.lexists(out)):
        require_new(out, OR_OVERWRITE)
        return
    require_writable(out)
    require_own_folder(out, OWN_FILES)
    if any(out.iterdir()) and not _is_own_record(out / COMPARISON_JSON):
        raise OutputError(
            f"{out} holds no comparison that Kamerton made",
            received=f"no {COMPARISON_JSON} that it wrote",
            next_step="choose another folder or move it away; nothing was changed",
        )


def _is_own_record(path: Path) -> bool:
    try:
        record = read_json(path, COMPARISON_JSON_BYTES)
    except (OSError, ValueError):
        return False
    return (
        not path.is_symlink() and isinstance(record, dict) and {"dataset", "networks", "differences"} <= record.keys()
    )


def _foreign_history(path: Path) -> pd.DataFrame:
    try:
        return read_history(path)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read as a learning history",
            received=error,
            allowed="a CSV with an index, loss, accuracy, val_loss and val_accuracy",
            next_step="name a file of ResultLearning/",
        ) from error


def _write(out: Path, comparison: Comparison, watcher: Progress) -> None:
    with whole_folder(out, existing="replace", own=OWN_FILES) as folder:
        write_json(folder / COMPARISON_JSON, comparison.as_json())
        _write_table(folder / NETWORKS_CSV, network_rows(comparison))
        _write_table(folder / DIFFERENCES_CSV, difference_rows(comparison))
        figures = draw_figures(comparison)
        with watcher.task("drawing", len(figures), "pictures") as advance:
            for name, figure in figures.items():
                for ending in PICTURE_ENDINGS:
                    save_figure(figure, folder / f"{name}{ending}")
                advance()


def _write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    import pandas as pd

    with whole_file(path) as partial:
        pd.DataFrame(rows).to_csv(partial, index=False)


def network_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Give one row a network: each metric with its interval and its spread over seeds, and the cost."""
    rows = []
    for result in comparison.networks:
        row: dict[str, Any] = {
            "network": result.name,
            "seeds": len(result.predictions),
            "galaxies": comparison.galaxies,
        }
        for metric in METRICS:
            value = result.metrics[metric]
            row |= {metric: value.value, f"{metric}_low": value.low, f"{metric}_high": value.high}
            row[f"{metric}_spread_over_seeds"] = result.spread[metric]
        rows.append(row | vars(result.cost))
    return rows


def difference_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Give one row a pair of networks."""
    rows = []
    for difference in comparison.differences:
        row: dict[str, Any] = {"first": difference.first, "second": difference.second}
        for metric in METRICS:
            value = difference.metrics[metric]
            row |= {metric: value.value, f"{metric}_low": value.low, f"{metric}_high": value.high}
        row |= {"first_only_right": difference.mcnemar.first_only, "second_only_right": difference.mcnemar.second_only}
        row |= {"mcnemar_p": difference.mcnemar.p_value, "holm_p": difference.p_adjusted}
        row |= {"comparisons": difference.comparisons, "shown": difference.shown}
        rows.append(row | {"words": difference.describe()})
    return rows
