"""Results tell in one line what they are, and as HTML in a notebook, where no name is ever markup."""

from __future__ import annotations

import dataclasses
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

import kamerton
from kamerton import jupyter
from kamerton.evaluation.comparison import Comparison
from kamerton.evaluation.evaluate import Evaluation
from kamerton.runs.folder import Run, open_run
from kamerton.runs.scores import Leakage

HOSTILE = '<b>żółć</b> & "co" <script>'


class Parts(HTMLParser):
    """The tags of a piece of HTML, each closed in its turn, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in {"img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def run(toy_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The toy run under a name, and with a class, that HTML would stumble over."""
    folder = tmp_path_factory.mktemp("jupyter")
    return open_run(shutil.copytree(toy_run.path, folder / HOSTILE.replace("/", "|")))


@pytest.fixture(scope="module")
def evaluation(run: Run, toy_splits: Path) -> Evaluation:
    return kamerton.evaluate(run, toy_splits / "test.fits")


@pytest.fixture(scope="module")
def comparison(run: Run, evaluation: Evaluation) -> Comparison:
    return kamerton.compare(run, resamples=200)


def test_a_run_tells_its_network_its_classes_and_how_good_it_is(run: Run) -> None:
    assert re.fullmatch(r"Run\(lenet5, 3 classes, val_accuracy \d\.\d\d, .*\)", repr(run))
    assert repr(Run(run.path, dataclasses.replace(run.record, results=None))).startswith(
        "Run(lenet5, 3 classes, not fin"
    )


def test_a_run_without_its_history_can_still_be_shown(run: Run, tmp_path: Path) -> None:
    assert "history not readable" in repr(Run(tmp_path, run.record))
    assert "history not readable" in Parts(Run(tmp_path, run.record)._repr_html_()).text


def test_results_tell_what_they_are_in_one_short_line(
    run: Run, evaluation: Evaluation, comparison: Comparison, toy_splits: Path, tmp_path: Path
) -> None:
    with kamerton.open_cube(toy_splits / "test.fits") as cube:
        assert repr(cube) == f"LabelledCube({toy_splits}/test.fits, 25 images of 32 x 32 x 3 uint8, 3 classes)"
    accuracy = evaluation.metrics.accuracy
    assert repr(evaluation).startswith(f"Evaluation({run.name} on test.fits, 25 galaxies, accuracy {accuracy:.3f}, ")
    assert repr(comparison).startswith(f"Comparison(test.fits, 25 galaxies, accuracy: LeNet-5 {accuracy:.3f}; ")
    split = kamerton.split_cube(toy_splits / "train.fits", tmp_path / "parts")
    assert re.fullmatch(r"SplitSummary\(.*parts: train \d+, valid \d+, test \d+; \d+ kept together\)", repr(split))
    assert repr(kamerton.check(toy_splits / "test.fits")) == "AuditReport(Nothing wrong in 1 file, 25 galaxies.)"
    assert repr(kamerton.Predictor(run)).startswith("Predictor(Run(lenet5, 3 classes, ")
    assert repr(kamerton.verify(run)).endswith("nothing differs from the record)")
    for result in (evaluation.metrics, *comparison.networks, *comparison.networks[0].predictions):
        assert len(repr(result)) < 200 + len(str(run.path))
        assert "array(" not in repr(result)


@pytest.mark.parametrize(
    ("leakage", "told"),
    [
        (Leakage.of({"train": 3, "valid": 0}), "NOT A TEST"),
        (Leakage.of({"train": 0, "valid": 0}, {"train": 1, "valid": 0}), "PERHAPS NOT A TEST"),
        (Leakage.of({"train": 0, "valid": 0}), "LEAKAGE NOT KNOWN"),
        (Leakage.of(None), "LEAKAGE NOT KNOWN"),
    ],
)
def test_a_leak_is_told_where_the_number_is(evaluation: Evaluation, leakage: Leakage, told: str) -> None:
    leaked = dataclasses.replace(evaluation, metrics=dataclasses.replace(evaluation.metrics, leakage=leakage))
    assert repr(leaked).endswith(f", {told})")
    assert f"{told}: " in Parts(leaked._repr_html_()).text


def test_a_test_without_a_leak_is_a_number_alone(evaluation: Evaluation) -> None:
    leakage = Leakage.of({"train": 0, "valid": 0}, compared={"likeness": 25})
    clean = dataclasses.replace(evaluation, metrics=dataclasses.replace(evaluation.metrics, leakage=leakage))
    assert "TEST" not in repr(clean)
    assert "KNOWN" not in repr(clean)


@pytest.mark.parametrize("kind", ["run", "evaluation", "comparison"])
def test_in_a_notebook_names_are_text_and_never_markup(kind: str, request: pytest.FixtureRequest) -> None:
    result = request.getfixturevalue(kind)
    if kind == "comparison":
        networks = tuple(dataclasses.replace(one, name=HOSTILE) for one in result.networks)
        result = dataclasses.replace(result, networks=networks)
    parts = Parts(result._repr_html_())
    assert parts.open == []
    assert parts.tags <= {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "br", "ul", "li", "img"}
    assert HOSTILE.replace("/", "|") in parts.text or HOSTILE in parts.text


def test_an_evaluation_shows_every_class_and_its_two_pictures(evaluation: Evaluation) -> None:
    html = evaluation._repr_html_()
    assert all(row.class_name in Parts(html).text for row in evaluation.metrics.per_class)
    assert re.findall(r'<img alt="([^"]*)"', html) == ["confusion matrix", "reliability diagram"]
    assert html.count("data:image/png;base64,iVBOR") == 2


def test_a_comparison_shows_every_network_with_its_interval(comparison: Comparison) -> None:
    text = Parts(comparison._repr_html_()).text
    for one in comparison.networks:
        value = one.metrics["accuracy"]
        assert all(f"{number:.3f}" in text for number in (value.value, value.low, value.high))


def test_a_picture_that_is_gone_or_huge_is_left_out(tmp_path: Path) -> None:
    assert jupyter.picture(tmp_path / "no.png", "none") == ""
    (tmp_path / "huge.png").write_bytes(bytes(jupyter.PICTURE_BYTES + 1))
    assert jupyter.picture(tmp_path / "huge.png", "none") == ""
