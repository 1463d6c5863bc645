"""The report is one file that opens offline, in both languages, and states its limits."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kamerton.errors import OutputError, UnknownNameError
from kamerton.evaluation.evaluate import evaluate
from kamerton.reporting import english, polish
from kamerton.reporting.report import LANGUAGES, report
from kamerton.runs.folder import Run
from kamerton.training.train import train

RESAMPLES = 300


@pytest.fixture(scope="module")
def runs(toy_run: Run, toy_splits: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Two tested runs with names that HTML would stumble over."""
    folder = tmp_path_factory.mktemp("report")
    found = [
        train(toy_splits, network="lenet5", recipe=recipe, epochs=1, out=folder / f"<b>{recipe}")
        for recipe in ("notebook", "modern")
    ]
    for run in found:
        evaluate(run, toy_splits / "test.fits")
    return found


@pytest.fixture(scope="module")
def pages(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    return {
        lang: report(runs, folder / f"{lang}.html", lang=lang, resamples=RESAMPLES).read_text(encoding="utf-8")
        for lang in LANGUAGES
    }


class Parts(HTMLParser):
    """Collects what a page loads, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


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


def test_polish_has_a_word_for_every_english_one_with_the_same_gaps() -> None:
    assert set(polish.WORDS) == set(english.WORDS)
    for name, word in english.WORDS.items():
        assert set(re.findall(r"{\w+}", polish.WORDS[name])) == set(re.findall(r"{\w+}", word))


def test_polish_numbers_have_a_comma_and_polish_words_their_letters(pages: dict[str, str]) -> None:
    text = Parts(pages["pl"]).text
    assert re.search(r"\b0,\d{3}\b", text)
    assert not re.search(r"\b0\.\d{3}\b", text)
    assert set("ąćęłńóśż") <= set(text.lower())


def test_the_pictures_of_the_polish_page_are_polish() -> None:
    """Every fixed text of a picture has its Polish."""
    from kamerton.figures import comparing

    source = Path(comparing.__file__).read_text(encoding="utf-8")
    labels = set(re.findall(r'(?:xlabel|ylabel|label|title)="([^"]+)"', source))
    assert labels <= set(polish.FIGURES)


def test_an_unknown_language_is_answered_with_the_known(runs: list[Run], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Allowed: en, pl"):
        report(runs, tmp_path / "a.html", lang="de")


def test_a_page_that_cannot_be_written_leaves_nothing(runs: list[Run], tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        report(runs, tmp_path / "no" / "a.html", resamples=RESAMPLES)
    assert not (tmp_path / "no").exists()
