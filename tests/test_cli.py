"""The command line: one line for every error, the right exit code, and an answer that a program can read."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from PIL import Image

import kamerton
from kamerton.cli import main
from kamerton.errors import KamertonWarning
from kamerton.runs.folder import Run
from tests.conftest import toy_galaxies, write_toy_cube, write_toy_splits
from tests.data.importers.sources import write_list
from tests.test_readme import every_command


@dataclass(frozen=True)
class Answer:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command line in this process."""

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["kamerton", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return Answer(int(stopped.value.code or 0), printed.out, printed.err)

    return run


def require_one_line(answer: Answer, code: int) -> None:
    assert answer.code == code, answer
    assert answer.err.count("\n") == 1, answer.err
    assert answer.err.startswith("kamerton: ")
    assert "Traceback" not in answer.err
    assert "A defect of Kamerton" not in answer.err
    assert "Next: " in answer.err


def test_a_warning_is_one_line_on_stderr_and_the_answer_stays_json(command: Command, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always", KamertonWarning)
        answer = command("data", "import", write_list(tmp_path, ["Sa", "SA"] * 3), tmp_path / "out.fits", "--json")
    assert json.loads(answer.out)["class_counts"] == {"SA": 3, "Sa": 3}
    require_one_line(answer, 0)
    assert answer.err.startswith("kamerton: warning: ")


@pytest.mark.parametrize("given", [["0.7,0.15,0.15"], ["0.7", "0.15", "0.15"]])
def test_fractions_may_have_commas_between(command: Command, toy_cube: Path, tmp_path: Path, given: list[str]) -> None:
    assert command("data", "split", toy_cube, tmp_path / "data", "--fractions", *given).code == 0
    assert json.loads((tmp_path / "data/split.json").read_text())["settings"]["fractions"] == [0.7, 0.15, 0.15]


def test_fractions_that_are_joined_by_a_sign_and_those_that_are_none(
    command: Command, toy_cube: Path, tmp_path: Path
) -> None:
    assert command("data", "split", toy_cube, tmp_path / "a", "--fractions=0.7,0.15,0.15").code == 0
    for given in ("0.7,0.3", "0.5,0.2,0.2,0.1", "0.7,a,b"):
        require_one_line(command("data", "split", toy_cube, tmp_path / "b", "--fractions", given), 2)


SPOKEN = "import sys; from kamerton.cli import main; sys.argv[0] = 'kamerton'; main()"


def spoken(*arguments: str | bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a process of its own, with another locale."""
    given = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG", "PYTHONUTF8"))}
    return subprocess.run(
        [sys.executable, "-c", SPOKEN, *arguments], env=given | environment, capture_output=True, check=False
    )


@pytest.mark.parametrize("environment", [{"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LC_ALL": "C.UTF-8"}])
def test_polish_letters_do_in_any_locale(tmp_path: Path, environment: dict[str, str]) -> None:
    source = write_list(tmp_path, ["późne", "wczesne"] * 10)
    out = tmp_path / "kostka ł.fits"
    answers = [
        spoken("data", "import", str(source), str(out).encode(), **environment),
        spoken("data", "split", str(out).encode(), str(tmp_path / "dane ł").encode(), **environment),
        spoken("data", "check", str(out).encode(), **environment),
    ]
    assert [(answer.returncode, answer.stderr) for answer in answers] == [(0, b"")] * 3
    assert json.loads((tmp_path / "dane ł/split.json").read_text(encoding="utf-8"))["class_names"] == [
        "późne",
        "wczesne",
    ]


def test_a_cube_whose_name_is_no_utf_8_can_be_used(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xb3\xf3d\xbc.fits"
    answers = [
        spoken("data", "import", str(write_list(tmp_path, ["a", "b"] * 10)), name),
        spoken("data", "split", name, name + b"-data"),
        spoken("data", "check", name),
    ]
    assert [(answer.returncode, answer.stderr) for answer in answers] == [(0, b"")] * 3
    record = json.loads((Path(os.fsdecode(name + b"-data")) / "split.json").read_text())
    assert os.fsencode(record["source"]["path"]) == name


def test_a_name_that_arrow_cannot_open_is_refused_before_anything_is_said_of_it(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xb3\xf3d\xbc"
    answer = spoken("verify", name)
    assert answer.returncode == 2
    assert answer.stderr.startswith(b"kamerton: The name")
    assert b"is no UTF-8 here" in answer.stderr
    assert answer.stderr.count(b"\n") == 1


@pytest.mark.parametrize("room_bytes", [0, 4000, 20_000, 60_000])
@pytest.mark.parametrize("which", ["synth", "split", "import"])
def test_a_disk_without_room_is_one_line_and_leaves_nothing(
    command: Command, tmp_path: Path, which: str, room_bytes: int
) -> None:
    write_toy_cube(tmp_path / "all.fits", 60)
    before = sorted(tmp_path.iterdir())
    commands = {
        "synth": ("synth", tmp_path / "data", "--count", "60", "--size", "32"),
        "split": ("split", tmp_path / "all.fits", tmp_path / "data"),
        "import": ("import", tmp_path / "all.fits", tmp_path / "new.fits"),
    }
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, limits[1]))
    try:
        answer = command("data", *commands[which])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    require_one_line(answer, 2)
    assert "File too large" in answer.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_survey_that_is_stopped_leaves_nothing_at_its_place(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "kamerton", "data", "synth", "data", "--count", "5000"], cwd=tmp_path
    ) as process:
        while not any(tmp_path.rglob("*.fits")):
            assert process.poll() is None
        process.send_signal(number)
    assert process.returncode == (143 if number == signal.SIGTERM else -9)
    assert not (tmp_path / "data").exists()
    assert (list(tmp_path.iterdir()) == []) == (number == signal.SIGTERM)


def test_a_layout_can_be_asked_for(command: Command, tmp_path: Path) -> None:
    data, run = write_toy_splits(tmp_path / "data"), tmp_path / "run"
    options = ("--network", "lenet5", "--epochs", 1, "--out", run)
    assert command("train", data, *options, "--layout", "plain").code == 0
    assert json.loads((run / "run.json").read_text())["convolutions"] == "plain"


# The whole way


def test_from_pictures_to_a_tested_network(command: Command, tmp_path: Path) -> None:
    """Import, split, train, evaluate, export and import again, as a user would."""
    images_nhwc, labels = toy_galaxies(60, 24, 0)
    for row, (image, label) in enumerate(zip(images_nhwc, labels, strict=True)):
        place = tmp_path / f"pictures/class{label}/{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    cube, data, run = tmp_path / "all.fits", tmp_path / "data", tmp_path / "run"
    assert "60" in command("data", "import", tmp_path / "pictures", cube).out
    assert json.loads(command("data", "split", cube, data, "--json").out)["galaxies"]["train"] > 30
    trained = command("train", data, "--network", "lenet5", "--epochs", 2, "--out", run)
    assert trained.out.endswith(f"run: {run}\n")
    assert "epoch 2/2 loss" in trained.err
    found = json.loads(command("evaluate", run, data / "test.fits", "--json").out)
    assert found["galaxies"] == len(fits.getdata(data / "test.fits", 1))
    assert command("export", run, "--to", "keras").out.strip() == str(run / "model.keras")
    again = command("import", run / "model.keras", "--out", tmp_path / "again", "--classes-of", data / "train.fits")
    assert again.out.strip() == f"run: {tmp_path / 'again'}"
    same = json.loads(command("evaluate", tmp_path / "again", data / "test.fits", "--json").out)
    assert same["accuracy"] == found["accuracy"]


def test_synth_is_what_its_options_say(command: Command, tmp_path: Path) -> None:
    answer = command("data", "synth", tmp_path / "d", "--count", 40, "--size", 16, "--seed", 7, "--json")
    assert sum(json.loads(answer.out)["galaxies"].values()) == 40
    assert fits.getdata(tmp_path / "d/train.fits", 0).shape[1:] == (16, 16, 3)


def test_the_notebooks_files_appear_where_the_notebook_put_them(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_splits: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    command("train", toy_splits, "--network", "lenet5", "--recipe", "notebook", "--epochs", 1, "--notebook-paths")
    history = pd.read_csv("ResultLearning/LeNet5_full.csv", index_col=0)
    assert history.columns.tolist() == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert Path("Models/LeNet5_full.keras").stat().st_size > 0


def test_the_table_of_networks_has_the_notebooks_count(command: Command) -> None:
    rows = {row["name"]: row for row in json.loads(command("networks", "--json").out)}
    assert rows["alexnet"]["parameters"] == 41_546_506
    assert "41,546,506" in command("networks").out


def test_the_table_of_networks_names_learned_weights_to_start_from(command: Command) -> None:
    starts = {row["name"]: row["starts"] for row in json.loads(command("networks", "--json").out)}
    assert starts["efficientnet_lite0_stages"] == ["efficientnet_lite0_stages.imagenet"]
    assert starts["lenet5"] == []
    assert "efficientnet_lite0.imagenet: ImageNet-1k at 224 px; Apache-2.0" in command("networks").out


def test_evaluate_prints_a_table_and_where_the_results_are(
    command: Command, tmp_path: Path, toy_run: Run, toy_splits: Path
) -> None:
    run = shutil.copytree(toy_run.path, tmp_path / "run")
    shown = command("evaluate", run, toy_splits / "test.fits", "--by", "source").out
    for part in ("accuracy", "bright", "striped", "north", str(run / "evaluation/test")):
        assert part in shown


# Help


@pytest.mark.parametrize("words", ["", "data", *every_command()])
def test_every_command_explains_itself_and_its_options(command: Command, words: str) -> None:
    answer = command(*words.split(), "--help")
    assert answer.code == 0
    assert "Usage" in answer.out


def test_help_has_a_short_name_too(command: Command) -> None:
    assert command("data", "split", "-h").out == command("data", "split", "--help").out


def test_without_a_command_the_help_is_shown(command: Command) -> None:
    answer = command()
    assert (answer.code, "Commands" in answer.out) == (0, True)


def test_the_version_is_the_packages(command: Command) -> None:
    assert command("--version").out == f"kamerton {kamerton.__version__}\n"


# Wrong usage: exit 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["predict", "RUN", "LONG"], 2),
        (["evaluate", "RUN", "LONG"], 1),
        (["explain", "RUN", "LONG"], 2),
        (["similar", "LONG", "a.png"], 2),
        (["compare", "LONG"], 2),
        (["verify", "LONG"], 2),
        (["report", "LONG"], 2),
        (["serve", "LONG"], 2),
        (["data", "check", "LONG"], 2),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else None,
)
def test_a_name_that_is_too_long_is_no_defect(command: Command, toy_run: Run, words: list[str], code: int) -> None:
    places = {"RUN": str(toy_run.path), "LONG": "a" * 300}
    answer = command(*(places.get(word, word) for word in words))
    require_one_line(answer, code)
    assert "File name too long" in answer.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["trian"], "trian"),
        (["train", "DATA"], "--network"),
        (["train", "DATA", "--network"], "see `kamerton train --help`"),
        (["data", "split", "DATA/train.fits", "new", "--fractions", "0.7"], "see `kamerton data split --help`"),
        (["train", "DATA", "--network", "alexnt"], "did you mean 'alexnet'?"),
        (["train", "DATA", "--network", "alexnet", "--recipe", "notebok"], "did you mean 'notebook'?"),
        (["train", "DATA", "--network", "alexnet", "--epochs", "0"], "epochs"),
        (["train", "DATA", "--network", "alexnet", "--epochs", "many"], "--epochs"),
        (["train", "DATA", "--network", "alexnet"], "Images are too small for AlexNet"),
        (["train", "DATA", "--network", "lenet5", "--size", "8"], "Images are too small for LeNet-5"),
        (["train", "DATA", "--network", "lenet5", "--out", "DATA"], "exists already"),
        (["train", "DATA", "--network", "lenet5", "--out", "DATA/train.fits/run"], "cannot be written"),
        (["data", "synth", "new", "--count", "0"], "count"),
        (["data", "synth", "DATA"], "exists already"),
        (["data", "split", "DATA/train.fits", "new", "--fractions", "0.5", "0.5", "0.5"], "add up to 1"),
        (["data", "split", "DATA/train.fits", "DATA"], "exists already"),
        (["data", "split", "DATA/train.fits", "new", "--group-column", "host"], "no column 'host'"),
        (["data", "download", "galaxy11"], "did you mean 'galaxy10'?"),
        (["data", "import", "nowhere", "new.fits"], "nowhere"),
        (["export", "RUN", "--to", "pickle"], "keras"),
        (["evaluate", "RUN", "DATA/test.fits", "--by", "host"], "no column 'host'"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else None,
)
def test_wrong_usage_is_one_line_and_exit_2(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    toy_splits: Path,
    toy_run: Run,
    words: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"DATA": str(toy_splits), "RUN": str(toy_run.path)}
    words = [word.replace("DATA", places["DATA"]).replace("RUN", places["RUN"]) for word in words]
    answer = command(*words)
    require_one_line(answer, 2)
    assert says in answer.err
    assert list(tmp_path.iterdir()) == [], "nothing half-written stays behind"


# Bad data: exit 1


def rewrite(path: Path, change: Callable[[fits.HDUList], None]) -> None:
    """Change a cube and write it again."""
    with fits.open(path, memmap=False) as hdus:
        change(hdus)
        hdus.writeto(path, overwrite=True)


def drop_labels(path: Path) -> None:
    fits.PrimaryHDU(fits.getdata(path, 0)).writeto(path, overwrite=True)


def with_labels(labels: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        def change(hdus: fits.HDUList) -> None:
            hdus[1].data = labels(hdus[1].data.copy())

        rewrite(path, change)

    return damage


def with_images(images: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        def change(hdus: fits.HDUList) -> None:
            hdus[0].data = images(hdus[0].data.copy())

        rewrite(path, change)

    return damage


def set_first(value: float, kind: str) -> Callable[[np.ndarray], np.ndarray]:
    def change(values: np.ndarray) -> np.ndarray:
        values = values.astype(kind)
        values.flat[0] = value
        return values

    return change


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


BAD_CUBES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing file": (Path.unlink, "cannot be opened"),
    "missing HDU": (drop_labels, "HDU 1: there are no labels"),
    "labels of another length": (with_labels(lambda labels: labels[:-1]), "HDU 1: labels have another length"),
    "negative label": (with_labels(set_first(-1, "i4")), "HDU 1: label of image 0 is not a class index. Received: -1"),
    "fractional label": (with_labels(set_first(0.5, "f4")), "HDU 1: label of image 0 is not a class index"),
    "absent label": (with_labels(set_first(np.nan, "f4")), "HDU 1: label of image 0 is not a class index"),
    "class index beyond the names": (with_labels(set_first(3, "i4")), "HDU 1: label of image 0 is beyond the class"),
    "wrong dimensions": (with_images(lambda images: images.reshape(len(images), -1)), "HDU 0: wrong dimensions"),
    "truncated file": (truncate, "truncated"),
    "NaN pixels": (with_images(set_first(np.nan, "f4")), "HDU 0: image 0 has NaN or infinite pixels"),
    "empty cube": (with_images(lambda images: images[:0]), "HDU 0"),
    "no bytes at all": (lambda path: path.write_bytes(b""), "an empty file"),
    "not FITS": (lambda path: path.write_bytes(b"galaxies" * 1000), "cannot be read as FITS"),
}


@pytest.mark.parametrize("name", BAD_CUBES)
@pytest.mark.parametrize("split", ["train", "valid"])
def test_bad_data_is_one_line_and_exit_1_and_leaves_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_splits: Path, name: str, split: str
) -> None:
    data = shutil.copytree(toy_splits, tmp_path / "data")
    damage, says = BAD_CUBES[name]
    damage(data / f"{split}.fits")
    monkeypatch.chdir(tmp_path)
    answer = command("train", data, "--network", "lenet5", "--recipe", "notebook", "--epochs", 1, "--notebook-paths")
    require_one_line(answer, 1)
    assert f"{data / split}.fits" in answer.err
    assert says in answer.err
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize("name", BAD_CUBES)
def test_a_bad_cube_is_not_evaluated(command: Command, tmp_path: Path, toy_run: Run, name: str) -> None:
    run = shutil.copytree(toy_run.path, tmp_path / "run")
    shutil.rmtree(run / "evaluation", ignore_errors=True)
    data = write_toy_splits(tmp_path / "data")
    damage, says = BAD_CUBES[name]
    damage(data / "test.fits")
    answer = command("evaluate", run, data / "test.fits")
    require_one_line(answer, 1)
    assert says in answer.err
    assert not (run / "evaluation").exists()


def test_a_folder_that_is_no_run_is_said(command: Command, tmp_path: Path, toy_splits: Path) -> None:
    answer = command("evaluate", tmp_path, toy_splits / "test.fits")
    require_one_line(answer, 1)
    assert "run.json" in answer.err


def test_a_file_that_keras_did_not_write_is_said(command: Command, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_text("no model")
    answer = command("import", tmp_path / "model.keras", "--out", tmp_path / "run")
    first, _, rest = answer.err.partition("\n")
    assert first == "reading model.keras, which takes some seconds"
    require_one_line(dataclasses.replace(answer, err=rest), 1)
    assert not (tmp_path / "run").exists()


def test_ctrl_c_is_one_line_and_its_own_code(command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("kamerton.data.synthetic.survey.synth", interrupted)
    answer = command("data", "synth", tmp_path / "data")
    assert (answer.code, answer.err) == (130, "kamerton: stopped by Ctrl-C\n")


def test_the_module_is_the_command() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "kamerton", "train", "nowhere", "--network", "lenet5"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert found.stderr.count("\n") == 1
    assert "nowhere/train.fits: cannot be opened" in found.stderr
