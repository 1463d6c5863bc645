"""An ensemble names its members, finds them again, and is refused where they do not go together."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from kamerton.config.pictures import Framing, PixelOrigin
from kamerton.errors import KamertonError, OutputError, RunError, UsageError
from kamerton.evaluation.calibrate import calibrate
from kamerton.runs.ensembles import ensemble_of, find_members, is_ensemble, open_same, title_of, usual_place
from kamerton.runs.folder import Run, open_run
from kamerton.runs.record import ENSEMBLE, RunRecord
from kamerton.training.train import train


@pytest.fixture
def members(ensemble: Run) -> list[Run]:
    return find_members(ensemble)


@pytest.fixture
def moved(ensemble: Run, tmp_path: Path) -> Path:
    """A copy of the ensemble with its members beside it."""
    return Path(shutil.copytree(ensemble.path.parent, tmp_path / "moved"))


def changed(run: Run, **fields: object) -> Run:
    """A run as it would be with another record."""
    return Run(run.path, dataclasses.replace(run.record, **fields))  # type: ignore[arg-type]


def test_its_record_holds_those_of_its_members_and_their_sums(ensemble: Run, members: list[Run]) -> None:
    record = ensemble.record
    assert [one.path.name for one in members] == ["other", "toy"]
    assert record.trained == tuple(run.record for run in members)
    assert record.network == ENSEMBLE
    assert record.parameters == sum(run.record.parameters for run in members)
    assert record.preprocessing.size == 40
    assert [one.weights_bytes for one in record.members] == [run.weights_path.stat().st_size for run in members]
    assert [one.training_seconds for one in record.members] == [
        float(run.history()["seconds"].sum()) for run in members
    ]
    assert {path.name for path in ensemble.path.iterdir()} == {"run.json", "evaluation"}
    assert title_of(record) == "LeNet-5"
    assert is_ensemble(ensemble.path)
    assert not is_ensemble(members[0].path)


def test_its_fingerprint_is_of_its_members_and_not_of_their_places(members: list[Run], tmp_path: Path) -> None:
    one, two = (ensemble_of(runs, tmp_path / name) for name, runs in (("a", members), ("b/c", members[::-1])))
    assert one.record.results == two.record.results
    shown = repr(one), one._repr_html_()
    assert "of 2 runs" in shown[0]
    assert "other, toy" in shown[1]


def test_members_that_are_moved_with_it_are_found_beside_it(moved: Path, tmp_path: Path) -> None:
    assert [run.path.resolve().parent for run in find_members(open_run(moved / "both"))] == [moved.resolve()] * 2


def test_a_changed_record_of_a_member_is_refused(moved: Path) -> None:
    place = moved / "both/run.json"
    place.write_text(place.read_text().replace('"seed": 1,', '"seed": 2,'))
    with pytest.raises(RunError, match="changed since the training ended"):
        open_run(moved / "both")


def test_a_member_that_is_gone_or_another_is_named(moved: Path, ensemble: Run) -> None:
    found = open_run(moved / "both")
    found = changed(found, members=tuple(dataclasses.replace(one, path="nowhere") for one in found.record.members))
    (moved / "toy").rename(moved / "away")
    with pytest.raises(RunError, match=r"its member toy is not there any more\. Received: no run at nowhere\."):
        find_members(found)
    shutil.copytree(moved / "other", moved / "toy")
    with pytest.raises(RunError, match=r"its member toy is another run now\."):
        find_members(found)


def test_weights_that_were_changed_or_lost_are_refused(moved: Path) -> None:
    weights = moved / "other/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\1")
    runs = [open_run(moved / name) for name in ("toy", "other")]
    with pytest.raises(RunError, match=r"other/model\.safetensors: changed since the training ended"):
        ensemble_of(runs, moved / "new")
    weights.unlink()
    with pytest.raises(RunError, match="no such file"):
        find_members(open_run(moved / "both"))


def test_a_run_twice_is_refused_also_as_a_copy(moved: Path) -> None:
    run = open_run(moved / "toy")
    with pytest.raises(UsageError, match="The same run is named twice"):
        ensemble_of([run, open_run(moved / "../moved/toy")], moved / "new")
    copy = open_run(shutil.copytree(run.path, moved / "copy"))
    with pytest.raises(UsageError, match=r"named twice.* Received: .*copy and its copy .*toy\."):
        ensemble_of([run, copy], moved / "new")


def test_an_ensemble_and_an_unfinished_run_are_no_members(ensemble: Run, members: list[Run]) -> None:
    with pytest.raises(UsageError, match=r"both is an ensemble, and cannot be part of another.*the mean of other, toy"):
        ensemble_of([members[0], ensemble], ensemble.path.parent / "new")
    with pytest.raises(RunError, match="its training has not ended"):
        ensemble_of([members[0], changed(members[1], results=None)], ensemble.path.parent / "new")


def _origin(q: float, kept: float = 60) -> PixelOrigin:
    return PixelOrigin("asinh", ("g", "r", "z"), q, 0.1, Framing((60, 60), (kept, kept), 40))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"class_names": ("dim", "bright", "striped")}, "the same classes in another order"),
        ({"class_names": ("bright", "dim", "późne")}, "other classes"),
        ({"preprocessing": None}, "from images of other bands"),
        ({"pixel_origin": _origin(8)}, "from pixels that came to be in another way"),
        ({"pixel_origin": _origin(10, kept=30)}, "from another part of the pictures"),
    ],
)
def test_what_differs_between_runs_is_said_in_a_line(members: list[Run], fields: dict[str, object], said: str) -> None:
    first = changed(members[0], pixel_origin=_origin(10))
    if "preprocessing" in fields:
        fields = {"preprocessing": dataclasses.replace(members[1].record.preprocessing, channels=1)}
    other = changed(members[1], **({"pixel_origin": _origin(10)} | fields))
    with pytest.raises(UsageError, match=f"toy learned {said} than .*other, so their probabilities cannot be averaged"):
        ensemble_of([first, other], first.path.parent / "new")


def test_its_folder_lies_beside_the_first_run_after_all_names(members: list[Run]) -> None:
    folder = members[0].path.resolve().parent
    assert usual_place(members) == usual_place(members[::-1]) == folder / "other+toy"
    with pytest.raises(UsageError, match=r"too long for a folder's.*--out"):
        usual_place(members * 40)


def test_a_folder_of_anything_else_is_not_taken_for_it(ensemble: Run, members: list[Run], tmp_path: Path) -> None:
    same = open_same(ensemble_of(members[::-1], ensemble.path))
    assert same is not None
    assert same.record == ensemble.record
    assert open_same(ensemble_of(members, tmp_path / "new")) is None
    for place, held in ((members[0].path, "another run"), (tmp_path, "something that is no run")):
        with pytest.raises(OutputError, match=f"not this ensemble's folder. Received: {held}"):
            open_same(ensemble_of(members, place))


def test_whoever_asks_for_its_network_is_told_that_there_is_none(
    ensemble: Run, toy_splits: Path, tmp_path: Path
) -> None:
    asked = (
        ensemble.load_network,
        lambda: calibrate(ensemble, toy_splits / "valid.fits"),
        lambda: train(toy_splits, network="lenet5", start=ensemble, out=tmp_path / "run"),
    )
    for ask in asked:
        with pytest.raises(KamertonError, match=r"both is an ensemble.*Next: name one of its members\."):
            ask()
    assert not (tmp_path / "run").exists()


def test_a_run_without_members_keeps_its_fingerprint(toy_run: Run) -> None:
    assert toy_run.record.members == ()
    assert toy_run.record.trained == (toy_run.record,)
    assert isinstance(toy_run.record, RunRecord)
    assert toy_run.record.is_as_it_ended
