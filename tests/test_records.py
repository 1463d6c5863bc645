"""Records are read with every name and type checked."""

from typing import Any

import pytest

from kamerton.config.pictures import Preprocessing
from kamerton.errors import RunError
from kamerton.records import read_record


def test_a_sound_table_becomes_the_record() -> None:
    record = read_record(Preprocessing, {"size": 64, "channels": 3}, "run.json", RunError)
    assert record == Preprocessing(size=64, channels=3)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"channels": 3}, r"run\.json: size: field required"),
        ({"size": "large", "channels": 3}, r"run\.json: size: .*Received: 'large'"),
        ({"size": 64, "channels": 3, "sise": 1}, r"run\.json: sise: "),
        ({"size": 64, "channels": 99}, "Bad value for channels"),
        ([], r"run\.json: the whole: "),
    ],
)
def test_a_wrong_table_is_answered_with_the_field(table: Any, says: str) -> None:
    with pytest.raises(RunError, match=says):
        read_record(Preprocessing, table, "run.json", RunError)
