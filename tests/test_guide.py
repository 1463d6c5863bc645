"""docs/guide.md leads from a list of one's own galaxies to a report, and its commands are those that work."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from kamerton.data.cubes.cube import open_cube
from tests.documented import try_commands

pytestmark = pytest.mark.long

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
    _list_new_galaxies(folder / "new.csv", listed.drop(chosen.index).head(OF_EACH_CLASS), real_data)
    try_commands(GUIDE, folder, package=ROOT)
    return folder


def _list_new_galaxies(place: Path, galaxies: pd.DataFrame, real_data: Path) -> None:
    """List galaxies without labels, and one whose picture is missing."""
    new = pd.DataFrame({"path": [*(str(real_data / path) for path in galaxies["path"]), "lost.jpg"]})
    new["id"] = [Path(path).stem for path in new["path"]]
    new.assign(ra=180.0, dec=np.linspace(-30, 30, len(new))).to_csv(place, index=False)


def test_the_new_galaxies_are_labelled_with_calibrated_probabilities(tried: Path) -> None:
    table = Table.read(tried / "shapes.vot")
    assert len(table) == OF_EACH_CLASS + 1
    assert {"set_spiral", "set_size", "ood_energy", "flags"} <= set(table.colnames)
    assert [row["id"] for row in table if row["status"]] == ["lost"]


def test_the_shards_hold_what_the_file_does(tried: Path) -> None:
    shards = pd.concat(map(pd.read_parquet, sorted((tried / "night").glob("part-*.parquet"))))
    assert shards["id"].tolist() == list(Table.read(tried / "shapes.vot")["id"])


def test_the_classes_stand_in_the_order_that_was_told(tried: Path) -> None:
    with open_cube(tried / "data/test.fits") as cube:
        assert cube.class_names == CLASSES
        assert all(name.startswith("PGC") for name in cube.ids)


def test_the_report_and_the_run_tell_of_the_galaxies(tried: Path) -> None:
    assert "LeNet-5" in (tried / "report.html").read_text(encoding="utf-8")
    record = json.loads((tried / "runs/alexnet/run.json").read_text(encoding="utf-8"))
    assert tuple(record["class_names"]) == CLASSES
