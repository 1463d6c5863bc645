"""docs/guide.md leads from a list of one's own galaxies to a report, and its commands are those that work."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from kamerton.data.cubes.cube import open_cube
from tests.documented import try_commands

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/guide.md").read_text(encoding="utf-8")
CLASSES = ("elliptical", "lenticular", "spiral")
OF_EACH_CLASS = 80


@pytest.fixture(scope="module")
def tried(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a list of real galaxies, after every command of the guide."""
    folder = tmp_path_factory.mktemp("guide")
    listed = pd.read_csv(real_data / "labels.csv").query("source == 'efigi' and coarse in @CLASSES")
    chosen = listed.groupby("coarse").head(OF_EACH_CLASS)
    paths = [str(real_data / path) for path in chosen["path"]]
    own = pd.DataFrame({"path": paths, "label": chosen["coarse"], "id": [Path(path).stem for path in paths]})
    own.assign(group=chosen["group"]).to_csv(folder / "galaxies.csv", index=False)
    try_commands(GUIDE, folder, package=ROOT)
    return folder


def test_the_classes_stand_in_the_order_that_was_told(tried: Path) -> None:
    with open_cube(tried / "data/test.fits") as cube:
        assert cube.class_names == CLASSES
        assert all(name.startswith("PGC") for name in cube.ids)


def test_the_report_and_the_run_tell_of_the_galaxies(tried: Path) -> None:
    assert "LeNet-5" in (tried / "report.html").read_text(encoding="utf-8")
    record = json.loads((tried / "runs/alexnet/run.json").read_text(encoding="utf-8"))
    assert tuple(record["class_names"]) == CLASSES
