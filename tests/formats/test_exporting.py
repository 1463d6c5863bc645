"""Runs go out to other programs."""

from __future__ import annotations

import resource
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from kamerton.cli import main
from kamerton.errors import OutputError, RunError, UnknownNameError, UsageError
from kamerton.formats.exporting import EXPORTS, export
from kamerton.runs.folder import Run, create_run, open_run
from kamerton.runs.lock import locked
from kamerton.training.progress import Silent
from kamerton.training.train import train
from tests.watching import Recorder


@pytest.mark.parametrize("to", EXPORTS)
def test_every_format_is_written_inside_the_run(toy_run: Run, tmp_path: Path, to: str) -> None:
    shutil.copytree(toy_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("model.[!s]*"))
    before = set((tmp_path / "run").iterdir())
    path = export(str(tmp_path / "run"), to)
    assert set((tmp_path / "run").iterdir()) - before == {path}
    assert path.name == f"model.{to}"
    assert path.stat().st_size > 0


def test_a_keras_export_is_named_as_keras_users_expect(toy_run: Run, tmp_path: Path) -> None:
    shutil.copytree(toy_run.path, tmp_path / "run")
    path = export(open_run(tmp_path / "run"), "keras")
    assert path == tmp_path / "run" / "model.keras"
    assert {"config.json", "metadata.json", "model.weights.h5"} <= set(zipfile.ZipFile(path).namelist())


@pytest.mark.parametrize("to", ["", "Keras", "pickle"])
def test_an_unknown_format_is_answered_with_the_known_and_writes_nothing(toy_run: Run, tmp_path: Path, to: str) -> None:
    run = create_run(tmp_path / "run", toy_run.record)
    with pytest.raises(UnknownNameError, match=rf"Unknown format '{to}'.*Allowed: {', '.join(EXPORTS)}"):
        export(run, to)
    assert [path.name for path in run.path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("to", EXPORTS)
def test_a_run_without_weights_exports_nothing(toy_run: Run, tmp_path: Path, to: str) -> None:
    run = create_run(tmp_path / "run", toy_run.record)
    with pytest.raises(RunError, match="no weights yet"):
        export(run, to)
    assert [path.name for path in run.path.iterdir()] == ["run.json"]


def test_a_run_that_another_process_writes_is_not_exported(toy_run: Run, tmp_path: Path) -> None:
    shutil.copytree(toy_run.path, tmp_path / "run")
    with locked(tmp_path / "run", "train"), pytest.raises(OutputError, match="train, process"):
        export(tmp_path / "run", "keras")


@pytest.mark.parametrize("to", EXPORTS)
def test_a_full_disk_is_one_line_and_leaves_the_former_export(toy_run: Run, tmp_path: Path, to: str) -> None:
    shutil.copytree(toy_run.path, tmp_path / "run")
    export(tmp_path / "run", to)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()}
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, usual[1]))
    try:
        with pytest.raises(OutputError, match=rf"model\.{to} cannot be written"):
            export(tmp_path / "run", to)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir() if path.is_file()} == before


def test_onnx_has_no_scaling_inside_and_says_so(toy_run: Run, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(toy_run.path, tmp_path / "run"))
    with pytest.raises(UsageError, match=r"Only a Keras file.*Next: divide pixels by 255"):
        export(run, "onnx", with_scaling=True)
    assert not (run.path / "model_with_scaling.onnx").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--to", "keras"], "model.keras wants pixels divided by 255"),
        (["--to", "onnx"], "model.onnx wants pixels divided by 255"),
        (["--to", "keras", "--with-scaling"], "model_with_scaling.keras takes pixels of 0 to 255 as they are"),
    ],
)
def test_the_command_says_what_pixels_the_file_wants_beside_its_path(
    toy_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    words: list[str], says: str,
) -> None:  # fmt: skip
    copy = shutil.copytree(toy_run.path, tmp_path / "run")
    monkeypatch.setattr(sys, "argv", ["kamerton", "export", str(copy), *words])
    with pytest.raises(SystemExit):
        main()
    shown = capsys.readouterr()
    assert Path(shown.out.strip()).parent == copy
    assert shown.err.splitlines()[-1].startswith(says)


@pytest.mark.parametrize("to", EXPORTS)
def test_what_takes_some_seconds_is_said_before_it_begins(toy_run: Run, tmp_path: Path, to: str) -> None:
    run = open_run(shutil.copytree(toy_run.path, tmp_path / "run"))
    path = run.model_path(to)
    path.unlink(missing_ok=True)

    class Watcher(Recorder):
        def say(self, line: str) -> None:
            super().say(line)
            assert not path.exists()

    watcher = Watcher()
    assert export(run, to, watcher=watcher) == path
    assert watcher.said == [f"writing model.{to}, which takes some seconds"]


@pytest.mark.parametrize("flag", ["-q", "--json"])
def test_a_silent_export_says_nothing(
    toy_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    copy = shutil.copytree(toy_run.path, tmp_path / "run")
    monkeypatch.setattr(sys, "argv", ["kamerton", "export", str(copy), "--to", "keras", flag])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err == ""


class Sayings(Silent):
    """Keeps what a training says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


def test_a_network_without_a_keras_twin_says_so_and_what_does(toy_splits: Path, tmp_path: Path) -> None:
    watcher = Sayings()
    run = train(toy_splits, network="p4m_resnet", recipe="notebook", epochs=1, out=tmp_path / "p4m", watcher=watcher)
    assert not run.keras_path.exists()
    (said,) = [line for line in watcher.said if "model.keras" in line]
    assert said.endswith(f"kamerton export {run.path} --to onnx")
    next_step = rf"kamerton export {run.path} --to onnx; or train a network that Keras can say"
    with pytest.raises(UsageError, match=rf"a layer has no Keras twin.*Next: {next_step}"):
        export(run, "keras")
    assert export(run, "onnx").exists()
