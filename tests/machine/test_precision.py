"""What makes a card fast changes no result by more than its precision."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kamerton.config import Preprocessing
from kamerton.machine.precision import FULL, Precision, precision_of
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.training.loop import Trainer
from kamerton.training.progress import Silent
from kamerton.training.session import Session

CARD = pytest.mark.skipif(not torch.cuda.is_available(), reason="no card")
SIZE = 67


def losses(precision: Precision, device: str, name: str = "alexnet") -> list[float]:
    """The losses of a few steps."""
    where = torch.device(device)
    network = build_network(name, size=SIZE, channels=3, classes=3).to(where)
    recipe = load_recipe("notebook")
    session = Session.start(network, recipe)
    trainer = Trainer(network, recipe, Preprocessing(SIZE, 3), 0, where, Silent(), precision=precision)
    trainer.learner.train()
    images = torch.randint(0, 256, (8, SIZE, SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8) % 3
    return [trainer.learn(images.to(where), labels.to(where), session.optimizer, step)[0].item() for step in range(4)]


def test_the_processor_and_equal_bits_compute_in_float32() -> None:
    for device, deterministic in (("cpu", True), ("cpu", False), ("cuda", True)):
        assert precision_of(torch.device(device), deterministic=deterministic) == FULL
    fast = precision_of(torch.device("cuda"), deterministic=False)
    assert (fast.name, fast.compile, FULL.name) == ("bfloat16", True, "float32")


def test_bfloat16_channels_last_learns_as_float32_does() -> None:
    """The layout and the precision are the same code on the processor; only the compiler is left out."""
    full = losses(FULL, "cpu")
    mixed = losses(Precision("cpu", mixed=True, compile=False), "cpu")
    assert mixed != full
    assert mixed[0] == pytest.approx(full[0], rel=0.02)
    assert mixed[-1] < mixed[0] / 1.5


def test_weights_stay_float32_and_their_own() -> None:
    network = build_network("alexnet", size=SIZE, channels=3, classes=3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    compiled = Precision("cpu", mixed=True, compile=False).compiled(network)
    assert compiled is network
    first = next(network.parameters())
    assert first.is_contiguous(memory_format=torch.channels_last)
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name])


def test_a_compiled_network_shares_its_weights() -> None:
    network = nn.Linear(2, 2)
    compiled = Precision("cpu", mixed=False, compile=True).compiled(network)
    assert compiled is not network
    assert all(ours is theirs for ours, theirs in zip(network.parameters(), compiled.parameters(), strict=True))


@CARD
def test_a_card_in_float32_learns_as_the_processor_does() -> None:
    assert losses(FULL, "cuda") == pytest.approx(losses(FULL, "cpu"), rel=1e-3)


@CARD
def test_a_card_at_its_fastest_learns_as_the_processor_does() -> None:
    fast = losses(precision_of(torch.device("cuda"), deterministic=False), "cuda")
    assert fast[0] == pytest.approx(losses(FULL, "cpu")[0], rel=0.02)
    assert fast[-1] < fast[0] / 1.5
