"""A run folder keeps weights, class names and preprocessing together, and says what is wrong when they are not."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from kamerton.data.cubes.cube import open_cube
from kamerton.errors import OutputError, RunError, UsageError
from kamerton.networks.registry import build_network
from kamerton.runs.folder import Run, create_run, find_runs, open_even_if_changed, open_run


@pytest.fixture
def new_run(toy_run: Run, tmp_path: Path) -> Run:
    """A run folder with the record of the toy run and nothing else."""
    return create_run(tmp_path / "run", toy_run.record)


@pytest.fixture
def run_copy(toy_run: Run, tmp_path: Path) -> Run:
    """A copy of the toy run that a test may spoil."""
    shutil.copytree(toy_run.path, tmp_path / "copy")
    return open_run(tmp_path / "copy")


def test_an_opened_run_has_the_record_that_was_written(toy_run: Run) -> None:
    assert open_run(toy_run.path).record == toy_run.record


def test_the_record_is_plain_json_for_other_programs(toy_run: Run) -> None:
    table = json.loads((toy_run.path / "run.json").read_text(encoding="utf-8"))
    assert table["class_names"] == ["bright", "dim", "striped"]
    assert table["preprocessing"] == {"size": 32, "channels": 3}
    assert table["recipe"]["schedule"]["factor"] == 0.001


def test_the_record_tells_which_galaxies_were_seen(toy_run: Run, toy_splits: Path) -> None:
    for split in ("train", "valid"):
        with open_cube(toy_splits / f"{split}.fits") as cube:
            seen = toy_run.record.data[split]
            assert (seen.galaxies, seen.fingerprint) == (len(cube), cube.fingerprint())


def test_class_names_of_every_language_survive(toy_run: Run, tmp_path: Path) -> None:
    names = ("mgławica", "円盤", "S$a$")
    create_run(tmp_path / "run", dataclasses.replace(toy_run.record, class_names=names, results=None))
    assert open_run(tmp_path / "run").record.class_names == names


def test_a_new_run_needs_a_new_folder(toy_run: Run) -> None:
    before = (toy_run.path / "run.json").read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        create_run(toy_run.path, toy_run.record)
    assert (toy_run.path / "run.json").read_bytes() == before


@pytest.mark.parametrize("content", [None, "", "{", "\xff", "[]", "{}"])
def test_what_is_not_a_run_is_one_line_with_the_file(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content, encoding="latin-1")
    with pytest.raises(RunError, match=r"run\.json: .+") as caught:
        open_run(tmp_path)
    assert "\n" not in str(caught.value)


def spoil(run: Run, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a run's record as a careless hand would."""
    table = json.loads((run.path / "run.json").read_text(encoding="utf-8"))
    change(table)
    (run.path / "run.json").write_text(json.dumps(table), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.pop("class_names"), "class_names: field required"),
        (lambda table: table.update(class_name=[]), "class_name: "),
        (lambda table: table["preprocessing"].update(size="large"), "preprocessing.size: "),
        (lambda table: table["preprocessing"].update(size=0), "Bad value for size"),
        (lambda table: table["recipe"].update(epochs=0), "Bad value for epochs"),
    ],
)
def test_a_spoilt_record_is_answered_with_the_field(
    run_copy: Run, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    spoil(run_copy, change)
    with pytest.raises(RunError, match=says):
        open_run(run_copy.path)


def test_of_a_folder_of_runs_the_runs_are_named(run_copy: Run, tmp_path: Path) -> None:
    shutil.copytree(run_copy.path, tmp_path / "sweep" / "one")
    with pytest.raises(RunError, match=r"sweep: a folder of runs, and no run.*name one of them: .*sweep/one\."):
        open_run(tmp_path / "sweep")


def test_a_run_of_an_unknown_network_is_answered_with_the_known(run_copy: Run) -> None:
    spoil(run_copy, lambda table: table.update(network="alexnet9"))
    with pytest.raises(RunError, match=r"run\.json: Unknown network.*did you mean 'alexnet'"):
        open_even_if_changed(run_copy.path).load_network()


def test_weights_come_back_to_the_bit_and_ready_to_predict(new_run: Run) -> None:
    network = build_network("lenet5", size=32, channels=3, classes=3, seed=11).train()
    new_run.save_network(network)
    loaded = new_run.load_network()
    assert not loaded.training
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in network.state_dict().items())


def test_later_weights_take_the_place_of_earlier_ones(new_run: Run) -> None:
    for seed in (1, 2):
        network = build_network("lenet5", size=32, channels=3, classes=3, seed=seed)
        new_run.save_network(network)
    assert torch.equal(new_run.load_network().state_dict()["conv1.weight"], network.state_dict()["conv1.weight"])
    assert {path.name for path in new_run.path.iterdir()} == {"run.json", "model.safetensors"}


def test_the_weights_file_is_safetensors_and_names_its_network(toy_run: Run) -> None:
    with safe_open(toy_run.weights_path, "pt") as file:
        assert file.metadata()["network"] == "lenet5"
        assert file.get_tensor("dense5.weight").shape == (3, 84)


def test_a_run_without_weights_says_so(new_run: Run) -> None:
    with pytest.raises(RunError, match=r"has no weights yet.*no model\.safetensors"):
        new_run.load_network()


def test_weights_of_other_classes_are_refused(run_copy: Run) -> None:
    run_copy.save_network(build_network("lenet5", size=32, channels=3, classes=4))
    with pytest.raises(RunError, match=r"not the weights of lenet5.*size mismatch"):
        run_copy.load_network()


@pytest.mark.parametrize("keep_bytes", [0, 5, 1000])
def test_damaged_weights_are_refused(run_copy: Run, keep_bytes: int) -> None:
    run_copy.weights_path.write_bytes(run_copy.weights_path.read_bytes()[:keep_bytes])
    with pytest.raises(RunError, match="not the weights of lenet5"):
        run_copy.load_network()


def test_a_run_is_named_after_its_folder_however_it_was_reached(toy_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(toy_run.path)
    assert open_run(".").name == toy_run.name == "toy"


def test_no_run_is_refused() -> None:
    with pytest.raises(UsageError, match="No run was named"):
        find_runs([])
