"""The report is one file that opens offline, states its limits, and replaces nothing but a report."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from PIL import Image

from kamerton.errors import KamertonWarning, OutputError, PictureError, UnknownNameError
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import Comparison
from kamerton.explaining.explain import explain
from kamerton.explaining.kept import kept_explanations
from kamerton.explaining.telling import find_language, verdicts
from kamerton.reporting.embedding import embedded_file
from kamerton.reporting.report import LANGUAGES, Teller, report, write_report, written
from kamerton.runs.ensembles import find_members
from kamerton.runs.folder import Run, open_run
from tests.reporting.pages import RESAMPLES, Parts


@pytest.mark.parametrize("lang", LANGUAGES)
def test_results_of_a_name_of_their_own_are_called_by_it(runs: list[Run], tmp_path: Path, lang: str) -> None:
    run = open_run(shutil.copytree(runs[0].path, tmp_path / "run"))
    run.evaluation_path("test").rename(run.evaluation_path("<późne>"))
    page = report([run], tmp_path / "page.html", lang=lang, resamples=RESAMPLES).read_text(encoding="utf-8")
    assert " &lt;późne&gt; (test.fits)" in page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_everything_is_in_the_one_file(pages: dict[str, str], lang: str) -> None:
    parts = Parts(pages[lang])
    assert parts.loads
    assert all(load.startswith("data:image/") for load in parts.loads)
    assert "<script" not in pages[lang]
    assert "@import" not in pages[lang]
    assert parts.open == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_states_data_settings_seeds_versions_and_limits(
    pages: dict[str, str], lang: str, runs: list[Run]
) -> None:
    text, words = Parts(pages[lang]).text, LANGUAGES[lang].WORDS
    record = runs[0].record
    for cube in record.data.values():
        assert cube.fingerprint in text
        assert cube.path in text
    for name in ("settings", "limits", "limit_data", "limit_recipe", "versions", "seed", "chosen"):
        assert words[name] in text
    assert record.versions["torch"][:12] in text
    assert record.results is not None
    assert record.results.weights[:16] in text
    assert pages[lang].startswith(f'<!DOCTYPE html>\n<html lang="{lang}">')


def test_names_are_text_and_never_markup(pages: dict[str, str]) -> None:
    assert "<b>" not in pages["en"]
    assert "<b>notebook" in Parts(pages["en"]).text


@pytest.fixture(scope="module")
def explained(runs: list[Run], toy_splits: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The first run, with an explanation in its folder."""
    run = open_run(shutil.copytree(runs[0].path, tmp_path_factory.mktemp("why") / "run"))
    explain(run, toy_splits / "test.fits", rows="0-2")
    return run


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_shows_the_explanations_in_a_run_with_what_they_are_worth(
    explained: Run, tmp_path: Path, lang: str
) -> None:
    page = report([explained], tmp_path / "page.html", lang=lang, resamples=RESAMPLES).read_text(encoding="utf-8")
    parts, galleries = Parts(page), list(explained.explanation_path("test").glob("gallery_*.png"))
    assert sum(load.startswith("data:image/jpeg") for load in parts.loads) == len(galleries) > 0
    assert LANGUAGES[lang].WORDS["explained"] in parts.text
    (kept,) = kept_explanations(explained)
    assert all(line in parts.text for line in verdicts(kept.receipt, find_language(lang)))


def test_a_gallery_that_is_no_picture_is_left_out_aloud(explained: Run, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(explained.path, tmp_path / "run"))
    for path in run.explanation_path("test").glob("gallery_*.png"):
        path.write_bytes(b"nothing")
    with pytest.warns(KamertonWarning, match="gallery_"):
        page = report([run], tmp_path / "page.html", resamples=RESAMPLES).read_text(encoding="utf-8")
    assert "data:image/jpeg" not in page


def test_a_gallery_that_is_a_link_shows_no_other_picture(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "mine.png")
    assert embedded_file(tmp_path / "mine.png").startswith("data:image/jpeg")
    (tmp_path / "gallery_dim.png").symlink_to(tmp_path / "mine.png")
    with pytest.raises(PictureError, match="a link"):
        embedded_file(tmp_path / "gallery_dim.png")


def test_on_paper_nothing_is_wider_or_higher_than_a_page(pages: dict[str, str]) -> None:
    paper = pages["en"].partition("@media print {")[2].partition("</style>")[0]
    assert "@page { size: A4;" in pages["en"]
    for rule in (
        "figure img { max-height: 22cm; }",
        "table { max-width: 100%;",
        "figure, tr, p.soft, li { break-inside: avoid; }",
    ):
        assert rule in paper


def test_a_name_that_no_utf_8_has_is_shown_by_its_escape(comparison: Comparison, tmp_path: Path) -> None:
    page = write_report(dataclasses.replace(comparison, dataset="te\ud800st"), tmp_path / "page.html")
    assert r"te\ud800st" in page.read_text(encoding="utf-8")


def test_an_unknown_language_is_answered_with_the_known(runs: list[Run], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Allowed: en, pl"):
        report(runs, tmp_path / "a.html", lang="de")


def test_a_page_that_cannot_be_written_leaves_nothing(runs: list[Run], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        report(runs, tmp_path / "no" / "a.html", resamples=RESAMPLES)
    assert not (tmp_path / "no").exists()


def test_a_report_takes_the_place_of_an_earlier_one(
    pages: dict[str, str], comparison: Comparison, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(pages["en"], encoding="utf-8")
    with pytest.raises(OutputError, match=r"exists already.*--overwrite"):
        write_report(comparison, page, lang="pl")
    assert page.read_text(encoding="utf-8") == pages["en"]
    write_report(comparison, page, lang="pl", overwrite=True)
    assert '<html lang="pl">' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["a page of another", "a text", "a link", "a folder"])
def test_a_report_never_replaces_what_is_none(
    runs: list[Run], pages: dict[str, str], comparison: Comparison, tmp_path: Path, kind: str
) -> None:
    page, elsewhere = tmp_path / "report.html", tmp_path / "elsewhere.html"
    elsewhere.write_text(pages["en"], encoding="utf-8")
    before = elsewhere.read_bytes()
    if kind == "a link":
        page.symlink_to(elsewhere)
    elif kind == "a folder":
        page.mkdir()
    else:
        page.write_text("a thesis" if kind == "a text" else "<!DOCTYPE html><title>mine</title>")
    for write in (lambda: report(runs, page, overwrite=True), lambda: write_report(comparison, page, overwrite=True)):
        with pytest.raises(OutputError, match="is no report that Kamerton wrote"):
            write()
    assert elsewhere.read_bytes() == before
    assert page.is_symlink() == (kind == "a link")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_ensemble_is_told_with_its_members_and_what_all_cost(ensemble: Run, lang: str) -> None:
    members = find_members(ensemble)
    comparison = compare([ensemble, members[0]], resamples=RESAMPLES)
    texts = Teller.of(comparison, lang).texts()
    (note,) = texts["ensembles"]
    for member in ensemble.record.members:
        assert f"{member.name} (LeNet-5, " in note
        assert member.weights[:8] in note
    assert written(ensemble.record.parameters, ",d", LANGUAGES[lang]) in note
    row = next(row for row in texts["networks"] if row["name"] in note)
    assert row["settings"][2:5] == ["1 / 2", "32", "40 / 32"]
    assert next(row for row in texts["runs"] if row["name"] == "both")["seed"] == "1 / 0"
    assert {row["path"] for row in texts["data"]} >= {cube.path for cube in members[0].record.data.values()}
