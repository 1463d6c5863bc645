"""The features of every network are what its last dense layer is given, in PyTorch and in ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from kamerton.formats.onnx_file import INPUT, OUTPUTS_WITH_FEATURES, onnx_bytes, open_session
from kamerton.networks.features import WithFeatures
from kamerton.networks.registry import NETWORKS, build_network


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_layer_makes_the_logits_of_the_features(name: str) -> None:
    size = max(NETWORKS[name].smallest_size, 32)
    network = build_network(name, size=size, channels=3, classes=4).eval()
    tapped = WithFeatures(network, (size, size, 3)).eval()
    images_nchw = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0))
    dense = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    with torch.inference_mode():
        probabilities, logits, features = tapped(images_nchw)
        torch.testing.assert_close(logits, network(images_nchw), rtol=0, atol=0)
        fitting = [layer for layer in dense if layer.in_features == features.shape[1] and layer.out_features == 4]
        assert any(torch.equal(layer(features), logits) for layer in fitting)
        torch.testing.assert_close(probabilities, logits.softmax(1))
    session = open_session(onnx_bytes(network, (size, size, 3), features=True), threads=1)
    if session is None:
        pytest.skip("no ONNX Runtime")
    theirs = session.run(list(OUTPUTS_WITH_FEATURES), {INPUT: images_nchw.numpy()})
    for ours, their in zip((probabilities, logits, features), theirs, strict=True):
        np.testing.assert_allclose(ours.numpy(), their, rtol=1e-3, atol=1e-4)


def test_a_network_without_a_last_dense_layer_gives_its_logits() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with torch.inference_mode():
        _, logits, features = WithFeatures(network, (8, 8, 3))(torch.rand(2, 3, 8, 8))
    torch.testing.assert_close(features, logits, rtol=0, atol=0)


def test_the_network_itself_is_left_as_it_was() -> None:
    network = build_network("lenet5", size=16, channels=1, classes=2).eval()
    tapped = WithFeatures(network, (16, 16, 1))
    with torch.inference_mode():
        tapped(torch.zeros(1, 1, 16, 16))
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in network.modules())
    assert list(tapped.state_dict()) == [f"network.{name}" for name in network.state_dict()]
