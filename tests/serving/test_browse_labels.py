"""Labelling in the part that looks through catalogues: decisions, what is asked next, and how far people agree."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.testclient import TestClient

from kamerton.browsing.catalogue import decisions_path
from kamerton.catalogue.predict import predict
from kamerton.config.neighbours import NextSettings
from kamerton.errors import KamertonWarning
from kamerton.labelling.agreement import agreements
from kamerton.labelling.decisions import read_decisions
from kamerton.labelling.journal import Decision, Journal
from kamerton.runs.folder import Run
from tests.conftest import CLASS_NAMES
from tests.labelling.test_journal import full_disk
from tests.serving.browsed import IDS, JSON, decide, ids, queue
from tests.serving.conftest import visitor


@pytest.fixture
def client(night: Path) -> TestClient:
    return visitor(night.parent)


def test_a_decision_is_in_the_file_when_the_answer_comes(client: TestClient, night: Path) -> None:
    answer = decide(client, 3)
    assert answer.json()["decided"] == 1
    (made,) = Journal(decisions_path(night)).decisions()
    assert (made.id, made.label, made.who, made.seconds) == (IDS[3], "dim", "Ola", 1.5)
    assert made.when == answer.json()["when"]
    assert made.path.endswith(f"new/{IDS[3]}")
    assert read_decisions(decisions_path(night), IDS, CLASS_NAMES).label_of == {IDS[3]: "dim"}


def test_a_form_without_a_script_leads_to_the_next_galaxy(client: TestClient) -> None:
    form = {"c": "night", "row": "0", "id": IDS[0], "label": "dim", "who": "Ola", "at": "0", "sort": "id"}
    answer = client.post("/browse/decide", data=form)
    assert answer.status_code == 303
    page = client.get(answer.headers["location"])
    assert IDS[1] in page.text
    assert "1 decided by you" in page.text


def test_a_decision_that_is_sent_again_is_there_once(client: TestClient, night: Path) -> None:
    """A browser that did not hear the answer asks again."""
    when = "2026-11-26T20:00:00.123Z"
    for _ in range(3):
        assert decide(client, 3, when=when).json()["when"] == when
    assert len(Journal(decisions_path(night)).decisions()) == 1


@pytest.mark.parametrize(
    "when", ["yesterday", "2026-11-26", "2026-11-26T20:00:00", '=HYPERLINK("x")', "2026-11-26T20:00:00+25:00Z"]
)
def test_a_time_that_is_none_is_now(client: TestClient, when: str) -> None:
    assert decide(client, 3, when=when).json()["when"].startswith(str(pd.Timestamp.now("UTC").year))


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"id": IDS[4]}, 409, "catalogue has changed"),
        ({"row": "999"}, 409, "catalogue has changed"),
        ({"row": ""}, 409, "catalogue has changed"),
        ({"row": "-3"}, 400, "no whole number"),
        ({"label": "spirl"}, 400, "Unknown class name"),
        ({"label": ""}, 400, "Unknown class name"),
        ({"who": "x" * 61}, 400, "no name of a person"),
        ({"c": "../night"}, 400, "Unknown catalogue"),
    ],
)
def test_a_decision_about_nothing_is_refused(
    client: TestClient, night: Path, change: dict[str, str], status: int, said: str
) -> None:
    form = {"c": "night", "row": "3", "id": IDS[3], "label": "dim", "who": "Ola"} | change
    answer = client.post("/browse/decide", data=form, headers=JSON)
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert not decisions_path(night).exists()


@pytest.mark.parametrize("seconds", ["", "soon", "-1", "nan", "inf", "1e9"])
def test_seconds_that_are_none_are_left_out(client: TestClient, night: Path, seconds: str) -> None:
    assert decide(client, 3, seconds=seconds).status_code == 200
    (made,) = Journal(decisions_path(night)).decisions()
    assert made.seconds is None


def test_a_file_that_cannot_be_written_is_said_and_may_be_tried_again(client: TestClient, night: Path) -> None:
    decide(client, 2)
    with full_disk(decisions_path(night).stat().st_size):
        answer = decide(client, 3)
    assert answer.status_code == 503
    assert "the decision was not written" in answer.json()["error"]
    assert str(night.parent) not in answer.json()["error"]
    assert decide(client, 3).json()["decided"] == 2


def test_a_file_that_was_edited_into_something_else_is_said(client: TestClient, night: Path) -> None:
    decisions_path(night).write_text("galaxy,class\n")
    # The decision may be asked for again once the file is mended: a browser gives up what is refused for good.
    for answer, status in ((client.get("/browse/wall?c=night"), 400), (decide(client, 3), 503)):
        assert answer.status_code == status
        assert "no decisions can be added to this file" in answer.text.replace("&#39;", "'")
    assert decisions_path(night).read_text() == "galaxy,class\n"


def test_an_undo_gives_the_galaxy_back(client: TestClient, night: Path) -> None:
    decide(client, 3)
    decide(client, 9, "striped")
    decide(client, 5, who="Jan")
    answer = client.post("/browse/undo", data={"c": "night", "who": "Ola"}, headers=JSON).json()
    assert (answer["label"], answer["galaxy"]["id"], answer["decided"]) == ("striped", IDS[9], 1)
    assert answer["galaxy"]["mine"] is None
    answer = client.post("/browse/undo", data={"c": "night", "who": "Maja"}, headers=JSON).json()
    assert answer["label"] is None
    assert len(Journal(decisions_path(night)).decisions()) == 4


def test_who_labels_is_asked_for_what_is_not_decided_by_the_same_person(client: TestClient) -> None:
    for row in (0, 1, 4):
        decide(client, row)
    assert [one["at"] for one in queue(client, who="Ola", open=1)][:4] == [2, 3, 5, 6]
    assert [one["at"] for one in queue(client, who="Jan", open=1)][:2] == [0, 1]
    assert [one["mine"] for one in queue(client, who="Ola")][:3] == ["dim", "dim", None]
    assert queue(client, who="Ola", at=58)[-1]["at"] == 59
    assert not queue(client, who="Ola", at=60, open=1)


def test_when_all_is_decided_the_page_says_so(client: TestClient) -> None:
    query = "c=night&class=-&who=Ola"
    assert re.search(r'id="done" hidden', client.get(f"/browse/label?{query}").text)
    decide(client, 7)
    assert not re.search(r'id="done" hidden', client.get(f"/browse/label?{query}").text)


@pytest.mark.parametrize("lang", ["en", "pl"])
def test_who_labels_blindly_is_told_nothing_by_the_network(client: TestClient, lang: str) -> None:
    says = client.get(f"/browse/label?c=night&at=2&lang={lang}").text
    assert 'class="bars"' in says
    one = queue(client, blind=1)[2]
    assert set(one) == {"at", "row", "id", "picture", "mine", "known", "status"}
    assert not one["known"]
    for page in ("label", "wall"):
        text = client.get(f"/browse/{page}?c=night&at=2&blind=1&lang={lang}").text
        assert 'class="bars"' not in text
        assert not re.search(r"\d%", text)
        assert "ood_" not in re.sub(r"<option.*?</option>", "", text)


def test_who_labels_blindly_sees_nobody_else_s_word(client: TestClient) -> None:
    decide(client, 3, who="Jan")
    assert "✓ dim" in client.get("/browse/wall?c=night").text
    assert "✓ dim" not in client.get("/browse/wall?c=night&blind=1").text
    assert "✓ dim" in client.get("/browse/wall?c=night&blind=1&who=Jan").text


def test_what_next_warns_of_stands_on_the_page_in_its_language(client: TestClient) -> None:
    for lang, said in (("en", "no more than 59 galaxies left"), ("pl", "zostało do etykietowania: 59")):
        for page in ("wall", "label"):
            text = client.get(f"/browse/{page}?c=night&sort=next&count=999&lang={lang}").text
            assert f'role="note" lang="{lang}">' in text
            assert said in text
    assert 'role="note"' not in client.get("/browse/wall?c=night").text


def test_fewer_galaxies_than_the_usual_number_are_nothing_to_be_warned_of(client: TestClient) -> None:
    text = client.get("/browse/wall?c=night&sort=next").text
    assert "galaxies left" not in text
    # Nor does the page's own form wish for a number.
    assert 'name="count" min="1" max="1000" value="" placeholder="100"' in text


def test_who_asks_for_just_the_usual_number_is_told_that_there_are_fewer(client: TestClient) -> None:
    assert "galaxies left" in client.get(f"/browse/wall?c=night&sort=next&count={NextSettings.count}").text


def test_what_no_page_shows_is_warned_of_in_the_terminal(client: TestClient, night: Path) -> None:
    path = decisions_path(night)
    path.write_text("id,label,who,when,seconds,path\na,dim,Ola,2026-11-26T10:00:00Z,1,\nb,di")
    with pytest.warns(KamertonWarning, match="last line was cut"):
        queue(client, who="Ola")
    path.touch()
    assert "its last line was cut" in client.get("/browse/wall?c=night").text


@pytest.mark.parametrize(("lang", "said"), [("en", "no classes of this catalogue"), ("pl", "nie są klasami tego")])
def test_labels_that_somebody_wrote_into_the_file_and_are_none_are_said(
    client: TestClient, night: Path, lang: str, said: str
) -> None:
    decisions_path(night).write_text("id,label,who,when,seconds\na,dimm,Ola,2026-11-26T10:00:00Z,1\n")
    text = client.get(f"/browse/agreement?c=night&lang={lang}").text
    assert (said in text, "dimm" in text) == (True, True)


def test_agreement_is_that_of_the_decisions(client: TestClient, night: Path) -> None:
    assert "Nobody has decided about the same galaxies" in client.get("/browse/agreement?c=night").text
    rng = np.random.default_rng(2)
    made = [Decision(IDS[row], str(rng.choice(CLASS_NAMES)), who) for row in range(20) for who in ("Ola", "Jan")]
    Journal(decisions_path(night)).append(*made, Decision(IDS[20], "unsure", "Ola"))
    (found,) = agreements(made, CLASS_NAMES)
    assert found.kappa is not None
    text = client.get("/browse/agreement?c=night").text
    interval = f"{found.kappa.value:.2f} [{found.kappa.low:.2f}, {found.kappa.high:.2f}]"
    assert interval in text
    assert "Ola, Jan" in text
    polish = client.get("/browse/agreement?c=night&lang=pl").text
    assert interval.replace(", ", "; ").replace(".", ",") in polish
    differ = [IDS[row] for row in range(20) if made[2 * row].label != made[2 * row + 1].label]
    assert ids(client.get("/browse/wall?c=night&decided=disputed")) == differ


def test_decisions_are_downloaded_as_they_are(client: TestClient, night: Path) -> None:
    assert client.get("/browse/decisions.csv?c=night").status_code == 404
    decide(client, 3)
    answer = client.get("/browse/decisions.csv?c=night")
    assert answer.content == decisions_path(night).read_bytes()
    assert "night.decisions.csv" in answer.headers["content-disposition"]


def test_what_to_label_next_is_chosen_anew_when_it_is_asked(client: TestClient) -> None:
    first = ids(client.get("/browse/wall?c=night&sort=next&count=5"))
    assert len(first) == 5
    decide(client, IDS.index(first[0]))
    assert ids(client.get("/browse/wall?c=night&sort=next&count=5")) == first
    answer = client.post("/browse/anew", data={"c": "night", "sort": "next", "count": "5"})
    again = ids(client.get(answer.headers["location"]))
    assert len(again) == 5
    assert first[0] not in again


def test_a_link_of_the_decisions_name_sends_nothing_but_decisions(client: TestClient, night: Path) -> None:
    secret = night.parent / "diary.txt"
    secret.write_text("dear\ndiary\n")
    decisions_path(night).symlink_to(secret)
    answer = client.get("/browse/decisions.csv?c=night")
    assert answer.status_code == 400
    assert "diary\n" not in answer.text


def test_an_id_with_blanks_at_its_ends_is_decided_as_any(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,predicted_class,p_dim,p_bright\n a ,dim,0.6,0.4\nb,dim,0.9,0.1\n")
    client = visitor(tmp_path)
    assert decide(client, 0, c="a.csv", id=" a ").json()["decided"] == 1
    assert [one["mine"] for one in queue(client, c="a.csv", who="Ola")] == ["dim", None]
    assert [one["id"] for one in queue(client, c="a.csv", sort="next")] == ["b"]
    decide(client, 0, "bright", c="a.csv", id=" a ", who="Jan")
    assert [one["id"] for one in queue(client, c="a.csv", decided="disputed")] == [" a "]


@pytest.mark.parametrize("target", ["diary.txt", "nothing yet.csv", "theirs.csv"])
def test_others_neither_read_nor_write_decisions_outside_the_folder(
    catalogues: Path,
    tmp_path: Path,
    target: str,
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    shutil.copy(catalogues / "one.parquet", served)
    (tmp_path / "diary.txt").write_text("dear diary\n")
    (tmp_path / "theirs.csv").write_text("id,label,who,when,seconds\n")
    decisions_path(served / "one.parquet").symlink_to(tmp_path / target)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    others = visitor(served, host="0.0.0.0", password="a long word")
    asked = [others.get(f"/browse/{page}?c=one.parquet") for page in ("wall", "label", "agreement", "decisions.csv")]
    asked.append(decide(others, 0, c="one.parquet"))
    asked.append(others.post("/browse/undo", data={"c": "one.parquet", "who": "Ola"}, headers=JSON))
    assert {answer.status_code for answer in asked} <= {400, 503}
    assert not any("dear diary" in answer.text for answer in asked)
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    # Who sits at this machine may have put the file where there is room for it.
    own = decide(visitor(served), 0, c="one.parquet")
    assert own.status_code == (503 if target == "diary.txt" else 200)


def test_names_that_are_no_utf_8_are_labelled_as_any(calibrated: Run, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (32, 32), "navy").save(tmp_path / "a.png")
    shutil.copy(tmp_path / "a.png", os.fsdecode(os.fsencode(pictures) + b"/\xb3uk.png"))
    predict(calibrated, pictures, out=tmp_path / "a.parquet")
    (tmp_path / "a.parquet").rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xb3.parquet"))
    client = visitor(tmp_path)
    client.follow_redirects = True
    assert client.get("/browse").status_code == 200
    name = "\\udcb3.parquet"
    (one,) = queue(client, c=name)
    form = {"c": name, "row": "0", "id": one["id"], "label": "dim"}
    assert client.post("/browse/decide", data=form, headers=JSON).json()["decided"] == 1
    assert client.get("/browse/decisions.csv", params={"c": name}).status_code == 200
