"""What a run folder holds that is not Kamerton's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from kamerton.runs.calibration import FEATURES_FILE
from kamerton.runs.checkpoints import OWN_FILE
from kamerton.runs.evaluation import OWN_FILES
from kamerton.runs.folder import (
    CALIBRATION_FILE,
    EVALUATIONS,
    EXPLANATIONS,
    FEATURES,
    MODEL_ENDINGS,
    RECEIPT_FILE,
    RECORD_FILE,
    Run,
)
from kamerton.runs.lock import LOCK_FILE


def foreign_files(run: Run) -> list[str]:
    """List what Kamerton does not know in a run folder, by its way from there: notes, leftovers, unfinished results."""
    own = (
        run.weights_path,
        run.history_path,
        run.seen_path,
        run.scaled_keras_path,
        *map(run.model_path, MODEL_ENDINGS),
    )
    names = {RECORD_FILE, LOCK_FILE, CALIBRATION_FILE, *(path.name for path in own)}
    folders = {EVALUATIONS, EXPLANATIONS, FEATURES, run.checkpoint_path.name}
    found = list(_foreign(run.path, lambda path: path.name in (folders if path.is_dir() else names)))
    found += _foreign(run.checkpoint_path, lambda path: OWN_FILE.fullmatch(path.name) is not None)
    found += _foreign(run.path / FEATURES, lambda path: FEATURES_FILE.fullmatch(path.name) is not None)
    found += _foreign(run.path / EXPLANATIONS, lambda path: (path / RECEIPT_FILE).is_file())
    results = run.path / EVALUATIONS
    found += _foreign(results, lambda path: all((path / name).is_file() for name in OWN_FILES[:2]))
    for folder in sorted(results.iterdir()) if results.is_dir() else []:
        found += _foreign(folder, lambda path: path.name in OWN_FILES)
    return [path.relative_to(run.path).as_posix() for path in found]


def _foreign(folder: Path, is_own: Callable[[Path], bool]) -> Iterator[Path]:
    if folder.is_dir():
        yield from (path for path in sorted(folder.iterdir()) if not is_own(path))
