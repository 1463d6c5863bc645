"""Runs on the page: the list, one run, the galaxies behind its numbers, several side by side, the report."""

from __future__ import annotations

import dataclasses
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from kamerton.config.serving import Caps
from kamerton.data.cubes.cube import open_cube
from kamerton.evaluation.compare import compare
from kamerton.files import write_json
from kamerton.reporting.languages import LANGUAGES as REPORTS
from kamerton.reporting.telling import Teller
from kamerton.runs.evaluation import read_metrics, read_predictions
from kamerton.runs.folder import Run, open_run
from kamerton.runs.lock import locked
from kamerton.runs.record import StartRecord
from kamerton.runs.scores import Leakage
from kamerton.serving.run_states import short_key
from kamerton.serving.words import WORDS
from tests.serving.conftest import visitor

LANGS = ("en", "pl")


@pytest.fixture
def runs(tested_run: Path, tmp_path: Path) -> Path:
    """A folder with that run twice."""
    for name in ("first", "second"):
        shutil.copytree(tested_run, tmp_path / "runs" / name)
    return tmp_path / "runs"


def address(name: str) -> str:
    """Where the page shows a run."""
    return f"/runs/{short_key(name)}"


def chosen(*names: str) -> str:
    """The part of an address that names runs."""
    return "&".join(f"run={short_key(name)}" for name in names)


def unfinished(run: Path) -> Run:
    """Make a run one whose training has not ended."""
    found = open_run(run)
    found.update(dataclasses.replace(found.record, results=None))
    return found


def rows_of(page: str) -> dict[str, str]:
    """The rows of the list by the run's name, as text."""
    rows = re.findall(r'<th scope="row"><a[^>]*>(.*?)</a></th>(.*?)</tr>', page, re.DOTALL)
    return {name: " ".join(unescape(re.sub("<[^>]*>", " ", rest)).split()) for name, rest in rows}


def test_the_list_says_what_the_files_of_a_run_say(runs: Path) -> None:
    run, metrics = open_run(runs / "first"), read_metrics(open_run(runs / "first"), "test")
    assert run.record.results is not None
    assert run.record.results.epoch is not None
    validation = run.history()["val_accuracy"].iloc[run.record.results.epoch - 1]
    low, high = metrics.accuracy_interval or (0, 0)
    row = rows_of(visitor(runs).get("/runs").text)["first"]
    assert row == (
        f"finished {metrics.accuracy:.3f} {low:.3f} – {high:.3f} {validation:.3f} LeNet-5 notebook 2 data/train.fits 3"
    )


@pytest.mark.parametrize("lang", LANGS)
def test_results_on_galaxies_that_a_run_learned_from_are_marked_as_no_test(runs: Path, lang: str) -> None:
    run = open_run(runs / "first")
    metrics = dataclasses.replace(read_metrics(run, "test"), leakage=Leakage.of({"train": 3, "valid": 0}))
    write_json(run.path / "evaluation/test/metrics.json", dataclasses.asdict(metrics))
    rows = rows_of(visitor(runs).get(f"/runs?lang={lang}").text)
    assert WORDS[lang].runs.seen_before in rows["first"]
    assert WORDS[lang].runs.seen_before not in rows["second"]


@pytest.mark.parametrize("lang", LANGS)
def test_a_linear_probe_is_named_so_in_the_list_and_on_its_page(runs: Path, lang: str) -> None:
    run = open_run(runs / "first")
    recipe, ended = run.record.recipe, run.record.results
    assert recipe is not None
    assert ended is not None
    record = dataclasses.replace(run.record, recipe=dataclasses.replace(recipe, frozen=True))
    run.update(record.with_results(ended.weights, ended.history, ended.galaxies, ended.epoch))
    client = visitor(runs)
    rows = rows_of(client.get(f"/runs?lang={lang}").text)
    assert WORDS[lang].runs.probe in rows["first"]
    assert WORDS[lang].runs.probe not in rows["second"]
    probe = REPORTS[lang].WORDS["probe"]
    assert probe in client.get(f"{address('first')}?lang={lang}").text
    assert f"notebook, {probe}" in client.get(f"/runs/compare?{chosen('first')}&lang={lang}").text


def test_a_run_that_is_new_is_there_when_the_page_is_loaded_again(runs: Path) -> None:
    client = visitor(runs)
    assert "third" not in client.get("/runs").text
    shutil.copytree(runs / "first", runs / "deep/er/third")
    assert "deep/er/third" in rows_of(client.get("/runs").text)


@pytest.mark.parametrize("file", ["run.json", "history.csv", "model.safetensors"])
def test_a_run_with_a_damaged_file_is_named_with_what_to_do(runs: Path, file: str) -> None:
    if file == "model.safetensors":
        (runs / "first" / file).unlink()
    else:
        (runs / "first" / file).write_text("{}")
    client = visitor(runs)
    page = client.get("/runs").text
    assert rows_of(page)["first"].startswith("damaged")
    assert file in page
    assert "Next:" in page
    one = client.get(address("first"))
    assert one.status_code == 200
    assert "Next:" in one.text


def test_results_that_were_changed_are_said_and_not_shown(runs: Path) -> None:
    place = runs / "first/evaluation/test/metrics.json"
    place.write_text(place.read_text().replace('"accuracy": ', '"accuracy": 0.0'))
    page = visitor(runs).get(address("first"))
    assert page.status_code == 200
    assert "Next:" in page.text
    assert str(runs.parent) not in page.text


def test_a_training_that_stopped_says_how_it_goes_on(runs: Path) -> None:
    unfinished(runs / "first")
    client = visitor(runs)
    assert rows_of(client.get("/runs").text)["first"].startswith("interrupted")
    assert "--resume --out first" in client.get("/runs").text
    assert "--resume --out first" in client.get(address("first")).text


def test_a_run_that_a_process_trains_is_shown_as_training(runs: Path) -> None:
    unfinished(runs / "first")
    with locked(runs / "first", "train"):
        client = visitor(runs)
        assert rows_of(client.get("/runs").text)["first"].startswith("training")
        assert f'data-address="{address("first")}/live?lang=en"' in client.get(address("first")).text


@pytest.mark.parametrize("lang", LANGS)
def test_one_run_shows_the_numbers_that_compare_gives(runs: Path, lang: str) -> None:
    teller = Teller.of(compare(runs / "first"), lang)
    page = unescape(visitor(runs).get(f"{address('first')}?lang={lang}").text)
    for cell in teller.texts()["networks"][0]["cells"]:
        assert (
            f'<strong class="n">{cell["value"]}</strong><small class="n">{cell["low"]} – {cell["high"]}</small>' in page
        )
    assert teller.words["certainty_note"] in page


def test_every_number_of_the_matrix_opens_its_galaxies(runs: Path) -> None:
    client, run = visitor(runs), open_run(runs / "first")
    metrics = read_metrics(run, "test")
    told = read_predictions(run, "test", metrics.galaxies)
    found = re.findall(r'<a href="([^"]*true=(\d)&amp;said=(\d))" aria-label', client.get(address("first")).text)
    assert len(found) == np.count_nonzero(metrics.confusion_matrix)
    for place, true, said in found:
        page = client.get(unescape(place)).text
        assert WORDS["en"].runs.raw in unescape(page)
        shown = re.findall(r'<small class="id" title="([^"]*)"', page)
        wanted = (told.labels == int(true)) & (told.probabilities.argmax(1) == int(said))
        assert sorted(shown) == sorted(np.array(told.ids)[wanted])


def test_a_galaxy_is_shown_with_the_pixels_of_the_cube(runs: Path, tested_run: Path, tmp_path: Path) -> None:
    picture = visitor(tested_run.parent).get(f"{address('run')}/galaxies/3.png")
    (tmp_path / "one.png").write_bytes(picture.content)
    with open_cube(tested_run.parent / "data/test.fits") as cube:
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), cube.read(slice(3, 4))[0])


def test_galaxies_of_a_cube_that_is_gone_are_named_without_pictures(runs: Path, tmp_path: Path) -> None:
    # The copies do not lie beside the cube, and its place at that time is told to hold another one.
    shutil.copytree(runs / "first", tmp_path / "alone/first")
    place = tmp_path / "alone/first/evaluation/test/metrics.json"
    assert place.exists()
    client = visitor(tmp_path / "alone")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kamerton.serving.run_galaxies.cube_places", lambda *_: [])
        page = client.get(f"{address('first')}/galaxies?true=0").text
        assert client.get(f"{address('first')}/galaxies/0.png").status_code == 404
    assert "<img" not in page.split("<main")[1]
    assert "toy-2-0" in page
    assert "is gone" in page


def test_many_galaxies_are_shown_page_by_page(runs: Path) -> None:
    client = visitor(runs, caps=dataclasses.replace(Caps(), page_galaxies=4))
    place = f"{address('first')}/galaxies?true=0"
    seen: list[str] = []
    while place:
        page = client.get(place).text
        shown = re.findall(r'<small class="id" title="([^"]*)"', page)
        assert 0 < len(shown) <= 4
        seen += shown
        found = re.search(r'href="([^"]*)" rel="next"', page)
        place = unescape(found[1]) if found else ""
    assert len(seen) == len(set(seen)) == sum(read_metrics(open_run(runs / "first"), "test").confusion_matrix[0])


@pytest.mark.parametrize("lang", LANGS)
def test_several_runs_are_told_as_compare_tells_them(runs: Path, lang: str) -> None:
    run = open_run(runs / "second")
    run.update(dataclasses.replace(run.record, seed=7, results=None))
    run.update(run.record.with_results(run.weights_sha256(), run.history_sha256(), run.seen_sha256(), 2))
    texts = Teller.of(compare([runs / "first", runs / "second"]), lang).texts()
    page = unescape(visitor(runs).get(f"/runs/compare?{chosen('first', 'second')}&lang={lang}").text)
    for said in (texts["finding"], texts["results_note"], *texts["warnings"], *texts["limits"]):
        assert unescape(str(said)).replace("`", "") in page.replace("<code>", "").replace("</code>", "")


@pytest.mark.parametrize("lang", LANGS)
def test_the_report_runs_nothing_and_is_in_the_language_of_the_reader(runs: Path, lang: str) -> None:
    answer = visitor(runs).get(f"/runs/report?{chosen('first')}&lang={lang}")
    assert f'<html lang="{lang}">' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "sandbox" in policy
    assert "script" not in policy
    assert str(runs.parent) not in answer.text


def test_others_are_not_told_where_cubes_and_weights_lie(runs: Path) -> None:
    first, second = open_run(runs / "first"), unfinished(runs / "second")
    start = StartRecord(
        "run", "older", "a run", "0", None, None, "new", None, "/some where/older", "../some where/older"
    )
    second.update(dataclasses.replace(second.record, start=start))
    paths = [*(cube.path for cube in first.record.data.values()), read_metrics(first, "test").path]
    pages = [address("first"), address("second"), f"{address('first')}/galaxies?test={short_key('test')}"]
    pages.append(f"/runs/compare?{chosen('first')}")
    clients = visitor(runs), visitor(runs, host="0.0.0.0", password="a long word")
    own, others = ([unescape(client.get(page).text) for page in pages] for client in clients)
    others.append(unescape(clients[1].get(f"/runs/report?{chosen('first')}").text))
    for path in (*paths, "/some where/older"):
        folder, name = str(Path(path).parent), Path(path).name
        assert any(folder in page for page in own)
        assert not any(folder in page for page in others)
        assert any(name in page for page in others)


@pytest.mark.parametrize("name", ["learning_curves.svg", "recall.svg", "confusion.svg", "reliability.svg"])
def test_figures_are_drawn_as_those_of_the_report(runs: Path, name: str) -> None:
    client = visitor(runs)
    answers = [client.get(f"/runs/figure/{name}?{chosen('first')}&lang={lang}") for lang in LANGS]
    assert [answer.headers["content-type"] for answer in answers] == ["image/svg+xml"] * 2
    assert answers[0].content != answers[1].content, "words of another language"


@pytest.mark.parametrize(
    "place",
    [
        "/runs/..%2f..%2fetc",
        "/runs/first",
        "/runs/compare?run=../first",
        "/runs/figure/cost.png?run=0",
        "{}/galaxies?true=-1",
        "{}/galaxies?true=9",
        "{}/galaxies?said=1e0",
        "{}/galaxies?test=test",
        "{}/galaxies/99.png",
        "{}/why/0/0.jpg",
    ],
)
def test_what_the_server_did_not_name_is_not_there(runs: Path, place: str) -> None:
    assert visitor(runs).get(place.format(address("first"))).status_code == 404


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_below_the_folder_is_said_with_what_to_do(tmp_path: Path, lang: str) -> None:
    page = visitor(tmp_path).get(f"/runs?lang={lang}").text
    assert WORDS[lang].runs.none.format(folder=tmp_path.name) in page
    assert "kamerton demo" in page


def test_names_are_text_and_never_markup(runs: Path) -> None:
    (runs / "first").rename(runs / "<img src=x>")
    client = visitor(runs)
    assert "<img src=x>" not in client.get("/runs").text
    assert "<img src=x>" not in client.get(address("<img src=x>")).text


def test_the_runs_of_a_page_cannot_be_asked_for_without_the_secret(runs: Path) -> None:
    stranger: TestClient = visitor(runs, known=False)
    for place in ("/runs", address("first"), f"{address('first')}/live", f"/runs/report?{chosen('first')}"):
        assert stranger.get(place).status_code == 401


@pytest.mark.parametrize("lang", LANGS)
def test_an_ensemble_is_among_the_runs_and_not_among_the_networks_that_answer(ensemble: Run, lang: str) -> None:
    guest, words = visitor(ensemble.path.parent), WORDS[lang].runs
    row = rows_of(guest.get(f"/runs?lang={lang}").text)["both"]
    assert row.startswith(words.ensemble)
    assert "LeNet-5 – – data/train.fits 3" in row
    page = unescape(guest.get(f"{address('both')}?lang={lang}").text)
    assert Teller.of(compare(ensemble), lang).texts()["ensembles"][0] in page
    assert ensemble.record.members[0].fingerprint in page
    asked = guest.get(f"/classify?lang={lang}").text
    assert 'value="toy"' in asked
    assert 'value="both"' not in asked
