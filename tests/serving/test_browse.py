"""The part that looks through catalogues, as a script asks it."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.testclient import TestClient

from kamerton.browsing.catalogue import Browsed
from kamerton.catalogue.predict import predict
from kamerton.runs.folder import Run
from kamerton.serving.words import WORDS
from tests.browsing.conftest import COUNT
from tests.conftest import CLASS_NAMES
from tests.serving.browsed import IDS, JSON, ids, queue
from tests.serving.conftest import visitor


@pytest.fixture
def client(night: Path) -> TestClient:
    return visitor(night.parent)


def test_all_catalogues_are_listed_and_one_alone_is_opened(client: TestClient, catalogues: Path) -> None:
    assert client.get("/browse").headers["location"] == "/browse/wall?c=night"
    text = visitor(catalogues).get("/browse").text
    assert all(f"/browse/wall?c={name}" in text for name in ("night", "one.parquet", "one.csv"))


def test_without_a_catalogue_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    assert "kamerton predict" in visitor(tmp_path).get("/browse").text


def test_a_wall_has_48_galaxies_and_the_next_page_the_rest(client: TestClient) -> None:
    assert ids(client.get("/browse/wall?c=night")) == IDS[:48]
    assert ids(client.get("/browse/wall?c=night&page=2")) == IDS[48:]
    # A page that there is not any more, as after a filter, is the last one.
    assert ids(client.get("/browse/wall?c=night&page=99")) == IDS[48:]


def test_filters_and_order_stand_in_the_address(client: TestClient, catalogues: Path) -> None:
    table = pd.read_parquet(catalogues / "one.parquet")
    wanted = table[(table.predicted_class == "dim") & (table.p_dim >= 0.5)].sort_values("p_dim", ascending=False)
    answer = client.get("/browse/wall?c=night&class=dim&pmin=0.5&pmax=&sort=p_dim&down=1")
    assert ids(answer) == wanted["id"].tolist()
    assert f"{len(wanted)} of {COUNT} galaxies" in answer.text
    assert "<option selected>dim</option>" in answer.text


@pytest.mark.parametrize("lang", ["en", "pl"])
def test_what_a_catalogue_is_sorted_by_has_words(client: TestClient, night: Path, lang: str) -> None:
    text = client.get(f"/browse/wall?c=night&lang={lang}").text
    menu = re.search(r'<select name="sort">(.*?)</select>', text, re.DOTALL)
    assert menu is not None
    shown = dict(re.findall(r'<option value="(.*?)".*?>(.*?)</option>', menu[1]))
    words = WORDS[lang].browse
    assert [shown[f"p_{name}"] for name in CLASS_NAMES] == [words.by_class.format(name=name) for name in CLASS_NAMES]
    assert (shown["id"], shown["predicted_class"]) == (words.by_id, getattr(words, "class").lower())
    # The English word for it is its name.
    assert {name for name, text in shown.items() if name == text} <= {"probability"}


def test_percentages_that_are_not_calibrated_are_called_so(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    places = ("/browse/wall?c=night", "/browse/label?c=night")
    assert not any(WORDS["en"].browse.raw in client.get(place).text for place in places)
    monkeypatch.setattr(Browsed, "is_calibrated", False)
    assert all(WORDS["en"].browse.raw in client.get(place).text for place in places)
    # Who labels blindly sees no percentages.
    assert not any(WORDS["en"].browse.raw in client.get(f"{place}&blind=1").text for place in places)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("c=night&class=spirl", "Unknown class name"),
        ("c=night&sort=colour", "Unknown order"),
        ("c=night&pmin=high", "pmin is no number"),
        ("c=night&pmin=nan", "Bad value for at_least"),
        ("c=night&smin=1e9", "smin is no number"),
        ("c=night&unlike=perhaps", "Bad value for unlike"),
        ("c=night&page=-1", "page is no whole number"),
        ("c=night&who=a%0Ab", "no name of a person"),
        ("c=day", "Unknown catalogue"),
        ("c=../night", "Unknown catalogue"),
        ("c=/etc/passwd", "Unknown catalogue"),
        ("c=night%00", "Unknown catalogue"),
        ("", "Unknown catalogue"),
    ],
)
@pytest.mark.parametrize("page", ["wall", "label", "queue"])
def test_what_cannot_be_asked_is_one_line(client: TestClient, night: Path, page: str, query: str, said: str) -> None:
    answer = client.get(f"/browse/{page}?{query}")
    assert answer.status_code == 400
    assert said in answer.text
    assert str(night.parent) not in answer.text


def test_a_small_picture_and_a_large_one_are_the_galaxy(client: TestClient, catalogues: Path) -> None:
    address = re.search(r'src="(/browse/picture[^"]*row=5&[^"]*)"', client.get("/browse/wall?c=night").text)
    assert address is not None
    answer = client.get(address[1].replace("&amp;", "&"))
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    large = client.get("/browse/picture?c=night&row=5&size=large")
    assert large.headers["cache-control"] == "no-store"
    np.testing.assert_array_equal(Image.open(io.BytesIO(large.content)), Image.open(catalogues / "new" / IDS[5]))
    drawn = np.asarray(Image.open(io.BytesIO(answer.content)), float)
    assert np.abs(drawn - np.asarray(Image.open(catalogues / "new" / IDS[5]), float)).mean() < 12


@pytest.mark.parametrize("query", ["row=60&size=small", "row=0&size=huge", "size=small", "row=7&size=small"])
def test_a_picture_that_there_is_not_is_none(client: TestClient, night: Path, query: str) -> None:
    answer = client.get(f"/browse/picture?c=night&{query}", headers=JSON)
    assert answer.status_code == 404
    assert str(night.parent) not in answer.text


def test_images_that_are_gone_are_said_and_the_catalogue_stays(
    calibrated: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerton.browsing.catalogue.LOOK_AGAIN_SECONDS", 0.0)
    (tmp_path / "new").mkdir()
    Image.new("RGB", (32, 32), "navy").save(tmp_path / "new" / "a.png")
    predict(calibrated, tmp_path / "new", out=tmp_path / "one.parquet")
    (tmp_path / "new").rename(tmp_path / "away")
    client = visitor(tmp_path)
    for page in ("wall", "label"):
        answer = client.get(f"/browse/{page}?c=one.parquet")
        assert answer.status_code == 200
        assert "The images of this catalogue cannot be shown." in answer.text
        assert "is not there" in answer.text
        assert "a.png" in answer.text
        assert str(tmp_path) not in answer.text
    assert client.get("/browse/picture?c=one.parquet&row=0&size=small").status_code == 404
    assert client.get("/browse/queue?c=one.parquet").json()["galaxies"][0]["picture"] is None
    # Whoever brings them back need not start anything anew.
    (tmp_path / "away").rename(tmp_path / "new")
    assert client.get("/browse/picture?c=one.parquet&row=0&size=small").status_code == 200


def test_others_see_only_images_below_the_folder(calibrated: Run, tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    for name in ("in", "out"):
        place = tmp_path / ("served/in.png" if name == "in" else "out.png")
        Image.new("RGB", (32, 32), "navy").save(place)
        predict(calibrated, place, out=served / f"{name}.parquet")
    (served / "links").mkdir()
    (served / "links" / "a.png").symlink_to(tmp_path / "out.png")
    (served / "list.csv").write_text("path\nin.png\n../out.png\n")
    for name in ("links", "list.csv"):
        predict(calibrated, served / name, out=served / f"of {name}.parquet")
    shown_to_others = {
        ("in", 0): 200,
        ("out", 0): 404,
        ("of links", 0): 404,
        ("of list.csv", 0): 200,
        ("of list.csv", 1): 404,
    }
    own, others = visitor(served), visitor(served, host="0.0.0.0", password="a long word")
    for (name, row), status in shown_to_others.items():
        for size in ("small", "large"):
            asked = f"/browse/picture?c={name}.parquet&row={row}&size={size}"
            assert (own.get(asked).status_code, others.get(asked).status_code) == (200, status), asked
    walls = [client.get("/browse/wall?c=out.parquet").text for client in (own, others)]
    assert ["They are outside the folder that is served" in wall for wall in walls] == [False, True]


def test_a_catalogue_that_was_made_anew_is_opened_anew(calibrated: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    client = visitor(tmp_path)
    for count, name in enumerate(("a", "b"), start=1):
        Image.new("RGB", (32, 32), "navy").save(tmp_path / "new" / f"{name}.png")
        (tmp_path / "one.parquet").unlink(missing_ok=True)
        predict(calibrated, tmp_path / "new", out=tmp_path / "one.parquet")
        assert len(ids(client.get("/browse/wall?c=one.parquet"))) == count


def test_what_is_damaged_is_one_line(client: TestClient, night: Path) -> None:
    shard = max(night.glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-9])
    answer = client.get("/browse/wall?c=night")
    assert answer.status_code == 400
    assert "damaged, or no catalogue" in answer.text


def test_names_of_galaxies_and_classes_are_text(tmp_path: Path, catalogues: Path) -> None:
    """Whatever stands in a catalogue that somebody sent is no HTML, and no formula of an attribute."""
    hostile = """<img src=x onerror=alert(1)>'"&amp;{{7*7}}"""
    table = pd.read_parquet(catalogues / "one.parquet").head(3)
    table["id"] = [hostile, "b", "c"]
    table["predicted_class"] = hostile
    table["note"] = hostile
    table.to_parquet(tmp_path / f"{'x' * 9}.parquet")
    client = visitor(tmp_path)
    for page in ("wall", "label", "agreement"):
        answer = client.get(f"/browse/{page}", params={"c": "xxxxxxxxx.parquet", "at": 0})
        assert answer.status_code == 200
        assert "<img src=x" not in answer.text
    found = client.get("/browse/queue", params={"c": "xxxxxxxxx.parquet"})
    assert found.headers["content-type"] == "application/json"
    assert found.json()["galaxies"][0]["id"] == hostile


def test_nothing_is_kept_beyond_a_few_selections(client: TestClient) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for number in range(40):
        assert client.get(f"/browse/wall?c=night&pmin={number / 100}").status_code == 200
    assert len(os.listdir("/proc/self/fd")) <= before + 12  # noqa: PTH208


def test_hostile_requests_get_an_answer_that_tells_nothing(client: TestClient, night: Path) -> None:
    """Two hundred at random: no defect, no place of this machine, no file, and the next honest one is answered."""
    rng = np.random.default_rng(16)
    values = [
        "../night",
        "night/../night",
        "/etc/passwd",
        "%2e%2e/",
        "\x00",
        "-1",
        "9" * 400,
        "1e400",
        "nan",
        "\ud7ff" * 9,
    ]
    values += [
        "<script>",
        "' or 1=1 --",
        "{{7*7}}",
        "night",
        "0",
        "5",
        "dim",
        "probability",
        "x" * 3000,
        "",
        "\u202e",
        "İ",
    ]
    names = ["c", "class", "pmin", "pmax", "smin", "smax", "unlike", "decided", "sort", "down", "count", "page", "at"]
    names += ["row", "id", "label", "who", "seconds", "when", "blind", "size", "v", "open", "lang", "token"]
    pages = ["wall", "label", "queue", "picture", "agreement", "decisions.csv", "decide", "undo", "anew", "", "nothing"]
    before = sorted(night.parent.rglob("*"))
    for _ in range(200):
        asked = {str(rng.choice(names)): str(rng.choice(values)) for _ in range(rng.integers(0, 6))}
        asked |= {"c": "night"} if rng.random() < 0.6 else {}
        page = f"/browse/{rng.choice(pages)}"
        answer = client.post(page, data=asked) if rng.random() < 0.5 else client.get(page, params=asked)
        assert answer.status_code < 500, (page, asked)
        assert str(night.parent) not in answer.text
        assert "Traceback" not in answer.text
    # Undoing where nothing is decided, and decisions about no galaxy, make no file.
    assert sorted(night.parent.rglob("*")) == before
    assert len(ids(client.get("/browse/wall?c=night"))) == 48


def test_numbers_that_are_infinite_are_not_known(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,predicted_class,p_dim,p_bright,ra,dec\na,dim,inf,0.5,inf,1\n")
    (one,) = queue(visitor(tmp_path), c="a.csv")
    assert (one["says"]["probabilities"], one["known"]) == ([["bright", 0.5]], {"dec": 1.0})
