"""EfficientNet-Lite is the published one: the same answers from the same weights."""

from __future__ import annotations

import pytest
import torch

from kamerton.networks.registry import build_network
from kamerton.starts.start import installed_file
from kamerton.starts.table import STARTS, KnownWeights
from kamerton.starts.weights_file import read_weights


@pytest.mark.parametrize("size", [128, 97])
@pytest.mark.parametrize("known", STARTS.values(), ids=STARTS)
def test_learned_weights_answer_as_in_the_network_that_they_are_published_with(known: KnownWeights, size: int) -> None:
    published = pytest.importorskip("efficientnet_lite_pytorch", reason="the published network is not installed")
    place = installed_file(known)
    if place is None:
        pytest.skip(f"{known.package} is not installed")
    weights = read_weights(place)
    theirs = published.EfficientNet.from_name(known.network.replace("_", "-"), image_size=size).eval()
    theirs.load_state_dict(weights)
    ours = build_network(known.network, size=size, channels=3, classes=1000).eval()
    ours.load_state_dict({known.renamed(name): tensor for name, tensor in weights.items()}, strict=False)
    images_nchw = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        wanted = theirs((255 * images_nchw - 127) / 128)
        found = ours(images_nchw)
    assert wanted.std() > 0.1
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
