"""``timm:NAME`` opens timm's networks, with learned weights only where a training starts."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from kamerton.errors import KamertonWarning, MissingExtraError, UnknownNameError, UsageError
from kamerton.networks.registry import build_network, find_network
from kamerton.recipes import load_recipe
from kamerton.training.train import train
from tests.conftest import CLASS_NAMES, toy_galaxies, write_cube, write_toy_cube

SHAPE = {"size": 64, "channels": 3, "classes": 4}

STILL = load_recipe("notebook")
STILL = dataclasses.replace(STILL, optimizer=dataclasses.replace(STILL.optimizer, learning_rate=1e-12))
"""A recipe that leaves all weights where they are."""


class FakeTimm(ModuleType):
    """Knows one network, tells what it was asked for, and fails for large images."""

    def __init__(self) -> None:
        super().__init__("timm")
        self.asked: list[dict[str, Any]] = []

    def is_model(self, name: str) -> bool:
        return name == "tiny"

    def list_models(self) -> list[str]:
        return ["tiny", "large"]

    def list_pretrained(self, pattern: str) -> list[str]:
        return ["tiny.sky"]

    def get_pretrained_cfg(self, name: str) -> SimpleNamespace:
        kept = {"license": "cc-by-4.0", "fixed_input_size": True, "input_size": (3, 64, 64)}
        return SimpleNamespace(**kept, mean=(0.4, 0.5, 0.6), std=(0.2, 0.2, 0.2))

    def create_model(self, name: str, *, pretrained: bool, in_chans: int, num_classes: int, img_size: int) -> nn.Module:
        if img_size > 100:
            raise AssertionError("img_size too large")
        self.asked.append({"name": name, "pretrained": pretrained})
        convolution = nn.Conv2d(in_chans, 2, 3)
        network = nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, num_classes))
        if pretrained:
            nn.init.constant_(convolution.weight, 0.25)
        return network


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> FakeTimm:
    fake = FakeTimm()
    monkeypatch.setitem(sys.modules, "timm", fake)
    return fake


def test_a_torchvision_for_another_pytorch_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "timm.py").write_text('raise RuntimeError("operator torchvision::nms does not exist")')
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError, match=r"torchvision::nms does not exist\. Allowed: a torchvision made for"):
        find_network("timm:resnet50")


def test_without_timm_the_error_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingExtraError, match="pip install timm"):
        find_network("timm:resnet50")


@pytest.mark.parametrize(("name", "says"), [("timm:tini", "did you mean 'tiny'"), ("timm:tiny.sea", "tiny.sky")])
def test_an_unknown_name_or_tag_is_answered_with_the_closest(timm: FakeTimm, name: str, says: str) -> None:
    with pytest.raises(UnknownNameError, match=says):
        find_network(name)


def test_building_fetches_nothing_and_follows_the_seed(timm: FakeTimm) -> None:
    first, again = (build_network("timm:tiny.sky", **SHAPE, seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not any(asked["pretrained"] for asked in timm.asked)


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    for seed, name in enumerate(("train", "valid")):
        write_toy_cube(tmp_path / f"{name}.fits", 6, 32, seed)
    return tmp_path


@pytest.mark.parametrize(
    ("network", "start"), [("timm:tiny.sky", None), ("timm:tiny", "timm:tiny.sky"), ("timm:tiny.sky", "timm:tiny.sky")]
)
def test_a_tag_gives_learned_weights_where_a_training_starts(
    timm: FakeTimm, splits: Path, network: str, start: str | None
) -> None:
    run = train(splits, network=network, recipe=STILL, epochs=1, start=start, out=splits / "run")
    assert {"name": "tiny.sky", "pretrained": True} in timm.asked
    assert (run.load_network().state_dict()["network.0.weight"] - 0.25).abs().max() < 1e-6
    assert run.record.start is not None
    told = run.record.start.kind, run.record.start.name, run.record.start.licence, run.record.start.head
    assert told == ("timm", "timm:tiny.sky", "cc-by-4.0", "new")


def test_learned_weights_of_other_bands_are_told(timm: FakeTimm, tmp_path: Path) -> None:
    for seed, name in enumerate(("train", "valid")):
        images, labels = toy_galaxies(4, 32, seed)
        write_cube(tmp_path / f"{name}.fits", images[..., :1], labels, CLASS_NAMES)
    with pytest.warns(KamertonWarning, match="images of other bands.*3 bands, and 1 here"):
        run = train(tmp_path, network="timm:tiny.sky", recipe=STILL, epochs=1, out=tmp_path / "run")
    assert run.record.start is not None
    assert run.record.start.trained_on == "what timm's tag sky says (3 bands, shared out among 1)"


@pytest.mark.parametrize("network", ["timm:tiny", "lenet5"])
def test_a_name_without_a_tag_starts_from_random_weights(timm: FakeTimm, splits: Path, network: str) -> None:
    assert train(splits, network=network, recipe=STILL, epochs=1, out=splits / "run").record.start is None


@pytest.mark.parametrize(
    ("network", "start", "says"),
    [("timm:tiny", "timm:tiny", "without learned weights"), ("lenet5", "timm:tiny.sky", "--network timm:tiny,")],
)
def test_a_start_without_a_tag_or_of_another_network_is_one_line(
    timm: FakeTimm, splits: Path, network: str, start: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        train(splits, network=network, start=start, out=splits / "run")


def test_a_training_of_timms_weights_is_resumed_without_fetching_them_again(timm: FakeTimm, splits: Path) -> None:
    for epochs in (1, 2):
        timm.asked.clear()
        train(splits, network="timm:tiny.sky", recipe=STILL, epochs=epochs, out=splits / "run", resume=True)
    assert not any(asked["pretrained"] for asked in timm.asked)


def test_images_are_standardised_as_the_weights_expect(timm: FakeTimm) -> None:
    network = build_network("timm:tiny", **SHAPE)
    images = torch.full((1, 3, 64, 64), 0.5)
    assert isinstance(network.network, nn.Module)
    inner = network.network(torch.tensor([0.5, 0.0, -0.5]).view(1, 3, 1, 1).expand(1, 3, 64, 64))
    torch.testing.assert_close(network(images), inner)


def test_what_timm_cannot_build_is_one_line(timm: FakeTimm) -> None:
    with pytest.raises(UsageError, match=r"timm cannot build tiny.*128 x 128 pixels.*img_size too large"):
        build_network("timm:tiny", size=128, channels=3, classes=4)


@pytest.mark.parametrize("name", ["timm:resnet18", "timm:vit_tiny_patch16_224", "timm:resnet18.a1_in1k"])
@pytest.mark.parametrize("channels", [1, 3])
def test_real_networks_of_timm_answer(name: str, channels: int) -> None:
    pytest.importorskip("timm", exc_type=ImportError)
    network = build_network(name, size=64, channels=channels, classes=4).eval()
    assert network(torch.rand(2, channels, 64, 64)).shape == (2, 4)
    with torch.device("meta"):
        on_meta = build_network(name, size=64, channels=channels, classes=4)
    assert on_meta.state_dict().keys() == network.state_dict().keys()
