"""Kamerton sorts galaxies by their shape, and tells which network does it best.

The names in ``__all__`` are the public ones; each is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kamerton.version import __version__

if TYPE_CHECKING:
    from kamerton.catalogue.hats import write_hats
    from kamerton.catalogue.predict import predict
    from kamerton.data.audit import check
    from kamerton.data.cubes.cube import open_cube
    from kamerton.data.download import download_galaxy10
    from kamerton.data.importers import import_cube
    from kamerton.data.splitting import split_cube
    from kamerton.data.synthetic.survey import synth
    from kamerton.errors import KamertonError, KamertonWarning
    from kamerton.evaluation.calibrate import calibrate
    from kamerton.evaluation.compare import compare
    from kamerton.evaluation.evaluate import evaluate
    from kamerton.explaining.explain import explain
    from kamerton.formats.exporting import export
    from kamerton.formats.importing import import_keras_file
    from kamerton.inference.predictor import Predictor
    from kamerton.labelling.labels import labels
    from kamerton.labelling.relabel import relabel
    from kamerton.neighbours.next_galaxies import next_galaxies
    from kamerton.neighbours.similar import similar
    from kamerton.networks.registry import NETWORKS, build_network
    from kamerton.reporting.report import report
    from kamerton.runs.folder import open_run
    from kamerton.serving.server import serve
    from kamerton.sweeping import sweep
    from kamerton.training.train import train
    from kamerton.verification import verify

_HOMES = {
    "KamertonError": "errors",
    "KamertonWarning": "errors",
    "NETWORKS": "networks.registry",
    "Predictor": "inference.predictor",
    "build_network": "networks.registry",
    "calibrate": "evaluation.calibrate",
    "check": "data.audit",
    "compare": "evaluation.compare",
    "download_galaxy10": "data.download",
    "evaluate": "evaluation.evaluate",
    "explain": "explaining.explain",
    "export": "formats.exporting",
    "import_cube": "data.importers",
    "import_keras_file": "formats.importing",
    "labels": "labelling.labels",
    "next_galaxies": "neighbours.next_galaxies",
    "open_cube": "data.cubes.cube",
    "open_run": "runs.folder",
    "predict": "catalogue.predict",
    "relabel": "labelling.relabel",
    "report": "reporting.report",
    "serve": "serving.server",
    "similar": "neighbours.similar",
    "split_cube": "data.splitting",
    "sweep": "sweeping",
    "synth": "data.synthetic.survey",
    "train": "training.train",
    "verify": "verification",
    "write_hats": "catalogue.hats",
}

__all__ = [
    "NETWORKS",
    "KamertonError",
    "KamertonWarning",
    "Predictor",
    "__version__",
    "build_network",
    "calibrate",
    "check",
    "compare",
    "download_galaxy10",
    "evaluate",
    "explain",
    "export",
    "import_cube",
    "import_keras_file",
    "labels",
    "next_galaxies",
    "open_cube",
    "open_run",
    "predict",
    "relabel",
    "report",
    "serve",
    "similar",
    "split_cube",
    "sweep",
    "synth",
    "train",
    "verify",
    "write_hats",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'kamerton' has no attribute {name!r}")
    return getattr(importlib.import_module(f"kamerton.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Offer the public names only, also those that were not asked for yet."""
    return list(__all__)
