"""What the report says of a comparison, in both languages."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from kamerton.evaluation.compare import compare
from kamerton.evaluation.comparison import DOUBTS, Caution, Comparison, Difference, Doubt
from kamerton.evaluation.guessing import against_guess
from kamerton.evaluation.statistics import METRICS, Interval, McNemar
from kamerton.reporting.languages import LANGUAGES
from kamerton.reporting.report import write_report
from kamerton.reporting.telling import Teller
from kamerton.runs.folder import Run, open_run
from kamerton.runs.scores import Leakage
from tests.reporting.pages import RESAMPLES, Parts


@pytest.mark.parametrize(
    ("lang", "one", "many"),
    [("en", "of 1 galaxy the", "of 25 galaxies the"), ("pl", "z 1 galaktyki", "z 25 galaktyk ")],
)
def test_a_number_and_its_noun_agree(comparison: Comparison, lang: str, one: str, many: str) -> None:
    teller = Teller(LANGUAGES[lang], comparison)
    leakage = Leakage.of({"train": 1}, {"train": 0}, {}, {})
    for galaxies, words in ((1, one), (25, many)):
        assert words in teller.caution(Caution("leakage", "run", galaxies=galaxies, leakage=leakage))


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


def test_an_imported_network_is_called_so_in_polish(runs: list[Run], tmp_path: Path) -> None:
    imported = open_run(shutil.copytree(runs[0].path, tmp_path / "imported"))
    imported.update(dataclasses.replace(imported.record, recipe=None))
    found = compare([imported, runs[1]], resamples=RESAMPLES)
    text = Parts(write_report(found, tmp_path / "a.html", lang="pl").read_text(encoding="utf-8")).text
    assert "LeNet-5 (zaimportowana)" in text
    assert "(imported)" not in text


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
    assert teller.texts()["warnings"] == [says]


@pytest.mark.parametrize(
    "caution",
    [
        Caution("leakage", "run", 9, Leakage.of(None)),
        Caution("unfinished", "run"),
        Caution("not tested", "run"),
        Caution("calibrated since", "run"),
        Caution("views differ"),
        Caution("precision differs"),
    ],
)
def test_every_caution_has_words_in_both_languages(comparison: Comparison, caution: Caution) -> None:
    said = {lang: Teller(LANGUAGES[lang], comparison).caution(caution) for lang in LANGUAGES}
    assert said["en"] == caution.describe() != said["pl"]
    assert "{" not in said["pl"]
