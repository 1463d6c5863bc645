"""Who waits for a long work sees how far it is: a bar in a terminal, sparse lines in a log, nothing from Python."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

import kamerton
from kamerton import progress
from kamerton.measuring import bench
from kamerton.progress import PATIENCE_SECONDS, PLAIN_SECONDS, LiveBar, PlainLines, watcher_for
from kamerton.runs.folder import Run, open_run
from tests.conftest import toy_galaxies
from tests.watching import HIDE_CURSOR, SHOW_CURSOR, Clock, Recorder, console


def text(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def run_task(watcher: progress.Progress, clock: Clock, seconds: float, unit: str = "galaxies") -> None:
    """A task of 100 steps, evenly over so many seconds."""
    with watcher.task("importing", 100, unit) as advance:
        for _ in range(100):
            clock.now += seconds / 100
            advance()


def test_a_short_work_leaves_no_line(clock: Clock) -> None:
    screen = console(terminal=False)
    run_task(PlainLines(screen), clock, PLAIN_SECONDS * 0.99)
    assert text(screen) == ""


def test_a_log_has_a_line_each_ten_seconds_with_share_rate_and_time_left(clock: Clock) -> None:
    screen = console(terminal=False)
    run_task(PlainLines(screen), clock, 5 * PLAIN_SECONDS)
    lines = text(screen).splitlines()
    assert lines[0] == "importing: 20/100 galaxies, 20%, 2.0 galaxies/s, 40 s left"
    assert lines[-1] == "importing: 100/100 galaxies in 50 s"
    assert len(lines) == 6


def test_bytes_are_told_in_megabytes_and_what_was_there_does_not_count_for_the_rate(clock: Clock) -> None:
    screen = console(terminal=False)
    with PlainLines(screen).task("downloading", 2_700_000_000, progress.BYTES, done=700_000_000) as advance:
        clock.now += 10
        advance(1_000_000_000)
    assert text(screen).splitlines()[0] == "downloading: 1700/2700 MB, 63%, 100.0 MB/s, 10 s left"


def test_without_a_total_there_is_no_share(clock: Clock) -> None:
    screen = console(terminal=False)
    with PlainLines(screen).task("downloading", None, progress.BYTES) as advance:
        clock.now += 10
        advance(5_000_000)
    assert text(screen).splitlines()[0] == "downloading: 5 MB, 0.5 MB/s"


def test_a_bar_tells_share_amount_and_rate_and_goes(clock: Clock) -> None:
    screen = console(terminal=True)
    bar = LiveBar(screen)
    with bar.task("importing", 100, "galaxies") as advance:
        clock.now += PATIENCE_SECONDS
        advance(50)
        clock.now += PATIENCE_SECONDS
        advance(20)
        bar.say("something happened")
    for part in ("importing", "70%", "70/100 galaxies", "70.0 galaxies/s", "something happened"):
        assert part in text(screen)
    assert text(screen).rfind(SHOW_CURSOR) > text(screen).rfind(HIDE_CURSOR) >= 0


def test_a_bar_is_not_shown_for_a_moment(clock: Clock) -> None:
    screen = console(terminal=True)
    run_task(LiveBar(screen), clock, PATIENCE_SECONDS * 0.99)
    assert text(screen) == ""


def test_an_error_gives_the_cursor_back(clock: Clock) -> None:
    screen = console(terminal=True)

    def fail() -> None:
        with LiveBar(screen).task("importing", 100, "galaxies") as advance:
            clock.now += PATIENCE_SECONDS
            advance(50)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert text(screen).rfind(SHOW_CURSOR) > text(screen).rfind(HIDE_CURSOR) >= 0


def test_a_task_in_a_task_has_its_own_bar(clock: Clock) -> None:
    screen = console(terminal=True)
    bar = LiveBar(screen)
    with bar.task("outer", 10, "runs") as outer:
        clock.now += PATIENCE_SECONDS
        outer()
        run_task(bar, clock, 10)
        outer()
    assert "outer" in text(screen)
    assert "importing" in text(screen)


@pytest.mark.parametrize(
    ("screen", "kind"),
    [
        (console(terminal=True), LiveBar),
        (console(terminal=True, NO_COLOR="1"), LiveBar),
        (console(terminal=True, TERM="dumb"), PlainLines),
        (console(terminal=False), PlainLines),
    ],
    ids=["terminal", "no colour", "a terminal that cannot move", "a log"],
)
def test_what_moves_is_shown_where_it_can_move(screen: Console, kind: type) -> None:
    assert type(watcher_for(screen)) is kind


# What takes long tells of it


def test_an_import_tells(tmp_path: Path) -> None:
    images_nhwc, labels = toy_galaxies(70, 16, 0)
    for row, (image, label) in enumerate(zip(images_nhwc, labels, strict=True)):
        place = tmp_path / f"pictures/class{label}/{row}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place)
    watcher = Recorder()
    kamerton.import_cube(tmp_path / "pictures", tmp_path / "all.fits", watcher=watcher)
    # The last step is that of the galaxies that were left out, none here.
    assert watcher.tasks == {("importing into all.fits", 70, "galaxies"): [0, 64, 70, 70]}


def test_a_check_tells_of_each_file(toy_splits: Path) -> None:
    watcher = Recorder()
    kamerton.check([toy_splits / "train.fits", toy_splits / "test.fits"], watcher=watcher)
    assert watcher.ended == {"checking train.fits": True, "checking test.fits": True, "comparing pictures": True}


def test_a_split_and_a_survey_tell(tmp_path: Path) -> None:
    watcher = Recorder()
    kamerton.synth(tmp_path / "data", count=40, size=16, watcher=watcher)
    assert watcher.ended == {"drawing": True, "reading survey.fits": True}


def test_an_evaluation_and_a_comparison_tell(toy_run: Run, toy_splits: Path, tmp_path: Path) -> None:
    run = open_run(shutil.copytree(toy_run.path, tmp_path / "run"))
    watcher = Recorder()
    kamerton.evaluate(run, toy_splits / "test.fits", watcher=watcher)
    assert watcher.ended == {"testing on test.fits": True, "reading test.fits": True, "comparing pictures": True}
    watcher = Recorder()
    kamerton.compare(run, out=tmp_path / "out", watcher=watcher)
    assert watcher.ended == {"drawing 2000 samples": True, "drawing": True}
    watcher = Recorder()
    kamerton.verify(run, watcher=watcher)
    assert watcher.ended == {f"reading {cube}.fits": True for cube in ("train", "valid", "test")}


def test_a_bench_tells() -> None:
    watcher = Recorder()
    bench("lenet5", size=32, batch_size=4, repeats=1, watcher=watcher)
    assert watcher.ended == {"measuring this machine": True, "measuring lenet5": True}


def test_int8_tells_of_its_scales(toy_run: Run) -> None:
    pytest.importorskip("onnxruntime")
    watcher = Recorder()
    predictor = kamerton.Predictor(toy_run, int8=True, watcher=watcher)
    # Read whole first: it may lie elsewhere by now, and must be the one that the run has learned from.
    assert watcher.ended == {"reading train.fits": True, "finding the scales of int8": True}
    assert np.isfinite(predictor.probabilities(np.zeros((1, 32, 32, 3), np.uint8))).all()


def test_verifying_and_training_tell_of_the_cubes_that_they_read(
    toy_run: Run, toy_splits: Path, tmp_path: Path
) -> None:
    expected = {"reading train.fits": True, "reading valid.fits": True}
    watcher = Recorder()
    kamerton.verify(toy_run, watcher=watcher)
    assert watcher.ended == expected
    watcher = Recorder()
    kamerton.train(toy_splits, network="lenet5", epochs=1, out=tmp_path / "run", watcher=watcher)
    assert watcher.ended == expected
    assert watcher.open_tasks == 0
