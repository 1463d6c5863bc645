"""Explanations in a run folder, read again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from kamerton.errors import KamertonWarning, OutputError
from kamerton.explaining.explain import explain
from kamerton.explaining.kept import kept_explanations
from kamerton.runs.contents import foreign_files
from kamerton.runs.folder import RECEIPT_FILE, Run, open_run
from kamerton.verification import verify
from tests.conftest import CLASS_NAMES, write_toy_cube


@pytest.fixture(scope="module")
def explained(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy of the toy run, explained on a cube in its own folder."""
    folder = tmp_path_factory.mktemp("kept")
    run = open_run(shutil.copytree(toy_run.path, folder / "run"))
    explain(run, write_toy_cube(folder / "żółte.fits", 8, seed=7), count=1)
    return run


@pytest.fixture
def run(explained: Run, tmp_path: Path) -> Run:
    """The same, to be changed."""
    return open_run(shutil.copytree(explained.path, tmp_path / "run"))


def test_without_a_place_it_is_kept_in_the_run_folder_by_the_source(explained: Run) -> None:
    (kept,) = kept_explanations(explained)
    assert kept.path == explained.path / "explanations/żółte"
    assert (kept.of.method, kept.of.explained) == ("HiResCAM", len(list(kept.path.glob("galaxy_*.fits"))))
    assert kept.receipt.as_json()["verdicts"] == json.loads((kept.path / RECEIPT_FILE).read_text())["verdicts"]
    assert set(kept.galleries) <= set(CLASS_NAMES)
    assert sorted(kept.galleries.values()) == sorted(kept.path.glob("gallery_*.png"))
    assert foreign_files(explained) == []


def test_it_is_not_written_over_and_the_next_step_names_the_option(explained: Run, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"exists already.*--overwrite"):
        explain(explained, write_toy_cube(tmp_path / "żółte.fits", 3, seed=1))


def test_nothing_is_written_through_a_link(run: Run, tmp_path: Path) -> None:
    shutil.rmtree(run.path / "explanations")
    (tmp_path / "elsewhere").mkdir()
    (run.path / "explanations").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="is a link"):
        explain(run, write_toy_cube(tmp_path / "new.fits", 3, seed=1))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_that_of_other_weights_is_not_given(run: Run) -> None:
    place = run.path / "explanations/żółte" / RECEIPT_FILE
    place.write_text(json.dumps({**json.loads(place.read_text()), "fingerprint": "of before"}))
    assert list(kept_explanations(run)) == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"method": 1}', "[" * 100_000])
def test_a_receipt_that_is_none_is_left_out_aloud(run: Run, content: str) -> None:
    (run.path / "explanations/żółte" / RECEIPT_FILE).write_text(content)
    with pytest.warns(KamertonWarning, match="not a receipt"):
        assert list(kept_explanations(run)) == []


def test_a_receipt_without_its_result_is_left_out_aloud(run: Run) -> None:
    place = run.path / "explanations/żółte" / RECEIPT_FILE
    content = json.loads(place.read_text())
    place.write_text(json.dumps(content | {"gaussian": content["gaussian"] | {"better_by": None}}))
    with pytest.warns(KamertonWarning, match=r"not a receipt.*better_by"):
        assert list(kept_explanations(run)) == []


@pytest.mark.parametrize(
    ("changes", "verdict"), [({}, "not checked"), ({"fingerprint": "of before"}, "stale"), ({"map": 1}, "different")]
)
def test_verify_tells_of_which_weights_it_is(run: Run, changes: dict[str, object], verdict: str) -> None:
    place = run.path / "explanations/żółte" / RECEIPT_FILE
    place.write_text(json.dumps(json.loads(place.read_text()) | changes))
    found = {check.what: check.verdict for check in verify(run).checks}
    assert found["explanations/żółte"] == verdict


def test_a_folder_without_a_receipt_is_named_as_foreign(run: Run) -> None:
    (run.path / "explanations/mine").mkdir()
    assert foreign_files(run) == ["explanations/mine"]
