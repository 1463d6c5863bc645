"""Sources held against the run: what of the sky their pictures show."""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from kamerton.catalogue.columns import DOUBTFUL
from kamerton.catalogue.predict import predict
from kamerton.catalogue.requests import GivenPixels, OtherPixelsError, open_sources
from kamerton.config.pictures import PATH_COLUMN, Framing, PixelOrigin
from kamerton.errors import DataError, KamertonWarning, UsageError
from kamerton.explaining.explain import explain
from kamerton.runs.folder import Run, open_run
from tests.conftest import toy_galaxies, write_cube
from tests.data.importers.sources import save_pictures

SIDE = 32
LEARNED = PixelOrigin("none", framing=Framing((SIDE, SIDE), (SIDE, SIDE), SIDE))


@pytest.fixture
def run(toy_run: Run, tmp_path: Path) -> Run:
    """The toy run, as if it had learned from whole pictures of 32 pixels."""
    shutil.copytree(toy_run.path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    run.update(dataclasses.replace(run.record, pixel_origin=LEARNED))
    return run


def flags_and_warnings(run: Run, source: Path) -> tuple[dict[str, int], list[str]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", KamertonWarning)
        table = predict(run, source).table
    assert table is not None
    # The record was changed by hand, as it were, and that is said, too.
    messages = [str(one.message) for one in said if "as much" in str(one.message)]
    return dict(zip(table["id"].tolist(), table["flags"].tolist(), strict=True)), messages


def test_pictures_of_other_sizes_are_flagged_and_counted(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    save_pictures(tmp_path / "new", ["a.png", "b.png", "c.png"], side=SIDE)
    save_pictures(tmp_path / "new", ["d.png", "e.png"], side=SIDE + 16)
    flags, said = flags_and_warnings(run, tmp_path / "new")
    assert flags == {"a.png": 0, "b.png": 0, "c.png": 0, "d.png": DOUBTFUL, "e.png": DOUBTFUL}
    assert len(said) == 1
    assert said[0].startswith("2 of 5 galaxies in pictures of other sizes")


def test_explanations_say_so_in_the_same_words(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    save_pictures(tmp_path / "new", ["a.png"], side=SIDE)
    save_pictures(tmp_path / "new", ["d.png"], side=SIDE + 16)
    with pytest.warns(KamertonWarning, match="1 of 2 galaxies in pictures of other sizes.* learned from"):
        explain(run, tmp_path / "new", out=tmp_path / "out")


def test_a_source_of_other_pictures_alone_is_told_at_the_beginning_and_not_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    save_pictures(tmp_path / "new", ["d.png", "e.png"], side=SIDE + 16)
    flags, said = flags_and_warnings(run, tmp_path / "new")
    assert flags == {"d.png": DOUBTFUL, "e.png": DOUBTFUL}
    assert [message.partition(":")[0] for message in said] == [str(tmp_path / "new")]


def test_pictures_like_those_learned_from_are_not_flagged(run: Run, tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a.png"], side=SIDE)
    assert flags_and_warnings(run, tmp_path / "a.png") == ({"a.png": 0}, [])


@pytest.mark.parametrize(("framing", "flag"), [(LEARNED.framing, 0), (None, DOUBTFUL)])
def test_all_galaxies_of_a_cube_share_its_flag(run: Run, tmp_path: Path, framing: Framing | None, flag: int) -> None:
    images_nhwc, labels = toy_galaxies(3, SIDE, 7)
    cube = write_cube(tmp_path / "new.fits", images_nhwc, labels, origin=PixelOrigin("none", framing=framing))
    flags, said = flags_and_warnings(run, cube)
    assert set(flags.values()) == {flag}
    assert len(said) == (flag == DOUBTFUL)


def test_a_cube_that_was_cropped_otherwise_is_refused(run: Run, tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(3, SIDE, 7)
    cropped = PixelOrigin("none", framing=Framing((SIDE, SIDE), (SIDE / 2, SIDE / 2), SIDE))
    cube = write_cube(tmp_path / "new.fits", images_nhwc, labels, origin=cropped)
    with pytest.raises(DataError, match="another part of their pictures"):
        predict(run, cube)


def test_a_run_is_no_source_of_galaxies(toy_run: Run) -> None:
    """Its pictures are of results: `predict runs/a runs/b` once labelled a chart of mistakes."""
    with pytest.raises(UsageError, match="a run, and no galaxies"):
        predict(toy_run, toy_run.path)


@pytest.mark.filterwarnings("ignore::kamerton.errors.KamertonWarning")
def test_galaxies_that_a_run_refuses_for_their_pixels_go_with_those_that_open_them(
    toy_run: Run, tmp_path: Path
) -> None:
    grz, learned = ("g", "r", "z"), PixelOrigin("asinh", ("g", "r", "z"), 8.0)
    origins = [PixelOrigin("none"), learned, PixelOrigin("asinh", grz, 4.0), PixelOrigin("asinh", ("g", "r", "i"), 8.0)]
    runs = [Run(toy_run.path, dataclasses.replace(toy_run.record, pixel_origin=one)) for one in origins]
    images_nhwc, labels = toy_galaxies(3, SIDE, 5)
    given = [write_cube(tmp_path / f"{at}.fits", images_nhwc, labels, origin=one) for at, one in enumerate(origins)]
    bands = np.moveaxis(images_nhwc[0], 2, 0).astype(np.float32)
    fits.PrimaryHDU(bands, fits.Header({"BANDS": "grz"})).writeto(tmp_path / "cutout.fits")
    save_pictures(tmp_path, ["picture.png"], side=SIDE)
    for path in (*given, tmp_path / "cutout.fits", tmp_path / "picture.png"):
        refusals = [_refusal(run, path) for run in runs]
        told = [one.go_with(run) for one in refusals if one is not None for run in runs]
        assert 0 < sum(one is None for one in refusals) < len(runs)
        assert told == [one is None for one in refusals] * (len(told) // len(runs))


def _refusal(run: Run, path: Path) -> GivenPixels | None:
    try:
        with open_sources(run, [path], PATH_COLUMN):
            return None
    except OtherPixelsError as error:
        return error.given
