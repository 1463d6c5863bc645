"""Pictures, cutouts and cubes classified: the page says what `kamerton predict` says."""

from __future__ import annotations

import dataclasses
import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image
from starlette.testclient import TestClient

from kamerton.catalogue.predict import predict
from kamerton.config.pictures import PixelOrigin
from kamerton.data.cubes.writer import CubeWriter
from kamerton.explaining.explain import explain
from kamerton.neighbours.similar import similar
from kamerton.runs.folder import Run, open_run
from kamerton.serving.words import WORDS
from kamerton.training.train import train
from tests.conftest import toy_galaxies, write_cube, write_toy_cube
from tests.serving.conftest import visitor

Files = list[tuple[str, tuple[str, bytes]]]


@pytest.fixture
def client(calibrated: Run) -> TestClient:
    """At the page of a calibrated run."""
    return visitor(calibrated.path.parent)


def png(number: int = 0) -> bytes:
    """A toy galaxy as a PNG."""
    file = io.BytesIO()
    Image.fromarray(toy_galaxies(3, 32, 5)[0][number]).save(file, "PNG")
    return file.getvalue()


def cutout(**cards: object) -> bytes:
    """A galaxy in three bands of light as a FITS file."""
    rows, columns = np.mgrid[:32, :32]
    galaxy = 5 * np.exp(-((rows - 16) ** 2 + (columns - 16) ** 2) / 30)
    noise = np.random.default_rng(1).normal(0, 0.1, (3, 32, 32))
    hdu = fits.PrimaryHDU((galaxy + noise).astype(np.float32), fits.Header({"BANDS": "grz", **cards}))
    file = io.BytesIO()
    hdu.writeto(file)
    return file.getvalue()


def classify(client: TestClient, *files: tuple[str, bytes], run: str = "") -> str:
    """Send files, and give the address of the answer."""
    sent: Files = [("files", one) for one in files]
    answer = client.post("/classify", data={"run": run}, files=sent, headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    address: str = answer.json()["address"]
    return address


def rows(client: TestClient, address: str, ending: str = ".vot") -> Table:
    """The table of an answer, as it is downloaded."""
    content = client.get(f"{address}/table{ending}")
    assert content.status_code == 200
    formats = {".vot": "votable", ".fits": "fits", ".csv": "ascii.csv"}
    return Table.read(io.BytesIO(content.content), format=formats[ending])


def test_a_picture_is_answered_as_predict_answers_it(client: TestClient, calibrated: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    expected = predict(calibrated, tmp_path / "a.png").table
    found = rows(client, classify(client, ("a.png", png())))
    assert expected is not None
    assert found.colnames == expected.colnames
    for name in found.colnames:
        # A VOTable has no other empty text than the one without letters.
        wanted = "" if name == "status" else expected[name][0]
        assert found[name][0] == wanted, name


def test_the_page_says_class_probabilities_and_set(client: TestClient, calibrated: Run) -> None:
    address = classify(client, ("a.png", png()))
    (row,) = rows(client, address)
    page = client.get(address).text
    assert f"<h1>{row['predicted_class']}</h1>" in page
    for name in calibrated.record.class_names:
        assert f"{100 * row['p_' + name]:.1f}%" in page
    assert page.count('<rect class="full"') == row["set_size"]


def test_a_polish_page_has_decimal_commas(client: TestClient) -> None:
    page = client.get(classify(client, ("a.png", png())) + "?lang=pl").text
    assert re.search(r"\d,\d%", page)
    assert not re.search(r"\d\.\d%", page)


def test_an_uncalibrated_run_says_that_it_is(toy_run: Run) -> None:
    client = visitor(toy_run.path)
    page = client.get(classify(client, ("a.png", png()))).text
    assert "is not calibrated" in page


def test_several_files_are_a_table_with_a_reason_where_one_is_none(client: TestClient) -> None:
    address = classify(client, ("a.png", png()), ("b.png", png(1)), ("b.png", png(2)), ("c.txt", b"no picture"))
    found = rows(client, address)
    assert list(found["id"]) == ["a.png", "b.png", "b.png (2)", "c.txt"]
    assert "not a picture" in found["status"][3]
    assert "not a picture" in client.get(address).text
    assert client.get(f"{address}/2").status_code == 200
    assert client.get(f"{address}/4").status_code == 404


@pytest.mark.parametrize("ending", [".fits", ".csv"])
def test_every_format_of_the_table_says_the_same(client: TestClient, ending: str) -> None:
    address = classify(client, ("a.png", png()), ("b.png", png(1)))
    assert list(rows(client, address, ending)["id"]) == ["a.png", "b.png"]


def test_a_cube_is_answered_galaxy_by_galaxy(client: TestClient, calibrated: Run, tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "few.fits", 5, seed=9)
    expected = predict(calibrated, cube).table
    found = rows(client, classify(client, ("few.fits", cube.read_bytes())))
    assert expected is not None
    assert list(found["id"]) == list(expected["id"])
    assert list(found["ra"]) == list(expected["ra"])
    assert list(found["predicted_class"]) == list(expected["predicted_class"])


def test_a_cube_of_more_galaxies_than_the_page_takes_is_one_line(client: TestClient, tmp_path: Path) -> None:
    cube = write_toy_cube(tmp_path / "many.fits", 201)
    answer = client.post(
        "/classify", files=[("files", ("many.fits", cube.read_bytes()))], headers={"Accept": "application/json"}
    )
    assert answer.status_code == 400
    assert "kamerton predict" in answer.json()["error"]


def test_a_cutout_is_redrawn_by_another_stretch_and_its_class_stays(client: TestClient) -> None:
    address = classify(client, ("a.fits", cutout()))
    usual, harder = (
        np.asarray(Image.open(io.BytesIO(client.get(f"{address}/0/picture.png{query}").content)))
        for query in ("", "?q=8&stretch=0.5")
    )
    assert usual.shape == harder.shape == (32, 32, 3)
    assert harder.mean() > usual.mean()
    assert 'id="stretch"' in client.get(address).text
    assert 'id="stretch"' not in client.get(classify(client, ("a.png", png()))).text


@pytest.mark.parametrize("query", ["q=0", "q=-1", "q=nan", "q=x", "stretch=inf", "stretch=1e400", "q=" + "9" * 500])
def test_a_stretch_that_is_none_is_refused(client: TestClient, query: str) -> None:
    address = classify(client, ("a.fits", cutout()))
    assert client.get(f"{address}/0/picture.png?{query}").status_code == 400


def test_the_map_is_that_of_explain(
    client: TestClient, calibrated: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerton.serving.images.draw_outline", lambda *_: None)
    (tmp_path / "a.png").write_bytes(png())
    explain(calibrated, tmp_path / "a.png", out=tmp_path / "why")
    (place,) = (tmp_path / "why").glob("**/*.fits")
    expected = fits.getdata(place)[::-1].clip(min=0)
    address = classify(client, ("a.png", png()))
    shown = np.asarray(Image.open(io.BytesIO(client.get(f"{address}/0/map.png").content)))[..., 3]
    strength = expected / expected.max() if expected.max() > 0 else expected
    points = len(shown) // len(strength)
    shown = shown[points // 2 :: points, points // 2 :: points]
    assert np.abs(shown - 255 * 0.9 * np.sqrt(strength)).max() <= 2


def test_the_similar_galaxies_are_those_of_similar(client: TestClient, calibrated: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    expected = similar(calibrated, tmp_path / "a.png", count=8)
    address = classify(client, ("a.png", png()))
    answer = client.get(f"{address}/0/similar").json()
    while "galaxies" not in answer:
        assert answer["done"] < answer["of"]
        answer = client.get(f"{address}/0/similar").json()
    assert [one["id"] for one in answer["galaxies"]] == [one.galaxy.id for one in expected.neighbours]
    row = answer["galaxies"][0]["row"]
    assert client.get(f"{address}/training/{row}.png").headers["content-type"] == "image/png"
    assert client.get(f"{address}/training/999999.png").status_code == 404


@pytest.mark.parametrize("name", ["none", "..", "../toy", "/etc", "", "a\0b"])
def test_a_run_is_named_by_the_page_alone(calibrated: Run, tmp_path: Path, name: str) -> None:
    # With two runs an empty name means neither.
    for place in ("a", "b"):
        (tmp_path / place).symlink_to(calibrated.path)
    client = visitor(tmp_path)
    answer = client.post("/classify", data={"run": name}, files={"files": ("a.png", png())})
    assert answer.status_code == 400
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\Users\\x\\a.png", "a.png"),
        ("<img src=x onerror=alert(1)>.png", "&lt;img src=x onerror=alert(1)&gt;.png"),
        ("gwiazda-łąka.png", "gwiazda-łąka.png"),
        ("a\x1b[31m.png", "a\\x1b[31m.png"),
    ],
)
def test_a_files_name_is_shown_and_nothing_else(client: TestClient, name: str, shown: str) -> None:
    page = client.get(classify(client, (name, png()))).text
    assert shown in page
    assert "<img src=x" not in page


def test_an_answer_is_forgotten_aloud(client: TestClient) -> None:
    answer = client.get("/classify/never-was")
    assert answer.status_code == 404
    assert WORDS["en"].classify.gone in answer.text


def test_no_file_is_one_line(client: TestClient) -> None:
    answer = client.post("/classify", data={"run": ""}, files={"files": ("", b"")})
    assert answer.status_code == 400
    assert WORDS["en"].classify.nothing in answer.text


def test_a_damaged_run_is_one_line_without_its_place(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    client = visitor(tmp_path)
    assert client.get("/classify").status_code == 200
    answer = client.post("/classify", files={"files": ("a.png", png())}, headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert "cannot be read as a run" in answer.json()["error"]
    assert str(tmp_path.parent) not in answer.text


def test_pixels_of_other_bands_are_refused_as_predict_refuses_them(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "grey.fits"
    with CubeWriter(path, image_shape=(32, 32, 1), dtype=np.uint8, class_names=("a", "b")) as cube:
        cube.append(np.random.default_rng(0).integers(0, 255, (4, 32, 32, 1)).astype(np.uint8))
        cube.finish(np.array([0, 1, 0, 1]), None)
    found = rows(client, classify(client, ("grey.fits", path.read_bytes())))
    assert "other channels" in found["status"][0]


def test_a_cutout_that_a_network_of_pictures_refuses_is_sent_to_one_of_cutouts(calibrated: Run, tmp_path: Path) -> None:
    for name, origin in (("jpegs", PixelOrigin("none")), ("bands", PixelOrigin("asinh", ("g", "r", "z"), 8.0))):
        shutil.copytree(calibrated.path, tmp_path / name)
        run = open_run(tmp_path / name)
        record, ended = dataclasses.replace(run.record, pixel_origin=origin), run.record.results
        assert ended is not None
        run.update(record.with_results(ended.weights, ended.history, ended.galaxies, ended.epoch))
    client = visitor(tmp_path)
    for lang, said in (("en", "jpegs learned from pictures"), ("pl", "jpegs uczyła się na obrazach")):
        page = client.get(classify(client, ("a.fits", cutout()), run="jpegs") + f"?lang={lang}").text
        assert said in page
        assert WORDS[lang].classify.takers.format(names="bands") in page
    many = client.get(classify(client, ("a.fits", cutout()), ("a.png", png()), run="jpegs") + "?lang=en").text
    assert "(1 of them without an answer)" in many
    assert '<option value="bands">bands · g, r, z</option>' in many


def test_the_menu_leaves_out_what_learns_still_and_says_what_is_not_calibrated(toy_run: Run, tmp_path: Path) -> None:
    for name in ("done", "learning"):
        shutil.copytree(toy_run.path, tmp_path / name)
    run = open_run(tmp_path / "learning")
    run.update(dataclasses.replace(run.record, results=None))
    run.weights_path.unlink()
    page = visitor(tmp_path).get("/classify").text
    assert re.findall("<option.*?>(.*?)</option>", page) == ["done · not calibrated"]


def test_a_form_without_a_script_is_led_to_the_answer(client: TestClient) -> None:
    answer = client.post("/classify", files={"files": ("a.png", png())})
    assert answer.status_code == 303
    assert client.get(answer.headers["location"]).status_code == 200


def test_classes_may_have_any_names(tmp_path: Path) -> None:
    names = ("<b>spirala</b>", "' onload=alert(1) \"", "łąka {{7*7}} & co")
    for seed, split in enumerate(("train", "valid")):
        images_nhwc, labels = toy_galaxies(24, 32, seed)
        (tmp_path / "data").mkdir(exist_ok=True)
        write_cube(tmp_path / "data" / f"{split}.fits", images_nhwc, labels, names)
    train(tmp_path / "data", network="lenet5", recipe="notebook", epochs=1, out=tmp_path / "runs" / "<i>sieć</i>")
    client = visitor(tmp_path / "runs")
    address = classify(client, ("a.png", png()), ("b.png", png(1)))
    pages = [client.get(one).text for one in ("/classify", address, f"{address}/0")]
    for page in pages:
        assert [word for word in ("<b>", "<i>", 'onload=alert(1) "', "łąka 49") if word in page] == []
    assert "&lt;b&gt;spirala&lt;/b&gt;" in pages[2]
    assert "&lt;i&gt;sieć&lt;/i&gt;" in pages[0]
    assert client.get(f"{address}/table.vot").status_code == 200


def test_a_damaged_run_is_not_the_one_that_is_chosen_first(calibrated: Run, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "run.json").write_text("{")
    (tmp_path / "b").symlink_to(calibrated.path)
    assert '<option value="b" selected>' in visitor(tmp_path).get("/classify").text
    assert '<option value="a" selected>' in visitor(tmp_path).get("/classify?run=a").text
