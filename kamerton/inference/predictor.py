"""Images in, probabilities out: the one path that everybody uses after training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from kamerton.batches.augment import eight_views
from kamerton.batches.reading import in_order, read_batches, to_network_input
from kamerton.config import DEFAULT_DEVICE, Device
from kamerton.data.cubes.cube import LabelledCube, open_cube
from kamerton.errors import CubeError, UsageError
from kamerton.formats.int8 import quantised
from kamerton.formats.onnx_file import INPUT, OUTPUT, onnx_bytes, open_session
from kamerton.machine.devices import choose_device
from kamerton.machine.tiled_convolutions import TiledConvolutions
from kamerton.networks.cost import share_in_tiles
from kamerton.runs.folder import Run

BATCH_IMAGES = 64

LEAST_SHARE_IN_TILES = 0.8
"""Of a network's operations, from which PyTorch in tiles answers faster than ONNX Runtime (docs/log.md, Speed)."""

CALIBRATION_BATCHES, CALIBRATION_BATCH_IMAGES = 16, 32
"""Of training images, that int8 takes its scales from: 512 of them."""

Answer = Callable[[torch.Tensor], npt.NDArray[np.float32]]
"""From images (n, channels, size, size) scaled to 0..1, on the device, to probabilities (n, classes)."""


class Predictor:
    """A run's network with the run's own preprocessing and class names.

    With ``eight_views`` the probabilities are the mean over the eight turns and mirror images of each galaxy, which has
    no up; it takes eight times as long. With ``int8`` the processor computes in whole numbers of eight bits, scaled by
    what the network sees on its training images; it is faster, and about one label in a hundred or less is another.
    """

    def __init__(
        self, run: Run, *, eight_views: bool = False, int8: bool = False, device: Device = DEFAULT_DEVICE
    ) -> None:
        self.run = run
        self.eight_views = eight_views
        self.class_names = run.record.class_names
        self.device = choose_device("cpu" if int8 and device == "auto" else device)
        network = run.load_network().to(self.device)
        if int8:
            self._answer = _in_int8(network, run, self.device)
        elif self.device.type == "cuda":
            self._answer = _through_torch(network)
        else:
            self._answer = answer_with(network, run.image_shape)

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

    The ONNX model is made anew from the network's own weights: no file of it is read. Whole batches go through PyTorch
    where nearly all of the work is in wide convolutions, which it can compute in tiles.
    """
    through_torch = _through_torch(network)
    session = open_session(onnx_bytes(network, image_shape), torch.get_num_threads())
    if session is None:
        return through_torch
    through_onnx = _through_onnx(session)
    size, _, channels = image_shape
    if share_in_tiles(network, size=size, channels=channels, images=BATCH_IMAGES) < LEAST_SHARE_IN_TILES:
        return through_onnx
    return lambda images_nchw: (through_torch if len(images_nchw) >= BATCH_IMAGES else through_onnx)(images_nchw)


def _in_int8(network: torch.nn.Module, run: Run, device: torch.device) -> Answer:
    """Let a network answer in eight-bit numbers; UsageError where it cannot."""
    if device.type != "cpu" or find_spec("onnxruntime") is None:
        raise UsageError(
            "int8 is computed by ONNX Runtime on the processor",
            received=str(device) if device.type != "cpu" else "no onnxruntime",
            next_step="leave int8 out, or use the processor with onnxruntime installed",
        )
    content = quantised(onnx_bytes(network, run.image_shape), _calibration_batches(run))
    return _through_onnx(open_session(content, torch.get_num_threads()))


def _calibration_batches(run: Run) -> list[npt.NDArray[np.float32]]:
    """Read equal batches of training images from the whole length of the cube; UsageError where it is gone."""
    record = run.record.data.get("train")
    if record is None or not Path(record.path).exists():
        raise UsageError(
            f"{run.path}: int8 takes its scales from the training images, and they are not there",
            received="no record of them" if record is None else record.path,
            next_step="bring that cube back, or leave int8 out",
        )
    with open_cube(record.path) as cube:
        count = min(CALIBRATION_BATCH_IMAGES, len(cube))
        batches = min(CALIBRATION_BATCHES, len(cube) // count)
        rows = np.linspace(0, len(cube) - 1, count * batches).astype(np.int64).reshape(batches, count)
        shape = run.record.preprocessing
        return [to_network_input(images_nhwc, shape).numpy() for images_nhwc, _ in read_batches(cube, list(rows))]


def _through_onnx(session: Any) -> Answer:
    def answer(images_nchw: torch.Tensor) -> npt.NDArray[np.float32]:
        found: npt.NDArray[np.float32] = session.run([OUTPUT], {INPUT: images_nchw.contiguous().numpy()})[0]
        return found

    return answer


def _through_torch(network: torch.nn.Module) -> Answer:
    def answer(images_nchw: torch.Tensor) -> npt.NDArray[np.float32]:
        with TiledConvolutions():
            found: npt.NDArray[np.float32] = network(images_nchw).softmax(1).cpu().numpy()
        return found

    return answer
