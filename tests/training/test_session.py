"""A session comes back to the bit."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from typing import Any, Literal, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kamerton.errors import RunError
from kamerton.networks.head import head_parameters
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.records import read_record
from kamerton.training.schedules import ReduceOnPlateau
from kamerton.training.session import RunningTally, Session, SessionNumbers, Tally, batch_sums, decay_at

IMAGES_NCHW = torch.rand(6, 3, 20, 20, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


def session(seed: int = 0) -> Session:
    network = build_network("lenet5", size=20, channels=3, classes=3, seed=seed)
    return Session.start(network, load_recipe("notebook"))


def learn(learner: Session, steps: int) -> Session:
    for _ in range(steps):
        learner.optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(learner.network(IMAGES_NCHW), LABELS)
        loss.backward()
        learner.optimizer.step()
        learner.step += 1
    return learner


def same(one: Session, other: Session) -> bool:
    ours, theirs = one.tensors(), other.tensors()
    equal = all(torch.equal(ours[name], theirs[name]) for name in ours)
    return equal and set(ours) == set(theirs) and one.numbers() == other.numbers()


def through_json(numbers: SessionNumbers) -> SessionNumbers:
    return read_record(SessionNumbers, json.loads(json.dumps(dataclasses.asdict(numbers))), "here", RunError)


def test_loss_and_accuracy_of_an_epoch_weigh_every_image_once() -> None:
    """As Keras does: a partial last batch counts by its images, not as a whole batch."""
    tally = RunningTally()
    tally.add(batch_sums(torch.tensor(1.0), torch.tensor([[0.0, 1.0]] * 3), torch.tensor([1, 1, 0])), 3)
    tally.add(batch_sums(torch.tensor(5.0), torch.tensor([[0.0, 1.0]]), torch.tensor([0])), 1)
    assert (tally.value().loss, tally.value().accuracy) == (2.0, 0.5)


@given(losses=st.lists(st.floats(0, 100, width=32), min_size=2, max_size=20), cut=st.integers(0, 20))
def test_a_tally_read_or_taken_up_on_the_way_ends_at_the_same_bits(losses: list[float], cut: int) -> None:
    batches = [batch_sums(torch.tensor(loss), torch.eye(3), torch.tensor([0, 1, 0])) for loss in losses]
    whole, taken_up = RunningTally(), RunningTally()
    for number, sums in enumerate(batches):
        if number == cut:
            taken_up = RunningTally(taken_up.value())
        whole.add(sums, 3)
        taken_up.add(sums, 3)
    assert whole.value() == taken_up.value()


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_restored_session_is_the_same_and_learns_the_same(steps: int) -> None:
    first = learn(session(), steps)
    assert isinstance(first.schedule, ReduceOnPlateau)
    first.tally, first.seconds, first.schedule.wait = RunningTally(Tally(0.1 + 0.2, 3, 7)), 1 / 3, 1
    tensors = {name: tensor.clone() for name, tensor in first.tensors().items()}
    again = session(seed=9)
    again.restore(tensors, through_json(first.numbers()))
    assert same(first, again)
    assert same(learn(first, 4), learn(again, 4))


def test_restoring_does_not_tie_two_sessions_together() -> None:
    first, again = learn(session(), 2), session()
    again.restore(first.tensors(), first.numbers())
    before = copy.deepcopy(again.tensors())
    learn(first, 1)
    assert all(torch.equal(before[name], tensor) for name, tensor in again.tensors().items())


def test_the_end_of_an_epoch_gives_the_historys_row_and_moves_on() -> None:
    learner = session()
    learner.tally, learner.seconds, learner.step = RunningTally(Tally(20.0, 5, 10)), 2.0, 4
    row = learner.end_epoch(Tally(3.0, 1, 2), 0.5, 1e-3)
    assert row == {
        "loss": 2.0, "accuracy": 0.5, "val_loss": 1.5, "val_accuracy": 0.5,
        "lr": 1e-3, "seconds": 2.5, "images_per_second": 5.0,
    }  # fmt: skip
    assert (learner.epoch, learner.step, learner.tally.value(), learner.seconds) == (1, 0, Tally(), 0.0)
    assert learner.history == [row]


@pytest.mark.parametrize("steps", [0, 3])
def test_the_tensors_of_a_session_are_those_that_are_expected(steps: int) -> None:
    learner = learn(session(), steps)
    kinds = [
        {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}
        for tensors in (learner.tensors(), session().expected_tensors(learner.numbers()))
    ]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("change", [{"epoch": 1}, {"step": -1}, {"adam_steps": -1}])
def test_numbers_that_no_session_has_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="rows of history"):
        dataclasses.replace(session().numbers(), **change)


def watching(column: str) -> Session:
    chosen_by = cast(Literal["best val_loss", "best val_accuracy"], f"best {column}")
    recipe = dataclasses.replace(load_recipe("modern"), weights_chosen_by=chosen_by)
    return Session.start(build_network("lenet5", size=20, channels=3, classes=3), recipe)


@pytest.mark.parametrize(
    ("column", "values", "best"),
    [
        ("val_loss", [2.0, 1.0, 1.5, 1.0], 2),
        ("val_accuracy", [0.1, 0.3, 0.3, 0.2], 2),
        ("val_loss", [math.nan, 3.0, math.nan], 2),
        ("val_loss", [math.inf, math.inf], 1),
    ],
)
def test_the_weights_of_the_best_epoch_are_kept_the_first_of_equals(
    column: str, values: list[float], best: int
) -> None:
    learner = watching(column)
    kept = []
    for value in values:
        learn(learner, 1)
        learner.tally, learner.seconds = RunningTally(Tally(1.0, 1, 2)), 1.0
        kept.append(copy.deepcopy(learner.network.state_dict()))
        tested = Tally(value * 10, 5, 10) if column == "val_loss" else Tally(1.0, round(value * 10), 10)
        learner.end_epoch(tested, 0.1, 1e-3)
    assert learner.choose_weights() == best
    assert all(torch.equal(tensor, kept[best - 1][name]) for name, tensor in learner.network.state_dict().items())


def test_without_a_best_epoch_the_last_one_is_kept() -> None:
    learner = learn(session(), 1)
    before = copy.deepcopy(learner.network.state_dict())
    learner.epoch = 7
    assert learner.choose_weights() == 7
    assert all(torch.equal(tensor, before[name]) for name, tensor in learner.network.state_dict().items())


def test_a_session_with_a_best_epoch_comes_back_with_its_weights() -> None:
    first = learn(watching("val_loss"), 2)
    first.tally, first.seconds = RunningTally(Tally(1.0, 1, 2)), 1.0
    first.end_epoch(Tally(1.0, 1, 2), 0.1, 1e-3)
    again = watching("val_loss")
    again.restore({name: tensor.clone() for name, tensor in learn(first, 2).tensors().items()}, first.numbers())
    assert same(first, again)
    assert again.choose_weights() == 1
    assert {name.split("/")[0] for name in first.tensors()} == {"network", "exp_avg", "exp_avg_sq", "best"}


def test_the_state_of_another_schedule_is_refused() -> None:
    modern = watching("val_loss")
    with pytest.raises(ValueError, match="plateau without its state"):
        session().restore(modern.tensors(), modern.numbers())


def test_numbers_are_plain_json() -> None:
    state = through_json(session().numbers()).schedule
    assert state is not None
    assert not math.isnan(state.learning_rate)


def finetuned(seed: int = 0) -> Session:
    recipe = dataclasses.replace(load_recipe("finetune"), epochs=3, head_epochs=1, first_layer_rate=0.2)
    return Session.start(build_network("lenet5", size=20, channels=3, classes=3, seed=seed), recipe)


def learn_on(learner: Session, steps: int) -> Session:
    """As the loop does: two batches an epoch, the head alone in the first."""
    for _ in range(steps):
        learner.begin_epoch()
        head = head_parameters(learner.network)
        for name, parameter in learner.network.named_parameters():
            parameter.requires_grad_(not learner.is_of_the_head or name in head)
        learner.optimizer.set_learning_rate(learner.rate(learner.step, 2))
        learner.optimizer.zero_grad()
        torch.nn.functional.cross_entropy(learner.network(IMAGES_NCHW), LABELS).backward()
        learner.optimizer.step()
        learner.end_step()
        if learner.step == 2:
            learner.tally, learner.seconds = RunningTally(Tally(1.0, 1, 6)), 1.0
            learner.end_epoch(Tally(1.0 / (learner.epoch + 1), 1, 2), 0.5, 1e-3)
    return learner


@pytest.mark.parametrize("steps", range(6))
def test_a_finetuning_comes_back_to_the_bit_wherever_it_stood(steps: int) -> None:
    first = learn_on(finetuned(), steps)
    tensors = {name: tensor.clone() for name, tensor in first.tensors().items()}
    again = finetuned(seed=9)
    expected = again.expected_tensors(through_json(first.numbers()))
    assert {name: (one.shape, one.dtype) for name, one in expected.items()} == {
        name: (one.shape, one.dtype) for name, one in tensors.items()
    }
    again.restore(tensors, through_json(first.numbers()))
    assert same(first, again)
    assert same(learn_on(first, 6 - steps), learn_on(again, 6 - steps))


def test_in_its_epochs_only_the_head_moves() -> None:
    learner, before = finetuned(), finetuned().network.state_dict()
    head = head_parameters(learner.network)
    learn_on(learner, 2)
    assert {name for name, one in learner.network.state_dict().items() if not torch.equal(one, before[name])} == head
    learn_on(learner, 1)
    assert all(not torch.equal(one, before[name]) for name, one in learner.network.state_dict().items())


def test_the_average_follows_the_weights_ever_slower() -> None:
    learner = learn_on(finetuned(), 1)
    wanted = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    for stays in (2 / 11, 3 / 12, 4 / 13):
        learn_on(learner, 1)
        for name, tensor in learner.network.state_dict().items():
            wanted[name] = stays * wanted[name] + (1 - stays) * tensor
    for name, tensor in learner.learned.state_dict().items():
        torch.testing.assert_close(tensor, wanted[name])
    assert any(not torch.equal(one, wanted[name]) for name, one in learner.network.state_dict().items())


@given(averaged=st.integers(1, 10**6))
def test_the_average_is_never_over_more_than_its_decay_or_a_tenth_of_the_steps(averaged: int) -> None:
    assert 1 / (1 - decay_at(0.98, averaged)) <= min(50.001, (10 + averaged) / 9 + 1e-9)


@pytest.mark.parametrize("chosen_by", ["last epoch", "best val_loss"])
def test_the_averages_are_what_is_kept(chosen_by: Any) -> None:
    learner = finetuned()
    learner.recipe = dataclasses.replace(learner.recipe, weights_chosen_by=chosen_by)
    learn_on(learner, 6)
    wanted = {name: tensor.clone() for name, tensor in learner.learned.state_dict().items()}
    assert learner.choose_weights() == 3
    assert all(torch.equal(wanted[name], tensor) for name, tensor in learner.network.state_dict().items())


def test_a_session_that_let_go_keeps_the_chosen_weights_alone() -> None:
    learned = learn(session(), 2)
    before = {name: tensor.clone() for name, tensor in learned.network.state_dict().items()}
    assert len(learned.tensors()) > len(before)
    learned.let_go()
    assert all(parameter.grad is None for parameter in learned.network.parameters())
    assert not learned.optimizer.state
    assert all(torch.equal(tensor, before[name]) for name, tensor in learned.network.state_dict().items())
