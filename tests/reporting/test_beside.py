"""What labels, similar and next wrote is shown in the report, where it is named or lies in a run folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from pyarrow import parquet

from kamerton.catalogue.predict import predict
from kamerton.errors import DataError, KamertonWarning, UsageError
from kamerton.evaluation.comparison import Comparison
from kamerton.neighbours.next_galaxies import next_galaxies
from kamerton.neighbours.similar import similar
from kamerton.reporting.beside import beside_runs
from kamerton.reporting.languages import LANGUAGES
from kamerton.reporting.report import report, write_report
from kamerton.runs.folder import Run, open_run
from tests.conftest import write_toy_cube
from tests.reporting.pages import RESAMPLES, Parts


@pytest.fixture(scope="module")
def results(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what similar and next wrote, and a record as labels writes it."""
    folder = tmp_path_factory.mktemp("beside")
    predict(toy_run, write_toy_cube(folder / "new.fits", 12, seed=7), out=folder / "night", features="all")
    similar(folder / "night", "toy-7-4", count=3, out=folder / "near")
    next_galaxies(folder / "night", count=4, out=folder / "ask.csv")
    (folder / "labels").mkdir()
    shutil.copy(folder / "near/gallery.png", folder / "labels/labels.png")
    words = {"words": ["Probably wrong: 3."], "translations": {"pl": ["Prawdopodobnie błędne: 3."]}, "more": 1}
    (folder / "labels/labels.json").write_text(json.dumps(words), encoding="utf-8")
    return folder


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_named_is_shown_in_the_pages_language(
    comparison: Comparison, results: Path, tmp_path: Path, lang: str
) -> None:
    named = [results / name for name in ("labels", "near", "ask.csv")]
    page = write_report(comparison, tmp_path / "page.html", lang=lang, beside=named).read_text(encoding="utf-8")
    parts, words = Parts(page), LANGUAGES[lang].WORDS
    assert sum(load.startswith("data:image/jpeg") for load in parts.loads) == 2
    assert all(words[name] in parts.text for name in ("labels", "similar", "next", "likely_classes"))
    assert {"en": "Probably wrong: 3.", "pl": "Prawdopodobnie błędne: 3."}[lang] in parts.text
    query = {"en": "Most like toy-7-4, among 12 galaxies of night.", "pl": "podobne do toy-7-4"}[lang]
    assert query in parts.text
    assert all(str(path) in parts.text for path in named)
    ids = pd.read_csv(results / "ask.csv")["id"]
    assert [name for name in ids if name not in parts.text] == []


@pytest.mark.parametrize("kind", [str, Path])
def test_one_place_needs_no_list(comparison: Comparison, results: Path, tmp_path: Path, kind: type) -> None:
    page = write_report(comparison, tmp_path / "page.html", beside=kind(results / "near"))
    assert "Most like toy-7-4" in Parts(page.read_text(encoding="utf-8")).text


def test_one_place_of_a_report_needs_no_list(runs: list[Run], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gone: nothing that can be shown"):
        report(runs, tmp_path / "page.html", beside=str(tmp_path / "gone"))


def test_what_lies_in_a_run_folder_is_shown_without_being_named(runs: list[Run], results: Path, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(runs[0].path, tmp_path / "run"))
    shutil.copytree(results / "near", run.path / "near")
    shutil.copy(results / "ask.csv", run.path / "ask.csv")
    text = Parts(report(run, tmp_path / "page.html", resamples=RESAMPLES).read_text(encoding="utf-8")).text
    assert "Most like toy-7-4" in text
    assert "Galaxies asked for: 4; the first 4 of them:" in text


def test_a_neighbourhood_without_a_gallery_is_a_table(comparison: Comparison, results: Path, tmp_path: Path) -> None:
    near = Path(shutil.copytree(results / "near", tmp_path / "near"))
    (near / "gallery.png").unlink()
    page = write_report(comparison, tmp_path / "page.html", beside=[near]).read_text(encoding="utf-8")
    ids = pd.read_csv(near / "neighbours.csv")["id"]
    assert [name for name in ids if f"<td>{name}</td>" not in page] == []


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("gone", None, "nothing that can be shown"),
        ("notes.csv", "id,label\na,b\n", "nothing that can be shown"),
        ("labels/labels.json", "{", "cannot be read as a record of `kamerton labels`"),
        ("labels/labels.json", "{}", "words"),
        ("near/neighbours.parquet", "none", "damaged"),
    ],
)
def test_what_is_named_and_is_no_result_is_refused_before_anything_is_compared(
    runs: list[Run], tmp_path: Path, name: str, content: str | None, error: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    with pytest.raises((UsageError, DataError), match=error):
        report(runs, tmp_path / "page.html", beside=[tmp_path / name.split("/", maxsplit=1)[0]])
    assert not (tmp_path / "page.html").exists()


def test_a_number_of_galaxies_that_is_none_is_refused(results: Path, tmp_path: Path) -> None:
    table = parquet.read_table(results / "near/neighbours.parquet")
    said = {name: text for name, text in (table.schema.metadata or {}).items() if b"sha256" not in name}
    (name,) = (name for name in said if name.endswith(b"known_galaxies"))
    parquet.write_table(table.replace_schema_metadata(said | {name: b"9" * 5000}), tmp_path / "neighbours.parquet")
    with pytest.raises(DataError, match="no table of `kamerton similar`"):
        beside_runs([], [tmp_path])


def test_what_is_damaged_in_a_run_folder_is_left_out_aloud(
    comparison: Comparison, results: Path, tmp_path: Path
) -> None:
    run = comparison.networks[0].predictions[0].run
    (run.path / "near").mkdir()
    (run.path / "near/neighbours.parquet").write_bytes(b"none")
    try:
        with pytest.warns(KamertonWarning, match=r"near: left out of the report"):
            page = write_report(comparison, tmp_path / "page.html")
    finally:
        shutil.rmtree(run.path / "near")
    assert "Most like" not in page.read_text(encoding="utf-8")
