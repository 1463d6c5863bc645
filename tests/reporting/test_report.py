"""The report is one file that opens offline, in both languages, and states its limits."""

from __future__ import annotations

import dataclasses
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import ScalarFormatter

from kamerton.errors import KamertonWarning, OutputError, UnknownNameError
from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import DOUBTS, Caution, Comparison, Difference, Doubt
from kamerton.evaluation.comparison_figures import FIGURES, draw_figures
from kamerton.evaluation.evaluate import evaluate
from kamerton.evaluation.guessing import against_guess
from kamerton.evaluation.statistics import METRICS, Interval, McNemar
from kamerton.explaining.explain import explain
from kamerton.explaining.kept import kept_explanations
from kamerton.explaining.telling import find_language, verdicts
from kamerton.figures.drawing import new_figure, plain
from kamerton.figures.testing import GALLERY_COLUMNS, gallery_figure
from kamerton.reporting import english, polish
from kamerton.reporting.axes import LanguageFormatter, write_decimals
from kamerton.reporting.embedding import translate, translation
from kamerton.reporting.report import LANGUAGES, Teller, report, write_report
from kamerton.runs.evaluation import Leakage
from kamerton.runs.folder import Run, open_run
from kamerton.runs.record import WeightsChosenBy
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES
from tests.evaluation.changing import change_metrics

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
def test_captions_stay_above_their_galaxies(lang: str) -> None:
    said = ("soczewkowe, późne, eliptyczne", "spiralne z poprzeczką i bez niej", "Unbarred Loose Spiral, Merging")
    captions = [f"PGC0055769.jpg\ntrue spiralne\nsaid {words}" for words in said]
    figure = gallery_figure(np.zeros((3, 8, 8, 3), np.uint8), captions, "")
    translate(figure, LANGUAGES[lang].FIGURE_TEXTS)
    figure.draw_without_rendering()
    for axes in figure.axes:
        assert axes.title.get_window_extent().width < 0.95 * figure.bbox.width / GALLERY_COLUMNS, "and a gap"


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


def test_polish_has_a_word_for_every_english_one_with_the_same_gaps() -> None:
    assert set(polish.WORDS) == set(english.WORDS)
    for name, word in english.WORDS.items():
        assert set(re.findall(r"{\w+}", polish.WORDS[name])) == set(re.findall(r"{\w+}", word))


def test_polish_numbers_have_a_comma_and_polish_words_their_letters(pages: dict[str, str]) -> None:
    text = Parts(pages["pl"]).text
    assert re.search(r"\b0,\d{3}\b", text)
    assert not re.search(r"\b0\.\d{3}\b", text)
    assert set("ąćęłńóśż") <= set(text.lower())


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


@pytest.fixture(scope="module")
def often_wrong(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """A comparison with something for every figure: both networks get the first three galaxies wrong."""
    copies = []
    for run in runs:
        copy = open_run(shutil.copytree(run.path, tmp_path_factory.mktemp("wrong") / run.name))
        place = copy.evaluation_path("test") / "predictions.parquet"
        table = pd.read_parquet(place)
        answers = table["label"].to_numpy().copy()
        answers[:3] = (answers[:3] + 1) % len(CLASS_NAMES)
        table[[f"p_{name}" for name in CLASS_NAMES]] = np.eye(len(CLASS_NAMES), dtype=np.float32)[answers]
        table.to_parquet(place)
        change_metrics(copy, seal=None)
        copies.append(copy)
    return compare(copies, resamples=RESAMPLES)


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


@pytest.mark.parametrize(
    ("lang", "one", "many"),
    [("en", "of 1 galaxy the", "of 25 galaxies the"), ("pl", "z 1 galaktyki", "z 25 galaktyk ")],
)
def test_a_number_and_its_noun_agree(comparison: Comparison, lang: str, one: str, many: str) -> None:
    teller = Teller(LANGUAGES[lang], comparison)
    leakage = Leakage.of({"train": 1}, {"train": 0}, {}, {})
    for galaxies, words in ((1, one), (25, many)):
        assert words in teller.caution(Caution("leakage", "run", galaxies=galaxies, leakage=leakage))


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
    monkeypatch.setattr("kamerton.reporting.report.draw_figures", lambda _: {"cost": new_figure(1, 1)})
    monkeypatch.delitem(english.CAPTIONS, "cost")
    assert [picture["caption"] for picture in Teller(english, often_wrong).pictures()] == ["cost"]


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
    monkeypatch.setattr("kamerton.reporting.report.embedded", lambda figure, _: drawn.append(figure) or "")
    Teller(polish, often_wrong).pictures()
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


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("doubt", DOUBTS)
def test_every_doubt_has_words_in_both_languages_beside_both_p_values(
    comparison: Comparison, lang: str, doubt: Doubt
) -> None:
    low, p, corrected = {
        "both": (-0.1, 0.02, 0.12),
        "test": (0.1, 0.1, 0.3),
        "correction": (0.1, 0.02, 0.12),
        "interval": (-0.1, 0.002, 0.012),
    }[doubt]
    metrics = dict.fromkeys(METRICS, Interval(0.2, low, 0.3))
    difference = Difference("a", "b", metrics, McNemar(3, 1, p), corrected, 6)
    teller = Teller(LANGUAGES[lang], comparison)
    row = teller.difference(difference)
    assert (row["p"], row["p_adjusted"]) == (teller.number(p, ".2g"), teller.number(corrected, ".2g"))
    assert row["words"] == LANGUAGES[lang].WORDS["no_difference"]
    assert row["doubt"]
    assert "{" not in row["doubt"]
    assert row["doubt"] in difference.describe() or lang != "en"


class Ranked(NamedTuple):
    """A comparison of networks, best first: which differences from the best are shown, and who only guesses."""

    shown: tuple[bool, ...]
    guessing: tuple[bool, ...] = ()


def told(comparison: Comparison, lang: str, case: Ranked) -> str:
    """The finding on networks A, B, C..."""
    result = comparison.networks[0]
    guess = against_guess(np.array([[5, 0], [5, 0]]), ("a", "b"))
    networks = []
    for place in range(len(case.shown) + 1):
        metrics = dict.fromkeys(METRICS, Interval(0.712 - place / 100, 0.6, 0.8))
        guesses = bool(case.guessing) and case.guessing[place]
        name = "ABCDEF"[place]
        networks.append(dataclasses.replace(result, name=name, metrics=metrics, guess=guess if guesses else None))
    differences = [
        Difference(
            "A",
            "BCDEF"[place],
            dict.fromkeys(METRICS, Interval(0.1, 0.05, 0.2)),
            McNemar(9, 1, 0.01),
            0.01 if shown else 0.9,
            1,
        )
        for place, shown in enumerate(case.shown)
    ]
    case_found = dataclasses.replace(comparison, networks=tuple(networks), differences=tuple(differences))
    return Teller(LANGUAGES[lang], case_found).finding()


@pytest.mark.parametrize(
    ("case", "english_words", "polish_words"),
    [
        (
            Ranked((False,)),
            "No difference was shown between A (accuracy 0.712, the highest here) and B.",
            "Nie wykazano, by sieć A (dokładność 0,712, tu największa) różniła się od sieci B.",
        ),
        (
            Ranked((False, False, False)),
            "No difference was shown between A (accuracy 0.712, the highest here) and B, C and D.",
            "Nie wykazano, by sieć A (dokładność 0,712, tu największa) różniła się od sieci B, C i D.",
        ),
        (
            Ranked((False, True)),
            "A (accuracy 0.712) is better than C; no difference was shown between it and B. Some of these have one "
            "seed only, and another may say otherwise.",
            "Sieć A (dokładność 0,712) jest lepsza od sieci C; nie wykazano, by różniła się od sieci B. Niektóre z "
            "nich mają tylko jedno ziarno, a inne mogłoby dać inny wynik.",
        ),
        (
            Ranked((True,)),
            "A is better than every other network here. Some of these have one seed only, and another may say "
            "otherwise.",
            "Sieć A jest lepsza od każdej innej z porównywanych sieci. Niektóre z nich mają tylko jedno ziarno, a inne "
            "mogłoby dać inny wynik.",
        ),
        (
            Ranked((False,), (True, True)),
            "No network was shown to be better than guessing. No difference was shown between A (accuracy "
            "0.712, the highest here) and B.",
            "Nie wykazano, by którakolwiek sieć była lepsza od zgadywania. Nie wykazano, by sieć A (dokładność "
            "0,712, tu największa) różniła się od sieci B.",
        ),
        (
            Ranked((True, True), (False, True, True)),
            "A is better than every other network here. Some of these have one seed only, and another may say "
            "otherwise. Not shown to be better than guessing: B and C.",
            "Sieć A jest lepsza od każdej innej z porównywanych sieci. Niektóre z nich mają tylko jedno ziarno, a inne "
            "mogłoby dać inny wynik. Nie wykazano przewagi nad zgadywaniem w przypadku sieci B i C.",
        ),
        (
            Ranked((), (True,)),
            "A was not shown to be better than guessing. A reaches an accuracy of 0.712. With one network there is "
            "nothing to compare.",
            "Nie wykazano, by sieć A była lepsza od zgadywania. Sieć A osiąga dokładność 0,712. Przy jednej sieci nie "
            "ma czego porównywać.",
        ),
    ],
)
def test_the_finding_leads_with_what_is_known(
    comparison: Comparison, case: Ranked, english_words: str, polish_words: str
) -> None:
    assert told(comparison, "en", case) == english_words
    assert told(comparison, "pl", case) == polish_words


@pytest.mark.parametrize("rows", [((5, 0), (4, 0)), ((5, 4), (4, 3)), ((500, 60), (20, 40))])
def test_a_guess_is_said_first_in_the_pages_language(comparison: Comparison, rows: tuple[tuple[int, int], ...]) -> None:
    caution = Caution("guess", "run", 9, guess=against_guess(np.array(rows), ("żółta", "b")))
    said = {lang: Teller(LANGUAGES[lang], comparison).caution(caution) for lang in LANGUAGES}
    assert said["en"].partition("kappa")[0].replace("−", "-") == caution.describe().partition("kappa")[0]
    assert said["pl"].startswith("run: ")
    assert "żółta" in said["pl"]
    assert not re.search(r"{|\d\.\d|-\d", said["pl"])


def test_what_tells_two_trainings_apart_is_said_in_polish(runs: list[Run], tmp_path: Path) -> None:
    other = open_run(shutil.copytree(runs[1].path, tmp_path / "other"))
    recipe = other.record.recipe
    assert recipe is not None
    longer = dataclasses.replace(recipe, epochs=7, dropout=0.25)
    other.update(dataclasses.replace(other.record, recipe=longer))
    found = compare([other, runs[1]], resamples=RESAMPLES)
    page = write_report(found, tmp_path / "a.html", lang="pl").read_text(encoding="utf-8")
    assert "LeNet-5 (epoki: 7, dropout 0,25)" in Parts(page).text


def test_polish_knows_what_tells_trainings_apart() -> None:
    assert polish.TRAITS.keys() == english.TRAITS.keys()
    assert polish.GUESS_WORDS.keys() == english.GUESS_WORDS.keys()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_negative_number_has_a_true_minus(comparison: Comparison, lang: str) -> None:
    assert Teller(LANGUAGES[lang], comparison).number(-0.5, "+.1f") in {"−0.5", "−0,5"}


def test_an_imported_network_is_called_so_in_polish(runs: list[Run], tmp_path: Path) -> None:
    imported = open_run(shutil.copytree(runs[0].path, tmp_path / "imported"))
    imported.update(dataclasses.replace(imported.record, recipe=None))
    found = compare([imported, runs[1]], resamples=RESAMPLES)
    text = Parts(write_report(found, tmp_path / "a.html", lang="pl").read_text(encoding="utf-8")).text
    assert "LeNet-5 (zaimportowana)" in text
    assert "(imported)" not in text


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


def test_both_languages_know_the_same_doubts() -> None:
    assert set(english.DOUBTS) == set(polish.DOUBTS) == set(DOUBTS)


def test_both_languages_say_what_chose_the_weights_in_every_case() -> None:
    assert set(english.CHOSEN) == set(polish.CHOSEN) == set(get_args(WeightsChosenBy))


@pytest.fixture(scope="module")
def comparison(runs: list[Run]) -> Comparison:
    return compare(runs, resamples=RESAMPLES)


@pytest.mark.parametrize(
    ("lang", "says"),
    [
        ("en", "run: NOT A TEST: of 1,200 galaxies the run has seen 3 in the training set"),
        ("pl", "run: TO NIE JEST TEST: z 1\u00a0200 galaktyk przebieg widział już: 3 (zbiór uczący)"),
    ],
)
def test_leakage_is_said_first_in_the_pages_language(comparison: Comparison, lang: str, says: str) -> None:
    caution = Caution("leakage", "run", 1200, Leakage.of({"train": 3, "valid": 0}))
    teller = Teller(LANGUAGES[lang], dataclasses.replace(comparison, cautions=(caution,)))
    assert teller.content()["warnings"] == [says]


@pytest.mark.parametrize(
    "caution",
    [
        Caution("leakage", "run", 9, Leakage.of(None)),
        Caution("unfinished", "run"),
        Caution("not tested", "run"),
        Caution("views differ"),
        Caution("precision differs"),
    ],
)
def test_every_caution_has_words_in_both_languages(comparison: Comparison, caution: Caution) -> None:
    said = {lang: Teller(LANGUAGES[lang], comparison).caution(caution) for lang in LANGUAGES}
    assert said["en"] == caution.describe() != said["pl"]
    assert "{" not in said["pl"]


def test_a_report_takes_the_place_of_an_earlier_one(
    pages: dict[str, str], comparison: Comparison, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    page.write_text(pages["en"], encoding="utf-8")
    write_report(comparison, page, lang="pl")
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
    for write in (lambda: report(runs, page), lambda: write_report(comparison, page)):
        with pytest.raises(OutputError, match="is no report that Kamerton wrote"):
            write()
    assert elsewhere.read_bytes() == before
    assert page.is_symlink() == (kind == "a link")
