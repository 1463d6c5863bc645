"""EfficientNet-Lite is the published one: the same answers from the same weights."""

from __future__ import annotations

import pytest
import torch

from kamerton.networks.registry import build_network
from kamerton.starts.start import installed_file
from kamerton.starts.table import STARTS, KnownWeights
from kamerton.starts.weights_file import read_weights

WHOLE = [known for known in STARTS.values() if not known.without]


@pytest.mark.parametrize("size", [128, 97])
@pytest.mark.parametrize("known", WHOLE, ids=lambda known: known.name)
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


def test_the_head_of_all_stages_sees_the_mean_and_deviation_of_each_channel_where_lite0s_stages_end() -> None:
    whole = build_network("efficientnet_lite0", size=33, channels=3, classes=2).eval()
    trunk = {name: tensor for name, tensor in whole.state_dict().items() if name.startswith(("stem", "blocks"))}
    network = build_network("efficientnet_lite0_stages", size=33, channels=3, classes=2).eval()
    network.load_state_dict(trunk, strict=False)
    images_nchw = torch.rand(2, 3, 33, 33, generator=torch.Generator().manual_seed(0))
    maps, seen = [], []
    parts = dict(whole.named_children())
    with torch.inference_mode():
        network.get_submodule("dense").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        network(images_nchw)
        one = parts["stem"](parts["standardise"](images_nchw))
        for block in parts["blocks"].children():
            one = block(one)
            maps.append(one)
    # The last of each stage: the next block makes other channels of it, or there is none.
    widths = [one.shape[1] for one in maps]
    ends = [one for one, width, following in zip(maps, widths, [*widths[1:], 0], strict=True) if width != following]
    wanted = [statistic for one in ends for statistic in (one.mean((2, 3)), one.var((2, 3), correction=0).sqrt())]
    assert len(ends) == 7
    torch.testing.assert_close(seen[0], torch.cat(wanted, 1), rtol=1e-3, atol=4e-3)
