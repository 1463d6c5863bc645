"""Images in, probabilities out: the one path that everybody uses after training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from kamerton.data.augment import eight_views
from kamerton.data.batches import in_order, to_network_input
from kamerton.data.cubes import LabelledCube
from kamerton.errors import CubeError
from kamerton.formats.onnx_file import INPUT, OUTPUT, onnx_bytes, open_session
from kamerton.runs import Run

BATCH_IMAGES = 32

Answer = Callable[[torch.Tensor], npt.NDArray[np.float32]]
"""From images (n, channels, size, size) scaled to 0..1, on the device, to probabilities (n, classes)."""


class Predictor:
    """A run's network with the run's own preprocessing and class names.

    With ``eight_views`` the probabilities are the mean over the eight turns and mirror images of each galaxy, which has
    no up; it takes eight times as long.
    """

    def __init__(self, run: Run, *, eight_views: bool = False) -> None:
        self.run = run
        self.eight_views = eight_views
        self.class_names = run.record.class_names
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = run.load_network().to(self.device)
        on_card = self.device.type == "cuda"
        self._answer = _through_torch(network) if on_card else answer_with(network, run.image_shape)

    @torch.inference_mode()
    def probabilities(self, images_nhwc: npt.NDArray[Any] | torch.Tensor) -> npt.NDArray[np.float32]:
        """Give (n, classes) probabilities for images (n, height, width, channels) with pixels 0 to 255."""
        if isinstance(images_nhwc, np.ndarray):
            # PyTorch takes neither FITS's byte order nor the read-only and flipped views that other libraries give.
            images_nhwc = np.require(images_nhwc, images_nhwc.dtype.newbyteorder("="), ["C", "W"])
        images = torch.as_tensor(images_nhwc).to(self.device)
        images_nchw = to_network_input(images, self.run.record.preprocessing)
        views = list(eight_views(images_nchw)) if self.eight_views else [images_nchw]
        probabilities = sum(self._answer(view) for view in views) / len(views)
        return np.asarray(probabilities, np.float32)

    def over_cube(self, cube: LabelledCube) -> Iterator[npt.NDArray[np.float32]]:
        """Give the probabilities of a whole cube in the order of its rows, batch after batch.

        Raises CubeError where the cube's images have other channels than the run's.
        """
        channels = self.run.record.preprocessing.channels
        if cube.image_shape[2] != channels:
            raise CubeError(
                f"{cube.where()}: images have other channels than those that {self.run.name} learned from",
                received=f"{cube.image_shape[2]} channels",
                allowed=f"{channels} channels",
                next_step="use a cube with the same bands",
            )
        for images_nhwc, _ in in_order(cube, BATCH_IMAGES):
            yield self.probabilities(images_nhwc)


def answer_with(network: torch.nn.Module, image_shape: tuple[int, int, int]) -> Answer:
    """Let a network on the processor answer through ONNX Runtime; through PyTorch where that is missing.

    The ONNX model is made anew from the network's own weights: no file of it is read.
    """
    session = open_session(onnx_bytes(network, image_shape), torch.get_num_threads())
    if session is None:
        return _through_torch(network)

    def answer(images_nchw: torch.Tensor) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = session.run([OUTPUT], {INPUT: images_nchw.contiguous().numpy()})[0]
        return found

    return answer


def _through_torch(network: torch.nn.Module) -> Answer:
    def answer(images_nchw: torch.Tensor) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = network(images_nchw).softmax(1).cpu().numpy()
        return found

    return answer
