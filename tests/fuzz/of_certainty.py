"""The target of the fuzzer that is a run's calibration."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np

from kamerton.certainty.judging import read_certainty
from kamerton.certainty.outliers import learn_space
from kamerton.certainty.proportions import proportions
from kamerton.errors import RunError
from kamerton.files import file_sha256
from kamerton.formats.importing import import_keras_file
from kamerton.formats.keras.file import write_keras
from kamerton.inference.engines import Answers
from kamerton.networks.registry import build_network
from kamerton.runs.calibration import Calibration, KnownRecord, write_calibration
from kamerton.runs.folder import CALIBRATION_FILE, FEATURES, open_run
from kamerton.runs.record import CubeRecord
from tests.fuzz.cases import Files, files_of

SIZE, NUMBERS, GALAXIES = 20, 84, 30


def calibration_seeds(folder: Path) -> dict[str, Files]:
    """A run with a temperature and known galaxies, and one with a vector and none."""
    write_keras(build_network("lenet5", size=SIZE, channels=3, classes=3), (SIZE, SIZE, 3), folder / "a.keras")
    with warnings.catch_warnings():
        # Of classes that have no names.
        warnings.simplefilter("ignore")
        run = import_keras_file(folder / "a.keras", folder / "run")
    rng = np.random.default_rng(0)
    kept = {
        "energies": np.sort(rng.normal(size=GALAXIES)),
        "labels": np.arange(GALAXIES) % 3,
        "log_probabilities": np.log(rng.dirichlet(np.ones(3), GALAXIES)).astype(np.float32),
    }
    made = Calibration(
        weights_sha256=run.weights_sha256(),
        cube=CubeRecord("/data/held.fits", 60, "0" * 64, "../held.fits"),
        leakage="none",
        seen={"train": 0, "valid": 0},
        views=1,
        precision="float32",
        coverage=0.9,
        method="lac",
        kind="vector",
        slopes=(0.5, 0.6, 0.7),
        offsets=(0.1, 0.0, -0.1),
        held_out_losses={"none": 1.0, "temperature": 0.9, "vector": 0.8},
        galaxies=(10, 10, 10),
        thresholds=(0.5, 0.6, 0.7),
        pooled=(run.record.class_names[2],),
        known=KnownRecord("0" * 64, features=NUMBERS, axes=0, training=0, calibrating=GALAXIES),
    )
    write_calibration(run, made, kept)
    found = {"vector": files_of(run.path)}
    features = rng.normal(size=(GALAXIES, NUMBERS)).astype(np.float32)
    space = learn_space(features)
    known = {
        **kept,
        "centre": space.centre,
        "weights": space.weights,
        "training": space.points(features),
        "training_pixels": np.ones((GALAXIES, 4), np.float32),
        "calibrating": space.points(features),
        "distances": np.sort(rng.random(GALAXIES)),
    }
    record = KnownRecord("0" * 64, features=NUMBERS, axes=0, training=GALAXIES, calibrating=GALAXIES)
    temperature = {"kind": "temperature", "slopes": (0.5,) * 3, "offsets": (0.0,) * 3, "method": "aps"}
    write_calibration(run, Calibration(**(vars(made) | temperature | {"known": record})), known)
    return found | {"temperature": files_of(run.path)}


def read_calibrated(folder: Path) -> None:
    """Judge by the files as they are, and as someone leaves them who can put the hashes right."""
    with tempfile.TemporaryDirectory() as place:
        resealed = Path(place) / "run"
        shutil.copytree(folder, resealed)
        with suppress(RunError):
            _reseal(resealed)
            _judge(resealed)
    _judge(folder)


def _reseal(folder: Path) -> None:
    """Let a calibration name the weights and the known galaxies that lie there now."""
    place = folder / CALIBRATION_FILE
    known = next((folder / FEATURES).iterdir(), None) if (folder / FEATURES).is_dir() else None
    try:
        content = json.loads(place.read_bytes())
        content["weights_sha256"] = open_run(folder).weights_sha256()
        if known is not None:
            content["known"]["sha256"] = file_sha256(known)
            known.rename(known.with_name(f"known-{content['known']['sha256'][:16]}.safetensors"))
        place.write_text(json.dumps(content))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return


def _judge(folder: Path) -> None:
    """Read a run's calibration, and judge three galaxies."""
    run = open_run(folder)
    certainty = read_certainty(run)
    if certainty is None:
        return
    classes = len(run.record.class_names)
    rng = np.random.default_rng(1)
    answers = Answers(
        rng.dirichlet(np.ones(classes), 3).astype(np.float32),
        rng.normal(size=(3, classes)).astype(np.float32),
        rng.normal(size=(3, certainty.calibration.known.features)).astype(np.float32),
    )
    judged = certainty.judge(answers)
    assert np.isfinite(judged.probabilities).all()
    np.testing.assert_allclose(judged.probabilities.sum(1), 1, atol=1e-5)
    assert ((judged.ood_energy >= 0) & (judged.ood_energy <= 1)).all()
    assert all(fact.isprintable() or "\\" in repr(fact) for fact in certainty.facts.values())
    found = proportions(certainty, judged.probabilities)
    assert np.isfinite([found.shares, found.low, found.high]).all()
