"""The pictures of the report: its figures, with their words in both languages, and what lies in the runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import ScalarFormatter
from PIL import Image

from kamerton.errors import KamertonWarning, PictureError
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.comparison_figures import FIGURES, draw_figures
from kamerton.explaining.explain import explain
from kamerton.explaining.kept import kept_explanations
from kamerton.explaining.telling import find_language, verdicts
from kamerton.figures.drawing import new_figure, plain
from kamerton.figures.testing import GALLERY_COLUMNS, gallery_figure
from kamerton.reporting import english, polish
from kamerton.reporting.axes import LanguageFormatter, write_decimals
from kamerton.reporting.embedding import embedded_file, translate, translation
from kamerton.reporting.languages import LANGUAGES
from kamerton.reporting.pictures import Pictures
from kamerton.reporting.report import report
from kamerton.runs.folder import Run, open_run
from tests.reporting.pages import RESAMPLES, Parts


@pytest.mark.parametrize("lang", LANGUAGES)
def test_captions_stay_above_their_galaxies(lang: str) -> None:
    said = ("soczewkowe, późne, eliptyczne", "spiralne z poprzeczką i bez niej", "Unbarred Loose Spiral, Merging")
    captions = [f"PGC0055769.jpg\ntrue spiralne\nsaid {words}" for words in said]
    figure = gallery_figure(np.zeros((3, 8, 8, 3), np.uint8), captions, "")
    translate(figure, LANGUAGES[lang].FIGURE_TEXTS)
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert axes.title.get_window_extent().width < 0.95 * figure.bbox.width / GALLERY_COLUMNS, "and a gap"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_figure_has_a_caption(lang: str) -> None:
    language = LANGUAGES[lang]
    missing = [name for name in FIGURES if name not in language.CAPTIONS]
    assert not missing, f"{language.__name__}: CAPTIONS lacks {', '.join(missing)}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_shows_every_figure_with_its_caption(pages: dict[str, str], lang: str) -> None:
    text = Parts(pages[lang]).text
    assert pages[lang].count("<img") == len(FIGURES)
    assert [caption for caption in LANGUAGES[lang].CAPTIONS.values() if caption not in text] == []


def words_of(figure: Figure, comparison: Comparison) -> set[str]:
    """The texts of a figure that hold words, but for the names of classes and networks, with or without a number."""
    figure.draw_without_rendering()
    names = {plain(name) for name in (*comparison.class_names, *(result.name for result in comparison.networks))}
    texts = {text.get_text() for text in figure.findobj(Text)}
    formulas = re.compile(r"\$.*\$", re.DOTALL)
    return {
        text
        for text in texts
        if re.search(r"[^\W\d_]{2}", formulas.sub("", text)) and re.sub(r" \(\d+\)$", "", text) not in names
    }


def test_every_text_of_every_figure_has_its_polish(often_wrong: Comparison) -> None:
    figures = draw_figures(often_wrong)
    assert "hard_galaxies" in figures
    for name, figure in figures.items():
        words = words_of(figure, often_wrong)
        missing = sorted(text for text in words if translation(text, polish.FIGURE_TEXTS) is None)
        assert not missing, f"reporting/polish.py: FIGURE_TEXTS lacks {missing} of the figure {name}"


def test_a_figure_without_a_caption_yet_is_shown_with_its_name(
    often_wrong: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerton.reporting.pictures.draw_figures", lambda _: {"cost": new_figure(1, 1)})
    monkeypatch.delitem(english.CAPTIONS, "cost")
    assert [picture["caption"] for picture in Pictures(english, often_wrong).pictures()] == ["cost"]


def test_the_figures_of_the_polish_page_are_polish(often_wrong: Comparison) -> None:
    texts: set[str] = set()
    for figure in draw_figures(often_wrong).values():
        translate(figure, polish.FIGURE_TEXTS)
        texts |= words_of(figure, often_wrong)
    assert {"epoka", "klasa prawdziwa", "Galaktyki, w których myli się każda sieć: 3 z 25"} <= texts
    assert any(re.fullmatch(r"toy-2-0\nprawdziwa: bright\nwskazana: dim", text) for text in texts)
    assert not any(text in polish.FIGURE_TEXTS for text in texts)


def numbers_along_axes(figure: Figure) -> list[str]:
    figure.draw_without_rendering()
    axes = [axis for one in figure.axes for axis in (one.xaxis, one.yaxis)]
    return [label.get_text() for axis in axes for label in (*axis.get_ticklabels(), *axis.get_minorticklabels())]


def test_the_figures_of_the_polish_page_have_decimal_commas_and_true_minuses(
    often_wrong: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr("kamerton.reporting.pictures.embedded", lambda figure, _: drawn.append(figure) or "")
    Pictures(polish, often_wrong).pictures()
    texts = [text for figure in drawn for text in numbers_along_axes(figure)]
    assert any(re.fullmatch(r"0,\d+", text) for text in texts)
    assert not [text for text in texts if re.search(r"\d\.\d|(?<!\w)-\d", text) and "$" not in text]


def test_a_name_along_an_axis_keeps_its_points_and_a_formula_its_comma() -> None:
    figure = new_figure(3, 3)
    axes = figure.add_subplot()
    axes.set_yticks([0, 1], ["v1.5", "b"])
    axes.set(xlim=(-0.5, 0.5), xticks=[-0.25, 0.25])
    write_decimals(figure, ",")
    assert numbers_along_axes(figure) == ["−0,25", "0,25", "v1.5", "b"]
    assert LanguageFormatter(ScalarFormatter(), ",").written("$1.5$") == "$1{,}5$"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3 wrong", "3 błędnych"),
        ("3\nwrong", "3 błędnych"),
        ("{x} wrong", "{x} błędnych"),
        ("3 wrongs", None),
        ("loss (nats)", "strata"),
        ("loss nats", None),
        ("", None),
    ],
)
def test_a_text_is_translated_whole_with_what_stands_in_its_gaps(text: str, wanted: str | None) -> None:
    assert translation(text, {"{n} wrong": "{n} błędnych", "loss (nats)": "strata"}) == wanted


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
