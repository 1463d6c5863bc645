"""Weights put into a network for other classes, bands and sizes, or refused in one line."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kamerton.errors import ModelFileError, UsageError
from kamerton.networks.registry import NETWORKS, build_network
from kamerton.starts.table import STARTS
from kamerton.starts.transfer import Shape, transfer

HERE = Shape(size=40, channels=3, classes=5)


def weights(name: str, shape: Shape, seed: int = 1) -> dict[str, torch.Tensor]:
    return build_network(name, size=shape.size, channels=shape.channels, classes=shape.classes, seed=seed).state_dict()


def given_to(name: str, learned: dict[str, torch.Tensor], shape: Shape, *, keep_head: bool) -> dict[str, torch.Tensor]:
    network = build_network(name, size=shape.size, channels=shape.channels, classes=shape.classes, seed=2)
    transfer(learned, network, name, shape, source="there", keep_head=keep_head)
    return network.state_dict()


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "resnet18", "p4m_resnet", "efficientnet_lite0"])
def test_the_same_network_takes_all_but_its_head_which_is_zero(name: str) -> None:
    size = NETWORKS[name].smallest_size
    before = Shape(size, 3, 4)
    learned = weights(name, before)
    found = given_to(name, learned, Shape(size, 3, 5), keep_head=False)
    for key, tensor in found.items():
        wanted = learned[key] if tensor.shape == learned[key].shape else torch.zeros_like(tensor)
        assert torch.equal(tensor, wanted), key
    assert any(tensor.shape != learned[key].shape for key, tensor in found.items())


@pytest.mark.parametrize("keep_head", [False, True])
def test_a_head_for_as_many_classes_is_kept_only_where_they_are_the_same(keep_head: bool) -> None:
    learned = weights("lenet5", HERE)
    found = given_to("lenet5", learned, HERE, keep_head=keep_head)
    last = list(found)[-1]
    assert torch.equal(found[last.replace("bias", "weight")], learned[last.replace("bias", "weight")]) is keep_head


@given(before=st.integers(1, 4), now=st.integers(1, 4))
def test_grey_images_give_after_a_change_of_bands_what_they_gave_before(before: int, now: int) -> None:
    shape = Shape(33, now, 3)
    learned = weights("resnet18", Shape(33, before, 3))
    found = given_to("resnet18", learned, shape, keep_head=True)
    grey = torch.rand(1, 1, 33, 33, generator=torch.Generator().manual_seed(0))
    answers = []
    for channels, state in ((before, learned), (now, found)):
        network = build_network("resnet18", size=33, channels=channels, classes=3).eval()
        network.load_state_dict(state)
        with torch.inference_mode():
            answers.append(network(grey.expand(1, channels, 33, 33)))
    torch.testing.assert_close(*answers, rtol=1e-3, atol=1e-4)


def test_another_size_is_taken_where_the_network_allows_it() -> None:
    learned = weights("efficientnet_lite0", Shape(64, 3, 5))
    found = given_to("efficientnet_lite0", learned, Shape(97, 3, 5), keep_head=True)
    assert all(torch.equal(found[key], learned[key]) for key in learned)


def test_the_table_gives_the_trunk_with_a_head_of_all_stages_all_that_it_has() -> None:
    known = STARTS["efficientnet_lite0_stages.imagenet"]
    published = {key: tensor + 1 for key, tensor in weights("efficientnet_lite0", Shape(64, 3, 1000)).items()}
    learned = dataclasses.replace(known, renamed=str).fitted(published)
    found = given_to(known.network, learned, Shape(33, 3, 5), keep_head=False)
    same = {key for key in found if key in published and torch.equal(found[key], published[key])}
    assert set(found) - same == {"dense.weight", "dense.bias"}


def test_a_size_at_which_a_dense_layer_does_not_fit_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"^there: its weights do not fit a LeNet-5 for images of 40 pixels.*--size"):
        given_to("lenet5", weights("lenet5", Shape(32, 3, 5)), HERE, keep_head=True)


def test_weights_without_one_of_their_tensors_are_called_incomplete() -> None:
    learned = weights("lenet5", HERE)
    lost = next(iter(learned))
    del learned[lost]
    with pytest.raises(ModelFileError, match=rf"^there: incomplete weights of LeNet-5.* no {lost}\."):
        given_to("lenet5", learned, HERE, keep_head=True)


@pytest.mark.parametrize("change", ["all others", "further"])
def test_weights_of_another_network_are_one_line(change: str) -> None:
    learned = weights("lenet5", HERE) if change == "further" else {}
    learned["further.weight"] = torch.zeros(1)
    with pytest.raises(UsageError, match=r"^there: not weights of LeNet-5.*--network"):
        given_to("lenet5", learned, HERE, keep_head=True)


def test_what_does_not_fit_leaves_the_network_as_it_was() -> None:
    network = build_network("lenet5", size=40, channels=3, classes=5, seed=2)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    with pytest.raises(UsageError):
        transfer(weights("lenet5", Shape(32, 3, 5)), network, "lenet5", HERE, source="there", keep_head=True)
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())
