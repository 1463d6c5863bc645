"""How a network is computed is one choice, and what makes a GPU fast changes no result by more than its precision."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from kamerton.config.machine import IN_TILES, ChosenLayout
from kamerton.config.pictures import Preprocessing
from kamerton.errors import UsageError
from kamerton.machine import computation as computation_module
from kamerton.machine.computation import Computation, choose_computation
from kamerton.machine.repeatable import repeatable
from kamerton.machine.tiled_convolutions import TiledConvolutions
from kamerton.networks.registry import build_network
from kamerton.recipes import load_recipe
from kamerton.training.loop import Trainer
from kamerton.training.session import Session
from tests.conftest import needs_nnpack

NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
SIZE = 67
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
EXACT = Computation(CPU, deterministic=True)
CHOSEN: tuple[ChosenLayout, ...] = ("mosaic", "tiles", "channels_last", "plain")
MIXED = Computation(CPU, deterministic=False, precision="bfloat16", channels_last=True)
"""What a GPU does, on the CPU; only the compiler is left out."""


def losses(computation: Computation, name: str = "alexnet") -> list[float]:
    """The losses of a few steps."""
    where = computation.device
    network = build_network(name, size=SIZE, channels=3, classes=3).to(where)
    recipe = load_recipe("notebook")
    session = Session.start(network, recipe)
    trainer = Trainer(
        network=network, recipe=recipe, preprocessing=Preprocessing(SIZE, 3), seed=0, computation=computation
    )
    trainer.learner.train()
    images = torch.randint(0, 256, (8, SIZE, SIZE, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8) % 3
    with repeatable(deterministic=computation.deterministic):
        steps = (trainer.learn(images.to(where), labels.to(where), session.optimizer, step) for step in range(4))
        return [loss.item() for loss, _ in steps]


def test_the_processor_and_equal_bits_compute_in_float32() -> None:
    for device, deterministic in ((CPU, True), (CPU, False), (CUDA, True)):
        chosen = choose_computation(device, deterministic=deterministic)
        assert (chosen.precision, chosen.channels_last, chosen.compiled) == ("float32", False, False)


def test_a_gpu_that_need_not_give_equal_bits_is_at_its_fastest() -> None:
    assert choose_computation(CUDA, deterministic=False) == Computation(
        CUDA, deterministic=False, convolutions="plain", precision="bfloat16", channels_last=True, compiled=True
    )


@needs_nnpack
def test_auto_takes_tiles_on_the_processor_and_plain_convolutions_on_a_gpu() -> None:
    assert choose_computation(CPU, deterministic=True).convolutions == "mosaic"
    assert choose_computation(CUDA, deterministic=True).convolutions == "plain"


@needs_nnpack
def test_what_is_asked_for_is_what_is_active() -> None:
    mosaic, tiles, last, plain = (choose_computation(CPU, deterministic=True, layout=name) for name in CHOSEN)
    for one in (mosaic, tiles):
        active = one.active()
        assert isinstance(active, TiledConvolutions)
        assert active.side_by_side == (one is mosaic)
    assert isinstance(plain.active(), nullcontext)
    assert isinstance(last.active(), nullcontext)
    assert [one.channels_last for one in (mosaic, tiles, last, plain)] == [False, False, True, False]
    assert isinstance(MIXED.active(), torch.autocast)


@pytest.mark.parametrize("layout", IN_TILES)
def test_without_tiles_auto_is_plain_and_tiles_are_refused(
    monkeypatch: pytest.MonkeyPatch, layout: ChosenLayout
) -> None:
    monkeypatch.setattr(computation_module, "tiles_available", lambda: False)
    assert choose_computation(CPU, deterministic=True).convolutions == "plain"
    with pytest.raises(
        UsageError, match=rf"{layout}, without NNPACK.*auto, plain or channels_last.*leave --layout out"
    ):
        choose_computation(CPU, deterministic=True, layout=layout)


@pytest.mark.parametrize("layout", IN_TILES)
def test_tiles_are_refused_on_a_gpu(layout: ChosenLayout) -> None:
    with pytest.raises(UsageError, match=rf"CPU only.*{layout} on cuda.*auto, plain or channels_last.*--device cpu"):
        choose_computation(CUDA, deterministic=True, layout=layout)


def test_bfloat16_channels_last_learns_as_float32_does() -> None:
    full, mixed = losses(EXACT), losses(MIXED)
    assert mixed != full
    assert mixed[0] == pytest.approx(full[0], rel=0.02)
    assert mixed[-1] < mixed[0] / 1.5


def test_weights_stay_float32_and_their_own() -> None:
    network = build_network("alexnet", size=SIZE, channels=3, classes=3)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert MIXED.prepared(network) is network
    first = next(network.parameters())
    assert first.is_contiguous(memory_format=torch.channels_last)
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == before[name].dtype
        assert torch.equal(tensor, before[name])


def test_a_compiled_network_shares_its_weights() -> None:
    network = nn.Linear(2, 2)
    compiled = Computation(CPU, deterministic=True, compiled=True).prepared(network)
    assert compiled is not network
    assert all(ours is theirs for ours, theirs in zip(network.parameters(), compiled.parameters(), strict=True))


# LeNet-5 has no dropout, which a GPU draws from other random numbers than a CPU.
@NEEDS_GPU
def test_a_gpu_in_float32_learns_as_the_cpu_does() -> None:
    gpu, cpu = (losses(choose_computation(device, deterministic=True), "lenet5") for device in (CUDA, CPU))
    assert gpu == pytest.approx(cpu, rel=1e-3)


@NEEDS_GPU
def test_a_gpu_at_its_fastest_learns_as_the_cpu_does() -> None:
    fast = losses(choose_computation(CUDA, deterministic=False), "lenet5")
    assert fast == pytest.approx(losses(EXACT, "lenet5"), rel=0.05)
