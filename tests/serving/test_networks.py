"""Networks are opened once, and anew where their run has changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kamerton.config.serving import Caps
from kamerton.errors import DataError, RunError, heard, warn
from kamerton.runs.folder import Run, open_run
from kamerton.serving.answering import answer
from kamerton.serving.networks import Networks
from kamerton.serving.uploads import Given


def test_a_run_is_opened_once_and_anew_when_it_changed(calibrated: Run, tmp_path: Path) -> None:
    path = Path(shutil.copytree(calibrated.path, tmp_path / "run"))
    networks = Networks(Caps())
    assert not networks.has(path)
    first = networks.open(path)
    assert networks.has(path)
    assert networks.open(path) is first
    os.utime(path / "calibration.json", (1, 1))
    assert not networks.has(path)
    assert networks.open(path) is not first


def test_what_an_opening_warned_of_stays_with_the_network(
    toy_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(path: Path) -> Run:
        warn("this network is not to be trusted")
        return open_run(path)

    monkeypatch.setattr("kamerton.serving.networks.open_run", opened)
    networks = Networks(Caps())
    with heard() as lines:
        network = networks.open(toy_run.path)
    assert not lines, "it is no matter of whoever opened it"
    Image.new("RGB", (32, 32), "navy").save(tmp_path / "a.png")
    given = [Given("a.png", tmp_path / "a.png", 1)]
    for _ in range(2):
        said = answer(networks.open(toy_run.path), "run", given, tmp_path, Caps()).warnings
        assert said.count("this network is not to be trusted.") == 1
    network.close()


def test_the_one_that_was_not_asked_for_longest_goes(calibrated: Run, toy_run: Run) -> None:
    networks = Networks(Caps(networks=1))
    networks.open(calibrated.path)
    networks.open(toy_run.path)
    assert not networks.has(calibrated.path)
    assert networks.has(toy_run.path)


def test_training_galaxies_are_looked_at_a_while_at_a_time(calibrated: Run) -> None:
    network = Networks(Caps()).open(calibrated.path)
    done, of = network.look(0)
    assert 0 < done < of
    while done < of:
        before, (done, _) = done, network.look(0)
        assert done > before
    assert network.look(0) == (of, of)
    assert network.training_image(of) is None
    network.close()


def test_training_galaxies_that_are_gone_are_said(
    calibrated: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerton.neighbours.training_galaxies.find_cube", lambda *_: None)
    with pytest.raises(DataError, match="trained on are not there"):
        Networks(Caps()).open(calibrated.path).similar("a", np.zeros((32, 32, 3), np.uint8), 3)


def test_a_run_without_weights_is_said(toy_run: Run, tmp_path: Path) -> None:
    path = Path(shutil.copytree(toy_run.path, tmp_path / "run"))
    (path / "model.safetensors").unlink()
    with pytest.raises(RunError, match=r"model\.safetensors"):
        Networks(Caps()).open(path)
