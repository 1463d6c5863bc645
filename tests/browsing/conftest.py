"""What the tests of browsing share: galaxies as pictures, and catalogues of them in every form."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from kamerton.catalogue.hats import HATS_FOLDER, write_hats
from kamerton.catalogue.predict import predict
from kamerton.runs.folder import Run
from tests.conftest import toy_galaxies, write_toy_cube

COUNT = 60
FORMS = ("night", "one.parquet", "one.fits", "one.vot", "one.csv")


@pytest.fixture(scope="session")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder of pictures, of which one cannot be read, in the order of their names."""
    root = tmp_path_factory.mktemp("survey")
    images_nhwc, _ = toy_galaxies(COUNT, 32, 21)
    (root / "new").mkdir()
    for number, image_hwc in enumerate(images_nhwc):
        Image.fromarray(image_hwc).save(root / "new" / f"łuk {number:02d}.png")
    (root / "new" / "łuk 07.png").write_bytes(b"nothing")
    return root


@pytest.fixture(scope="session")
def catalogues(calibrated: Run, survey: Path) -> Path:
    """A folder with catalogues of these pictures in all `FORMS`; do not change it."""
    predict(calibrated, survey / "new", out=survey / "night", features="all", shard_galaxies=16)
    for name in FORMS[1:]:
        predict(calibrated, survey / "new", out=survey / name)
    return survey


@pytest.fixture(scope="session")
def tiles(calibrated: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HATS catalogue, whose rows are in the order of the sky and not of their source."""
    folder = tmp_path_factory.mktemp("tiles")
    predict(calibrated, write_toy_cube(folder / "sky.fits", 40, seed=23), out=folder / "sky", shard_galaxies=16)
    write_hats(folder / "sky")
    return folder / "sky" / HATS_FOLDER
