"""Targets with weights: ``.keras`` files, run folders, checkpoints."""

from __future__ import annotations

import dataclasses
import io
import shutil
import tempfile
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from kamerton.data.marks import FEATURE_BYTES, GalaxyMarks
from kamerton.errors import RunError
from kamerton.evaluation.evaluate import Evaluation
from kamerton.evaluation.metrics import classification_metrics, group_metrics
from kamerton.evaluation.tables import print_metrics
from kamerton.formats.importing import import_keras_file
from kamerton.formats.keras.file import import_keras, read_keras, write_keras
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.runs.evaluation import evaluation_names, read_metrics, read_predictions, write_evaluation
from kamerton.runs.folder import Run, open_run
from kamerton.runs.history import NOTEBOOK_COLUMNS
from kamerton.runs.record import CubeRecord
from kamerton.runs.scores import GroupedScores, Leakage, Metrics, Predictions
from kamerton.training.checkpoint import restore_newest, write_checkpoint
from kamerton.training.session import RunningTally, Session, Tally
from tests.fuzz.cases import Files, files_of
from tests.training.sealing import reseal

SIZE = 20
ROW = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy", "lr", "seconds", "images_per_second"), 0.1)


# .keras files


def keras_seeds(folder: Path) -> dict[str, Files]:
    """LeNet-5 as Kamerton writes it, as Keras does after training, and packed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keras = import_keras()
        write_keras(build_network("lenet5", size=SIZE, channels=3, classes=3), (SIZE, SIZE, 3), folder / "plain.keras")
        model = keras.saving.load_model(folder / "plain.keras")
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(np.zeros((4, SIZE, SIZE, 3), np.float32), np.zeros(4), verbose=0)
        model.save(folder / "trained.keras")
    found = {path.stem: {"model.keras": path.read_bytes()} for path in sorted(folder.glob("*.keras"))}
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(folder / "plain.keras") as plain,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in plain.namelist():
            archive.writestr(zipfile.ZipInfo(name), plain.read(name), zipfile.ZIP_DEFLATED)
    return found | {"packed": {"model.keras": packed.getvalue()}}


def read_model(folder: Path) -> None:
    """Read the weights and put them into the network."""
    contents = read_keras(next(folder.iterdir()))
    network = build_network(contents.network, size=contents.size, channels=contents.channels, classes=contents.classes)
    _assert_weights_of(network, contents.state, complete=False)
    assert all(torch.isfinite(tensor).all() for tensor in contents.state.values())


def _assert_weights_of(network: torch.nn.Module, state: dict[str, torch.Tensor], complete: bool) -> None:
    expected = network.state_dict()
    missing = {name for name in expected if name not in state}
    assert set(state) <= set(expected)
    assert not missing if complete else all(name.endswith("num_batches_tracked") for name in missing)
    for name, tensor in state.items():
        assert tensor.shape == expected[name].shape
        assert tensor.dtype == expected[name].dtype


# Run folders


def run_seeds(folder: Path) -> dict[str, Files]:
    """A run that was trained here, and one that was imported, with everything that a folder may hold."""
    write_keras(build_network("lenet5", size=SIZE, channels=3, classes=3), (SIZE, SIZE, 3), folder / "a.keras")
    with warnings.catch_warnings():
        # Of classes that have no names.
        warnings.simplefilter("ignore")
        run = import_keras_file(folder / "a.keras", folder / "run")
    network = run.load_network()
    for epoch in range(3):
        run.append_history(epoch, ROW)
    _write_results(run, Leakage.of(None), groups=None)
    found = {"imported": files_of(run.path)}
    run.update(
        dataclasses.replace(
            run.record,
            class_names=("bright", "mgławica", "S$a$"),
            recipe=load_recipe("notebook"),
            seed=0,
            data={split: CubeRecord(f"{split}.fits", 3, "0" * 64) for split in ("train", "valid")},
        )
    )
    _write_results(run, Leakage.of({"train": 1, "valid": 0}), groups=("", "", "", "g1", "g1", "g2"))
    run.save_seen({"train": _marks("abc"), "valid": _marks("def")})
    run.finish(network, epoch=3)
    return found | {"trained": files_of(run.path)}


def _marks(letters: str) -> GalaxyMarks:
    """What three galaxies are known again by."""
    features = np.random.default_rng(ord(letters[0])).integers(-127, 128, (3, FEATURE_BYTES)).astype(np.int8)
    positions_deg = np.array([[10.0, -5.0], [np.nan, np.nan], [359.0, 80.0]])
    return GalaxyMarks(tuple(letter * 64 for letter in letters), ("PGC 1", "", "ŁÓDŹ 7"), positions_deg, features)


def _write_results(run: Run, leakage: Leakage, groups: tuple[str, ...] | None) -> None:
    """Write what an evaluation of six galaxies leaves, without its pictures."""
    labels = np.array([0, 1, 1, 1, 2, 2])
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 6).astype(np.float32)
    scores = classification_metrics(labels, probabilities, run.record.class_names)
    metrics = Metrics(
        **vars(scores),
        run=run.name,
        network=run.record.network,
        dataset="test.fits",
        path="/data/test.fits",
        fingerprint="0" * 64,
        weights_sha256="1" * 64,
        weights_chosen_by=run.record.weights_chosen_by,
        leakage=leakage,
        views=8,
        precision="float32",
        by=GroupedScores("source", group_metrics(labels, probabilities, ["north", "south"] * 3)),
    )
    ids = tuple(f"g{row}" for row in range(6))
    write_evaluation(run, "test", metrics, Predictions(ids, labels, probabilities, groups), {})


def read_run(folder: Path) -> None:
    """Open a run and read all that it holds."""
    run = open_run(folder)
    record = run.record
    assert record.class_names
    assert len(set(record.class_names)) == len(record.class_names)
    network = run.load_network()
    assert not network.training
    _assert_weights_of(network, network.state_dict(), complete=True)
    shape = (1, record.preprocessing.channels, record.preprocessing.size, record.preprocessing.size)
    with torch.inference_mode():
        assert network(torch.zeros(shape)).shape == (1, len(record.class_names))
    history = run.history()
    assert set(NOTEBOOK_COLUMNS) <= set(history.columns)
    assert all(kind == np.float64 for kind in history.dtypes)
    for name in evaluation_names(run):
        _read_results(run, name)
    seen = run.seen()
    assert (seen is None) == (not record.data)
    assert all(isinstance(name, str) for marks in (seen or {}).values() for name in marks.digests + (marks.ids or ()))


def _read_results(run: Run, dataset: str) -> None:
    metrics, classes = read_metrics(run, dataset), len(run.record.class_names)
    shares = [metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1, metrics.roc_auc_macro]
    for row in metrics.per_class:
        shares += [row.precision, row.recall, row.f1, row.roc_auc]
    assert all(share is None or 0 <= share <= 1 for share in shares)
    assert 0 <= metrics.log_loss < float("inf")
    counts = np.array(metrics.confusion_matrix)
    assert counts.shape == (classes, classes)
    assert counts.min() >= 0
    assert counts.sum() == metrics.galaxies
    # What is printed and drawn of it.
    print_metrics(Evaluation(run.path, metrics), Console(file=io.StringIO()))
    predictions = read_predictions(run, dataset, metrics.galaxies)
    assert len(predictions.ids) == len(predictions.labels) == metrics.galaxies
    assert predictions.groups is None or len(predictions.groups) == metrics.galaxies
    assert predictions.labels.dtype == np.int64
    assert set(predictions.labels.tolist()) <= set(range(classes))
    assert predictions.probabilities.dtype == np.float32
    assert predictions.probabilities.shape == (metrics.galaxies, classes)
    assert np.abs(predictions.probabilities.sum(1) - 1).max() < 0.01
    assert 0 <= predictions.probabilities.min() <= predictions.probabilities.max() <= 1


# Checkpoints


def _session() -> Session:
    return Session.start(build_network("lenet5", size=SIZE, channels=3, classes=3), load_recipe("notebook"))


def checkpoint_seeds(folder: Path) -> dict[str, Files]:
    """A run before its first step, and one in its third epoch; every number of a tensor is its checkpoint's epoch."""
    session = _session()
    write_checkpoint(folder / "fresh", session)
    images_nchw, labels = torch.zeros(2, 3, SIZE, SIZE), torch.tensor([0, 1])
    for _ in range(2):
        torch.nn.functional.cross_entropy(session.network(images_nchw), labels).backward()
        session.optimizer.step()
        session.tally, session.seconds = RunningTally(Tally(2.0, 1, 2)), 1.0
        session.end_epoch(Tally(1.0, 1, 2), 0.5, 1e-3)
        with torch.no_grad():
            for tensor in session.tensors().values():
                tensor.fill_(session.epoch)
        write_checkpoint(folder / "trained", session)
    return {path.name: files_of(path) for path in sorted(folder.iterdir())}


def read_checkpoints(folder: Path) -> None:
    """Resume from the files as they are, and as someone leaves them who can put the hashes right."""
    with tempfile.TemporaryDirectory() as place:
        resealed = Path(place) / "checkpoint"
        shutil.copytree(folder, resealed)
        reseal(resealed)
        with suppress(RunError):
            _restore(resealed)
    session = _restore(folder)
    if session is not None and session.epoch:
        # With its hashes right, it is a checkpoint that was written, to the bit.
        assert all(bool((tensor == session.epoch).all()) for tensor in session.tensors().values())
        assert [row["val_loss"] for row in session.history] == [0.5] * session.epoch


def _restore(folder: Path) -> Session | None:
    said: list[str] = []
    session = _session()
    restored = restore_newest(folder, session, said.append)
    assert all(line.isprintable() for line in said)
    if not restored:
        return None
    kinds = [
        {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
        for tensors in (session.tensors(), session.expected_tensors(session.numbers()))
    ]
    assert kinds[0] == kinds[1]
    assert min(session.epoch, session.step) >= 0
    assert len(session.history) == session.epoch
    return session
