"""Whoever waits for a training sees where it is, how fast it goes and how long it will take."""

from __future__ import annotations

import io

from rich.console import Console

from kamerton.progress import LIVE_SECONDS, PLAIN_SECONDS
from kamerton.training.progress import LiveBar, PlainLines, describe_row, watcher_for
from kamerton.training.session import Tally
from tests.watching import HIDE_CURSOR, SHOW_CURSOR, Clock, console

ROW = {
    "loss": 0.12345, "accuracy": 0.9, "val_loss": 0.5, "val_accuracy": 0.75,
    "lr": 1e-6, "seconds": 12.34, "images_per_second": 987.65,
}  # fmt: skip


def text(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_a_plain_line_tells_epoch_step_loss_accuracy_speed_and_time_left(clock: Clock) -> None:
    screen = console(terminal=False)
    lines = PlainLines(screen)
    lines.begin_epoch(1, 10, steps=40)
    for _ in range(10):
        clock.now += PLAIN_SECONDS / 10
        lines.end_step(lambda: Tally(2.0, 4, 8), 320.0)
    assert text(screen) == (
        "epoch 2/10 step 10/40 loss 0.2500 accuracy 0.5000 320.0 images/s 30 s left in the epoch\n"
    ), "10 steps took 10 s, so the other 30 will take 30 s"


def test_plain_lines_do_not_flood_a_log(clock: Clock) -> None:
    screen = console(terminal=False)
    lines = PlainLines(screen)
    lines.begin_epoch(0, 1, steps=1000)
    for _ in range(1000):
        clock.now += 0.125
        lines.end_step(lambda: Tally(2.0, 4, 8), 320.0)
    assert len(text(screen).splitlines()) == int(125 / PLAIN_SECONDS)


def test_every_epoch_counts_its_steps_anew(clock: Clock) -> None:
    screen = console(terminal=False)
    lines = PlainLines(screen)
    for epoch in range(2):
        lines.begin_epoch(epoch, 2, steps=4)
        clock.now += PLAIN_SECONDS
        lines.end_step(lambda: Tally(2.0, 4, 8), 320.0)
    first, second = text(screen).splitlines()
    assert first.startswith("epoch 1/2 step 1/4 ")
    assert second.startswith("epoch 2/2 step 1/4 ")
    assert first.endswith("30 s left in the epoch")
    assert second.endswith("30 s left in the epoch")


def test_the_end_of_an_epoch_is_always_a_line(clock: Clock) -> None:
    screen = console(terminal=False)
    lines = PlainLines(screen)
    lines.begin_epoch(0, 3, steps=5)
    lines.end_step(lambda: Tally(2.0, 4, 8), 320.0)
    lines.end_epoch(0, ROW)
    assert text(screen) == f"epoch 1/3 {describe_row(ROW)}\n"


def test_a_line_is_never_broken_in_two(clock: Clock) -> None:
    screen = console(terminal=False, width=40)
    lines = PlainLines(screen)
    lines.begin_epoch(0, 3, steps=5)
    lines.end_epoch(0, ROW)
    assert len(text(screen).splitlines()) == 1


def test_a_row_says_what_the_history_holds() -> None:
    assert describe_row(ROW) == (
        "loss 0.1235  accuracy 0.9000  val_loss 0.5000  val_accuracy 0.7500  lr 1e-06  12.3 s  987.6 images/s"
    )


def test_a_terminal_gets_the_live_bar_and_a_log_plain_lines() -> None:
    assert isinstance(watcher_for(console(terminal=True)), LiveBar)
    assert isinstance(watcher_for(console(terminal=False)), PlainLines)


def test_the_live_bar_shows_where_the_epoch_is(clock: Clock) -> None:
    screen = console(terminal=True)
    bar = LiveBar(screen)
    bar.begin_epoch(0, 3, steps=2)
    bar.end_step(lambda: Tally(2.0, 4, 8), 320.0)
    clock.now += LIVE_SECONDS
    bar.end_step(lambda: Tally(1.0, 6, 8), 320.0)
    bar.end_epoch(0, ROW)
    for part in ("epoch 1/3", "2/2", "loss 0.1250", "accuracy 0.7500", "320.0 images/s"):
        assert part in text(screen)


def test_the_live_bar_leaves_one_line_an_epoch() -> None:
    screen = console(terminal=True)
    bar = LiveBar(screen)
    for epoch in range(2):
        bar.begin_epoch(epoch, 2, steps=1)
        bar.end_step(lambda: Tally(2.0, 4, 8), 320.0)
        bar.end_epoch(epoch, ROW)
        assert text(screen).endswith(f"epoch {epoch + 1}/2  {describe_row(ROW)}\n")


def test_a_training_that_was_stopped_gives_the_cursor_back() -> None:
    screen = console(terminal=True)
    bar = LiveBar(screen)
    bar.begin_epoch(0, 2, steps=2)
    assert text(screen).rfind(HIDE_CURSOR) > text(screen).rfind(SHOW_CURSOR)
    bar.close()
    bar.close()
    assert text(screen).rfind(SHOW_CURSOR) > text(screen).rfind(HIDE_CURSOR)


def test_nobody_asks_for_the_tally_more_often_than_it_is_shown(clock: Clock) -> None:
    """Reading it waits for the GPU."""
    asked = []

    def tally() -> Tally:
        asked.append(clock.now)
        return Tally(2.0, 4, 8)

    bar, lines = LiveBar(console(terminal=True)), PlainLines(console(terminal=False))
    for watcher in (bar, lines):
        watcher.begin_epoch(0, 1, steps=100)
    for _ in range(100):
        bar.end_step(tally, 320.0)
        lines.end_step(tally, 320.0)
    bar.close()
    assert asked == [clock.now]


def test_a_strength_of_a_linear_probe_is_said_in_the_place_of_a_learning_rate() -> None:
    line = describe_row({**{name: value for name, value in ROW.items() if name != "lr"}, "penalty_c": 10**-2.5})
    assert "penalty C 0.00316" in line
    assert "lr" not in line
