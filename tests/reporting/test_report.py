"""The report is one file that opens offline, states its limits, and replaces nothing but a report."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from kamerton.errors import OutputError, UnknownNameError
from kamerton.evaluation.comparison import Comparison
from kamerton.reporting.languages import LANGUAGES
from kamerton.reporting.report import report, write_report
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
