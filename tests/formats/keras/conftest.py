"""A sound ``.keras`` file to spoil, and a place for temporary files that must stay empty."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

import pytest

from kamerton.formats.keras.config import layer_count
from kamerton.formats.keras.file import read_keras, write_keras
from kamerton.networks.registry import NETWORKS, build_network
from tests.formats.keras.hostile import SIZE, Entries


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Entries:
    """The entries of a sound file of LeNet-5."""
    path = tmp_path_factory.mktemp("sound") / "a.keras"
    write_keras(build_network("lenet5", size=SIZE, channels=3, classes=3), (SIZE, SIZE, 3), path)
    # Everything that reading imports and remembers is there before memory is counted.
    read_keras(path)
    for name in NETWORKS:
        layer_count(name)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place of temporary files; it must be empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
